package devserver

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// orphans are apps that do not want to end, by what they do before they serve.
var orphans = map[string]struct{ imports, begin string }{
	"ignores SIGTERM": {`"os/signal"; "syscall"`, `signal.Ignore(syscall.SIGTERM)`},
	"computes for ever": {`"os/signal"; "runtime"; "syscall"`, `signal.Ignore(syscall.SIGTERM)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() { for i := 0; ; i++ { sum += i } }()
	}`},
	"is blocked in C": {`"C"; "os/signal"; "syscall"`, `signal.Ignore(syscall.SIGTERM)
	go C.spin()`},
	"has children": {`"os/exec"; "os/signal"; "syscall"`, `signal.Ignore(syscall.SIGTERM)
	for _, script := range []string{"sleep 1000", "trap '' TERM; sleep 1000 & sleep 1000"} {
		child := exec.Command("sh", "-c", script)
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println("child", child.Process.Pid)
	}`},
}

const orphanSource = `package main

/*
static inline void spin(void) { for (volatile int i = 0; ; i++) {} }
*/
IMPORTS

import (
	"fmt"
	"net/http"
	"os"
)

var sum int

func main() {
	BEGIN
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "here") })
	fmt.Println("serving", os.Getpid())
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// TestOrphans kills devserver: its worker ends all the same, whatever it does, with what it has started; and the next
// devserver takes the same port.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for name, o := range orphans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(o.imports, `"C"`) {
				if _, err := exec.LookPath("gcc"); err != nil {
					hooktest.Missing(t, "gcc")
				}
			}
			var imports strings.Builder
			for path := range strings.SplitSeq(o.imports, "; ") {
				imports.WriteString("import " + path + "\n")
			}
			s := newSite(t, map[string]string{"main.go": strings.NewReplacer("IMPORTS", imports.String(), "BEGIN", o.begin).Replace(orphanSource)})
			s.opts.Addr = reserved(t)
			cmd := s.process()
			pids := []int{s.waitPID("serving (.*)")}
			if name == "has children" {
				pids = append(pids, s.children()...)
			}
			cmd.Process.Kill()
			at := time.Now()
			cmd.Wait()
			for _, pid := range pids {
				waitDead(t, pid, "an orphan that "+name)
			}
			t.Logf("all have ended after %v", time.Since(at))
			os.Remove(s.opts.ReadyFile)
			s.up()
			if got := s.get("/"); got != "here" {
				t.Errorf("the next one answers %q", got)
			}
		})
	}
}

// children returns the processes that the app has started, and theirs.
func (s *site) children() (pids []int) {
	s.t.Helper()
	s.mu.Lock()
	text := s.lines.String()
	s.mu.Unlock()
	for line := range strings.Lines(text) {
		if id, ok := strings.CutPrefix(line, "child "); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(id))
			if err != nil {
				s.t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	if len(pids) != 2 {
		s.t.Fatalf("the app started %d children, want 2:\n%s", len(pids), text)
	}
	return pids
}
