package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const benchApp = `
-- go.mod --
module example.com/m

go 1.25
-- a/a.go --
package a

import (
	"encoding/json"
	"html/template"
	"net/http"
)

var page = template.Must(template.New("").Parse("{{.}}"))

func Handler(w http.ResponseWriter, r *http.Request) {
	page.Execute(w, Text)
	json.NewEncoder(w).Encode(Text)
}
-- a/text.go --
package a

const Text = ""
-- main/main.go --
package main

import (
	"net/http"

	"example.com/m/a"
)

func main() { http.ListenAndServe("127.0.0.1:0", http.HandlerFunc(a.Handler)) }
`

// BenchmarkBuild builds after a change of one file, and the same program by plain go build in turn with it: the metric ratio
// is what devserver's way costs.
func BenchmarkBuild(b *testing.B) {
	for _, dir := range []string{"main", "a"} {
		b.Run(map[string]string{"main": "program", "a": "handler"}[dir], func(b *testing.B) {
			r := request(b, benchApp, dir)
			root := r.App.Module.Dir
			change := func(i int, who string) {
				text := fmt.Sprintf("package a\n\nconst Text = %q\n", fmt.Sprint(who, i, time.Now()))
				if err := os.WriteFile(filepath.Join(root, "a/text.go"), []byte(text), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			plain := func() {
				cmd := exec.Command("go", "build", "-o", filepath.Join(b.TempDir(), "plain"), "./main")
				cmd.Dir, cmd.Env = root, r.Go.Env
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
			build(b, r)
			plain()
			var ours, theirs time.Duration
			for i := 0; b.Loop(); i++ {
				change(i, "ours")
				start := time.Now()
				build(b, r)
				ours += time.Since(start)
				change(i, "theirs")
				start = time.Now()
				plain()
				theirs += time.Since(start)
			}
			b.ReportMetric(float64(ours)/float64(theirs), "ratio")
			b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "ms/build")
		})
	}
}
