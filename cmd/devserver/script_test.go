package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"devserver": main, "keyboard": holdKeyboard})
}

// patience is how long a script waits for what must come: a build with everything to compile is the longest.
const patience = time.Minute

// TestScripts runs testdata/script/*.txtar, each with the examples, guestbook and shop, as modules of its own. Besides testscript's own commands they have
//
//	start NAME devserver ARG...   run a command in the background until the script ends or halts it
//	await NAME REGEXP             wait for a line of what it wrote, either stream, behind the line awaited before
//	explained NAME RULE           wait for a denial by RULE, run the command it ends with, and see that it comes to RULE
//	halt NAME                     interrupt it; it must end with status 0; stderr holds what it wrote
//	                              (testscript's own stop ends the script then and there)
//	terminal NAME SIGNAL...       send its process group signals, as a terminal does; the rest is as in halt
//	until REGEXP devserver ARG... run a command that follows, and interrupt it once a line of it matches
//	ready FILE                    set $CONSOLE, $RECORDING and each app's $NAME_URL from a --ready-file
//	get URL                       stdout holds the words of the page
//	post URL NAME=VALUE           the same, of the page to which a form leads
func TestScripts(t *testing.T) {
	t.Parallel()
	goEnv := goEnv(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, goEnv...)
			e.Setenv("DEVSERVER_CACHE", e.WorkDir+"/cache")
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Values["env"], e.Values["jobs"] = e, map[string]*job{}
			return errors.Join(linkCache(e.WorkDir+"/cache"), copyExample("guestbook", e.WorkDir+"/guestbook"), copyExample("shop", e.WorkDir+"/shop"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "await": await, "explained": explainedBy, "halt": halt, "terminal": terminal, "until": until, "get": get, "post": post, "ready": ready,
		},
	})
}

// goEnv lets the scripts, whose home is another, share the go command's caches.
func goEnv(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	var vars map[string]string
	if err := json.Unmarshal(out, &vars); err != nil {
		t.Fatal(err)
	}
	var list []string
	for k, v := range vars {
		list = append(list, k+"="+v)
	}
	return list
}

// machineCache is devserver's cache directory on this machine.
func machineCache() (string, error) {
	if dir := os.Getenv("DEVSERVER_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "devserver"), err
}

// linkCache makes a cache directory that shares the patched toolchains with the machine's, and nothing else: no
// devserver that runs elsewhere is registered in it.
func linkCache(dir string) error {
	shared, err := machineCache()
	if err != nil {
		return err
	}
	toolchains := filepath.Join(shared, "go")
	return errors.Join(os.MkdirAll(toolchains, 0o700), os.MkdirAll(dir, 0o700), os.Symlink(toolchains, filepath.Join(dir, "go")))
}

// copyExample makes an example a module of its own, which a script may change, without the recording of whoever ran it
// there.
func copyExample(name, dir string) error {
	from := filepath.Join("../../examples", name)
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		to := dir + strings.TrimPrefix(path, from)
		switch {
		case err != nil:
			return err
		case path != from && d.Name()[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		}
		text, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(to, text, 0o644))
	})
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/"+name+"\n\ngo 1.26\n"), 0o644))
}

// job is a command in the background.
type job struct {
	cmd   *exec.Cmd
	lines chan string   // what it writes; closed at its end
	ended chan struct{} // closed when err is set
	err   error

	mu  sync.Mutex
	all bytes.Buffer // guarded by mu
}

func begin(ts *testscript.TestScript, args []string) *job {
	j := &job{cmd: exec.Command(lookPath(ts, args[0]), args[1:]...), lines: make(chan string, 4096), ended: make(chan struct{})}
	j.cmd.Dir = ts.Getenv("WORK")
	j.cmd.Env = append(os.Environ(), ts.Value("env").(*testscript.Env).Vars...)
	r, w := io.Pipe()
	j.cmd.Stdout, j.cmd.Stderr = w, w
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell starts a job
	ts.Check(j.cmd.Start())
	go j.read(r)
	go func() {
		j.err = j.cmd.Wait()
		w.Close()
		close(j.ended)
	}()
	ts.Defer(func() { j.interrupt() })
	return j
}

// lookPath finds a command in the script's PATH, where devserver is this test's binary.
func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	ts.Fatalf("%s is not in the script's PATH", name)
	return ""
}

func (j *job) read(r io.Reader) {
	defer close(j.lines)
	for s := bufio.NewScanner(r); s.Scan(); {
		j.mu.Lock()
		fmt.Fprintln(&j.all, s.Text())
		j.mu.Unlock()
		select {
		case j.lines <- s.Text():
		default: // nobody awaits so much; all keeps it
		}
	}
	_, _ = io.Copy(io.Discard, r)
}

func (j *job) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// interrupt asks the job to end, sees that it does, and returns how.
func (j *job) interrupt() error {
	_ = j.cmd.Process.Signal(os.Interrupt)
	select {
	case <-j.ended:
	case <-time.After(time.Minute):
		_ = j.cmd.Process.Kill()
		<-j.ended
		return fmt.Errorf("did not end within a minute of SIGINT")
	}
	return j.err
}

// match waits for a line and returns it.
func (j *job) match(ts *testscript.TestScript, pattern string) string {
	re, err := regexp.Compile(pattern)
	ts.Check(err)
	for late := time.After(patience); ; {
		select {
		case line, ok := <-j.lines:
			if !ok {
				ts.Fatalf("it ended without a line that matches %s; it wrote:\n%s", pattern, j.text())
			}
			if re.MatchString(line) {
				return line
			}
		case <-late:
			ts.Fatalf("no line matched %s within %v; it wrote:\n%s", pattern, patience, j.text())
		}
	}
}

func jobOf(ts *testscript.TestScript, name string) *job {
	j, ok := ts.Value("jobs").(map[string]*job)[name]
	if !ok {
		ts.Fatalf("nothing named %q was started", name)
	}
	return j
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value("jobs").(map[string]*job)[args[0]] = begin(ts, args[1:])
}

func await(ts *testscript.TestScript, _ bool, args []string) { jobOf(ts, args[0]).match(ts, args[1]) }

// explainedBy does what the terminal says of a denial: the command is pasted into a shell.
func explainedBy(ts *testscript.TestScript, _ bool, args []string) {
	j, rule := jobOf(ts, args[0]), args[1]
	j.match(ts, ` by rule `+rule+`: `)
	command := strings.TrimPrefix(j.match(ts, `^  more     devserver explain `), "  more     ")
	cmd := exec.Command("sh", "-c", command+" --json")
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), ts.Value("env").(*testscript.Env).Vars...)
	out, err := cmd.Output()
	var said struct{ Rule string }
	if json.Unmarshal(out, &said) != nil || said.Rule != rule {
		ts.Fatalf("%s comes to %q (%v), want %s:\n%s", command, said.Rule, err, rule, out)
	}
	fmt.Fprintln(ts.Stdout(), command)
}

func halt(ts *testscript.TestScript, _ bool, args []string) {
	j := jobOf(ts, args[0])
	err := j.interrupt()
	for range j.lines { // all that it wrote is read
	}
	fmt.Fprint(ts.Stderr(), j.text())
	if err != nil {
		ts.Fatalf("%s: %v; it wrote:\n%s", args[0], err, j.text())
	}
}

// signals are what a terminal sends, by the name of kill(1).
var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "HUP": syscall.SIGHUP}

func terminal(ts *testscript.TestScript, _ bool, args []string) {
	j := jobOf(ts, args[0])
	for _, name := range args[1:] {
		ts.Check(syscall.Kill(-j.cmd.Process.Pid, signals[name]))
	}
	select {
	case <-j.ended:
	case <-time.After(patience):
		ts.Fatalf("%s did not end within a minute of %v; it wrote:\n%s", args[0], args[1:], j.text())
	}
	halt(ts, false, args[:1])
}

func until(ts *testscript.TestScript, _ bool, args []string) {
	j := begin(ts, args[1:])
	j.match(ts, args[0])
	if err := j.interrupt(); err != nil {
		ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
	}
	fmt.Fprint(ts.Stdout(), j.text())
}

// ready waits for a --ready-file, which appears in one step, and reads it.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	var f struct {
		Console, Recording string
		Apps               []struct{ Name, URL string }
	}
	waitForFile(ts, ts.MkAbs(args[0]))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &f))
	ts.Setenv("CONSOLE", f.Console)
	ts.Setenv("RECORDING", f.Recording)
	for _, app := range f.Apps {
		ts.Setenv(strings.ToUpper(app.Name)+"_URL", app.URL)
	}
}

func waitForFile(ts *testscript.TestScript, path string) {
	w, err := fsnotify.NewWatcher()
	ts.Check(err)
	defer w.Close()
	ts.Check(w.Add(filepath.Dir(path)))
	for late := time.After(patience); ; {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-w.Events:
		case err := <-w.Errors:
			ts.Check(err)
		case <-late:
			ts.Fatalf("%s was not there within %v", path, patience)
		}
	}
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<script.*?</script>|<[^>]*>`)

// get fetches a page; its words stand on standard output with single spaces between them, without its tags.
func get(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	fetch(ts, neg, req)
}

func post(ts *testscript.TestScript, neg bool, args []string) {
	req, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(args[1]))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	fetch(ts, neg, req)
}

func fetch(ts *testscript.TestScript, neg bool, req *http.Request) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	if (res.StatusCode/100 != 2) != neg {
		ts.Fatalf("%s %s: %s\n%s", req.Method, req.URL, res.Status, body)
	}
	words := tags.ReplaceAllString(string(body), " ")
	fmt.Fprintln(ts.Stdout(), strings.Join(strings.Fields(html.UnescapeString(words)), " "))
}
