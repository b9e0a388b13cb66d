package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// holdScript is a -toolexec that holds the compiler up while the file beside it is there: a build as long as a test needs.
const holdScript = `#!/bin/sh
case "$*" in
*-V=full*) ;;
*) while [ -e "$0.hold" ]; do sleep 0.05; done ;;
esac
exec "$@"
`

// pane is a shell in a real terminal, which tmux keeps.
type pane struct {
	t     *testing.T
	dir   string
	env   []string
	sanes int
}

// newPane opens a terminal of 100 by 30 in a folder with the example guestbook and devserver in PATH.
func newPane(t *testing.T) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tmux is missing: apt-get install tmux")
		}
		t.Skip("tmux is missing: apt-get install tmux")
	}
	dir, err := os.MkdirTemp("", "pane") // t.TempDir's is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "bin"), 0o755), os.Symlink(self, filepath.Join(dir, "bin", "devserver")), // by that name it is devserver
		os.WriteFile(filepath.Join(dir, "bin", "hold"), []byte(holdScript), 0o755),
		os.WriteFile(filepath.Join(dir, "bin", "browse"), []byte("#!/bin/sh\necho \"$1\" >>\"$HOME/browsed\"\n"), 0o755),
		os.Mkdir(filepath.Join(dir, "home"), 0o755), linkCache(filepath.Join(dir, "cache")), copyExample("guestbook", filepath.Join(dir, "guestbook")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &pane{t: t, dir: dir}
	p.env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TMUX") }), goEnv(t)...)
	p.env = append(p.env, "TMUX_TMPDIR="+dir, "HOME="+filepath.Join(dir, "home"), "DEVSERVER_CACHE="+filepath.Join(dir, "cache"),
		"PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "BROWSER=browse", "PS1=$ ", "ENV=", "LC_ALL=C.UTF-8", "SHELL=/bin/sh")
	t.Cleanup(func() { p.tmux("kill-server") })
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-c", dir, "exec sh")
	p.await(`(?m)^\$ `)
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("tmux", args...)
	cmd.Env = p.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// press sends keys by tmux's names.
func (p *pane) press(keys ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys"}, keys...)...)
}

// text is what is on the screen and has left it at the top, lines that are broken by its width joined.
func (p *pane) text() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p", "-J", "-S", "-")
}

// wipe empties the screen and its history.
func (p *pane) wipe() {
	p.t.Helper()
	p.press("-R")
	p.tmux("clear-history")
}

// await waits until what is shown matches.
func (p *pane) await(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	p.until("no text matched "+pattern, func() bool { return re.MatchString(p.text()) })
}

func (p *pane) until(otherwise string, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s; the terminal shows\n%s", otherwise, p.text())
		}
	}
}

// run starts devserver and waits until it hears keys.
func (p *pane) run(flags ...string) {
	p.t.Helper()
	p.wipe()
	p.press("-l", "devserver run --addr 127.0.0.1:0 --console 127.0.0.1:0 "+strings.Join(flags, " ")+" guestbook")
	p.press("Enter")
	p.await(`press \? for keys`)
}

// wantSane asks the shell about the terminal's mode. It asks again while the answer is another: who restores it may be
// the guard, which is no child of the shell.
func (p *pane) wantSane() {
	p.t.Helper()
	p.until("the terminal's mode is not what it was", func() bool {
		p.sanes++
		p.press("-l", fmt.Sprintf(`echo "mode %d: $(stty -a | tr ' ;' '\n\n' | grep -cx -e icanon -e echo -e isig -e opost)"`, p.sanes))
		p.press("Enter")
		answer := fmt.Sprintf(`(?m)^(?:\$ )?mode %d: (\d)$`, p.sanes) // behind the prompt where nothing typed is shown
		p.await(answer)
		return regexp.MustCompile(answer).FindStringSubmatch(p.text())[1] == "4"
	})
}

// hold makes builds last until the returned function is called.
func (p *pane) hold() (release func()) {
	p.t.Helper()
	file := filepath.Join(p.dir, "bin", "hold.hold")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		if err := os.Remove(file); err != nil {
			p.t.Fatal(err)
		}
	}
}

// save changes the app, as a program and not in its words alone, and in one step.
func (p *pane) save(name, word string) {
	p.t.Helper()
	text := fmt.Sprintf("package main\n\nfunc init() { println(%q) }\n", word)
	saved := filepath.Join(p.dir, "saved")
	if err := os.WriteFile(saved, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(saved, filepath.Join(p.dir, "guestbook", name)); err != nil {
		p.t.Fatal(err)
	}
}

// TestTerminalKeys presses every key there is.
func TestTerminalKeys(t *testing.T) {
	t.Parallel()
	p := newPane(t)
	p.run()
	p.press("x", "Up", "F5", "C-d") // keys that are nobody's
	p.press("?")
	p.await(`(?s)  r  rebuild .*  c  console   http://127\.0\.0\.1:\d+\n  o  open      http://.*  t  time .*  q  quit `)
	p.press("t")
	p.await(`devserver: the clock is 2m0s ahead; (no idle sockets|\d idle sockets?) reclaimed`)
	p.press("r")
	p.await(`devserver: guestbook reload 1 \(build \d+ ms, swap \d+ ms\)`)
	p.press("c")
	p.await(`devserver: opening the console: http://127\.0\.0\.1:\d+`)
	p.press("o")
	p.await(`devserver: opening guestbook: http://127\.0\.0\.1:\d+`)
	p.until("no two pages were opened", func() bool {
		text, err := os.ReadFile(filepath.Join(p.dir, "home", "browsed"))
		return (err == nil || errors.Is(err, os.ErrNotExist)) && strings.Count(string(text), "http://127.0.0.1:") == 2
	})
	p.press("q")
	p.await(`devserver: stopped after .*\n(.*\n)*\$ `)
	if text := p.text(); strings.Contains(text, "\nx") || strings.Contains(text, "^[") {
		t.Errorf("keys are echoed:\n%s", text)
	}
	p.wantSane()

	// Told to leave the keyboard alone, it does: the terminal echoes, and Ctrl-C ends.
	p.wipe()
	p.press("-l", "devserver run --no-keys --addr 127.0.0.1:0 --console 127.0.0.1:0 guestbook")
	p.press("Enter")
	p.await(`what its sockets do: `)
	p.press("q")
	p.await(`(?m)^q$`)
	p.press("C-c")
	p.await(`devserver: stopped after `)
	if strings.Contains(p.text(), "for keys") {
		t.Errorf("it tells of keys:\n%s", p.text())
	}
}

// TestTerminalProgress: while a build is under way the terminal is made narrow and wide; its progress is one row each time,
// and leaves nothing behind. Ctrl-C ends a build.
func TestTerminalProgress(t *testing.T) {
	t.Parallel()
	p := newPane(t)
	p.run("--build-flags", "-toolexec=hold")
	release := p.hold()
	const name = "a_file_with_a_name_that_is_as_wide_as_a_narrow_terminal.go"
	p.save(name, "one")
	p.await(`(?m)^devserver: building guestbook: ` + name)
	for _, columns := range []string{"40", "120", "100"} {
		p.tmux("resize-window", "-x", columns, "-y", "30")
		whole := columns == "120" || columns == "100"
		p.until("no progress of "+columns+" columns", func() bool {
			rows := strings.Split(p.tmux("capture-pane", "-p"), "\n")
			rows = slices.DeleteFunc(rows, func(r string) bool { return !strings.HasPrefix(r, "devserver: build") })
			return len(rows) == 1 && strings.Contains(rows[0], "…") != whole && strings.Contains(rows[0], name) == whole
		})
	}
	release()
	p.await(`(?m)^devserver: guestbook reload 1: ` + name + ` \(build \d+ ms, swap \d+ ms\)$`)
	p.await(`(?m)^one$`)
	if text := p.text(); strings.Contains(text, "building") || strings.Contains(text, "…") {
		t.Errorf("progress is left behind:\n%s", text)
	}

	release = p.hold()
	defer release()
	p.save(name, "two")
	p.await(`(?m)^devserver: building guestbook: ` + name)
	p.press("C-c")
	p.await(`devserver: stopped after .*\n(.*\n)*\$ `)
	if text := p.text(); strings.Contains(text, "building") {
		t.Errorf("progress is left behind:\n%s", text)
	}
	p.wantSane()
}

// TestTerminalStopsTwice: an app that does not want to end is waited for, which is said; a second Ctrl-C ends it and devserver at once.
func TestTerminalStopsTwice(t *testing.T) {
	t.Parallel()
	p := newPane(t)
	const stubborn = "package main\n\nimport (\n\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\nfunc init() {\n\tsignal.Ignore(syscall.SIGTERM)\n\tprintln(\"process\", os.Getpid())\n}\n"
	if err := os.WriteFile(filepath.Join(p.dir, "guestbook", "stubborn.go"), []byte(stubborn), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		p.run()
		p.await(`(?m)^process \d+$`)
		pid, _ := strconv.Atoi(regexp.MustCompile(`(?m)^process (\d+)$`).FindStringSubmatch(p.text())[1])
		p.press("C-c")
		p.await(`(?m)^devserver: waiting for what runs to end; another Ctrl-C kills it$`)
		if again {
			p.press("C-c")
		}
		p.await(`(?m)^\$ ?$`)
		if stopped := strings.Contains(p.text(), "devserver: stopped after"); stopped == again {
			t.Errorf("with another Ctrl-C (%v) it says\n%s", again, p.text())
		}
		p.until("the app has not ended", func() bool { return syscall.Kill(pid, 0) != nil })
		p.wantSane()
	}
}

// TestTerminalIsGivenBack: however devserver leaves the terminal, its mode is what it was; after fg the keys are heard again.
func TestTerminalIsGivenBack(t *testing.T) {
	t.Parallel()
	p := newPane(t)
	p.run()
	for range 2 {
		p.stop()
		p.wantSane()
		p.wipe()
		p.press("-l", "fg")
		p.press("Enter", "?") // the shell reads one line; what is behind it waits for devserver
		p.await(`(?m)^  q  quit `)
		p.wipe()
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGKILL} {
		if sig != syscall.SIGTERM {
			p.run()
		}
		if err := syscall.Kill(p.devserver(), sig); err != nil {
			t.Fatal(err)
		}
		p.await(`(?m)^\$ `)
		p.wipe()
		p.wantSane()
	}
}

// stop presses Ctrl-Z until the shell says that devserver has stopped: once, as a rule, but for a busy machine, on which a key
// may come while the shell still hands the terminal over.
func (p *pane) stop() {
	p.t.Helper()
	stopped := regexp.MustCompile(`(?i)stopped .*devserver run`)
	var pressed time.Time
	p.until("Ctrl-Z has not stopped it", func() bool {
		if stopped.MatchString(p.text()) {
			return true
		}
		if time.Since(pressed) > 5*time.Second {
			p.press("C-z")
			pressed = time.Now()
		}
		return false
	})
}

// devserver is the process id of the one that runs.
func (p *pane) devserver() int {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "guestbook", ".devserver", "control.json"))
	var control struct{ PID int }
	if err == nil {
		err = json.Unmarshal(text, &control)
	}
	if err != nil || control.PID <= 0 {
		p.t.Fatalf("control.json: %v", err)
	}
	return control.PID
}
