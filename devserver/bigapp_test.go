package devserver

import (
	"fmt"
	"strings"
)

// bigApp makes an app of n packages besides main: each imports leaf, and most some of those before it, as a grown app's do.
// Main and leaf say "one", and a response is both versions.
func bigApp(n int) map[string]string {
	files := map[string]string{"leaf/leaf.go": "package leaf\n\n// Version is in the response.\nconst Version = \"one\"\n"}
	var imports, sums strings.Builder
	for i := range n {
		files[fmt.Sprintf("p/p%d/p.go", i)] = bigPackage(i)
		fmt.Fprintf(&imports, "\t\"example.com/shop/p/p%d\"\n", i)
		fmt.Fprintf(&sums, "\tsum += p%d.Sum()\n", i)
	}
	files["main.go"] = `package main

import (
	"fmt"
	"net/http"
	"os"

	"example.com/shop/leaf"
` + imports.String() + `)

const version = "one"

func main() {
	sum := 0
` + sums.String() + `
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, reply(), " ", sum) })
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

func reply() string {
	if version != "one" {
		return version
	}
	return leaf.Version
}
`
	return files
}

// bigPackage is package number i: a dozen types with methods that format and encode.
func bigPackage(i int) string {
	var imports, uses, types strings.Builder
	for _, j := range []int{i - 1, i - 7, i - 31} {
		if j >= 0 && i%10 != 0 {
			fmt.Fprintf(&imports, "\t\"example.com/shop/p/p%d\"\n", j)
			fmt.Fprintf(&uses, "\tsum += len(p%d.Name())\n", j)
		}
	}
	for k := range 12 {
		fmt.Fprintf(&types, `
type T%[1]d struct {
	A, B int
	C    string
	D    map[string]int
}

func (t *T%[1]d) Do(n int) (string, error) {
	if n < 0 {
		return "", fmt.Errorf("negative: %%d", n)
	}
	data, err := json.Marshal(t)
	for i := range n {
		t.A += i * t.B
		t.D[fmt.Sprint(i)] = t.A
	}
	return string(data) + leaf.Version, err
}
`, k)
	}
	return fmt.Sprintf(`package p%[1]d

import (
	"encoding/json"
	"fmt"

	"example.com/shop/leaf"
%[2]s)

func Name() string { return "p%[1]d" }

func Sum() int {
	sum := len(leaf.Version)
%[3]s	return sum
}
%[4]s`, i, imports.String(), uses.String(), types.String())
}
