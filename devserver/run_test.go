package devserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/toolchain"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// patched makes the copy of Go once, in the user's own cache: it is what every run uses.
var patched = sync.OnceValue(func() error {
	t, err := toolchain.Ensure(context.Background(), toolchain.Config{Dir: "."})
	if err != nil {
		return err
	}
	return t.Close()
})

// patience is how long a test waits for anything; a first build takes a while on a busy machine.
const patience = 3 * time.Minute

// source is an app that answers with its version, dials what it is asked to, keeps a connection, and ends as asked.
const source = `package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

const version = "one"

var kept net.Conn

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d", version, len(body))
	})
	http.HandleFunc("/dial", dial)
	http.HandleFunc("/keep", func(w http.ResponseWriter, r *http.Request) {
		if kept == nil {
			kept, _ = net.Dial("tcp", "keep.example.com:7")
		}
		_, err := kept.Write([]byte("x"))
		fmt.Fprint(w, err)
	})
	http.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) {
		fmt.Println("the last words")
		os.Exit(7)
	})
	http.HandleFunc("/remote", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	fmt.Println("up", os.Getpid())
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}

func dial(w http.ResponseWriter, r *http.Request) {
	c, err := net.Dial("tcp", r.URL.Query().Get("addr"))
	if err == nil {
		fmt.Fprint(c, "hello")
		io.ReadFull(c, make([]byte, 5))
		c.Close()
	}
	fmt.Fprint(w, err)
}
`

// place is where source says text, as a call site.
func place(text string) string {
	before, _, _ := strings.Cut(source, text)
	return fmt.Sprintf("main.go:%d", 1+strings.Count(before, "\n"))
}

// site is a devserver that runs one app of a module of its own.
type site struct {
	t         testing.TB
	dir, data string
	opts      Options
	ready     struct {
		Console, Recording string
		Apps               []struct{ Name, URL, Debug string }
	}
	url     string
	held    string // a file that holds builds up; see holdable
	cancel  context.CancelFunc
	ended   chan error
	mu      sync.Mutex
	notices []Notice     // guarded by mu
	lines   bytes.Buffer // of the app; guarded by mu
	news    chan struct{}
}

// newSite writes a module with an app of the given files.
func newSite(t testing.TB, files map[string]string) *site {
	t.Helper()
	if err := patched(); err != nil {
		t.Fatalf("the patched Go: %v", err)
	}
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "shop"), ended: make(chan error, 1), news: make(chan struct{}, 1)}
	s.data = filepath.Join(s.dir, ".devserver")
	all := map[string]string{"go.mod": "module example.com/shop\n\ngo 1.25\n"}
	maps.Copy(all, files)
	for name, text := range all {
		s.write(name, text)
	}
	s.opts = Options{
		Dirs: []string{s.dir}, Addr: "127.0.0.1:0", Console: "127.0.0.1:0", ReadyFile: filepath.Join(t.TempDir(), "ready.json"),
		Standins: []string{"echo.example.com:7=builtin:echo", "keep.example.com:7=builtin:echo"}, Notify: s.hear, Stdout: s, Stderr: s,
		WaitLimit: patience, // requests wait for builds
	}
	return s
}

// write saves a file in one step, over another beside the module: one that is written in place is empty for a moment, and
// where the test is held up just then, the empty one is built too.
func (s *site) write(name, text string) {
	s.t.Helper()
	path, saved := filepath.Join(s.dir, name), s.dir+".saved"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(saved, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(saved, path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) hear(n Notice) {
	s.mu.Lock()
	s.notices = append(s.notices, n)
	s.mu.Unlock()
	s.wake()
}

func (s *site) Write(line []byte) (int, error) {
	s.mu.Lock()
	s.lines.Write(line)
	s.mu.Unlock()
	s.wake()
	return len(line), nil
}

func (s *site) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// start runs devserver; the test's end stops it.
func (s *site) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.ended <- Run(ctx, s.opts) }()
	s.t.Cleanup(func() {
		if s.cancel != nil {
			s.stop()
		}
	})
}

// stop stops devserver, which must end well.
func (s *site) stop() {
	s.t.Helper()
	s.cancel()
	s.cancel = nil
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("Run = %v, want a clean stop", err)
		}
	case <-time.After(patience):
		s.t.Fatal("Run does not end")
	}
	for _, name := range []string{"control.json"} {
		if _, err := os.Stat(filepath.Join(s.data, name)); !errors.Is(err, os.ErrNotExist) {
			s.t.Errorf("%s is left behind", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.data, "journal", "*")); len(left) > 0 {
		s.t.Errorf("journals are left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(s.data, "agent-*")); len(left) > 0 {
		s.t.Errorf("configurations are left behind: %v", left)
	}
}

// up starts and waits until the app accepts.
func (s *site) up() {
	s.t.Helper()
	s.start()
	waitFor[AppReady](s, nil)
	s.readReady()
}

// readReady waits for the ready file.
func (s *site) readReady() {
	s.t.Helper()
	var text []byte
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		var err error
		if text, err = os.ReadFile(s.opts.ReadyFile); err == nil {
			break
		}
		if time.Now().After(end) {
			s.t.Fatal(err)
		}
	}
	if err := json.Unmarshal(text, &s.ready); err != nil {
		s.t.Fatalf("ready file: %v in %s", err, text)
	}
	s.url = s.ready.Apps[0].URL
}

// waitFor returns the first notice of a kind that match accepts, and takes it out; nil accepts all.
func waitFor[N Notice](s *site, match func(N) bool) N {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		if n, ok := taken(s, match); ok {
			return n
		}
		select {
		case <-s.news:
		case err := <-s.ended:
			s.cancel = nil
			s.t.Fatalf("Run ended: %v", err)
		case <-limit.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("no %T came; there were %+v\nthe app said %s", *new(N), s.notices, s.lines.String())
		}
	}
}

func taken[N Notice](s *site, match func(N) bool) (found N, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.notices, func(n Notice) bool {
		found, ok = n.(N)
		return ok && (match == nil || match(found))
	})
	if i >= 0 {
		s.notices = slices.Delete(s.notices, i, i+1)
	}
	return found, i >= 0
}

// get asks the app over a connection of its own.
func (s *site) get(path string) string {
	s.t.Helper()
	return ask(s.t, "GET", s.url+path, "")
}

func ask(t testing.TB, method, url, token string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		return res.Status + ": " + string(body)
	}
	return string(body)
}

// recording opens the recording for reading.
func (s *site) recording() *Recording {
	s.t.Helper()
	r, err := OpenRecording(filepath.Join(s.data, "recording.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	return r
}

func sockets(t testing.TB, r *Recording, f record.SocketFilter) []record.Socket {
	t.Helper()
	all, err := r.Sockets(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRun is the whole path: an app that is not changed, its sockets judged and recorded, the clock moved, a clean stop.
func TestRun(t *testing.T) {
	t.Parallel()
	withinDay(t) // two minutes before its end the clock that is moved would pass it, too
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	if got := s.get("/"); got != "one 0" {
		t.Errorf("/ = %q", got)
	}
	if got := s.get("/remote"); !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("the app sees the client at %q", got)
	}
	if got, want := s.get("/dial?addr=127.0.0.1:9"), "dial tcp 127.0.0.1:9: connect: permission denied"; got != want {
		t.Errorf("a denied dial says %q, want %q", got, want)
	}
	d := waitFor[Denied](s, nil)
	if d.Rule != "loopback" || d.CallSite != place("r.URL.Query()") || d.Destination != "127.0.0.1:9" || d.Request != "GET /dial?addr=127.0.0.1:9" ||
		d.Network != "tcp" || d.Reason == "" || d.Advice == "" || d.Report || d.App != "shop" {
		t.Errorf("the denial is told as %+v", d)
	}
	if got := s.get("/dial?addr=echo.example.com:7"); got != "<nil>" {
		t.Errorf("a dial to a stand-in says %q", got)
	}
	s.get("/dial?addr=127.0.0.1:9")
	s.get("/keep")
	s.moveClock()
	if got := s.get("/keep"); !strings.Contains(got, "broken pipe") {
		t.Errorf("a write to a reclaimed socket says %q", got)
	}
	s.checkConsole()
	s.stop()
	if d, again := taken[Denied](s, nil); again {
		t.Errorf("the denial is told again: %+v", d)
	}
	stopped := waitFor[Stopped](s, nil)
	if stopped.Denials != 2 || stopped.Recording != s.ready.Recording {
		t.Errorf("the last notice is %+v, want 2 denials in %s", stopped, s.ready.Recording)
	}
	s.checkRecording()
}

// moveClock has the kept connection reclaimed.
func (s *site) moveClock() {
	s.t.Helper()
	i, err := Find(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	state, err := i.Advance(s.t.Context(), 2*time.Minute+time.Second)
	if want := (ClockState{Offset: 2*time.Minute + time.Second, Reclaimed: 1}); err != nil || state != want {
		s.t.Errorf("Advance = %+v, %v, want %+v", state, err, want)
	}
	reclaimed := sockets(s.t, s.recording(), record.SocketFilter{State: "reclaimed"})
	if len(reclaimed) != 1 || reclaimed[0].Host != "keep.example.com" {
		s.t.Errorf("right after Advance the recording holds %+v", reclaimed)
	}
	if state, err := i.ResetClock(s.t.Context()); err != nil || state.Offset != 0 {
		s.t.Errorf("ResetClock = %+v, %v", state, err)
	}
	if _, err := i.Advance(s.t.Context(), -time.Second); err == nil {
		s.t.Error("the clock goes backwards")
	}
}

func (s *site) checkConsole() {
	s.t.Helper()
	var overview struct {
		Apps   []struct{ Name, URL string }
		Counts record.Counts
	}
	if err := json.Unmarshal([]byte(ask(s.t, "GET", s.ready.Console+"/api/v1/overview", "")), &overview); err != nil {
		s.t.Fatal(err)
	}
	if len(overview.Apps) != 1 || overview.Apps[0].Name != "shop" || overview.Apps[0].URL != s.url || overview.Counts.Denials != 2 {
		s.t.Errorf("the console says %+v", overview)
	}
	if got := ask(s.t, "POST", s.ready.Console+"/api/v1/clock/reset", "wrong"); !strings.HasPrefix(got, "401") {
		s.t.Errorf("a change with a wrong token is answered %s", got)
	}
}

func (s *site) checkRecording() {
	s.t.Helper()
	r := s.recording()
	for _, tt := range []struct {
		host, state, standin, site string
		sent                       int64
	}{
		{"echo.example.com", "closed", "builtin:echo", place("r.URL.Query()"), 5},
		{"keep.example.com", "reclaimed", "builtin:echo", place("keep.example.com"), 1},
		{"127.0.0.1:9", "denied", "", place("r.URL.Query()"), 0},
	} {
		rows := sockets(s.t, r, record.SocketFilter{Host: tt.host})
		if len(rows) == 0 {
			s.t.Errorf("%s is not in the recording", tt.host)
			continue
		}
		row := rows[0]
		if row.State != tt.state || row.Standin != tt.standin || row.CallSite != tt.site || row.BytesSent != tt.sent || row.RequestID == 0 {
			s.t.Errorf("socket to %s: %+v, want %+v", tt.host, row, tt)
		}
	}
	runs, err := r.Runs(s.t.Context())
	if err != nil || len(runs) != 1 || runs[0].EndedAt == 0 || runs[0].Exit == "" || runs[0].PID == 0 || runs[0].Profile != "appengine" {
		s.t.Errorf("runs = %+v, %v", runs, err)
	}
	usage, err := r.Usage(s.t.Context(), "shop")
	if err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(usage, func(u record.QuotaUsage) bool { return u.Resource == "connect" && u.Window == "day" })
	if i < 0 || usage[i].Used != 2 || usage[i].Limit == 0 {
		s.t.Errorf("quota usage = %+v, want 2 connects in the day", usage)
	}
}

// nothingLeft compares with what was open before.
func nothingLeft(t *testing.T, descriptors, goroutines int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // the clients' own connections
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines are left, %d were before:\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
	}
	if n := count(t); n > descriptors {
		t.Errorf("%d descriptors are open, %d were before", n, descriptors)
	}
}

// count returns how many descriptors this process has.
func count(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// isOurs tells whether a process is an app of a test: its id may be another's by now.
func isOurs(pid int) bool {
	out, _ := exec.Command("ps", "-o", "command=", "-p", fmt.Sprint(pid)).Output()
	return strings.Contains(string(out), "/bin/shop/")
}

// TestDies: a worker that is killed is started again; requests that come meanwhile wait for it.
func TestDies(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	s.kill()
	if d := waitFor[WorkerExited](s, nil); d.Exit != "signal: killed" || d.RestartIn != time.Second {
		t.Errorf("the kill is told as %+v", d)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("a request right after the kill is answered %q", got)
	}
	if r := waitFor[AppReady](s, nil); r.First || r.Reload != 0 || len(r.Files) > 0 {
		t.Errorf("the restart is told as %+v", r)
	}
	if got := s.get("/exit"); !strings.HasPrefix(got, "502 ") || !strings.Contains(got, "the last words") || !strings.Contains(got, "exit status 7") {
		t.Errorf("the request that ended the app is answered %q", got)
	}
	if d := waitFor[WorkerExited](s, nil); d.Exit != "exit status 7" || d.RestartIn != 2*time.Second || !slices.Contains(d.LastLines, "the last words") {
		t.Errorf("the exit is told as %+v", d)
	}
	_, again := taken[AppReady](s, nil) // already, if the test was held up for two seconds
	if got := s.get("/"); !again && (!strings.HasPrefix(got, "503 ") || !strings.Contains(got, "exit status 7")) {
		t.Errorf("a request after the second end is answered %q", got)
	}
	if !again {
		waitFor[AppReady](s, nil)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("after the restart / = %q", got)
	}
}

// kill sends SIGKILL to the worker that the recording names.
func (s *site) kill() {
	s.t.Helper()
	runs, err := s.recording().Runs(s.t.Context())
	if err != nil || len(runs) == 0 {
		s.t.Fatal("no run is recorded", err)
	}
	p, err := os.FindProcess(runs[0].PID)
	if err != nil {
		s.t.Fatal(err)
	}
	p.Kill()
}

// TestBroken: what does not compile is shown, the version before goes on, and the next good save is served.
func TestBroken(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(source, `"one"`, `one`, 1)
	s := newSite(t, map[string]string{"main.go": broken})
	s.start()
	f := waitFor[BuildFailed](s, nil)
	if f.Serving || len(f.Errors) != 1 || f.Errors[0].File != "main.go" || f.Errors[0].Line != 11 || !strings.Contains(f.Output, "undefined: one") {
		t.Errorf("the failure is told as %+v", f)
	}
	i, err := Find(s.data)
	if err != nil {
		t.Fatal(err)
	}
	s.url = i.Apps[0].URL
	if got := s.get("/"); !strings.HasPrefix(got, "503 ") || !strings.Contains(got, "main.go:11") {
		t.Errorf("a request is answered %q, want the compiler's words", got)
	}
	s.write("main.go", source)
	waitFor[AppReady](s, nil)
	if got := s.get("/"); got != "one 0" {
		t.Errorf("after the first good save / = %q", got)
	}
	s.write("main.go", broken)
	if f := waitFor[BuildFailed](s, nil); !f.Serving {
		t.Errorf("the second failure is told as %+v", f)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("after a broken save / = %q", got)
	}
	requests, err := s.recording().Requests(t.Context(), record.RequestFilter{})
	if err != nil || !slices.ContainsFunc(requests, func(r record.Request) bool { return r.Status == 503 && r.Error == "The app does not compile" }) {
		t.Errorf("requests = %+v, %v, want the one that the proxy answered", requests, err)
	}
}

// TestTrouble: apps that cannot be served are told of, with the way out.
func TestTrouble(t *testing.T) {
	t.Parallel()
	prelude := "package main\n\nimport (\"fmt\"; \"net/http\"; \"os\")\n\nvar _, _, _ = fmt.Sprint, http.Get, os.Exit\n\nfunc main() { "
	for name, tt := range map[string]struct {
		body string
		want func(*testing.T, *site)
	}{
		"panics at start": {`panic("no database")`, func(t *testing.T, s *site) {
			if d := waitFor[WorkerExited](s, nil); d.Exit != "exit status 2" || !slices.ContainsFunc(d.LastLines, func(l string) bool { return l == "panic: no database" }) || d.RestartIn == 0 {
				t.Errorf("told as %+v", d)
			}
		}},
		"exits at once": {`fmt.Println("nothing to do")`, func(t *testing.T, s *site) {
			if d := waitFor[WorkerExited](s, nil); d.Exit != "exit status 0" || !slices.Contains(d.LastLines, "nothing to do") {
				t.Errorf("told as %+v", d)
			}
		}},
		"never listens": {`select {}`, func(t *testing.T, s *site) {
			waitFor(s, func(w Warning) bool {
				return strings.Contains(w.Text, "$PORT (") && strings.Contains(w.Text, "has not accepted")
			})
		}},
		"listens elsewhere": {`fmt.Println(http.ListenAndServe(":9099", nil)); os.Exit(1)`, func(t *testing.T, s *site) {
			waitFor(s, func(w Warning) bool {
				return strings.Contains(w.Text, ":9099") && strings.Contains(w.Text, "listen on $PORT (") && strings.HasSuffix(w.Text, "--addr 127.0.0.1:9099")
			})
			if first, second := waitFor[WorkerExited](s, nil), waitFor[WorkerExited](s, nil); first.Again || !second.Again {
				t.Errorf("told as %+v, and %+v", first, second)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": prelude + tt.body + " }\n"})
			s.opts.ReadyFile = ""
			s.start()
			tt.want(t, s)
		})
	}
}

// TestRefused: what cannot be run is refused at once, in words that end in a way out.
func TestRefused(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel subtests
	for name, tt := range map[string]struct {
		change func(*site)
		usage  bool
		want   []string
	}{
		"no such folder":  {func(s *site) { s.opts.Dirs = []string{filepath.Join(s.dir, "none")} }, false, []string{"none", "folder"}},
		"no Go files":     {func(s *site) { os.Remove(filepath.Join(s.dir, "main.go")) }, false, []string{"shop"}},
		"not in a module": {func(s *site) { os.Remove(filepath.Join(s.dir, "go.mod")) }, false, []string{"go mod init"}},
		"unknown profile": {func(s *site) { s.opts.Profile = "heroku" }, true, []string{"heroku", "appengine"}},
		"wrong yaml":      {func(s *site) { s.write("devserver.yaml", "apps:\n  - {nmae: x}\n") }, true, []string{"devserver.yaml:2:", "name"}},
		"no such config":  {func(s *site) { s.opts.Config = "none.yaml" }, true, []string{"none.yaml"}},
		"wrong stand-in":  {func(s *site) { s.opts.Standins = []string{"db:5432=192.0.2.1:1"} }, true, []string{"192.0.2.1:1", "127.0.0.1"}},
		"wrong address":   {func(s *site) { s.opts.Addr = "8080" }, true, []string{"--addr", "HOST:PORT"}},
		"wrong on-build":  {func(s *site) { s.opts.OnBuild = "now" }, true, []string{"wait", "serve-old"}},
		"small limit":     {func(s *site) { s.opts.JournalLimit = "100KiB" }, true, []string{"--journal-limit 100KiB", "1 MiB"}},
		"wrong limit":     {func(s *site) { s.opts.JournalLimit = "much" }, true, []string{"--journal-limit", "much", "1MiB"}},
		"app's port":      {func(s *site) { s.opts.Addr = taken.Addr().String() }, false, []string{taken.Addr().String(), "taken", "--addr"}},
		"console's port":  {func(s *site) { s.opts.Console = taken.Addr().String() }, false, []string{"taken", "--console"}},
		"data below file": {func(s *site) { s.opts.Data = filepath.Join(s.dir, "main.go", "x") }, false, []string{"main.go", "--data"}},
		"no reload":       {func(s *site) { s.opts.NoReload = true; s.write("main.go", "package main\nfunc main() { x }\n") }, false, []string{"undefined: x", "--no-reload"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": source})
			tt.change(s)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := Run(ctx, s.opts)
			if err == nil {
				t.Fatal("Run = nil")
			}
			var usage *UsageError
			if errors.As(err, &usage) != tt.usage {
				t.Errorf("%v is an error of usage: %v, want %v", err, !tt.usage, tt.usage)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Run = %v, want %q in it", err, want)
				}
			}
		})
	}
}

// TestSecond: a second devserver on the data directory is told who has it.
func TestSecond(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	err := Run(t.Context(), Options{Dirs: []string{s.dir}, Addr: "127.0.0.1:0", Console: "127.0.0.1:0", ReadyFile: s.opts.ReadyFile})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) || !strings.Contains(err.Error(), s.ready.Console) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("the second devserver says %v", err)
	}
	if _, err := os.Stat(s.opts.ReadyFile); err != nil {
		t.Errorf("the ready file of the first: %v", err)
	}
	if got := s.get("/"); got != "one 0" {
		t.Errorf("after that / = %q", got)
	}
}
