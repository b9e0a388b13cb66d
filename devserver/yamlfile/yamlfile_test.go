package yamlfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
)

// read reads name, port and list of a file.
func read(file, text string) (name, port string, list []string, err error) {
	d, root, err := Parse(file, []byte(text))
	if err != nil || root == nil {
		return "", "", nil, err
	}
	scalar := func(where string, to *string) func(_, v ast.Node) error {
		return func(_, v ast.Node) (err error) { *to, err = d.Scalar(v, where); return err }
	}
	err = d.Mapping(root, "the file", Field{"name", scalar("name", &name)}, Field{"port", scalar("port", &port)},
		Field{"list", func(_, v ast.Node) error {
			return d.List(v, "list", func(n ast.Node) error {
				s, err := d.Scalar(n, "list")
				list = append(list, s)
				return err
			})
		}})
	return name, port, list, err
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, name, port, list string }{
		{"", "", "", ""},
		{"# nothing\n", "", "", ""},
		{"name: a\nport: 08\n", "a", "08", ""},
		{"{name: 'a b', list: [x, 1, true]}", "a b", "", "x 1 true"},
		{"name: &n |\n  long\nport: *n\n", "long\n", "long\n", ""},
		{"list:\n- &a one\n- *a\n", "", "", "one one"},
		{"name: !!str 5\n", "5", "", ""},
		{"list:\n", "", "", ""},
	} {
		name, port, list, err := read("f", tt.text)
		if err != nil || name != tt.name || port != tt.port || strings.Join(list, " ") != tt.list {
			t.Errorf("%q: %q %q %q %v", tt.text, name, port, list, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"nam: a\n", `f:1:1: the file has no key "nam"; it has name, port, list; did you mean name?`},
		{"Ports: a\n", `f:1:1: the file has no key "Ports"; it has name, port, list; did you mean port?`},
		{"no-list: a\n", "; did you mean list?"},
		{"name: [a]\n", "f:1:7: name wants a text, not a list"},
		{"name: {a: b}\n", "f:1:7: name wants a text, not keys with values"},
		{"name:\n", "name wants a text, not nothing"},
		{"list: a\n", `f:1:7: list wants a list (lines that begin with -), not "a"`},
		{"- a\n", "f:1:1: the file wants keys with values (key: value), not a list"},
		{"name: a\nname: b\n", "f:2:1: mapping key"},
		{"name: *nobody\n", "f:1:7: name wants a text, not an alias of nothing"},
		{"list: *nobody\n", "f:1:7: list wants a list (lines that begin with -), not an alias of nothing"},
		{"name: &a *a\n", ""},
		{"name: a\n---\nname: b\n", "f:3:1: a second document"},
		{strings.Repeat("[", 2000), "nested too deeply"},
		{strings.Repeat("#\n", 40000), "larger than 64 KiB"},
	} {
		if _, _, _, err := read("f", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.20q: %v, want %s", tt.text, err, tt.want)
		}
	}
	_, _, _, err := read("f", "name: []\nport: {}\nlist: 5\nx: 1\n")
	if err == nil || strings.Count(err.Error(), "f:") != 4 {
		t.Errorf("want all four mistakes, got %v", err)
	}
	var place *Error
	if !errors.As(err, &place) || place.Line != 1 || place.Column != 7 {
		t.Errorf("no place in %#v", err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("name: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(file); err == nil || !strings.HasPrefix(err.Error(), file+":1:") {
		t.Errorf("Open of a broken file: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "b.yaml")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "b.yaml: no such file") {
		t.Errorf("Open of a missing file: %v", err)
	}
}

// FuzzParse holds that no text makes the reader panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"name: a\nlist: [1, {a: b}]\n", "name: &a *a", "? [a]\n: b", "<<: {name: x}", "!!binary a", "\t- a", "%YAML 1.2\n---\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { read("f", text) })
}
