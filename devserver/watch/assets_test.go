package watch

import (
	"os"
	"strings"
	"testing"
	"time"
)

const assetSample = sample + `
-- app/static/gen/big.js --
x
-- app/config/app.json --
{}
-- app/node_modules/ui/ui.css --
x
-- shared/views/s.html --
s
`

// TestAssets: what a file asks for is as configured, and further files count.
func TestAssets(t *testing.T) {
	t.Parallel()
	a := app(t, assetSample, "app")
	files := func(list *Files) *Files {
		return list.With(Assets{
			Templates: ActReload, Static: ActRestart,
			Extra:  []string{"config/*.json", "../shared/views/**", "node_modules/ui/*.css", "later/deep/*.conf", "site.css"},
			Ignore: []string{"static/gen", "**/*.map", "main.go"},
		})
	}
	w := watchFiles(t, a, files(FilesOf(a, a.Packages)))
	for _, tt := range []struct {
		file string
		kind Kind
	}{
		{"app/templates/page.html", Reload},
		{"app/site.css", Restart},
		{"app/config/app.json", Restart},
		{"shared/views/s.html", Reload},
		{"shared/views/new/t.html", Reload},
		{"app/node_modules/ui/ui.css", Restart},
		{"app/later/deep/x.conf", Restart},
		{"app/main.go", Source}, // ignored in vain: it is compiled
	} {
		for _, not := range []string{"app/static/gen/big.js", "app/static/gen/sub/new.js", "app/site.map", "app/config/x.ini", "app/node_modules/x/x.js"} {
			put(t, w.path(not), tt.file)
		}
		put(t, w.path(tt.file), "// "+tt.file)
		w.wants(tt.file, tt.kind)
	}
}

// TestAssetsChange: a list that says another thing of the assets holds at once, also for files known before.
func TestAssetsChange(t *testing.T) {
	t.Parallel()
	a := app(t, assetSample, "app")
	list := FilesOf(a, a.Packages)
	w := watchFiles(t, a, list)
	put(t, w.path("app/site.css"), "one")
	w.wants("app/site.css", Reload)
	w.Update(list.With(Assets{Static: ActIgnore, Extra: []string{"config/**"}}), time.Now().Add(time.Hour))
	put(t, w.path("app/site.css"), "two")
	put(t, w.path("app/config/app.json"), "two")
	w.wants("app/config/app.json", Restart)
	w.Update(list, time.Now().Add(time.Hour))
	put(t, w.path("app/config/app.json"), "three")
	put(t, w.path("app/site.css"), "three")
	w.wants("app/site.css", Reload)
}

// TestAssetsIgnoredFolder: an ignored folder is not watched at all.
func TestAssetsIgnoredFolder(t *testing.T) {
	t.Parallel()
	a := app(t, assetSample, "app")
	f := newFake(1000)
	tr := newTree(Config{Warn: func(s string) { t.Error(s) }}, func() (notifier, error) { return f, nil })
	tr.use(update{FilesOf(a, a.Packages).With(Assets{Ignore: []string{"static/gen"}}), time.Time{}})
	for dir := range f.dirs {
		if strings.Contains(dir, "gen") || strings.Contains(dir, "node_modules") {
			t.Errorf("%s is watched", dir)
		}
	}
	if !f.dirs[a.Dir+"/static"] {
		t.Error("static is not watched")
	}
	if _, err := os.Stat(a.Dir + "/static/gen"); err != nil {
		t.Fatal(err)
	}
}
