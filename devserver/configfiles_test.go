package devserver

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/devserver/watch"
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

// TestStandinNeedsStart: settings that can be read but not applied change nothing, the handlers of app.yaml neither, and that is
// told once, whatever number of apps meets it how often.
func TestStandinNeedsStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	o := Options{Dirs: []string{dir}}
	config := new(project.Config)
	wanted, err := wantedApps(&o, config)
	if err != nil {
		t.Fatal(err)
	}
	found := &project.App{Name: "shop", Dir: dir, Module: project.Module{Dir: dir}}
	was, err := o.configure(config, &wanted[0], found)
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{notices: newNotifier(func(n Notice) {
		if w, ok := n.(Warning); ok {
			told = append(told, w.Text)
		}
	})}
	s.files = &configFiles{
		given: o, notices: s.notices,
		start: &plan{config: config, options: o, apps: []*plannedApp{{addr: wanted[0].Addr, files: wanted[0]}}},
	}
	var loops []*loop
	for range 2 { // apps
		a := &app{sup: s, name: "shop", project: found, configured: was, files: wanted[0], proxy: proxy.New(proxy.Config{})}
		loops = append(loops, &loop{app: a, builder: new(builder)})
	}
	change := func() {
		for _, l := range loops {
			l.settingsChanged(t.Context(), watch.Change{Files: []string{filepath.Join(dir, configFile)}})
		}
	}
	put("app.yaml", "handlers:\n- {url: /assets, static_dir: static}\n")
	put(configFile, "standins: [\"billing.example.com:80=app:billing\"]\n")
	change()
	change()
	if len(told) != 1 || !strings.Contains(told[0], "start devserver again to apply app:billing") {
		t.Errorf("told %q, want once that devserver is to be started again", told)
	}
	for _, l := range loops {
		if l.statics.Load() != nil {
			t.Error("files are served as if all of the settings had been applied")
		}
	}
	put(configFile, "drain: 1m\n")
	change()
	for _, l := range loops {
		if l.statics.Load() == nil || l.settings.drain != time.Minute || l.brokenSettings {
			t.Error("mended settings are not applied")
		}
	}
	put(configFile, "standins: [\"billing.example.com:80=app:billing\"]\n")
	change()
	if len(told) != 2 {
		t.Errorf("told %q, want twice what was mended meanwhile", told)
	}
}
