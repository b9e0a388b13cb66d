package watch

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, file string
		fits, below   bool
	}{
		{"config/*.json", "/app/config/a.json", true, true},
		{"config/*.json", "/app/config/sub/a.json", false, false},
		{"config/*.json", "/app/config", false, true},
		{"config/*.json", "/app/other", false, false},
		{"config", "/app/config/deep/down.txt", true, true},
		{"./config/", "/app/config/x", true, true},
		{"config/**", "/app/config/deep/down.txt", true, true},
		{"config/**", "/app/config", true, true},
		{"**/*.sql", "/app/x.sql", true, true},
		{"**/*.sql", "/app/a/b/x.sql", true, true},
		{"**/*.sql", "/app/a/b/x.sqlx", false, true},
		{"**/**/*.sql", "/app/x.sql", true, true},
		{"a/**/b/*.c", "/app/a/x/y/b/z.c", true, true},
		{"a/**/b/*.c", "/app/a/b/z.c", true, true},
		{"a/**/b/*.c", "/app/a/z.c", false, true},
		{"../shared/**", "/shared/x", true, true},
		{"../shared/**", "/app/x", false, false},
		{"/etc/app/*.conf", "/etc/app/x.conf", true, true},
		{"/etc/app/*.conf", "/etc", false, true},
		{"[ab]?.txt", "/app/b1.txt", true, true},
		{"[ab]?.txt", "/app/c1.txt", false, false},
		{`\*.txt`, "/app/*.txt", true, true},
		{`\*.txt`, "/app/x.txt", false, false},
	} {
		g := newGlob(tt.pattern, "/app")
		if fits, below := g.match(tt.file); fits != tt.fits || below != tt.below {
			t.Errorf("%s: match(%s) = %v, %v, want %v, %v", tt.pattern, tt.file, fits, below, tt.fits, tt.below)
		}
	}
	if fits, _ := newGlob("*.txt", "/odd [folder]*").match("/odd [folder]*/x.txt"); !fits {
		t.Error("a folder of odd characters is read as a pattern")
	}
}

func TestGlobRoot(t *testing.T) {
	for pattern, want := range map[string]string{
		"config/*.json": "/app/config", "config": "/app", "../shared/**": "/shared", "**": "/app", "/etc/a/b?/c": "/etc/a", "*": "/app",
	} {
		if got := newGlob(pattern, "/app").root(); got != want {
			t.Errorf("root of %s = %s, want %s", pattern, got, want)
		}
	}
}

func TestAssetsCheck(t *testing.T) {
	for _, tt := range []struct {
		assets Assets
		want   string // "": good
	}{
		{Assets{}, ""},
		{Assets{Templates: "reload", Static: "ignore", Extra: []string{"a/**"}, Ignore: []string{"/x/[a-z]"}}, ""},
		{Assets{Templates: "Reload"}, `assets.templates: "Reload" is neither restart, reload nor ignore`},
		{Assets{Static: "no"}, `assets.static: "no" is neither restart, reload nor ignore`},
		{Assets{Extra: []string{"a", "[a"}}, `watch.extra: "[a": a bracket or a backslash is left open`},
		{Assets{Ignore: []string{" "}}, `watch.ignore: " ": it is empty; write a path such as config/*.json`},
	} {
		got := ""
		if err := tt.assets.Check(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v.Check() = %q, want %q", tt.assets, got, tt.want)
		}
	}
}

// FuzzGlob: a pattern that Check lets pass fits or does not, but never panics; and a folder above what fits is looked into.
func FuzzGlob(f *testing.F) {
	f.Add("a/**/[b-d]*", "a/x/c1")
	f.Add(`../**/\*`, "..")
	f.Add("**/**", "a")
	f.Add(".", ".")
	f.Add("/", "/")
	f.Fuzz(func(t *testing.T, pattern, file string) {
		if checkGlob(pattern) != nil || strings.Contains(file, "\x00") {
			return
		}
		g := newGlob(pattern, "/app")
		g.root()
		path := filepath.Join("/app", file)
		fits, below := g.match(path)
		if fits && !below {
			t.Errorf("%q fits %q and nothing below", pattern, path)
		}
		if _, above := g.match(filepath.Dir(path)); fits && !above {
			t.Errorf("%q fits %q, but its folder is not looked into", pattern, path)
		}
	})
}
