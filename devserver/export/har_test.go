package export_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// harFile is what the tests read of a HAR.
type harFile struct {
	Log struct {
		Comment string
		Entries []harEntry
	}
}

type harEntry struct {
	StartedDateTime time.Time
	Time            float64
	Request         struct {
		Method, URL, HTTPVersion string
		BodySize                 int64
		QueryString              []struct{ Name, Value string }
	}
	Response struct {
		Status   int
		BodySize int64
		Error    string `json:"_error"`
	}
	Timings struct{ Wait float64 }
	Own     struct {
		Request int64
		Lookups []struct{ MS float64 }
		Sockets []harSocket
	} `json:"_devserver"`
}

type harSocket struct {
	Socket, Sends, Receives int64
	ConnectMS               float64 `json:"connect_ms"`
	BytesSent               int64   `json:"bytes_sent"`
	BytesReceived           int64   `json:"bytes_received"`
}

func har(t testing.TB, src export.Source, o export.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, export.HAR(t.Context(), &b, src, o))
	return b.Bytes()
}

// validate holds a HAR against the schema.
func validate(t testing.TB, data []byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("testdata/har-1.2.schema.json")
	must(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	must(t, err)
	return s.Validate(v)
}

// TestHAR holds the HAR against the schema and its values against the recording.
func TestHAR(t *testing.T) {
	t.Parallel()
	db := recorded(t, 30)
	data := har(t, db, export.Options{})
	if err := validate(t, data); err != nil {
		t.Error(err)
	}
	var file harFile
	must(t, json.Unmarshal(data, &file))
	requests, err := db.Requests(t.Context(), record.RequestFilter{Ascending: true, Limit: -1})
	must(t, err)
	i, running := 0, 0
	for _, r := range requests {
		if r.DurationNS == 0 && r.Status == 0 {
			running++
			continue
		}
		e := file.Log.Entries[i]
		i++
		took := float64(r.DurationNS) / 1e6
		if e.Own.Request != r.ID || e.StartedDateTime.UnixNano() != r.StartedAt || e.Time != took || e.Timings.Wait != took || e.Request.Method != r.Method ||
			!strings.HasSuffix(e.Request.URL, r.URL) || e.Request.HTTPVersion != r.Proto || e.Response.Status != r.Status ||
			e.Request.BodySize != r.BytesIn || e.Response.BodySize != r.BytesOut || e.Response.Error != r.Error {
			t.Fatalf("entry %+v, want it to be %+v", e, r)
		}
		checkSockets(t, db, e)
	}
	if i != len(file.Log.Entries) || running == 0 || !strings.HasSuffix(file.Log.Comment, "left out: 20") {
		t.Errorf("%d entries, want %d; %d requests run, and the comment is %q", len(file.Log.Entries), i, running, file.Log.Comment)
	}
	q := file.Log.Entries[0].Request
	if len(q.QueryString) != 2 || q.QueryString[0].Value != "a b" || q.QueryString[1].Value != "&" || !strings.HasPrefix(q.URL, "http://shop.localhost/orders/1?") {
		t.Errorf("the first entry asks for %s with %v", q.URL, q.QueryString)
	}
}

// checkSockets wants the sums of an entry to be those of the request's events.
func checkSockets(t *testing.T, db *storage.DB, e harEntry) {
	t.Helper()
	events, err := db.Events(t.Context(), record.EventFilter{RequestID: e.Own.Request, Limit: -1})
	must(t, err)
	type sum struct{ sent, received, sends, receives, connect int64 }
	want := map[int64]sum{}
	for _, v := range events {
		s := want[v.SocketID]
		switch v.Kind {
		case "send":
			s.sent, s.sends = s.sent+v.Bytes, s.sends+1
		case "receive":
			s.received, s.receives = s.received+v.Bytes, s.receives+1
		case "connect":
			s.connect += v.DurationNS
		}
		want[v.SocketID] = s
	}
	delete(want, 0)
	if len(e.Own.Sockets) != len(want) || len(e.Own.Lookups) != 1 || e.Own.Lookups[0].MS != 3 {
		t.Errorf("request %d has %d sockets and look-ups %v, want %d sockets and one of 3 ms", e.Own.Request, len(e.Own.Sockets), e.Own.Lookups, len(want))
	}
	for _, s := range e.Own.Sockets {
		if got := (sum{s.BytesSent, s.BytesReceived, s.Sends, s.Receives, int64(s.ConnectMS*1e6 + 0.5)}); got != want[s.Socket] {
			t.Errorf("request %d on socket %d: %+v, want %+v", e.Own.Request, s.Socket, got, want[s.Socket])
		}
	}
}

// TestHAROddRequests writes valid HAR of requests that are odd, and of none.
func TestHAROddRequests(t *testing.T) {
	t.Parallel()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	must(t, err)
	defer db.Close()
	if err := validate(t, har(t, db, export.Options{})); err != nil {
		t.Errorf("without requests: %v", err)
	}
	for i, url := range []string{"*", "", "/", "http://other.example/x?y", "/%zz?%zz=%", "/a b\"<\x7f\xff>", "//x", "/?=&&a"} {
		must(t, db.Write(t.Context(), storage.Batch{App: "My App_ü/", Events: []sandbox.Event{
			{Kind: sandbox.KindRequestEnd, At: start, Request: uint64(i + 1), Req: &sandbox.RequestInfo{URL: url}, Error: "panic: \x00"}}}))
	}
	data := har(t, db, export.Options{})
	if err := validate(t, data); err != nil {
		t.Errorf("%v\n%s", err, data)
	}
	if n := bytes.Count(data, []byte(`"_error"`)); n != 8 || !bytes.Contains(data, []byte(`"http://my-app.localhost/"`)) && !bytes.Contains(data, []byte("http://my-app")) {
		t.Errorf("%d of 8 requests, or not their host:\n%s", n, data)
	}
}

// TestHARWithoutSocket: a part of a recording may hold what a request did on a socket, and not the socket: this one was reclaimed before.
func TestHARWithoutSocket(t *testing.T) {
	t.Parallel()
	whole, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	must(t, err)
	defer whole.Close()
	run, err := whole.StartRun(record.Run{App: "shop", StartedAt: start})
	must(t, err)
	must(t, whole.Write(t.Context(), storage.Batch{RunID: run, App: "shop", Events: []sandbox.Event{
		{Kind: sandbox.KindCreate, At: start, Socket: 7},
		{Kind: sandbox.KindReclaim, At: start + 10, Socket: 7},
		{Kind: sandbox.KindRequestBegin, At: start + 20, Request: 3, Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}},
		{Kind: sandbox.KindSend, At: start + 21, Socket: 7, Request: 3, Error: "write: broken pipe"},
		{Kind: sandbox.KindRequestEnd, At: start + 22, Request: 3, Req: &sandbox.RequestInfo{Status: 500}},
	}}))
	path, err := imported(t, ndjson(t, whole, export.Options{Since: start + 20}))
	must(t, err)
	part := open(t, path)
	if rows, err := part.Sockets(t.Context(), record.SocketFilter{}); err != nil || len(rows) != 0 {
		t.Fatalf("the part has sockets %+v, %v", rows, err)
	}
	data := har(t, part, export.Options{})
	must(t, validate(t, data))
	var f harFile
	must(t, json.Unmarshal(data, &f))
	if e := f.Log.Entries; len(e) != 1 || len(e[0].Own.Sockets) != 1 || e[0].Own.Sockets[0].Socket != 7 || e[0].Own.Sockets[0].Sends != 1 {
		t.Errorf("entries %+v, want one with what it did on socket 7", e)
	}
}

// TestSchemaBites shows that the schema can refuse.
func TestSchemaBites(t *testing.T) {
	t.Parallel()
	good := string(har(t, recorded(t, 1), export.Options{}))
	for _, tt := range [][2]string{
		{`"wait":`, `"wate":`}, {`"version":"1.2"`, `"version":"1.1"`}, {`"url":"http://`, `"url":"`}, {`"startedDateTime":"2`, `"startedDateTime":"x2`},
		{`"status":200`, `"status":"200"`}, {`"_devserver"`, `"devserver"`}, {`"send":0`, `"send":-1`},
	} {
		bad := strings.Replace(good, tt[0], tt[1], 1)
		if bad == good || validate(t, []byte(bad)) == nil {
			t.Errorf("the schema takes %s for %s", tt[1], tt[0])
		}
	}
}
