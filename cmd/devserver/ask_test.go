package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// askNoon is when the recording that is asked begins.
var askNoon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func atMS(n int) int64 { return askNoon.UnixNano() + int64(n)*int64(time.Millisecond) }

// book is a recording that a test writes.
type book struct {
	*storage.DB
	t testing.TB
}

func openBook(t testing.TB, path string) book {
	t.Helper()
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return book{db, t}
}

func (b book) write(run int64, app string, events ...sandbox.Event) {
	b.t.Helper()
	if err := b.Write(context.Background(), storage.Batch{RunID: run, App: app, Events: events}); err != nil {
		b.t.Fatal(err)
	}
}

func (b book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func event(k sandbox.Kind, at int, took time.Duration, socket, request uint64, change ...func(*sandbox.Event)) sandbox.Event {
	e := sandbox.Event{Kind: k, At: atMS(at), Duration: took, Socket: socket, Request: request}
	for _, c := range change {
		c(&e)
	}
	return e
}

func bytesOf(n int64) func(*sandbox.Event)   { return func(e *sandbox.Event) { e.Bytes = n } }
func told(words string) func(*sandbox.Event) { return func(e *sandbox.Event) { e.Error = words } }
func about(i sandbox.Info) func(*sandbox.Event) {
	return func(e *sandbox.Event) { e.Info = &i }
}
func ruled(r sandbox.Rule, detail string) func(*sandbox.Event) {
	return func(e *sandbox.Event) { e.Rule, e.Detail = r, detail }
}
func query(method, url string) func(*sandbox.Event) {
	return func(e *sandbox.Event) {
		e.Req = &sandbox.RequestInfo{Method: method, URL: url, RemoteAddr: "127.0.0.1:50000", Proto: "HTTP/1.1"}
	}
}
func answered(status int, out int64) func(*sandbox.Event) {
	return func(e *sandbox.Event) { e.Req = &sandbox.RequestInfo{Status: status, BytesOut: out} }
}

// shop writes a recording of two apps: shop's run 1 ended, its run 2 runs with a request under way; mail's is run 3.
func shop(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "recording.db")
	b := openBook(t, path)
	build, err := b.AddBuild(record.Build{App: "shop", StartedAt: atMS(-900), DurationNS: 812e6, Outcome: "ok", Files: []string{"store/db.go"}})
	b.must(err)
	for _, r := range []record.Run{
		{App: "shop", StartedAt: atMS(0), PID: 4711, GoVersion: "go1.26.8", Revision: "abc123", BuildMS: 812, Profile: "appengine", BuildID: build},
		{App: "shop", StartedAt: atMS(60_000), PID: 4712, GoVersion: "go1.26.8", Profile: "appengine"},
		{App: "mail", StartedAt: atMS(61_000), PID: 4713, Profile: "appengine"},
	} {
		_, err := b.StartRun(r)
		b.must(err)
	}
	db := sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", Local: "127.0.0.1:40001", Standin: "127.0.0.1:5432", CallSite: "store/db.go:42"}
	smtp := sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "93.184.216.35:25", CallSite: "mail/send.go:9"}
	b.write(1, "shop",
		event(sandbox.KindRequestBegin, 100, 0, 0, 12, query("GET", "/orders/7?page=2")),
		event(sandbox.KindResolve, 101, 1500*time.Microsecond, 0, 12, ruled("", "db.example.com has 93.184.216.34")),
		event(sandbox.KindConnect, 103, 2*time.Millisecond, 7, 12, about(db)),
		event(sandbox.KindSend, 106, 20*time.Microsecond, 7, 12, bytesOf(312)),
		event(sandbox.KindSend, 107, 20*time.Microsecond, 7, 12, bytesOf(88)),
		event(sandbox.KindReceive, 108, 12*time.Millisecond, 7, 12, bytesOf(4096)),
		event(sandbox.KindRequestEnd, 100, 25*time.Millisecond, 0, 12, answered(200, 1234)),
		event(sandbox.KindRequestBegin, 200, 0, 0, 13, query("POST", "/orders")),
		event(sandbox.KindDeny, 201, 0, 14, 13, about(smtp), ruled(sandbox.RulePort25, "port 25 is blocked"), told("connection timed out")),
		event(sandbox.KindRequestEnd, 200, 5*time.Millisecond, 0, 13, answered(502, 0)),
		event(sandbox.KindReclaim, 121_000, 120*time.Second, 7, 0, func(e *sandbox.Event) { e.Reason = sandbox.ReasonReclaimed }),
		event(sandbox.KindSend, 122_000, 0, 7, 0, told("write: broken pipe")),
	)
	for i, text := range []string{"asking the store\x1b[2J", "it has 3 orders"} {
		_, err := b.AddLog(record.Log{RunID: 1, App: "shop", At: atMS(105 + 16*i), Stream: "stderr", RequestID: 12, Text: text})
		b.must(err)
	}
	events, err := b.Events(context.Background(), record.EventFilter{SocketID: 7, Kinds: []string{"send"}, Ascending: true})
	b.must(err)
	b.must(b.AddPayload(record.Payload{SocketID: 7, EventID: events[0].ID, At: events[0].At, Direction: "sent", Layer: "wire", Data: []byte("SELECT 1")}))
	b.must(b.AddGap(record.Gap{RunID: 1, App: "shop", At: atMS(50_000), Events: 17, Reason: "disk full"}))
	b.must(b.FinishRun(record.Run{ID: 1, ReadyAt: atMS(80), LastWords: "panic: no orders\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:9"}))
	b.must(b.EndRun(1, atMS(130_000), "exit status 2"))
	b.write(2, "shop", event(sandbox.KindRequestBegin, 140_000, 0, 0, 20, query("GET", "/slow")),
		event(sandbox.KindConnect, 140_001, time.Millisecond, 21, 20, about(db), ruled(sandbox.RulePrivate, "a private address, by rule in mode report")))
	b.write(3, "mail", event(sandbox.KindRequestBegin, 150_000, 0, 0, 30, query("GET", "/inbox")),
		event(sandbox.KindConnect, 150_001, time.Millisecond, 31, 30, about(sandbox.Info{Network: "tcp", Host: "imap.example.com", Remote: "93.184.216.36:993"})),
		event(sandbox.KindRequestEnd, 150_000, time.Millisecond, 0, 30, answered(404, 9)))
	return path
}

// idsOf runs a listing with --json and returns the ids of its rows.
func idsOf(t *testing.T, args ...string) string {
	t.Helper()
	status, text := command(t, append(args, "--json")...)
	if status != exitDone {
		t.Errorf("devserver %s: status %d, %s", strings.Join(args, " "), status, text)
	}
	ids := []int64{}
	for line := range strings.Lines(text) {
		var row struct{ ID int64 }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Errorf("devserver %s wrote %s: %v", strings.Join(args, " "), line, err)
		}
		ids = append(ids, row.ID)
	}
	return fmt.Sprint(ids)
}

// TestFilters asks each listing with each of its filters. The recording is open for writing meanwhile, as by a devserver.
func TestFilters(t *testing.T) {
	t.Parallel()
	path := shop(t)
	since := askNoon.Add(135 * time.Second).Format(time.RFC3339)
	for _, tt := range []struct{ command, filter, want string }{
		{"requests", "", "[12 13 20 30]"}, {"requests", "--app mail", "[30]"}, {"requests", "--host DB.example", "[12 20]"}, {"requests", "--host 93.184.216.35", "[13]"},
		{"requests", "--rule port25", "[13]"}, {"requests", "--rule private", "[20]"}, {"requests", "--run 1", "[12 13]"}, {"requests", "--since " + since, "[20 30]"},
		{"requests", "--status 404", "[30]"}, {"requests", "--status 5xx", "[13]"}, {"requests", "--status 2XX", "[12]"}, {"requests", "--method post", "[13]"},
		{"requests", "--url orders", "[12 13]"}, {"requests", "--url orders --status 200", "[12]"}, {"requests", "--limit 1", "[30]"}, {"requests", "--min-duration 5ms", "[12 13]"}, {"requests", "--min-duration 5ms --limit 1", "[13]"},
		{"requests", "--before 20", "[12 13]"}, {"requests", "--before 13 --url orders", "[12]"}, {"requests", "--method put", "[]"},
		{"sockets", "", "[7 14 21 31]"}, {"sockets", "--app shop", "[7 14 21]"}, {"sockets", "--host imap", "[31]"}, {"sockets", "--rule port25", "[14]"}, {"sockets", "--rule private", "[21]"},
		{"sockets", "--run 2", "[21]"}, {"sockets", "--request 12", "[7]"}, {"sockets", "--since " + since, "[21 31]"}, {"sockets", "--state reclaimed", "[7]"}, {"sockets", "--limit 2", "[21 31]"},
		{"events", "", "[1 2 3 4 5 6 7 8 9 10]"}, {"events", "--app mail", "[10]"}, {"events", "--host smtp", "[6]"}, {"events", "--rule private", "[9]"}, {"events", "--run 2", "[9]"},
		{"events", "--request 13", "[6]"}, {"events", "--since " + since, "[9 10]"}, {"events", "--kind reclaim", "[7]"}, {"events", "--kind send,reclaim --socket 7", "[3 4 7 8]"}, {"events", "--limit 3", "[8 9 10]"},
		{"denials", "", "[6]"}, {"denials", "--app shop", "[6]"}, {"denials", "--app mail", "[]"}, {"denials", "--host smtp", "[6]"}, {"denials", "--host db", "[]"}, {"denials", "--rule port25", "[6]"},
		{"denials", "--rule private", "[]"}, {"denials", "--run 1", "[6]"}, {"denials", "--run 2", "[]"}, {"denials", "--request 13", "[6]"}, {"denials", "--request 12", "[]"}, {"denials", "--since " + since, "[]"},
		{"runs", "", "[1 2 3]"}, {"runs", "--app mail", "[3]"}, {"runs", "--since " + since, "[2 3]"}, {"runs", "--limit 1", "[3]"},
	} {
		args := append([]string{tt.command, "--recording", path}, strings.Fields(tt.filter)...)
		if got := idsOf(t, args...); got != tt.want {
			t.Errorf("devserver %s %s: %s, want %s", tt.command, tt.filter, got, tt.want)
		}
	}
}

// TestAskWrongly: what cannot be meant is wrong usage, what is not there is named.
func TestAskWrongly(t *testing.T) {
	t.Parallel()
	path := shop(t)
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"requests --status 6xx", exitUsage, `--status: "6xx" is no HTTP status; write 404, or 5xx`},
		{"requests --status 20", exitUsage, `"20" is no HTTP status`},
		{"requests --rule nonsense", exitUsage, `there is no rule "nonsense"`},
		{"requests --request 1", exitUsage, `unknown flag: --request`},
		{"runs --rule port25", exitUsage, `unknown flag: --rule`},
		{"quotas --run 1", exitUsage, `unknown flag: --run`},
		{"show", exitUsage, `too few arguments: one ID is wanted, such as: r12, s7, e99, or run 3`},
		{"show 1 2 3", exitUsage, `too many arguments`},
		{"show x12", exitUsage, `"x12" is no ID; write r12, s7, e99, or run 3`},
		{"show s", exitUsage, `"s" is no ID`},
		{"show s0", exitUsage, `"s0" is no ID`},
		{"show s-7", exitUsage, `"s-7" is no ID`},
		{"show r99999999999999999999", exitUsage, `is no ID`},
		{"show build 1", exitUsage, `"build" is none of request, socket, event, run`},
		{"show r7", exitFailed, `the recording holds no request 7; "devserver requests" lists those it holds`},
		{"show s12", exitFailed, `the recording holds no socket 12; "devserver sockets" lists`},
		{"show e11", exitFailed, `the recording holds no event 11; "devserver events" lists`},
		{"show run 4", exitFailed, `the recording holds no run 4; "devserver runs" lists`},
		{"show 2", exitFailed, `no request and no socket 2; of an event write e2, of a start of the app: run 2`},
		{"show s7 --limit 0", exitUsage, `0 is not a number of rows`},
	} {
		wants(t, tt.status, regexp.QuoteMeta(tt.want), append(strings.Fields(tt.args), "--recording", path)...)
	}
	b := openBook(t, filepath.Join(t.TempDir(), "both.db"))
	run, err := b.StartRun(record.Run{App: "shop", StartedAt: atMS(0)})
	b.must(err)
	b.write(run, "shop", event(sandbox.KindRequestBegin, 1, 0, 0, 7, query("GET", "/\x1b[2J")),
		event(sandbox.KindConnect, 2, 1, 7, 7, about(sandbox.Info{Network: "tcp", Remote: "93.184.216.34:80"})))
	wants(t, exitUsage, `show: 7 is a request \(GET /\\x1b\[2J\) and a socket \(tcp 93\.184\.216\.34:80\); write r7 or s7$`, "show", "7", "--recording", b.Path())
}

// dates are those of a reader's own time zone.
var dates = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d{3}`)

// TestAskGolden shows the listings and the stories as a person sees them, times of day blotted out.
func TestAskGolden(t *testing.T) {
	t.Parallel()
	path := shop(t)
	var b bytes.Buffer
	for _, line := range []string{"requests", "runs", "sockets", "events --request 12", "denials", "show 12", "show r13", "show request 20", "show 7", "show socket 14", "show s7 --limit 3", "show e6", "show event 1", "show run 1", "show run 2"} {
		status, text := command(t, append(strings.Fields(line), "--recording", path)...)
		if status != exitDone {
			t.Errorf("devserver %s: status %d, %s", line, status, text)
		}
		fmt.Fprintf(&b, "-- devserver %s --\n%s\n", line, dates.ReplaceAllStringFunc(text, func(s string) string { return regexp.MustCompile(`\d`).ReplaceAllString(s, "0") }))
	}
	golden(t, "testdata/ask.txt", b.Bytes())
}

// TestShowJSON: one object, the thing itself and what belongs to it.
func TestShowJSON(t *testing.T) {
	t.Parallel()
	path := shop(t)
	for _, tt := range []struct{ id, want string }{
		{"r12", `^{"request":{"id":12,.*"sockets":\[{"id":7,.*"events":\[{"id":1,.*"logs":\[{"id":1,`},
		{"s7", `^{"socket":{"id":7,.*"events":\[{"id":2,.*"captured":\[{"layer":"wire","direction":"sent","bytes":8}\],"advice":"Close idle connections`},
		{"e6", `^{"event":{"id":6,.*"socket":{"id":14,.*"advice":"`},
		{"e4", `"before":\[{"id":2,.*{"id":3,.*"after":\[{"id":5,.*{"id":7,.*{"id":8,`},
		{"run 1", `^{"run":{"id":1,.*"requests":2,"sockets":2},"build":{"id":1,.*"denials":1,"gaps":\[{"id":1,`},
	} {
		status, text := command(t, append(append([]string{"show"}, strings.Fields(tt.id)...), "--json", "--recording", path)...)
		if status != exitDone || !regexp.MustCompile(tt.want).MatchString(strings.TrimSuffix(text, "\n")) || strings.Count(text, "\n") != 1 || !json.Valid([]byte(text)) {
			t.Errorf("show %s --json: status %d\n%swant %s", tt.id, status, text, tt.want)
		}
	}
}

// TestShowEventAlone: a part of a recording may hold an event and not its socket.
func TestShowEventAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	part := `{"devserver":"recording","version":1,"partial":true}
{"type":"event","id":9,"socket_id":7,"at":1790000000000000000,"kind":"send","error":"write: broken pipe"}
{"type":"end"}
`
	if _, err := devserver.Import(t.Context(), strings.NewReader(part), path, nil); err != nil {
		t.Fatal(err)
	}
	if status, text := command(t, "show", "e9", "--recording", path); status != exitDone || !strings.Contains(text, "s7") || !strings.Contains(text, "broken pipe") {
		t.Errorf("status %d, %s, want the event", status, text)
	}
}

// TestFollow: requests and runs are told when they begin, and again when they end.
func TestFollow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	b := openBook(t, path)
	run1, err := b.StartRun(record.Run{App: "shop", StartedAt: atMS(0)})
	b.must(err)
	b.write(run1, "shop", event(sandbox.KindRequestBegin, 1, 0, 0, 7, query("GET", "/a")))
	requests, runs, slow := followed(t, path, "requests"), followed(t, path, "runs"), followed(t, path, "requests", "--status", "2xx", "--min-duration", "30s")
	requests(`"id":7,.*"status":0`)
	runs(`"id":1,.*"requests":1`)
	b.write(run1, "shop", event(sandbox.KindRequestBegin, 60_000, 0, 0, 8, query("GET", "/b")))
	requests(`"id":8,.*"status":0`)
	b.write(run1, "shop", event(sandbox.KindRequestEnd, 1, 60*time.Second, 0, 7, answered(200, 1)))
	requests(`"id":7,.*"status":200`) // it began long before the newest
	slow(`"id":7,.*"status":200`)
	b.must(b.FinishRun(record.Run{ID: run1, ReadyAt: atMS(5)}))
	runs(`"id":1,.*"ready_at":`)
	b.must(b.EndRun(run1, atMS(70_000), "signal: killed"))
	runs(`"id":1,.*"exit":"signal: killed"`)
	requests(`"id":8,.*"error":"the worker ended"`)
	_, err = b.StartRun(record.Run{App: "mail", StartedAt: atMS(80_000)})
	b.must(err)
	runs(`"id":2,.*"app":"mail"`)
}

// followed starts a listing that follows, and returns what checks its next row.
func followed(t *testing.T, path, name string, filters ...string) func(want string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{name, "--follow", "--json", "--recording", path}, filters...), nil, w, os.Stderr)
		w.Close()
	}()
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != exitDone {
			t.Errorf("%s: status %d at the end", name, status)
		}
		r.Close()
	})
	lines := json.NewDecoder(r)
	return func(want string) {
		t.Helper()
		var row json.RawMessage
		if err := lines.Decode(&row); err != nil || !regexp.MustCompile(want).Match(row) {
			t.Fatalf("%s: told %s, %v, want %s", name, row, err, want)
		}
	}
}

// FuzzReadID: whatever is given as an ID is a thing with a number above 0, or wrong usage.
func FuzzReadID(f *testing.F) {
	for _, s := range []string{"7", "r12", "s7", "e99", "run 3", "socket 7", "request\x00 1", "r-1", "", "sss", "e9223372036854775808", "r0x10", "r1_0", "r+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, second, two := strings.Cut(s, " ")
		args := []string{first}
		if two {
			args = append(args, second)
		}
		what, id, err := readID(args)
		if (err == nil) != (id > 0) {
			t.Errorf("readID(%q) = %q, %d, %v", args, what, id, err)
		}
	})
}

func TestStatusFilter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want int
	}{{"", 0}, {"404", 404}, {"5xx", 5}, {"1XX", 1}, {"999", 999}, {"0xx", -1}, {"6xx", -1}, {"5", -1}, {"xx", -1}, {"1000", -1}, {"-5xx", -1}, {"4 04", -1}} {
		got, err := statusFilter(tt.in)
		if (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("statusFilter(%q) = %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
}
