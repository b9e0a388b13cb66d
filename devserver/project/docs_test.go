package project

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/profile"
)

// examples are the YAML files in a document.
var examples = regexp.MustCompile("(?s)```yaml\n# (\\S+)\n(.*?)```")

// TestProfilesDocument loads every example of docs/profiles.md, and sees that it names every key there is.
func TestProfilesDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := examples.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "```yaml"); n < 10 || len(blocks) != n {
		t.Fatalf("%d examples, %d of them with a file name", n, len(blocks))
	}
	dir := t.TempDir()
	for i, b := range blocks {
		name, yaml := b[1], "# "+b[1]+"\n"+b[2]
		if err := os.WriteFile(filepath.Join(dir, name), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := loadExample(filepath.Join(dir, name)); err != nil {
			t.Errorf("example %d: %v\n%s", i+1, err, yaml)
		}
	}
	for _, wrong := range []struct{ name, yaml string }{{"mine.yaml", "zzz: 1\n"}, {ConfigName, "zzz: 1\n"}, {"mine.yaml", "exceptions: [{zzz: 1}]\n"}} {
		if err := os.WriteFile(filepath.Join(dir, wrong.name), []byte(wrong.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		err := loadExample(filepath.Join(dir, wrong.name))
		_, keys, ok := strings.Cut(fmt.Sprint(err), "; it has ")
		if !ok {
			t.Fatalf("%q in %s: %v", wrong.yaml, wrong.name, err)
		}
		for key := range strings.SplitSeq(strings.TrimSpace(keys), ", ") {
			if wrong.name == ConfigName && !slices.Contains(judging, key) {
				continue // docs/config.md tells of it
			}
			if !strings.Contains(string(text), "`"+key) {
				t.Errorf("the document does not tell of the key %s of %s", key, wrong.name)
			}
		}
	}
}

func loadExample(file string) error {
	if filepath.Base(file) == ConfigName {
		c, err := Load(file)
		if err == nil {
			_, err = profile.Load(c.Profile)
		}
		return err
	}
	_, err := profile.Load(file)
	return err
}
