package devserver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/delve/delvetest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// runEnv makes the test binary run devserver with these options, so that it can be killed.
const runEnv = "DEVSERVER_TEST_RUN"

func TestMain(m *testing.M) {
	if text := os.Getenv(writeEnv); text != "" {
		var p writePlan
		err := json.Unmarshal([]byte(text), &p)
		if err == nil {
			err = p.write()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	text := os.Getenv(runEnv)
	if text == "" {
		code := m.Run()
		delvetest.Clean()
		os.Exit(code)
	}
	os.Unsetenv(runEnv)
	var o Options
	if err := json.Unmarshal([]byte(text), &o); err != nil { // its functions stay nil
		panic(err)
	}
	o.Stdout, o.Stderr = os.Stdout, os.Stderr
	o.Notify = func(n Notice) { fmt.Fprintf(os.Stderr, "notice %T %+v\n", n, n) }
	if disk := os.Getenv(diskEnv); disk != "" {
		if err := mountDisk(disk); err != nil {
			panic(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := Run(ctx, o)
	if disk := os.Getenv(diskEnv); disk != "" && err == nil {
		err = os.CopyFS(disk+"-copy", os.DirFS(disk))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process runs the site's devserver in a process of its own and waits until its app accepts.
func (s *site) process() *exec.Cmd {
	s.t.Helper()
	cmd := s.command()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	s.readReady()
	return cmd
}

// command makes the command of process. Its notices are lines that begin with their type, as in "notice devserver.Recovered".
func (s *site) command() *exec.Cmd {
	s.t.Helper()
	text, err := json.Marshal(map[string]any{ // the rest cannot be written
		"Dirs": s.opts.Dirs, "Addr": s.opts.Addr, "Console": s.opts.Console, "Standins": s.opts.Standins, "ReadyFile": s.opts.ReadyFile,
		"Profile": s.opts.Profile, "Data": s.opts.Data, "JournalLimit": s.opts.JournalLimit, "NoReload": s.opts.NoReload,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), runEnv+"="+string(text))
	cmd.Stdout, cmd.Stderr = s, s
	return cmd
}

// TestKilled: devserver is killed; its worker ends by itself, and the next start has all that it recorded.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	cmd := s.process()
	for range 20 {
		if got := s.get("/dial?addr=echo.example.com:7"); got != "<nil>" {
			t.Fatalf("a dial says %q", got)
		}
	}
	syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP) // it reads no journal any more
	i := s.ready
	cmd.Process.Kill()
	cmd.Wait()
	runs, err := s.recording().Runs(t.Context())
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs = %+v, %v", runs, err)
	}
	for end := time.Now().Add(patience); isOurs(runs[0].PID); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("worker %d outlives its devserver", runs[0].PID)
		}
	}
	os.Remove(s.opts.ReadyFile)
	s.up()
	if s.ready.Recording != i.Recording {
		t.Errorf("the recording is %s, was %s", s.ready.Recording, i.Recording)
	}
	r := s.recording()
	rows := sockets(t, r, record.SocketFilter{Host: "echo.example.com"})
	if len(rows) != 20 {
		t.Errorf("%d sockets are recorded, want 20", len(rows))
	}
	for _, row := range rows {
		if row.State != "closed" || row.BytesSent != 5 || row.BytesReceived != 5 {
			t.Errorf("socket %+v", row)
		}
	}
	runs, err = r.Runs(t.Context())
	if err != nil || len(runs) != 2 || runs[1].Exit != "devserver was killed" || runs[1].EndedAt < runs[1].StartedAt {
		t.Errorf("runs = %+v, %v", runs, err)
	}
}

// TestEnv: a program under the variables of Env is judged, and the devserver on the data directory shows it.
func TestEnv(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source, "tool/main.go": `package main

import (
	"fmt"
	"net"
)

func main() {
	_, err := net.Dial("tcp", "127.0.0.1:9")
	fmt.Println(err)
}
`})
	vars, err := Env(t.Context(), EnvOptions{Dir: filepath.Join(s.dir, "tool"), Data: s.data})
	if err != nil {
		t.Fatal(err)
	}
	s.up()
	cmd := exec.Command("go", "run", "./tool")
	for _, v := range vars {
		if path, ok := strings.CutPrefix(v, "PATH="); ok { // the patched go is in front
			cmd.Path = filepath.Join(filepath.SplitList(path)[0], "go")
		}
	}
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), vars...)
	out, err := cmd.CombinedOutput()
	if want := "dial tcp 127.0.0.1:9: connect: permission denied\n"; err != nil || string(out) != want {
		t.Errorf("the program says %q, %v, want %q", out, err, want)
	}
	if d := waitFor[Denied](s, nil); d.App != "tool" || d.CallSite != "tool/main.go:9" || d.Rule != "loopback" {
		t.Errorf("the denial is told as %+v", d)
	}
}

func TestEnvRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	if _, err := Env(t.Context(), EnvOptions{Dir: s.dir, Standins: []string{"a.example.com:7=builtin:echo"}}); err == nil || !strings.Contains(err.Error(), "builtin:echo") {
		t.Errorf("with a built-in peer: %v", err)
	}
	if _, err := Env(t.Context(), EnvOptions{Dir: s.dir, Profile: "none"}); err == nil || !strings.Contains(err.Error(), "appengine") {
		t.Errorf("with an unknown profile: %v", err)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.up()
	states := func(o DoctorOptions) map[string]Check {
		all := map[string]Check{}
		for _, c := range Doctor(t.Context(), o) {
			if c.State != stateOK && c.Advice == "" {
				t.Errorf("%+v has no way out", c)
			}
			all[c.Name] = c
		}
		return all
	}
	all := states(DoctorOptions{Dir: s.dir, Addr: strings.TrimPrefix(s.url, "http://"), Console: "127.0.0.1:0"})
	for name, want := range map[string]string{
		"go": stateOK, "cache": stateOK, "patched go": stateOK, "app": stateOK, "devserver.yaml": stateOK,
		"data directory": stateWarn, "app's address": stateWarn, "console's address": stateOK,
	} {
		if all[name].State != want {
			t.Errorf("%s: %+v, want %s", name, all[name], want)
		}
	}
	s.write("devserver.yaml", "nonsense: 1\n")
	all = states(DoctorOptions{Dir: s.dir, Data: filepath.Join(s.dir, "main.go", "x"), Addr: "127.0.0.1:0", Console: "127.0.0.1:0"})
	if all["devserver.yaml"].State != stateFail || all["data directory"].State == stateOK {
		t.Errorf("with a wrong file and directory: %+v", all)
	}
	if all := states(DoctorOptions{Dir: t.TempDir()}); all["app"].State != stateFail {
		t.Errorf("outside a module: %+v", all)
	}
}
