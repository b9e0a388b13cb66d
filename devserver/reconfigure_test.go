package devserver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// settingsSource is an app that tells its environment, dials what it is asked to, and says a version that build flags set.
const settingsSource = `package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

var version = "one"

func main() {
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"YAML", "FILE", "BOTH", "PROD", "PROCESS"} {
			fmt.Fprintf(w, "%s=%s ", name, os.Getenv(name))
		}
	})
	http.HandleFunc("/dial", func(w http.ResponseWriter, r *http.Request) {
		_, err := net.Dial("tcp", "127.0.0.1:1")
		fmt.Fprint(w, err)
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, version) })
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// builds counts the builds that were begun.
func (s *site) builds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, x := range s.notices {
		if _, ok := x.(BuildStarted); ok {
			n++
		}
	}
	return n
}

func hasText(text string) func(Warning) bool {
	return func(w Warning) bool { return strings.Contains(w.Text, text) }
}

// noteText: of files that are saved one after the other, one note may speak.
func noteText(text string) func(Note) bool {
	return func(n Note) bool { return strings.HasSuffix(n.Text, text) }
}

// TestSettingsChange: a change of devserver.yaml, .env or app.yaml applies while devserver runs, with no more than it
// takes; what cannot be read changes nothing, and what cannot be applied is named.
func TestSettingsChange(t *testing.T) {
	t.Setenv("PROCESS", "process")
	s := newSite(t, map[string]string{
		"main.go":  settingsSource,
		"app.yaml": "runtime: go122\nenv_variables:\n  PROD: prod\n  BOTH: prod\n  PROCESS: prod\n",
		".env":     "FILE=file\nBOTH=file\nPROCESS=file\n",
		configFile: "env: {YAML: yaml}\n",
	})
	s.up()
	want := func(path, want string) {
		t.Helper()
		if got := s.get(path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	want("/env", "YAML=yaml FILE=file BOTH=file PROD=prod PROCESS=process ")

	// Variables: the program starts again, and nothing is built.
	builds := s.builds()
	s.write(".env", "FILE=new\n")
	if r := waitFor(s, func(r AppReady) bool { return slices.Equal(r.Files, []string{".env"}) }); r.Reload != 1 {
		t.Errorf("the change of .env is reload %d", r.Reload)
	}
	waitFor(s, noteText(".env: shop gets env BOTH FILE"))
	want("/env", "YAML=yaml FILE=new BOTH=prod PROD=prod PROCESS=process ")
	s.write("app.yaml", "runtime: go122\nenv_variables: {PROD: other}\n")
	waitFor(s, noteText("app.yaml: shop gets env BOTH PROCESS PROD"))
	waitFor[AppReady](s, nil)
	want("/env", "YAML=yaml FILE=new BOTH= PROD=other PROCESS=process ")

	// Limits hold at once.
	s.write(configFile, "env: {YAML: yaml}\ndrain: 10s\non_build: serve-old\n")
	waitFor(s, noteText("devserver.yaml: shop gets on_build serve-old, drain 10s"))
	if got := s.builds(); got != builds {
		t.Errorf("%d builds for variables and limits", got-builds)
	}

	// What cannot be read is told with its place, and what was set goes on.
	s.write(configFile, "env: {YAML: broken}\ndrain: long\nrules: {lopback: off}\n")
	w := waitFor(s, hasText("what was set before goes on"))
	for _, place := range []string{"devserver.yaml:2:8: drain: ", `devserver.yaml:3:9: rules has no key "lopback"`, "did you mean loopback?"} {
		if !strings.Contains(w.Text, place) {
			t.Errorf("the broken file is told as %q, want %q", w.Text, place)
		}
	}
	want("/env", "YAML=yaml FILE=new BOTH= PROD=other PROCESS=process ")
	if got := ask(t, "GET", s.ready.Console+"/", ""); !strings.Contains(got, "lopback") {
		t.Error("the console does not tell of the broken file")
	}
	s.write(".env", "FILE='open\n")
	s.write(configFile, "env: {YAML: yaml}\nrules: {loopback: off}\n")
	waitFor(s, hasText(".env:1:6: this quote is never closed"))
	s.write(".env", "FILE=new\n")
	waitFor(s, noteText(": shop gets other rules, on_build wait, drain 30s"))
	waitFor[AppReady](s, nil)
	want("/dial", "dial tcp 127.0.0.1:1: connect: connection refused")

	// Build flags build.
	s.write(configFile, "env: {YAML: yaml}\nbuild_flags: -ldflags=-X=main.version=two\nprofile: open\n")
	waitFor(s, noteText("devserver.yaml: shop gets profile open, build_flags -ldflags=-X=main.version=two"))
	if r := waitFor[AppReady](s, nil); r.Profile != "open" {
		t.Errorf("the new version runs by profile %s", r.Profile)
	}
	want("/", "two")

	// What waits for another start is named, once.
	s.write(configFile, "build_flags: -ldflags=-X=main.version=two\nprofile: open\nconsole: 127.0.0.1:9\nkeep: 14d\nlive_reload: true\n")
	waitFor(s, hasText("shop: start devserver again to apply what has changed of live_reload"))
	waitFor(s, hasText("devserver.yaml: start devserver again to apply what has changed of keep"))
	waitFor[AppReady](s, nil)
	want("/env", "YAML= FILE=new BOTH= PROD=other PROCESS=process ")
}

// TestSettingsOfTwins: of two apps of one folder, which is named by a link, each keeps its own settings over a change.
func TestSettingsOfTwins(t *testing.T) {
	t.Parallel()
	twins := func(more string) string {
		return more + "apps:\n- {name: east, path: ../link, env: {FILE: east}}\n- {name: west, path: ../link, env: {FILE: west}}\n"
	}
	s := newSite(t, map[string]string{"app/main.go": settingsSource, configFile: twins("")})
	s.data = filepath.Join(s.dir, "app", ".devserver")
	if err := os.Symlink(filepath.Join(s.dir, "app"), filepath.Join(s.dir, "..", "link")); err != nil {
		t.Fatal(err)
	}
	s.opts.Dirs, s.opts.Config = nil, filepath.Join(s.dir, configFile)
	s.start()
	for range 2 {
		waitFor[AppReady](s, nil)
	}
	s.readReady()
	s.write(configFile, twins("env: {YAML: new}\n"))
	for i, app := range []string{"east", "west"} {
		waitFor(s, noteText(": "+app+" gets env YAML"))
		waitFor(s, func(r AppReady) bool { return r.App == app })
		if got, want := ask(t, "GET", s.ready.Apps[i].URL+"/env", ""), "YAML=new FILE="+app+" BOTH= PROD= PROCESS= "; got != want {
			t.Errorf("%s: /env = %q, want %q", app, got, want)
		}
	}
}

// TestSettingsCome: a devserver.yaml that comes in the first app's folder holds for the other apps too.
func TestSettingsCome(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"orders/main.go": settingsSource, "billing/main.go": settingsSource})
	s.opts.Dirs = []string{filepath.Join(s.dir, "orders"), filepath.Join(s.dir, "billing")}
	s.data = filepath.Join(s.dir, "orders", ".devserver")
	s.start()
	for range 2 {
		waitFor[AppReady](s, nil)
	}
	s.write("orders/"+configFile, "env: {YAML: new}\n")
	for _, app := range []string{"orders", "billing"} {
		waitFor(s, noteText("orders/devserver.yaml: "+app+" gets env YAML"))
		waitFor(s, func(r AppReady) bool { return r.App == app })
	}
}

// TestProfileFileChange: a profile that is a file, and what it extends, are settings too.
func TestProfileFileChange(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": settingsSource, "mine.yaml": "name: ours\n", "base/base.yaml": "rules: {loopback: off}\n"})
	s.opts.Profile = filepath.Join(s.dir, "mine.yaml")
	s.up()
	want := func(want string) {
		t.Helper()
		if got := s.get("/dial"); got != "dial tcp 127.0.0.1:1: connect: "+want {
			t.Errorf("/dial = %q, want %q", got, want)
		}
	}
	want("permission denied")
	s.write("mine.yaml", "name: ours\nrules: {loopback: off}\n")
	waitFor(s, noteText("mine.yaml: shop gets other rules"))
	waitFor[AppReady](s, nil)
	want("connection refused")

	s.write("mine.yaml", "name: ours\nrules: {lopback: off}\n")
	w := waitFor(s, hasText("what was set before goes on"))
	if !strings.Contains(w.Text, `mine.yaml:2:9: rules has no key "lopback"`) {
		t.Errorf("the broken profile is told as %q", w.Text)
	}
	want("connection refused")

	s.write("mine.yaml", "name: ours\nextends: base/base.yaml\n") // the same rules, from a file that is watched from now on
	waitFor[Unchanged](s, nil)
	want("connection refused")
	s.write("base/base.yaml", "rules: {loopback: enforce}\n")
	waitFor(s, noteText("base/base.yaml: shop gets other rules"))
	waitFor[AppReady](s, nil)
	want("permission denied")
}

// TestStaticFiles: what app.yaml says is a file is answered in front of the app and recorded, and a change of it holds
// at once.
func TestStaticFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"main.go": source, "app.yaml": "handlers:\n- {url: /assets, static_dir: static}\n- {url: /.*, script: auto, login: admin}\n", "static/site.css": "body {}",
	})
	s.up()
	waitFor(s, hasText("app.yaml:3: handlers: login has no effect here"))
	if got := s.get("/assets/site.css"); got != "body {}" {
		t.Errorf("the file = %q", got)
	}
	if got := s.get("/assets/none.css"); !strings.HasPrefix(got, "404") {
		t.Errorf("a file that is not there = %q", got)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("the app = %q", got)
	}
	s.write("app.yaml", "handlers:\n- {url: /, static_dir: static}\n")
	waitFor(s, noteText("app.yaml: shop gets handlers"))
	if got := s.get("/site.css"); got != "body {}" {
		t.Errorf("after the change, the file = %q", got)
	}
	s.stop()
	all, err := s.recording().Requests(t.Context(), record.RequestFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprintf("%s %d %d", r.URL, r.Status, r.BytesOut))
	}
	slices.Sort(got)
	if text := strings.Join(got, "; "); !strings.Contains(text, "/assets/site.css 200 7") || !strings.Contains(text, "/site.css 200 7") || !strings.Contains(text, "/assets/none.css 404") {
		t.Errorf("recorded %s", text)
	}
}

// TestSettingsOfOneApp: each app is judged by its own rules, and a change of one app's settings touches no other. A file
// that comes while devserver runs counts.
func TestSettingsOfOneApp(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"orders/main.go": settingsSource, "billing/main.go": settingsSource})
	s.opts.Dirs = []string{filepath.Join(s.dir, "orders"), filepath.Join(s.dir, "billing")}
	s.data = filepath.Join(s.dir, "orders", ".devserver")
	s.start()
	of := func(app string) func(AppReady) bool { return func(r AppReady) bool { return r.App == app } }
	waitFor(s, of("orders"))
	waitFor(s, of("billing"))
	s.readReady()
	dial := func(i int) string { return ask(t, "GET", s.ready.Apps[i].URL+"/dial", "") }
	const denied, refused = "dial tcp 127.0.0.1:1: connect: permission denied", "dial tcp 127.0.0.1:1: connect: connection refused"
	if got := dial(1); got != denied {
		t.Errorf("billing: %s", got)
	}
	s.write(configFile, "apps:\n- path: orders\n- path: billing\n  rules: {loopback: off}\n  env: {PORT: 1}\n")
	waitFor(s, noteText("devserver.yaml: billing gets env PORT, other rules"))
	if r := waitFor(s, of("billing")); r.Reload != 1 {
		t.Errorf("billing came with reload %d", r.Reload)
	}
	if got := dial(1); got != refused {
		t.Errorf("billing by its new rules: %s", got)
	}
	if got := dial(0); got != denied {
		t.Errorf("orders by its old rules: %s", got)
	}
	if r, ok := taken(s, of("orders")); ok {
		t.Errorf("orders was touched: %+v", r)
	}
	d := waitFor(s, func(d Denied) bool { return d.App == "orders" })
	if d.Under != (JudgeOptions{}) {
		t.Errorf("the denial of orders is explained under %+v", d.Under)
	}
	s.write(configFile, "apps:\n- path: orders\n- path: billing\n  addr: 127.0.0.1:9\n  rules: {loopback: off}\n")
	waitFor(s, hasText("devserver.yaml: start devserver again to apply what has changed of addr"))
}
