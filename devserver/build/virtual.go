package build

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

//go:embed virtual.tmpl
var virtualText string

var virtualMain = template.Must(template.New("main").Parse(virtualText))

// virtual is a main package that exists only in the overlay of a build.
type virtual struct {
	app    *project.App
	dir    string // in which it pretends to be
	Form   project.Form
	Import string // the app's package
	Name   string // the same for a person
}

func newVirtual(a *project.App, form project.Form, pkg string) *virtual {
	return &virtual{app: a, dir: virtualDir(a), Form: form, Import: a.ImportPath, Name: pkg}
}

func (v *virtual) file() string { return filepath.Join(v.dir, "main.go") }

// virtualDir finds a folder that does not exist, from which the app's package can be imported, and which no embed
// pattern of the app matches: the program would carry our file otherwise.
func virtualDir(a *project.App) string {
	for parent := a.Dir; ; parent = filepath.Dir(parent) {
		if dir := unused(parent, a.Name); !embedded(a, dir) {
			return dir
		}
		// What lies in internal may be imported from the folder around it, not from further out.
		if parent == a.Module.Dir || parent == filepath.Dir(parent) || leavesInternal(a.Dir, parent) {
			return unused(a.Dir, a.Name)
		}
	}
}

// leavesInternal tells whether parent is the outermost folder from which the package in dir may be imported.
func leavesInternal(dir, parent string) bool {
	rel, err := filepath.Rel(parent, dir)
	return err == nil && (rel == "internal" || strings.HasPrefix(rel, "internal"+string(filepath.Separator)))
}

// unused returns a folder in parent that does not exist.
func unused(parent, app string) string {
	base := filepath.Join(parent, "devserver_main_"+strings.Map(identifier, app))
	dir := base
	for i := 2; ; i++ {
		if _, err := os.Lstat(dir); err != nil {
			return dir
		}
		dir = fmt.Sprintf("%s_%d", base, i)
	}
}

// identifier keeps what every import path may hold.
func identifier(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

func embedded(a *project.App, dir string) bool {
	for _, p := range a.Packages {
		if p.Local() && p.Embeds(filepath.Join(dir, "main.go")) {
			return true
		}
	}
	return false
}

// write writes main.go and the overlay that puts it into place, merged with the user's own overlay: of several the last
// counts, as for the go command.
func (v *virtual) write(out *store, user []string) (main, overlay string, err error) {
	var src bytes.Buffer
	if err := virtualMain.Execute(&src, v); err != nil {
		return "", "", err
	}
	main, err = out.write(v.app.Name+".main.go", src.Bytes())
	if err != nil {
		return "", "", err
	}
	replace := map[string]string{v.file(): main}
	if len(user) > 0 && user[len(user)-1] != "" {
		if err := v.merge(replace, user[len(user)-1]); err != nil {
			return "", "", err
		}
	}
	data, err := json.Marshal(overlayFile{replace})
	if err != nil {
		return "", "", err
	}
	overlay, err = out.write(v.app.Name+".overlay.json", data)
	return main, overlay, err
}

// overlayFile is the form of a build overlay (go help build).
type overlayFile struct{ Replace map[string]string }

// merge adds the entries of the user's overlay; its relative paths count from the folder in which go build runs.
func (v *virtual) merge(replace map[string]string, file string) error {
	data, err := os.ReadFile(v.abs(file))
	if err != nil {
		return fmt.Errorf("-overlay: %w", err)
	}
	var user overlayFile
	if err := json.Unmarshal(data, &user); err != nil {
		return fmt.Errorf("-overlay %s: %w", file, err)
	}
	for from, to := range user.Replace {
		if to != "" {
			to = v.abs(to)
		}
		replace[v.abs(from)] = to
	}
	return nil
}

func (v *virtual) abs(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Clean(file)
	}
	return filepath.Join(v.app.Dir, file)
}
