package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// links are [text](target) with a target inside the repository.
var links = regexp.MustCompile(`\[([^\]]+)\]\(([^)#]+)\)`)

// TestDocumentsNameWhatIsThere follows the links of the documents: a file must be there, and a name in code style
// that links to a Go file must be declared in it.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	docs, err := filepath.Glob("*.md")
	further, _ := filepath.Glob("docs/*.md")
	if err != nil || len(docs) < 3 || len(further) < 3 {
		t.Fatalf("documents: %q, %q, %v", docs, further, err)
	}
	docs = append(docs, further...)
	for _, doc := range docs {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links.FindAllStringSubmatch(string(text), -1) {
			name, target := strings.Join(strings.Fields(link[1]), " "), link[2]
			if strings.Contains(target, "://") {
				continue
			}
			target = filepath.Join(filepath.Dir(doc), target)
			info, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s: %s: %v", doc, name, err)
				continue
			}
			if code, ok := strings.CutPrefix(name, "`"); ok && !info.IsDir() {
				checkDeclared(t, doc, strings.TrimSuffix(code, "`"), target)
			}
		}
	}
}

// checkDeclared wants name, as T, f or T.m, declared in a file.
func checkDeclared(t *testing.T, doc, name, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pattern := `(?m)^(func( \([^)]*\))?|type|var|const) ` + name + `\b`
	if typ, method, ok := strings.Cut(name, "."); ok {
		pattern = `(?m)^func \(\w+ \*?` + typ + `\) ` + method + `\(`
	}
	if !regexp.MustCompile(pattern).Match(text) {
		t.Errorf("%s: %s does not declare %s", doc, file, name)
	}
}

// features are the rows of the documents that are emulated, by the letter of their table.
var features = map[string]int{"J": 24, "P": 15, "T": 7}

// TestParity wants every row of the emulated documents in docs/parity.md, each ticked with a link to a test, or a
// reference to a row that is, or left with a sentence.
func TestParity(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) == 4 {
			rows[strings.TrimSpace(cells[0])] = cells
		}
	}
	for letter, last := range features {
		for n := 1; n <= last; n++ {
			id := letter + strconv.Itoa(n)
			cells := rows[id]
			if cells == nil {
				t.Errorf("docs/parity.md has no row %s", id)
				continue
			}
			tick, shown := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
			switch {
			case tick == "✓" && strings.Contains(shown, "[`Test"):
			case tick == "✓" && refersTo.MatchString(shown) && strings.Contains(rows[refersTo.FindStringSubmatch(shown)[1]][3], "[`Test"):
			case tick == "–" && len(strings.Fields(shown)) > 5:
			default:
				t.Errorf("row %s: %q, %q is neither shown by a test nor left with a sentence", id, tick, shown)
			}
		}
	}
}

var refersTo = regexp.MustCompile(`^as ([JPT]\d+)\b`)
