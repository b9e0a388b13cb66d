package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
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
	devserver.AppReady{App: "orders", URL: "http://127.0.0.1:8080", Console: "http://127.0.0.1:8000", Profile: "mine.yaml", Reload: 1},
	devserver.Denied{App: "orders", Rule: "billing", Network: "tcp", Destination: "192.0.2.1:21", Reason: "Production gives sockets only to apps with billing enabled.", Under: devserver.JudgeOptions{Profile: "appengine-php", NoBilling: true}},
	devserver.Escapes{App: "orders", Packages: slices.Repeat([]devserver.Escape{{Package: "example.com/many", Kind: "assembly", Text: "It makes system calls of its own."}}, 10)},
	devserver.Escapes{App: "orders"},
	devserver.WorkerExited{App: "orders", Exit: "exit status 0"},
	devserver.Denied{App: "orders", Rule: "reclaimed", Network: "tcp", Destination: "db.example.com:5432", CallSite: "db.go:9", Request: "GET /",
		Reason: "The socket was not used for longer than 2m, and production takes such sockets away.", Advice: "Dial again and retry."},
	devserver.Slowed{App: "orders", Limit: 1 << 30},
	devserver.RecordingStopped{Reason: "no room left on the disk of .devserver/journal; free some space"},
	devserver.RecordingResumed{Lost: 31},
	devserver.RecordingResumed{},
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
