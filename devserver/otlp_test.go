package devserver

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/devserver/otlp"
	"github.com/seed-d81df0db/devserver/devserver/otlp/otlptest"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// impatient makes tests wait for nothing.
var impatient = otlp.Config{MinPause: time.Microsecond, MaxPause: time.Millisecond}

// traffic writes events as workers of two apps and a program without a run do: pools, denials, failures, reclaims.
type traffic struct {
	t     testing.TB
	db    *storage.DB
	r     *rand.Rand
	runs  []int64
	apps  []string
	at    int64
	ids   uint64
	open  [][]uint64 // sockets of each run
	serve []uint64   // the request that each run serves
	wrote func([]sandbox.Event)
}

func newTraffic(t testing.TB, db *storage.DB) *traffic {
	t.Helper()
	x := &traffic{t: t, db: db, r: rand.New(rand.NewPCG(8, 15)), at: time.Now().UnixNano(), wrote: func([]sandbox.Event) {}}
	for _, app := range []string{"shop", "mail", ""} {
		var run int64
		if app != "" {
			var err error
			if run, err = db.StartRun(record.Run{App: app, StartedAt: x.at, PID: 77, GoVersion: "go1.26.8", Revision: "abc", Profile: "appengine"}); err != nil {
				t.Fatal(err)
			}
		}
		x.runs, x.apps = append(x.runs, run), append(x.apps, app+"app")
	}
	x.open, x.serve = make([][]uint64, 3), make([]uint64, 3)
	return x
}

// batch writes about n events of one run.
func (x *traffic) batch(n int) {
	x.t.Helper()
	i := x.r.IntN(len(x.runs))
	var b []sandbox.Event
	add := func(e sandbox.Event) {
		x.at += 1000
		e.At, e.Duration, e.Request = x.at, time.Duration(x.r.IntN(900)), x.serve[i]
		b = append(b, e)
	}
	for len(b) < n {
		x.step(i, add)
	}
	if err := x.db.Write(context.Background(), storage.Batch{RunID: x.runs[i], App: x.apps[i], Events: b}); err != nil {
		x.t.Error(err)
	}
	x.wrote(b)
}

func (x *traffic) step(i int, add func(sandbox.Event)) {
	x.ids++
	info := &sandbox.Info{Network: "tcp4", Host: "db.example.com", Remote: "93.184.216.34:5432", Local: "127.0.0.1:40000", CallSite: "store/db.go:42"}
	pick := func() uint64 {
		if len(x.open[i]) == 0 {
			return 0
		}
		return x.open[i][x.r.IntN(len(x.open[i]))]
	}
	switch x.r.IntN(9) {
	case 0: // a request ends, another begins
		if x.serve[i] != 0 {
			add(sandbox.Event{Kind: sandbox.KindRequestEnd, Req: &sandbox.RequestInfo{Status: []int{200, 404, 500}[x.r.IntN(3)]}})
		}
		x.serve[i] = x.ids
		add(sandbox.Event{Kind: sandbox.KindRequestBegin, Req: &sandbox.RequestInfo{Method: "GET", URL: "/orders/7?q=é\xff", RemoteAddr: "127.0.0.1:9"}})
	case 1:
		if x.serve[i] != 0 {
			add(sandbox.Event{Kind: sandbox.KindRequestEnd, Req: &sandbox.RequestInfo{Status: 204}})
			x.serve[i] = 0
		}
	case 2:
		add(sandbox.Event{Kind: sandbox.KindResolve, Detail: "db.example.com is at 93.184.216.34"})
	case 3:
		add(sandbox.Event{Kind: sandbox.KindDeny, Socket: x.ids, Rule: sandbox.RulePort25, Error: "permission denied", Detail: "Port 25 is closed.",
			Info: &sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "93.184.216.35:25", CallSite: "mail.go:7"}})
	case 4:
		add(sandbox.Event{Kind: sandbox.KindCreate, Socket: x.ids, Info: info})
		if x.r.IntN(4) == 0 {
			add(sandbox.Event{Kind: sandbox.KindConnect, Socket: x.ids, Error: "connection refused"})
			return
		}
		add(sandbox.Event{Kind: sandbox.KindConnect, Socket: x.ids})
		x.open[i] = append(x.open[i], x.ids)
	case 5:
		if id := pick(); id != 0 {
			kind := []sandbox.Kind{sandbox.KindClose, sandbox.KindReclaim}[x.r.IntN(2)]
			add(sandbox.Event{Kind: kind, Socket: id})
			if kind == sandbox.KindReclaim {
				add(sandbox.Event{Kind: sandbox.KindClose, Socket: id}) // the program's own, later
			}
			x.open[i] = slices.DeleteFunc(x.open[i], func(o uint64) bool { return o == id })
		}
	default:
		if id := pick(); id != 0 {
			for range 1 + x.r.IntN(30) {
				add(sandbox.Event{Kind: []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive}[x.r.IntN(2)], Socket: id, Bytes: 10})
			}
		}
	}
}

// openTraffic makes a recording to write to and to read from.
func openTraffic(t testing.TB) (*traffic, *Recording) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(file, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	rec, err := OpenRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rec.Close() })
	return newTraffic(t, db), rec
}

func collector(t *testing.T) (*otlptest.Receiver, string) {
	t.Helper()
	v := &otlptest.Receiver{}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return v, server.URL
}

// row names what an item was made of: "request 7".
func row(attributes map[string]any, name string) string {
	for _, key := range []string{"devserver.event.id", "devserver.socket.id", "devserver.request.id"} {
		if id, ok := attributes[key]; ok {
			return fmt.Sprint(map[string]string{"devserver.event.id": "event", "devserver.socket.id": "socket", "devserver.request.id": "request"}[key], " ", id)
		}
	}
	return "nothing: " + name
}

// rows are all rows of a recording that are sent.
func rows(t *testing.T, rec *Recording) (spans, records []string) {
	t.Helper()
	ctx := t.Context()
	requests, err := rec.Requests(ctx, record.RequestFilter{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range requests {
		spans = append(spans, fmt.Sprint("request ", q.ID))
	}
	for _, s := range sockets(t, rec, record.SocketFilter{Limit: -1}) {
		spans = append(spans, fmt.Sprint("socket ", s.ID))
	}
	events, err := rec.Events(ctx, record.EventFilter{Kinds: []string{"resolve", "deny"}, Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "deny" {
			records = append(records, fmt.Sprint("event ", e.ID))
		} else {
			spans = append(spans, fmt.Sprint("event ", e.ID))
		}
	}
	slices.Sort(spans)
	slices.Sort(records)
	return spans, records
}

// checkWhole wants each row of the recording at the receiver exactly once, and every reference to lead somewhere.
func checkWhole(t *testing.T, rec *Recording, v *otlptest.Receiver) {
	t.Helper()
	wantSpans, wantRecords := rows(t, rec)
	var spans, records []string
	for _, s := range v.Spans() {
		spans = append(spans, row(s.Attributes, s.Name))
	}
	for _, l := range v.Records() {
		records = append(records, row(l.Attributes, l.EventName))
	}
	slices.Sort(spans)
	slices.Sort(records)
	checkSame(t, "spans", spans, wantSpans)
	checkSame(t, "log records", records, wantRecords)
	for _, err := range v.Faults() {
		t.Errorf("the receiver: %v", err)
	}
	checkReferences(t, v)
}

func checkSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	count := map[string]int{}
	for _, s := range got {
		count[s]++
	}
	for _, s := range want {
		count[s]--
	}
	t.Errorf("%d %s, want %d; too many or too few: ", len(got), what, len(want))
	told := 0
	for s, n := range count {
		if n != 0 && told < 10 {
			told++
			t.Errorf("   %s: %+d", s, n)
		}
	}
}

func checkReferences(t *testing.T, v *otlptest.Receiver) {
	t.Helper()
	at := map[string]string{} // span id -> trace id
	for _, s := range v.Spans() {
		if _, twice := at[string(s.SpanId)]; twice {
			t.Errorf("span %s %x came twice", s.Name, s.SpanId)
		}
		at[string(s.SpanId)] = string(s.TraceId)
		if s.StartTimeUnixNano == 0 || s.EndTimeUnixNano < s.StartTimeUnixNano || s.Name == "" || s.Kind == 0 || s.Resource["service.name"] == nil {
			t.Errorf("span %v", s.Span)
		}
	}
	for _, s := range v.Spans() {
		if len(s.ParentSpanId) > 0 && at[string(s.ParentSpanId)] != string(s.TraceId) {
			t.Errorf("%s %v: its parent %x is not in its trace", s.Name, row(s.Attributes, ""), s.ParentSpanId)
		}
		for _, l := range s.Links {
			if at[string(l.SpanId)] != string(l.TraceId) {
				t.Errorf("%s: its link to %x leads nowhere", s.Name, l.SpanId)
			}
		}
	}
	for _, l := range v.Records() {
		if at[string(l.SpanId)] != string(l.TraceId) {
			t.Errorf("log record %v: its span %x is not there", l.Body, l.SpanId)
		}
	}
}

// strict is a recording that refuses to be read in one piece.
type strict struct {
	*Recording
	t *testing.T
}

func (s strict) bounded(what string, limit int) {
	if limit <= 0 || limit > 512 {
		s.t.Errorf("%s are read %d at once", what, limit)
	}
}

func (s strict) Requests(ctx context.Context, f record.RequestFilter) ([]record.Request, error) {
	s.bounded("requests", f.Limit)
	return s.Recording.Requests(ctx, f)
}

func (s strict) Sockets(ctx context.Context, f record.SocketFilter) ([]record.Socket, error) {
	s.bounded("sockets", f.Limit)
	return s.Recording.Sockets(ctx, f)
}

func (s strict) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	s.bounded("events", f.Limit)
	return s.Recording.Events(ctx, f)
}

// TestExportOTLP sends a whole recording, twice: the second time everything has the same ids.
func TestExportOTLP(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	for range 60 {
		x.batch(400)
	}
	usage := []record.QuotaUsage{
		{App: "shop", Resource: "connect", Window: "minute", WindowStart: x.at, Used: 3, Limit: 10},
		{App: "shop", Resource: "bytes_sent", Window: "day", WindowStart: x.at, Used: 0, Limit: -1},
	}
	if err := x.db.WriteUsage(t.Context(), usage); err != nil {
		t.Fatal(err)
	}
	var ids [2][]string
	for i := range ids {
		v, url := collector(t)
		target, err := otlpTarget(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := 0
		c := impatient
		c.Target = target
		sum, err := otlp.Export(t.Context(), strict{rec, t}, export.Options{Progress: func(n, _ int) { done = n }}, c)
		if err != nil {
			t.Fatal(err)
		}
		checkWhole(t, rec, v)
		if n := len(v.Spans()) + len(v.Records()); sum.Spans != int64(len(v.Spans())) || sum.Records != int64(len(v.Records())) || done != n {
			t.Errorf("summary %+v, %d told; the receiver has %d", sum, done, n)
		}
		if sum.Points != 3 || len(v.Points()) != 3 {
			t.Errorf("%d data points in the summary, the receiver has %+v, want used, limit, used", sum.Points, v.Points())
		}
		for _, s := range v.Spans() {
			ids[i] = append(ids[i], hex.EncodeToString(s.TraceId)+hex.EncodeToString(s.SpanId))
		}
	}
	if !slices.Equal(ids[0], ids[1]) {
		t.Error("a second export has other ids")
	}
}

// TestOTLPMapping holds what the rows of one small story become.
func TestOTLPMapping(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	x.at = 1_700_000_000_000_000_000
	info := &sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", Local: "127.0.0.1:40000", Standin: "127.0.0.1:5432", CallSite: "store/db.go:42"}
	at := func(us int64) int64 { return x.at + us*1000 }
	events := []sandbox.Event{
		{Kind: sandbox.KindRequestBegin, Request: 1, At: at(0), Req: &sandbox.RequestInfo{Method: "POST", URL: "/orders/7?q=1", RemoteAddr: "127.0.0.1:9"}},
		{Kind: sandbox.KindResolve, Request: 1, At: at(1), Duration: 1000, Detail: "db.example.com is at 93.184.216.34"},
		{Kind: sandbox.KindCreate, Request: 1, Socket: 1, At: at(2), Info: info},
		{Kind: sandbox.KindConnect, Request: 1, Socket: 1, At: at(3), Duration: 2000},
		{Kind: sandbox.KindSend, Request: 1, Socket: 1, At: at(6), Bytes: 5},
		{Kind: sandbox.KindSend, Request: 1, Socket: 1, At: at(7), Bytes: 5},
		{Kind: sandbox.KindReceive, Request: 1, Socket: 1, At: at(8), Duration: 1000, Bytes: 7},
		{Kind: sandbox.KindDeny, Request: 1, Socket: 2, At: at(10), Rule: sandbox.RulePort25, Error: "permission denied", Detail: "Port 25 is closed.",
			Info: &sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "93.184.216.35:25", CallSite: "mail.go:7"}},
		{Kind: sandbox.KindRequestEnd, Request: 1, At: at(0), Duration: 12000, Error: "the handler panicked", Req: &sandbox.RequestInfo{Status: 500, BytesIn: 3}},
		{Kind: sandbox.KindRequestBegin, Request: 2, At: at(20), Req: &sandbox.RequestInfo{Method: "GET", URL: "/", RemoteAddr: "127.0.0.1:9"}},
		{Kind: sandbox.KindSend, Request: 2, Socket: 1, At: at(21), Bytes: 5},
		{Kind: sandbox.KindRequestEnd, Request: 2, At: at(20), Duration: 2000, Req: &sandbox.RequestInfo{Status: 200}},
		{Kind: sandbox.KindReclaim, Socket: 1, At: at(30), Duration: 8000, Detail: "Not used."},
	}
	if err := x.db.Write(t.Context(), storage.Batch{RunID: x.runs[0], App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
	v, url := collector(t)
	if _, err := ExportOTLP(t.Context(), rec, OTLPOptions{URL: url, Headers: []string{"x-key=secret"}}); err != nil {
		t.Fatal(err)
	}
	for _, h := range v.Headers() {
		if h.Get("X-Key") != "secret" {
			t.Errorf("headers %v, want X-Key", h)
		}
	}
	by := map[string]otlptest.Span{}
	for _, s := range v.Spans() {
		by[row(s.Attributes, s.Name)] = s
	}
	for _, tt := range []struct {
		row, name, kind, status, events string
		start, end                      int64
		attributes                      map[string]any
	}{
		{"request 1", "POST /orders/*", "SPAN_KIND_SERVER", "the handler panicked", "", 0, 12, map[string]any{
			"http.request.method": "POST", "url.path": "/orders/7", "url.query": "q=1", "http.response.status_code": int64(500),
			"client.address": "127.0.0.1", "client.port": int64(9), "error.type": "panic", "http.request.body.size": int64(3)}},
		{"request 2", "GET /", "SPAN_KIND_SERVER", "", "", 20, 22, map[string]any{"http.response.status_code": int64(200), "error.type": nil}},
		{"socket 1", "tcp db.example.com:5432", "SPAN_KIND_CLIENT", "", "connect@5 first send@6 first byte@9 reclaim@30", 2, 30, map[string]any{
			"network.transport": "tcp", "network.type": "ipv4", "server.address": "db.example.com", "server.port": int64(5432),
			"network.peer.address": "93.184.216.34", "network.peer.port": int64(5432), "code.file.path": "store/db.go", "code.line.number": int64(42),
			"devserver.state": "reclaimed", "devserver.close_reason": "reclaimed", "devserver.standin": "127.0.0.1:5432",
			"devserver.sends": int64(3), "devserver.bytes_sent": int64(15), "devserver.bytes_received": int64(7)}},
		{"socket 2", "tcp smtp.example.com:25", "SPAN_KIND_CLIENT", "permission denied", "deny@10", 10, 10, map[string]any{
			"devserver.state": "denied", "devserver.rule": "port25", "error.type": "denied"}},
		{"event 1", "resolve db.example.com", "SPAN_KIND_INTERNAL", "", "", 1, 2, map[string]any{"dns.question.name": "db.example.com"}},
	} {
		s, ok := by[tt.row]
		if !ok {
			t.Errorf("no span of %s among %d", tt.row, len(by))
			continue
		}
		var seen []string
		for _, e := range s.Events {
			seen = append(seen, fmt.Sprintf("%s@%d", e.Name, (int64(e.TimeUnixNano)-x.at)/1000))
		}
		if s.Name != tt.name || s.Kind.String() != tt.kind || s.Status.GetMessage() != tt.status || (tt.status != "") != (s.Status.GetCode() == 2) || strings.Join(seen, " ") != tt.events {
			t.Errorf("%s: %q %v, status %v, events %q", tt.row, s.Name, s.Kind, s.Status, seen)
		}
		if start, end := (int64(s.StartTimeUnixNano)-x.at)/1000, (int64(s.EndTimeUnixNano)-x.at)/1000; start != tt.start || end != tt.end {
			t.Errorf("%s lasts from %d to %d, want %d to %d", tt.row, start, end, tt.start, tt.end)
		}
		for key, want := range tt.attributes {
			if got := s.Attributes[key]; got != want {
				t.Errorf("%s: %s = %v, want %v", tt.row, key, got, want)
			}
		}
	}
	if s, q := by["socket 1"], by["request 1"]; string(s.ParentSpanId) != string(q.SpanId) || string(s.TraceId) != string(q.TraceId) {
		t.Error("the socket is not below the request that opened it")
	}
	if l := by["request 2"].Links; len(l) != 1 || string(l[0].SpanId) != string(by["socket 1"].SpanId) {
		t.Errorf("the request that used the pooled socket links to %v", l)
	}
	want := map[string]any{"service.name": "shop", "service.version": "abc", "process.pid": int64(77), "process.runtime.version": "go1.26.8",
		"devserver.run": x.runs[0], "devserver.profile": "appengine"}
	for key, want := range want {
		if got := by["request 1"].Resource[key]; got != want {
			t.Errorf("resource: %s = %v, want %v", key, got, want)
		}
	}
	if l := v.Records(); len(l) != 1 || l[0].Body.GetStringValue() != "Port 25 is closed." || l[0].SeverityText != "WARN" || l[0].SeverityNumber != 13 ||
		l[0].Attributes["devserver.destination"] != "smtp.example.com:25" || l[0].Attributes["code.line.number"] != int64(7) ||
		string(l[0].SpanId) != string(by["socket 2"].SpanId) {
		t.Errorf("log records %v", l)
	}
}

// flaky makes a receiver fail as stores do, most of the time.
func flaky(v *otlptest.Receiver) {
	var n atomic.Int64
	v.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		switch n.Add(1) % 6 {
		case 0:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			panic(http.ErrAbortHandler) // the connection closes without an answer
		case 2:
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"message":"slower"}`)
		case 3: // it answers half
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
				conn.Close()
			}
		default:
			return false
		}
		return true
	}
}

func TestExportOTLPToFlakyStore(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	for range 20 {
		x.batch(400)
	}
	v := &otlptest.Receiver{}
	flaky(v)
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	if _, err := exportOTLP(t.Context(), rec, OTLPOptions{URL: server.URL}, impatient); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, rec, v)
}

// TestExportOTLPStops: a store that is not there, that goes away, and that refuses everything.
func TestExportOTLPStops(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	for range 20 {
		x.batch(400)
	}
	c := impatient
	c.Patience = 20 * time.Millisecond
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc // nil: nobody listens
		want    []string
	}{
		{"nobody", nil, []string{"connection refused", "0 were sent before", "Run the command again"}},
		{"goes away", func() http.HandlerFunc {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
			}
		}(), []string{"/v1/traces", "were sent before"}},
		{"refuses", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no key", http.StatusUnauthorized) }, []string{"401 Unauthorized: no key", "--otlp-header"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := freeURL(t)
			if tt.handler != nil {
				server := httptest.NewServer(tt.handler)
				t.Cleanup(server.Close)
				url = server.URL
			}
			var told []string
			_, err := exportOTLP(t.Context(), rec, OTLPOptions{URL: url, Notify: func(s string) { told = append(told, s) }}, c)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("ExportOTLP = %v, want %q in it", err, want)
				}
			}
			if len(told) != 1 {
				t.Errorf("told %q, want one notice", told)
			}
		})
	}
	for _, o := range []OTLPOptions{{}, {URL: "localhost"}, {URL: "http://localhost:4318", Headers: []string{"x"}}} {
		_, err := ExportOTLP(t.Context(), rec, o)
		if _, usage := err.(*UsageError); !usage {
			t.Errorf("ExportOTLP(%+v) = %v, want a usage error", o, err)
		}
	}
}

// freeURL is where nobody listens.
func freeURL(t testing.TB) string {
	t.Helper()
	return "http://" + reserved(t)
}

// TestExportOTLPPart sends one app, one run, one request.
func TestExportOTLPPart(t *testing.T) {
	t.Parallel()
	x, rec := openTraffic(t)
	for range 30 {
		x.batch(300)
	}
	served, err := rec.Requests(t.Context(), record.RequestFilter{App: "shopapp", Limit: 1})
	if err != nil || len(served) == 0 {
		t.Fatal(served, err)
	}
	for _, tt := range []struct {
		o    export.Options
		want func(otlptest.Span) bool
	}{
		{export.Options{App: "mailapp"}, func(s otlptest.Span) bool {
			return s.Resource["service.name"] == "mail" || s.Resource["service.name"] == "mailapp"
		}},
		{export.Options{RunID: x.runs[0]}, func(s otlptest.Span) bool { return s.Resource["devserver.run"] == x.runs[0] }},
		{export.Options{RequestID: served[0].ID}, func(s otlptest.Span) bool { return s.Kind != 2 || s.Attributes["devserver.request.id"] == served[0].ID }},
		{export.Options{Since: x.at - 100_000_000}, func(s otlptest.Span) bool { return int64(s.EndTimeUnixNano) >= x.at-100_000_000 }},
	} {
		v, url := collector(t)
		if _, err := ExportOTLP(t.Context(), rec, OTLPOptions{URL: url, Options: tt.o}); err != nil {
			t.Fatal(err)
		}
		if len(v.Spans()) == 0 {
			t.Errorf("%+v sends nothing", tt.o)
		}
		for _, s := range v.Spans() {
			if !tt.want(s) {
				t.Errorf("%+v sends %s %v of %v", tt.o, s.Name, s.Attributes, s.Resource)
				break
			}
		}
	}
}
