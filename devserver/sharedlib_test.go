package devserver

import (
	"strings"
	"testing"
)

// sharing is source with its version from a library.
var sharing = strings.NewReplacer(`const version = "one"`, `var version = lib.Word + suffix`+"\n\nconst suffix = \"\"", `	"os"
`, `	"os"

	"example.com/shop/lib"
`).Replace(source)

// TestSharedLibrary: both apps are built anew when a library of both changes; and when one of them crashes, does not
// compile or never serves, the other answers as before, by the same process.
func TestSharedLibrary(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"lib/lib.go": "package lib\n\nconst Word = \"one\"\n", "orders/main.go": sharing, "billing/main.go": sharing,
	})
	s.data = s.dir + "/orders/.devserver"
	s.opts.Dirs = []string{s.dir + "/orders", s.dir + "/billing"}
	s.start()
	urls := map[string]string{}
	of := func(app string) func(AppReady) bool {
		return func(r AppReady) bool { urls[r.App] = r.URL; return r.App == app }
	}
	both := func() {
		t.Helper()
		waitFor(s, of("orders"))
		waitFor(s, of("billing"))
	}
	answer := func(app, path string) string { t.Helper(); return ask(t, "GET", urls[app]+path, "") }
	both()
	s.write("lib/lib.go", "package lib\n\nconst Word = \"two\"\n")
	both()
	for app := range urls {
		if got := answer(app, "/"); got != "two 0" {
			t.Errorf("after a change of the library %s answers %q", app, got)
		}
	}

	bill := func(text string) { s.write("billing/main.go", text) }
	calm := func(when string) {
		t.Helper()
		if got := answer("orders", "/"); got != "two 0" {
			t.Errorf("%s orders answers %q", when, got)
		}
	}
	exit(t, urls["billing"])
	waitFor(s, func(e WorkerExited) bool { return e.App == "billing" })
	calm("after billing has crashed")
	waitFor(s, of("billing"))
	bill("package main\n\nfunc main() { x }\n")
	waitFor(s, func(f BuildFailed) bool { return f.App == "billing" })
	calm("while billing does not compile")
	bill("package main\n\nimport \"os\"\n\nfunc main() { os.Exit(3) }\n")
	waitFor(s, func(e WorkerExited) bool { return e.App == "billing" && e.Serving && e.Exit == "exit status 3" })
	calm("after billing has ended before it served")
	bill("package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n")
	waitFor(s, func(w Warning) bool { return strings.Contains(w.Text, "billing runs but has not accepted") })
	calm("while billing does not serve")
	if got := answer("billing", "/"); got != "two 0" {
		t.Errorf("billing's version before answers %q", got)
	}
	s.stop()
	runs, err := s.recording().Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	orders := 0
	for _, r := range runs {
		if r.App == "orders" {
			orders++
		}
	}
	if orders != 2 {
		t.Errorf("orders ran %d times, want 2: at the start and after the change of the library", orders)
	}
}
