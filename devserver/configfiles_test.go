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
