package house

import (
	"os"
	"path/filepath"
	"regexp"
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
	if err != nil || len(docs) < 3 {
		t.Fatalf("documents: %q, %v", docs, err)
	}
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
