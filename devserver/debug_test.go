package devserver

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/delve/delvetest"
)

// askLater asks an app in the background.
func askLater(t *testing.T, url string) (answer chan string) {
	answer = make(chan string, 1)
	go func() {
		r, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			text = []byte(err.Error())
		}
		answer <- string(text)
	}()
	return answer
}

// answered waits for what askLater asks for.
func answered(t *testing.T, answer chan string) string {
	t.Helper()
	select {
	case text := <-answer:
		return text
	case <-time.After(patience):
		t.Fatal("no answer came")
		return ""
	}
}

// TestDebug: a request stops at a client's breakpoint and is answered when that lets it go on. A reload meanwhile keeps the address,
// the request that stands at the breakpoint is answered by its own version, and devserver ends although the next one
// stands at one. No wait limit and no readiness ends a program that is stopped.
func TestDebug(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": source})
	s.opts.Debug, s.opts.dlv, s.opts.WaitLimit = "127.0.0.1:0", delvetest.Dlv(t), time.Second
	s.up()
	file, addr := filepath.Join(s.dir, "main.go"), s.ready.Apps[0].Debug
	line, err := strconv.Atoi(strings.TrimPrefix(place("body, _ :="), "main.go:"))
	if err != nil {
		t.Fatal(err)
	}
	reach := func(c *delvetest.Client) (answer chan string) {
		t.Helper()
		answer = askLater(t, s.url+"/")
		if got, err := c.Continue(); got != line {
			t.Fatalf("the program stopped in line %d, %v; want %d", got, err, line)
		}
		return answer
	}
	first := delvetest.Connect(t, addr)
	first.Break(file, line)
	answer := reach(first)
	var locals struct {
		Variable struct{ Value string }
	}
	first.Must("Eval", map[string]any{"Scope": map[string]any{"GoroutineID": -1}, "Expr": "r.URL.Path"}, &locals)
	if locals.Variable.Value != "/" {
		t.Errorf("r.URL.Path = %q at the breakpoint", locals.Variable.Value)
	}
	go first.Continue()
	if got := answered(t, answer); got != "one 0" {
		t.Errorf("/ = %q", got)
	}

	again := delvetest.Connect(t, addr) // the first one waits for the next stop
	again.Halt()
	answer = reach(again)
	s.write("main.go", versionOf("two"))
	if r := waitFor[AppReady](s, nil); r.Reload != 1 || r.Debug != addr {
		t.Errorf("the reload is told as %+v, want the debugger at %s", r, addr)
	}
	if got := answered(t, answer); got != "one 0" {
		t.Errorf("the request that stood at the breakpoint is answered %q", got)
	}
	second := delvetest.Connect(t, addr)
	second.Break(file, line)
	answer = reach(second)
	if n, ok := taken[WorkerExited](s, nil); ok {
		t.Errorf("a worker has ended: %+v", n)
	}
	s.stop()
	answered(t, answer)
}

// TestDebugAddresses: of several apps each has a port of its own, and what is no address is refused.
func TestDebugAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ told, want []string }{
		{[]string{"127.0.0.1:2345", "127.0.0.1:2345", "127.0.0.1:2345"}, []string{"127.0.0.1:2345", "127.0.0.1:2346", "127.0.0.1:2347"}},
		{[]string{"", "[::1]:40000", "127.0.0.1:1", "[::1]:40000"}, []string{"", "[::1]:40000", "127.0.0.1:1", "[::1]:40001"}},
		{[]string{"127.0.0.1:0", "127.0.0.1:0"}, []string{"127.0.0.1:0", "127.0.0.1:0"}},
	} {
		var apps []*plannedApp
		for _, addr := range tt.told {
			apps = append(apps, &plannedApp{configured: configured{settings: settings{debug: addr}}})
		}
		if err := spreadDebuggers(apps); err != nil {
			t.Fatal(err)
		}
		for i, a := range apps {
			if a.debugAt != tt.want[i] {
				t.Errorf("of %q app %d has %s, want %s", tt.told, i, a.debugAt, tt.want[i])
			}
		}
	}
	err := (&Options{Debug: "2345"}).check()
	if wrong := (*UsageError)(nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "--debug 2345") || !strings.Contains(err.Error(), "HOST:PORT") {
		t.Errorf("--debug=2345: %v", err)
	}
}
