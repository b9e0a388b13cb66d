package devserver

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// TestTellsOnce: what is wrong with the settings, or waits for another start, is told once whatever number of apps reads them, and
// again when it has been mended meanwhile.
func TestTellsOnce(t *testing.T) {
	t.Parallel()
	var told []string
	o := Options{Dirs: []string{t.TempDir()}}
	file := filepath.Join(o.Dirs[0], configFile)
	f := &configFiles{given: o, notices: newNotifier(func(n Notice) { told = append(told, n.(Warning).Text) })}
	apps, err := wantedApps(&o, new(project.Config))
	if err != nil {
		t.Fatal(err)
	}
	f.start = &plan{config: new(project.Config), options: o, apps: []*plannedApp{{addr: apps[0].Addr, files: apps[0]}}}
	read := func() {
		t.Helper()
		if _, _, err := f.read(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte("keep: 14d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // apps
		read()
		f.broken("a profile cannot be read")
	}
	for range 2 {
		read()
		f.broken("")
	}
	read()
	f.broken("a profile cannot be read")
	want := []string{
		project.Position{File: file}.String() + ": start devserver again to apply what has changed of keep", "a profile cannot be read", "a profile cannot be read",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestSameFolder: an app that was named by its folder is the same when a devserver.yaml that comes later names that folder.
func TestSameFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	named, err := filepath.Rel(here, dir)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dirs: []string{named}}
	apps, err := wantedApps(&o, new(project.Config))
	if err != nil {
		t.Fatal(err)
	}
	f := &configFiles{start: &plan{config: new(project.Config), options: o, apps: []*plannedApp{{addr: apps[0].Addr, files: apps[0]}}}}
	file := filepath.Join(dir, configFile)
	for text, want := range map[string]string{
		"apps: [{path: ., drain: 1m}]\n":             "",
		"apps: [{path: ., addr: \"127.0.0.1:9\"}]\n": project.Position{File: file}.String() + ": start devserver again to apply what has changed of addr",
		"apps: [{path: ., name: other}]\n":           project.Position{File: file}.String() + ": start devserver again to apply what has changed of apps",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := locate(&o)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.fixed(&o, config); got != want {
			t.Errorf("with %s what waits is told as %q, want %q", text, got, want)
		}
	}
}
