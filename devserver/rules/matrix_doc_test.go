package rules

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The document holds, for each library, a row of the table at its head and a block between two marks. Both are written
// from the outcomes, never by hand.

var matrixDoc = filepath.Join("..", "..", "docs", "drivers.md")

// docMu is held while the document is written.
var docMu sync.Mutex

// compare fails unless the document says of a library what it did; -update has it say so.
func (l library) compare(t *testing.T, outcomes []outcome) {
	t.Helper()
	docMu.Lock()
	defer docMu.Unlock()
	text, err := os.ReadFile(matrixDoc)
	if err != nil {
		t.Fatal(err)
	}
	want := l.written(t, string(text), l.row(outcomes), l.block(outcomes))
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(matrixDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/drivers.md does not say what %s did; go test ./devserver/rules -run Matrix -update writes it (DEVSERVER_SOAK=1 for all).\n"+
			"what it did:\n%s\n%s\nin all:\n%s", l.title, l.row(outcomes), l.block(outcomes), account(outcomes))
	}
}

// account is the lines of the program and the events that matter, for a person who looks for the reason of a difference.
func account(outcomes []outcome) string {
	var b strings.Builder
	for i, o := range outcomes {
		fmt.Fprintf(&b, "%s: %q, %d reclaimed, denials %v\n", situations[i].name, o.uses, o.reclaimed, o.denials)
		for _, e := range o.events {
			fmt.Fprintf(&b, "\t%d socket %d %s %d bytes %s %s %s\n", e.At, e.Socket, e.Kind, e.Bytes, e.Rule, e.Error, e.Reason)
		}
	}
	return b.String()
}

// written is the document with a library's row and block replaced.
func (l library) written(t *testing.T, doc, row, block string) string {
	t.Helper()
	rows := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(l.title) + ` \|.*$`)
	begin, end := "<!-- matrix "+l.word+" -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(doc, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed || len(rows.FindAllString(doc, -1)) != 1 {
		t.Fatalf("docs/drivers.md needs one row %q in its table, and the marks %q and %q in the section of the library", "| "+l.title+" |", strings.TrimSpace(begin), end)
	}
	return rows.ReplaceAllLiteralString(before+begin+block+end+after, row)
}

// row is what the table says of a library.
func (l library) row(o []outcome) string {
	return "| " + strings.Join([]string{
		l.title, one(o[whenDenied]), afterIdle(o[whenReclaimed]), one(o[whenOverConnects]), one(o[whenOverSends]),
	}, " | ") + " |"
}

// one is the last use of an outcome in a few words.
func one(o outcome) string {
	if len(o.uses) == 0 {
		return ""
	}
	last := o.uses[len(o.uses)-1]
	is, _, failed := strings.Cut(last, "|")
	if !failed {
		return "works"
	}
	return cmp.Or(is, "another error")
}

// afterIdle is what two uses after the idle limit say together.
func afterIdle(o outcome) string {
	if len(o.uses) != 3 {
		return ""
	}
	if o.reclaimed == 0 {
		return "keeps no socket"
	}
	again := func(i int) string { return one(outcome{uses: o.uses[:i+1]}) }
	switch first, second := again(1), again(2); {
	case first == "works" && second == "works":
		return "connects again, unnoticed"
	case second == "works":
		return first + " once, then connects again"
	default:
		return first + ", and does not connect again"
	}
}

// block is what the section of a library says in full.
func (l library) block(o []outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s with %s:\n\n| situation | the app is told | `errors.Is` | recorded |\n| --- | --- | --- | --- |\n", l.versioned(), l.server)
	for _, line := range []struct {
		text string
		uses []string
		note string
	}{
		{"success", o[whenServed].uses, recorded(o[whenServed])},
		{"denied", o[whenDenied].uses, recorded(o[whenDenied])},
		{"idle for two minutes, then used", after(o[whenReclaimed], 1), recorded(o[whenReclaimed])},
		{"used once more", after(o[whenReclaimed], 2), ""},
		{"quota of connects used up", o[whenOverConnects].uses, recorded(o[whenOverConnects])},
		{"quota of sends used up", after(o[whenOverSends], 1), ""}, // what it does in the background varies
		{"idle, but with the keep-alive", after(o[whenKept], 1), recorded(o[whenKept])},
	} {
		if len(line.uses) > 0 {
			text, is := words(line.uses)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", line.text, text, is, line.note)
		}
	}
	return b.String()
}

// after is the use of that number, in a list of one.
func after(o outcome, i int) []string {
	if len(o.uses) <= i {
		return nil
	}
	return o.uses[i : i+1]
}

// words are the text of the last use, and what errors.Is finds.
func words(uses []string) (text, is string) {
	is, text, failed := strings.Cut(uses[len(uses)-1], "|")
	if !failed {
		return "it works", ""
	}
	if is != "" {
		is = "`" + strings.ReplaceAll(is, ", ", "`, `") + "`"
	}
	if strings.Contains(text, "`") {
		return "`` " + text + " ``", is
	}
	return "`" + text + "`", is
}

// recorded are the denials, the reports and the reclaims of an outcome.
func recorded(o outcome) string {
	var list []string
	for _, rule := range slices.Sorted(maps.Keys(o.denials)) {
		list = append(list, plural(o.denials[rule], "denial")+" by `"+string(rule)+"`")
	}
	for _, rule := range slices.Sorted(maps.Keys(o.reports)) {
		list = append(list, "`"+string(rule)+"` reports")
	}
	if o.reclaimed > 0 {
		list = append(list, plural(o.reclaimed, "socket")+" reclaimed")
	}
	return strings.Join(list, ", ")
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// TestMatrixDocument holds the document to the versions that the matrix is built with, also of libraries that only make
// soak runs.
func TestMatrixDocument(t *testing.T) {
	text, err := os.ReadFile(matrixDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range libraries {
		if begin := "<!-- matrix " + l.word + " -->\n" + l.versioned() + " with "; !strings.Contains(string(text), begin) {
			t.Errorf("docs/drivers.md does not hold %q; DEVSERVER_SOAK=1 go test ./devserver/rules -run SoakMatrix -update writes it", begin)
		}
	}
}

// versioned is the library's path with the version that testdata/matrix is built with.
func (l library) versioned() string {
	if l.module == "" {
		return "`" + l.title + "`"
	}
	mod, err := os.ReadFile(filepath.Join("testdata", "matrix", "go.mod"))
	if err != nil {
		return err.Error()
	}
	found := regexp.MustCompile(regexp.QuoteMeta(l.module) + ` (v\S+)`).FindSubmatch(mod)
	if found == nil {
		return l.module + " is not in testdata/matrix/go.mod"
	}
	return "`" + l.module + "` " + string(found[1])
}
