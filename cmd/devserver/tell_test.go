package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// aDay is a day with devserver: each notice, good and bad.
var aDay = []devserver.Notice{
	devserver.ToolchainProgress{Step: "copying Go 1.26.8", Done: 1, Total: 900},
	devserver.ToolchainProgress{Step: "copying Go 1.26.8", Done: 900, Total: 900},
	devserver.ToolchainProgress{Step: "compiling the patched standard library"},
	devserver.Recovered{Journals: 1, Events: 1204},
	devserver.Trimmed{Runs: 2, Events: 91204, Keep: "2 GiB and 14d"},
	devserver.Recovered{Journals: 2, Events: 90, Lost: 1204, Damaged: 3},
	devserver.BuildStarted{App: "orders", First: true},
	devserver.AppReady{App: "orders", URL: "http://127.0.0.1:8080", Console: "http://127.0.0.1:8000", Profile: "appengine", Build: 3120 * time.Millisecond, First: true},
	devserver.AppReady{App: "billing", URL: "http://127.0.0.1:8081", Console: "http://127.0.0.1:8000", Profile: "appengine", Build: 900 * time.Millisecond, First: true, Debug: "127.0.0.1:2345"},
	devserver.Denied{App: "orders", Rule: "port25", Network: "tcp", Destination: "smtp.example.com:25", CallSite: "mail.go:42", Request: "POST /sign",
		Reason: "Production blocks port 25 (SMTP).", Advice: "Send mail through port 587 with authentication."},
	devserver.Denied{App: "orders", Rule: "private", Network: "tcp", Destination: "db.example.com:5432", Addr: "10.0.0.7", CallSite: "db.go:9", Report: true,
		Reason: `"db.example.com" is at 10.0.0.7, which is a private address.`, Advice: "Use the peer's public address."},
	devserver.Denied{App: "orders", Rule: "loopback", Network: "udp", Destination: "[::1]:53", Reason: "::1 is this machine itself."},
	devserver.Denied{App: "orders", Rule: "invalid", Network: "tcp", Destination: "it's\x1b[31m:80", CallSite: "odd.go:1", Reason: "not an address"},
	devserver.Denied{App: "orders", Rule: "listen", Network: "tcp", Destination: ":9000", Request: "GET /", Reason: "Production has no listening sockets."},
	devserver.Denied{App: "orders", Rule: "quota", Network: "tcp", Destination: "93.184.216.34:443", Addr: "93.184.216.34", CallSite: "db.go:9", Reason: "A quota of the app is used up."},
	devserver.Escapes{App: "orders", Packages: []devserver.Escape{{Package: "github.com/mattn/go-sqlite3", Kind: "cgo", Text: "C code in it can open sockets."}, {Package: "example.com/orders/pdf", Kind: "child process", Text: "it starts programs.\x1b[2J"}}},
	devserver.BuildStarted{App: "orders", Files: []string{"main.go"}},
	devserver.BuildFailed{App: "orders", Serving: true, Duration: time.Second, Output: "main.go:4:2: undefined: rows\n",
		Errors: []devserver.BuildError{{File: "main.go", Line: 4, Column: 2, Message: "undefined: rows"}, {File: "db.go", Line: 7, Message: "missing return"}, {File: "go.mod", Message: "no module"}, {Message: "too many errors"}}},
	devserver.BuildFailed{App: "billing", Output: "link: out of memory\nexit status 1\n"},
	devserver.AppReady{App: "orders", URL: "http://127.0.0.1:8080", Console: "http://127.0.0.1:8000", Profile: "appengine", Reload: 1,
		Files: []string{"a.go", "b.go", "c.go", "d.go", "e.go"}, Build: 410 * time.Millisecond, Swap: 30 * time.Millisecond},
	devserver.Unchanged{App: "orders", Files: []string{"main.go"}, Build: 200 * time.Millisecond},
	devserver.WorkerExited{App: "orders", Exit: "exit status 2", LastLines: []string{"panic: no rows", "", "goroutine 1 [running]:"}, RestartIn: 1500 * time.Millisecond},
	devserver.AppReady{App: "orders", URL: "http://127.0.0.1:8080", Console: "http://127.0.0.1:8000", Profile: "mine.yaml", Reload: 1, Restarted: true},
	devserver.AppReady{App: "orders", URL: "http://127.0.0.1:8080", Console: "http://127.0.0.1:8000", Profile: "mine.yaml", Reload: 2, Build: 187 * time.Millisecond, Swap: 1200 * time.Millisecond},
	devserver.ClockMoved{Offset: 4 * time.Minute, Reclaimed: 1},
	devserver.Denied{App: "orders", Rule: "billing", Network: "tcp", Destination: "192.0.2.1:21", Reason: "Production gives sockets only to apps with billing enabled.", Under: devserver.JudgeOptions{Profile: "appengine-php", NoBilling: true}},
	devserver.Escapes{App: "orders", Packages: slices.Repeat([]devserver.Escape{{Package: "example.com/many", Kind: "assembly", Text: "It makes system calls of its own."}}, 10)},
	devserver.Escapes{App: "orders"},
	devserver.WorkerExited{App: "orders", Exit: "exit status 2", LastLines: []string{"panic: no rows"}, RestartIn: 4 * time.Second, Again: true},
	devserver.WorkerExited{App: "orders", Exit: "exit status 0"},
	devserver.WorkerExited{App: "orders", Exit: "exit status 1", LastLines: []string{"no config"}, Serving: true},
	devserver.DrainEnded{App: "orders", Reload: 3, Requests: 2, Limit: 30 * time.Second},
	devserver.Denied{App: "orders", Rule: "reclaimed", Network: "tcp", Destination: "db.example.com:5432", CallSite: "db.go:9", Request: "GET /",
		Reason: "The socket was not used for longer than 2m, and production takes such sockets away.", Advice: "Dial again and retry."},
	devserver.Slowed{App: "orders", Limit: 1 << 30},
	devserver.RecordingStopped{Reason: "no room left on the disk of .devserver/journal; free some space"},
	devserver.RecordingResumed{Lost: 31},
	devserver.RecordingResumed{},
	devserver.BuildStarted{App: "billing", First: true},
	devserver.Denied{App: "billing", Rule: "private", Network: "tcp", Destination: "10.0.0.7:80", CallSite: "billing.go:7", Reason: "10.0.0.7 is a private address."},
	devserver.Warning{App: "billing", Text: "billing runs but has not accepted a connection"},
	devserver.Warning{Text: "the disk is nearly full; make room"},
	devserver.Stopped{Sockets: 12, Denials: 1, Recording: "orders/.devserver/recording.db"},
}

// golden compares got with a file of testdata.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with go test -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it with git diff after go test -update. Now it is:\n%s", file, got)
	}
}

func TestTellOnAPipe(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	teller := newTeller(&b)
	for _, n := range aDay {
		teller.tell(n)
	}
	golden(t, "testdata/day.txt", b.Bytes())
}

func TestLogIsOneObjectALine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := newLogger(&b)
	for _, n := range aDay {
		l.tell(n)
	}
	fmt.Fprint(l.output("stderr"), "one\r\ntwo {\n")
	l.fail(errors.New("port 8080 is taken"))
	var out bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		delete(o, "time")
		rest, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(rest, '\n'))
	}
	golden(t, "testdata/day.json", out.Bytes())
}

// TestErrorsAreSeenFromHere: a terminal that knows file:line:column looks for the file from the current folder.
func TestErrorsAreSeenFromHere(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	for _, tt := range []struct{ root, file, want string }{
		{here, "main.go", "main.go:4:2: oops"},
		{filepath.Join(here, "testdata", "app"), "db/db.go", "testdata/app/db/db.go:4:2: oops"},
		{elsewhere, "main.go", elsewhere + "/main.go:4:2: oops"},
		{here, "/abs/main.go", "/abs/main.go:4:2: oops"},
		{"", "main.go", "main.go:4:2: oops"},
	} {
		var b bytes.Buffer
		newTeller(&b).tell(devserver.BuildFailed{App: "orders", Root: tt.root, Errors: []devserver.BuildError{{File: tt.file, Line: 4, Column: 2, Message: "oops"}}})
		if want := "\n  " + tt.want + "\n"; !strings.HasSuffix(b.String(), want) {
			t.Errorf("%s below %s is told as %q, want %q at its end", tt.file, tt.root, &b, want)
		}
	}
}

// TestLabels: names are as they are on a pipe, and each of several has a colour of its own where there are colours.
func TestLabels(t *testing.T) {
	t.Parallel()
	plain := newLabels(new(bytes.Buffer), new(bytes.Buffer))
	if got := plain.label("orders ", 0, false) + plain.label("billing", 1, true); got != "orders billing" {
		t.Errorf("on a pipe the names are %q", got)
	}
	seen := map[string]bool{}
	for _, c := range labelColours {
		seen[c] = true
	}
	if len(seen) != len(labelColours) || seen["1"] || seen["2"] || seen["3"] {
		t.Errorf("colours %v: each once, and none that means good or bad", labelColours)
	}
	_ = plain.label("the ninety-ninth", 98, true) // there is a colour for each
}

// TestProgressOfSeveral: on a terminal one line names all builds under way; the end of one leaves the others in it.
func TestProgressOfSeveral(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	teller := newTeller(&b)
	teller.screen.width = func() int { return 80 }
	for _, tt := range []struct {
		notice devserver.Notice
		want   string
	}{
		{devserver.BuildStarted{App: "orders", Files: []string{"a.go"}}, "devserver: building orders: a.go"},
		{devserver.BuildStarted{App: "billing", First: true}, "devserver: building orders: a.go; billing"},
		{devserver.BuildStarted{App: "orders", Files: []string{"a.go", "b.go"}}, "devserver: building orders: a.go, b.go; billing"},
		{devserver.Escapes{App: "orders"}, "devserver: building orders: a.go, b.go; billing"},
		{devserver.Warning{Text: "the disk is nearly full"}, "devserver: building orders: a.go, b.go; billing"},
		{devserver.AppReady{App: "orders", Reload: 1}, "devserver: building billing"},
		{devserver.Warning{App: "billing", Text: "billing has not accepted"}, ""},
		{devserver.BuildStarted{App: "billing"}, "devserver: building billing"},
		{devserver.Stopped{}, ""},
	} {
		if teller.tell(tt.notice); teller.screen.status != tt.want {
			t.Errorf("after %T the progress is %q, want %q", tt.notice, teller.screen.status, tt.want)
		}
	}
}
