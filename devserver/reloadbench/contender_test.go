package reloadbench

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What devserver is compared with; fetched for the comparison alone, and no dependency.
const (
	airVersion    = "github.com/air-verse/air@v1.67.4"
	reflexVersion = "github.com/cespare/reflex@v0.3.1"
)

// app says its version and how many bytes it got.
const app = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

const version = "VERSION"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s %d", version, len(body))
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
`

// tuned is what one would set so that air is fast: no wait after a save, none before a kill. air takes a delay of 0 for its
// default, a second.
const tuned = `[build]
cmd = "go build -o ./tmp/main ."
bin = "./tmp/main"
delay = 1
kill_delay = "0s"
send_interrupt = true
`

// contender is one way to have new code after a save.
type contender struct {
	name string
	dir  string // of its copy of the app
	url  string
	pid  int // of the program that reloads
	said *output

	changed func() error // called after a save; nil: it notices by itself

	mustReload bool // it fails the test if it does not answer with a new version

	times          []time.Duration
	stuck          int // saves that never led to a response
	requests, lost int64
	why            map[string]bool // what failed
}

// output keeps what a program writes, for the moment that something goes wrong.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// end returns the last of it.
func (o *output) end() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.text.Bytes()
	return string(text[max(0, len(text)-2000):])
}

// newContender writes a copy of the app, and further files given as name and text.
func newContender(t *testing.T, name string, files ...string) *contender {
	t.Helper()
	c := &contender{name: name, dir: filepath.Join(t.TempDir(), "app"), said: &output{}, why: make(map[string]bool)}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files = append(files, "go.mod", "module example.com/app\n\ngo 1.25\n")
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(c.dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.save("v0"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contender) save(version string) error {
	return os.WriteFile(filepath.Join(c.dir, "main.go"), []byte(strings.Replace(app, "VERSION", version, 1)), 0o644)
}

// command prepares a program that runs in the app's folder, in a process group of its own.
func (c *contender) command(port, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), "PORT="+port)
	cmd.Stdout, cmd.Stderr = c.said, c.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run starts a reloader, and waits until the app answers where clients find it. The test's end ends it.
func (c *contender) run(t *testing.T, public string, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	t.Cleanup(func() { finish(cmd) })
	c.pid = cmd.Process.Pid
	c.url = "http://127.0.0.1:" + public + "/"
	if err := await(c.url, "v0", 3*time.Minute); err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, c.said.end())
	}
}

// finish asks a program to end, so that it ends what it has started, and kills what is left of its group.
func finish(cmd *exec.Cmd) {
	cmd.Process.Signal(syscall.SIGTERM)
	patience := time.AfterFunc(20*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	cmd.Wait()
	patience.Stop()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

// devserver is the real command with its defaults.
func devserver(t *testing.T) *contender {
	c := newContender(t, "devserver")
	c.mustReload = true
	bin := filepath.Join(t.TempDir(), "devserver")
	build := exec.Command("go", "build", "-o", bin, "../../cmd/devserver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	port := freePort(t)
	c.run(t, port, c.command(port, bin, "run", "--addr", "127.0.0.1:"+port, "--console", "127.0.0.1:0", "."))
	return c
}

// byHand is go build, and the old process replaced by the new one when that is done.
func byHand(t *testing.T) (c *contender, builds *[]time.Duration) {
	c = newContender(t, "go build, restart")
	builds = new([]time.Duration)
	port := freePort(t)
	build := func() error {
		start := time.Now()
		cmd := exec.Command("go", "build", "-o", "app", ".")
		cmd.Dir = c.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
		*builds = append(*builds, time.Since(start))
		return nil
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	*builds = nil // of changes only
	running := c.command(port, filepath.Join(c.dir, "app"))
	c.run(t, port, running)
	t.Cleanup(func() { finish(running) })
	c.changed = func() error {
		if err := build(); err != nil {
			return err
		}
		running.Process.Kill()
		running.Wait()
		running = c.command(port, filepath.Join(c.dir, "app"))
		return running.Start()
	}
	return c, builds
}

// air runs it in one of its ways.
func air(t *testing.T, bin, way string) *contender {
	port, public := freePort(t), ""
	switch way {
	case "default":
		c := newContender(t, "air, default")
		c.run(t, port, c.command(port, bin))
		return c
	case "tuned":
		c := newContender(t, "air, tuned", ".air.toml", tuned)
		c.run(t, port, c.command(port, bin))
		return c
	}
	public = freePort(t)
	proxy := fmt.Sprintf("[proxy]\nenabled = true\nproxy_port = %s\napp_port = %s\n", public, port)
	c := newContender(t, "air, tuned, its proxy", ".air.toml", tuned+proxy)
	c.run(t, public, c.command(port, bin))
	return c
}

func reflex(t *testing.T, bin string) *contender {
	c := newContender(t, "reflex")
	port := freePort(t)
	c.run(t, port, c.command(port, bin, "-s", "-r", `\.go$`, "--", "sh", "-c", "go build -o app . && exec ./app"))
	return c
}

// install fetches a reloader and returns its program; "" and a word where it cannot be had.
func install(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "install", version)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("not compared with %s, which cannot be fetched: %v\n%s", version, err, out)
		return ""
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("go install %s left %q, %v", version, found, err)
	}
	return found[0]
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
