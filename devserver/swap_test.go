package devserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// versionOf is source with another version.
func versionOf(v string) string { return strings.Replace(source, `"one"`, `"`+v+`"`, 1) }

// TestWaitsForBuild: a request that arrives during a build gets the new version, or the old one if told so.
func TestWaitsForBuild(t *testing.T) {
	t.Parallel()
	for onBuild, want := range map[string]string{"wait": "two 0", "serve-old": "one 0"} {
		t.Run(onBuild, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": source})
			s.opts.OnBuild = onBuild
			s.holdable()
			s.up()
			s.hold()
			s.write("main.go", versionOf("two"))
			waitFor(s, func(b BuildStarted) bool { return !b.First })
			answer := askLater(t, s.url)
			if onBuild == "wait" {
				s.release()
			}
			if got := answered(t, answer); got != want {
				t.Errorf("a request during the build is answered %q, want %q", got, want)
			}
			if onBuild != "wait" {
				s.release()
			}
			waitFor[AppReady](s, nil)
			if got := s.get("/"); got != "two 0" {
				t.Errorf("a request after the swap is answered %q", got)
			}
		})
	}
}

// TestDrains: a request that the old version has begun is finished by it, and then it ends.
func TestDrains(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": life(t, "one")})
	s.up()
	body, more := io.Pipe()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Post(s.url+"/hold", "text/plain", body)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		answer <- string(text)
	}()
	io.WriteString(more, "first")
	s.waitPID("holding one (.*)")
	for _, v := range []string{"two", "three"} {
		s.write("main.go", life(t, v))
		waitFor[AppReady](s, nil)
	}
	if got := s.get("/"); got != "three" {
		t.Errorf("after the swaps / = %q", got)
	}
	io.WriteString(more, "second")
	more.Close()
	if got := <-answer; got != "one 11 <nil>" {
		t.Errorf("the request that was under way is answered %q, want all of it by the old version", got)
	}
}

// TestDrainEnds: an old version whose time is over is ended with what it has left, which is told, and its sockets are closed.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": life(t, "one")})
	s.opts.Set = func(flag string) bool { return flag == "drain" } // to 0: at once
	s.up()
	held, end := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		res, err := http.Post(s.url+"/hold", "text/plain", held)
		if err == nil {
			defer res.Body.Close()
			if res.StatusCode == http.StatusOK {
				_, err = io.ReadAll(res.Body)
			} else {
				err = errors.New(res.Status)
			}
		}
		answered <- err
	}()
	old := s.waitPID("holding one (.*)")
	s.write("main.go", life(t, "two"))
	waitFor[AppReady](s, nil)
	if d, want := waitFor[DrainEnded](s, nil), (DrainEnded{App: "shop", Reload: 1, Requests: 1}); d != want {
		t.Errorf("the end is told as %+v, want %+v", d, want)
	}
	waitDead(t, old, "the old version")
	end.Close() // a client that writes does not look for an answer
	if err := <-answered; err == nil {
		t.Error("the request that was left is answered as if it were whole")
	}
	s.crowd("two")()
	r := s.recording()
	runs, err := r.Runs(t.Context())
	if err != nil || len(runs) != 2 || runs[1].PID != old || runs[1].EndedAt == 0 {
		t.Fatalf("runs = %+v, %v, want two, and the first to have ended", runs, err)
	}
	rows := sockets(t, r, record.SocketFilter{RunID: runs[1].ID})
	if len(rows) == 0 {
		t.Error("no socket of the version that was ended is recorded")
	}
	for _, row := range rows {
		if row.State != "closed" || row.CloseReason != "worker-exit" {
			t.Errorf("a socket of the version that was ended: %+v", row)
		}
	}
}

// TestSaveEndsBackoff: what is saved is given a fresh start, however often the version before had ended.
func TestSaveEndsBackoff(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	for range 2 {
		exit(t, s.url)
		waitFor[WorkerExited](s, nil)
		waitFor[AppReady](s, nil)
	}
	s.write("main.go", versionOf("two"))
	waitFor(s, func(r AppReady) bool { return len(r.Files) > 0 })
	exit(t, s.url)
	if e := waitFor[WorkerExited](s, nil); e.RestartIn != minBackoff {
		t.Errorf("after a save the restart is in %v, want %v", e.RestartIn, minBackoff)
	}
	if got := s.get("/"); got != "two 0" {
		t.Errorf("a request after that is answered %q", got)
	}
}

// TestUnchanged: a save that changes nothing, or only a comment that is compiled to the same program, swaps nothing.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	s.write("main.go", source+"\n// the same program\n")
	waitFor(s, func(b BuildStarted) bool { return !b.First })
	if got := s.get("/"); got != "one 0" { // waits for the build
		t.Errorf("/ = %q", got)
	}
	s.write("main.go", versionOf("two"))
	if r := waitFor[AppReady](s, nil); r.Reload != 1 {
		t.Errorf("the first change is told as %+v", r)
	}
}

// TestTwoApps: each has its port and its workers; a broken one does not touch the other.
func TestTwoApps(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"orders/main.go": source, "billing/main.go": versionOf("bills")})
	s.data = s.dir + "/orders/.devserver"
	s.opts.Dirs = []string{s.dir + "/orders", s.dir + "/billing"}
	s.start()
	urls := map[string]string{}
	for range 2 {
		r := waitFor[AppReady](s, nil)
		urls[r.App] = r.URL
	}
	s.url = urls["billing"]
	if got := s.get("/"); got != "bills 0" {
		t.Errorf("billing answers %q", got)
	}
	s.write("billing/main.go", "package main\n\nfunc main() { x }\n")
	if f := waitFor[BuildFailed](s, nil); f.App != "billing" || !f.Serving {
		t.Errorf("the failure is told as %+v", f)
	}
	s.url = urls["orders"]
	if got := s.get("/dial?addr=127.0.0.1:9"); !strings.Contains(got, "permission denied") {
		t.Errorf("orders answers %q", got)
	}
	if d := waitFor[Denied](s, nil); d.App != "orders" || d.CallSite != "orders/"+place("r.URL.Query()") {
		t.Errorf("the denial is told as %+v", d)
	}
}

// TestTemplates: a file that the program reads at its start has it started again, without a build.
func TestTemplates(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"main.go":   strings.NewReplacer(`const version = "one"`, `var page, _ = os.ReadFile("page.html"); var version = string(page)`).Replace(source),
		"page.html": "old",
	})
	s.up()
	if got := s.get("/"); got != "old 0" {
		t.Errorf("/ = %q", got)
	}
	s.write("page.html", "new")
	if r := waitFor[AppReady](s, nil); r.Reload != 1 || len(r.Files) != 1 || r.Files[0] != "page.html" {
		t.Errorf("the restart is told as %+v", r)
	}
	if got := s.get("/"); got != "new 0" {
		t.Errorf("after the save / = %q", got)
	}
}

// TestSavedTogether: what a burst asks for besides a build that makes the same program is done: of a checkout that changes a
// template and a comment, or a script and a comment.
func TestSavedTogether(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(`const version = "one"`, `var page, _ = os.ReadFile("page.html"); var version = string(page)`).Replace(source)
	s := newSite(t, map[string]string{"main.go": text, "page.html": "old", "site.js": "1", "site.css": "1"})
	s.opts.LiveReload = true
	s.up()
	comment := func(what string) string { return text + "\n// with " + what + "\n" }
	s.replace("page.html", "new")
	s.replace("main.go", comment("a template"))
	waitFor(s, func(r AppReady) bool { return slices.Contains(r.Files, "page.html") })
	if got := s.get("/"); got != "new 0" {
		t.Errorf("/ = %q, want the new template", got)
	}
	for _, x := range []struct {
		file string
		told func(pagesState) bool
	}{
		{"site.js", func(p pagesState) bool { return p.Assets == 1 }},
		{"site.css", func(p pagesState) bool { return p.Styles == 1 }},
	} {
		s.replace(x.file, "2")
		s.replace("main.go", comment(x.file))
		s.awaitPages(x.file, x.told)
	}
}

// TestTLS: an app that serves TLS on $PORT is told that production ends it before the app.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": `package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
)

func main() {
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	panic(http.Serve(tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, os.ErrNotExist }}), nil))
}
`})
	s.up()
	waitFor(s, func(w Warning) bool { return strings.Contains(w.Text, "production ends TLS in front of the app") })
}

// TestEndsDuringBuild: a version that ends before it accepted does not send the requests on that wait for a newer one.
func TestEndsDuringBuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Each tool of a build waits for a line from the FIFO while there is one.
	hold, tool := filepath.Join(dir, "hold"), filepath.Join(dir, "tool")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nif [ -p "+hold+" ]; then read -r line < "+hold+"; fi\nexec \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, map[string]string{"main.go": life(t, "one")})
	s.opts.listenLimit, s.opts.WaitLimit, s.opts.BuildFlags = patience, patience, []string{"-toolexec=" + tool}
	s.up()
	waitFor[BuildStarted](s, nil)
	gate, _ := fifo(t)
	s.replace("main.go", life(t, "two", "gate", strconv.Quote(gate)))
	waitFor[BuildStarted](s, nil)
	starting := s.waitPID("waiting two (.*)")
	if err := syscall.Mkfifo(hold, 0o600); err != nil {
		t.Fatal(err)
	}
	s.replace("main.go", life(t, "three"))
	waitFor[BuildStarted](s, nil)
	before := s.crowd("three")
	kill(t, starting)
	if e := waitFor[WorkerExited](s, nil); !e.Serving {
		t.Errorf("the end of the second version is told as %+v", e)
	}
	after := s.crowd("three")
	lines, err := os.OpenFile(hold, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	if _, err := lines.Write(bytes.Repeat([]byte("\n"), 1000)); err != nil {
		t.Fatal(err)
	}
	before()
	after()
}

// TestSilentThenBroken: a version that has not accepted for long keeps no request waiting after a save that does not compile, nor
// after one that makes the same program.
func TestSilentThenBroken(t *testing.T) {
	t.Parallel()
	gate, _ := fifo(t)
	silent := life(t, "one", "gate", strconv.Quote(gate))
	s := newSite(t, map[string]string{"main.go": silent})
	s.opts.listenLimit, s.opts.WaitLimit = 1, patience/9
	s.start()
	waitFor(s, hasText("has not accepted"))
	running, err := Find(s.data)
	if err != nil {
		t.Fatal(err)
	}
	s.url = running.Apps[0].URL
	check := func(title string) {
		t.Helper()
		if got := s.get("/"); !strings.HasPrefix(got, "503 ") && !strings.HasPrefix(got, "502 ") || !strings.Contains(got, title) {
			t.Errorf("/ = %q, want %q", got, title)
		}
	}
	check("does not accept connections")
	s.replace("main.go", silent+"x")
	waitFor[BuildFailed](s, nil)
	check("does not compile")
	s.replace("main.go", silent+"\n// the same\n")
	waitFor[Unchanged](s, nil)
	check("does not accept connections")
}

// TestRestartIsOwed: where the version that was to read a template ended before it accepted, the next save that builds is
// given the new template too, even if it makes the program that serves.
func TestRestartIsOwed(t *testing.T) {
	t.Parallel()
	down := filepath.Join(t.TempDir(), "down")
	text := strings.NewReplacer(
		`const version = "one"`, `var page, _ = os.ReadFile("page.html"); var version = string(page)`,
		"func main() {\n", "func main() {\n\tif _, err := os.Stat("+strconv.Quote(down)+"); err == nil {\n\t\tos.Exit(3)\n\t}\n",
	).Replace(source)
	s := newSite(t, map[string]string{"main.go": text, "page.html": "old"})
	s.up()
	if err := os.WriteFile(down, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("page.html", "new")
	if e := waitFor[WorkerExited](s, nil); !e.Serving {
		t.Errorf("the end of the version that is down is told as %+v", e)
	}
	if err := os.Remove(down); err != nil {
		t.Fatal(err)
	}
	s.write("main.go", text+"\n// the same program\n")
	waitFor(s, func(b BuildStarted) bool { return !b.First })
	if got := s.get("/"); got != "new 0" {
		t.Errorf("/ = %q, want the new template", got)
	}
}

// TestRestartIsOwedOnce: so is the restart that a save of code took the place of, when that is taken back.
func TestRestartIsOwedOnce(t *testing.T) {
	t.Parallel()
	gate, _ := fifo(t)
	text := strings.NewReplacer(
		`const version = "one"`, `var page, _ = os.ReadFile("page.html"); var version = string(page)`,
		"func main() {\n", "func main() {\n\tif version == \"new\" {\n\t\tfmt.Println(\"waiting\", os.Getpid())\n\t\tos.ReadFile("+strconv.Quote(gate)+")\n\t}\n",
	).Replace(source)
	s := newSite(t, map[string]string{"main.go": text, "page.html": "old"})
	s.up()
	s.write("page.html", "new")
	s.waitPID("waiting (.*)")
	s.write("main.go", strings.Replace(text, "func main() {\n", "func main() {\n\tos.Exit(3)\n", 1))
	waitFor[WorkerExited](s, nil)
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	s.write("main.go", text)
	for range 2 { // saves of code
		waitFor(s, func(b BuildStarted) bool { return !b.First })
	}
	if got := s.get("/"); got != "new 0" {
		t.Errorf("/ = %q, want the new template", got)
	}
}

// TestAssetsAreOwed: pages are told of a script that was saved with code whose version ended before it accepted, when the code
// is taken back.
func TestAssetsAreOwed(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source, "site.js": "1"})
	s.opts.LiveReload = true
	s.up()
	s.replace("site.js", "2")
	s.replace("main.go", strings.Replace(source, "func main() {\n", "func main() {\n\tos.Exit(3)\n", 1))
	waitFor[WorkerExited](s, nil)
	s.replace("main.go", source)
	waitFor[Unchanged](s, nil)
	s.awaitPages("the code was taken back", func(p pagesState) bool { return p.Assets == 1 })
}
