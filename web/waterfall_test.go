package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// sketchFall writes a row as text: its line, bars and marks.
func sketchFall(r fallRow) string {
	var parts []string
	if r.Line != nil {
		parts = append(parts, fmt.Sprintf("%s %.0f-%.0f", r.Line.Class, r.Line.from, r.Line.to))
	}
	for _, b := range r.Bars {
		parts = append(parts, fmt.Sprintf("%s%s×%d %.1f-%.1f", b.Class, map[bool]string{true: "!"}[b.Bad], b.n, b.from, b.to))
	}
	for _, m := range r.Marks {
		parts = append(parts, strings.TrimSpace(m.Kind+" "+m.X+" "+m.Text))
	}
	if r.Late > 0 {
		parts = append(parts, fmt.Sprintf("late %d", r.Late))
	}
	return strings.Join(parts, ", ")
}

func TestWaterfall(t *testing.T) {
	t.Parallel()
	ms := func(f float64) int64 { return noon.UnixNano() + int64(f*1e6) }
	event := func(kind string, at, took float64, err string) record.Event {
		return record.Event{SocketID: 1, Kind: kind, At: ms(at), DurationNS: int64(took * 1e6), Error: err, Rule: map[string]string{"deny": "port25"}[kind]}
	}
	socket := record.Socket{ID: 1, State: "closed", OpenedAt: ms(10), ClosedAt: ms(60)}
	for _, tt := range []struct {
		name   string
		socket record.Socket
		events []record.Event
		want   string
	}{
		{"dial and use", socket, []record.Event{event("create", 10, 0, ""), event("connect", 10, 20, ""), event("send", 30, 1, ""), event("receive", 31, 9, ""), event("close", 60, 0, "")},
			"over 10-60, dial×1 10.0-30.0, send×1 30.0-31.0, receive×1 31.0-40.0, close 60.00%"},
		{"operations that touch", socket, []record.Event{event("send", 20, 5, ""), event("receive", 20, 2, ""), event("send", 25.1, 5, ""), event("send", 40, 1, "")},
			"over 10-60, send×2 20.0-30.1, receive×1 20.0-22.0, send×1 40.0-41.0"},
		{"a failure stays apart", socket, []record.Event{event("send", 20, 5, ""), event("send", 25, 5, "write: broken pipe")}, "over 10-60, send×1 20.0-25.0, send!×1 25.0-30.0"},
		{"denied", record.Socket{ID: 1, State: "denied", OpenedAt: ms(50)}, []record.Event{event("deny", 50, 0, "connect: permission denied")}, "deny 50.00% port25"},
		{"reclaimed", record.Socket{ID: 1, State: "reclaimed", OpenedAt: ms(-500), ClosedAt: ms(40)}, []record.Event{event("reclaim", 40, 120000, "")}, "over 0-40, cut 40.00% reclaimed"},
		{"marks on one place", socket, []record.Event{event("fault", 30, 0, ""), event("fault", 30, 0, ""), event("fault", 31, 0, "")}, "over 10-60, end 30.00% fault, end 31.00%"},
		{"open since before", record.Socket{ID: 1, State: "open", OpenedAt: ms(-9000)}, nil, "open 0-100"},
		{"opened afterwards", record.Socket{ID: 1, State: "open", OpenedAt: ms(9000)}, nil, ""},
		{"long afterwards", socket, []record.Event{event("send", 20, 1, ""), event("send", 9000, 1, "")}, "over 10-60, send×1 20.0-21.0, late 1"},
		{"a little afterwards", socket, []record.Event{event("send", 190, 10, "")}, "over 5-30, send×1 95.0-100.0"},
		{"before the request", socket, []record.Event{event("send", -50, 1, "")}, "over 10-60, send×1 0.0-0.5"},
	} {
		r := newRequestRow(record.Request{StartedAt: noon.UnixNano(), DurationNS: 100e6, Status: 200}, noon.Add(time.Second))
		f := newWaterfall(r, []record.RequestSocket{{Socket: tt.socket}}, tt.events, noon.Add(time.Second))
		if got := sketchFall(f.Rows[0]); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if answered := f.End != ""; answered != (tt.name == "a little afterwards") {
			t.Errorf("%s: the end of the request stands at %q", tt.name, f.End)
		}
	}
}

// TestLargeRequest has more operations and sockets than a page shows: the page stays small, says so, and leads to the rest.
func TestLargeRequest(t *testing.T) {
	t.Parallel()
	data := &recording{requests: []record.Request{{ID: 7, RunID: 3, App: "guestbook", StartedAt: noon.UnixNano(), DurationNS: 10e9, Method: "GET", URL: "/", Status: 200}}}
	for range 150 {
		s := data.add(record.Socket{RequestID: 7, Request: "GET /", Network: "tcp", Host: "db", RemoteAddr: "93.184.216.34:5432", State: "open", OpenedAt: noon.UnixNano()})
		for i := range 40 {
			data.happen(s, record.Event{Kind: []string{"send", "receive"}[i%2], At: noon.UnixNano() + int64(i)*250e6, DurationNS: 1e6, Bytes: 10})
		}
	}
	for range pageLines + 5 {
		data.say(noon.UnixNano(), "stdout", 7, "line")
	}
	handler := newConsole(t, data, full, nil)
	path, pages := "/requests/7", 0
	for ; path != "" && pages < 9; pages++ {
		body := get(handler, path).Body.String()
		if n := strings.Count(body, `id="s`); len(body) > 600_000 || n != maxRows+1 { // and id="side"
			t.Errorf("%s: %d bytes, %d sockets", path, len(body), n)
		}
		if pages == 0 {
			for _, want := range []string{"5,000 events came after", "It used more sockets", "It wrote more"} {
				if !strings.Contains(body, want) {
					t.Errorf("%s lacks %q", path, want)
				}
			}
		}
		path = ""
		if before, _, ok := strings.Cut(body, `" rel="next"`); ok {
			path = before[strings.LastIndex(before, `"`)+1:]
		}
	}
	if pages != 6 {
		t.Errorf("the events stand on %d pages, want 6", pages)
	}
}

// TestBeside chooses the sockets beside a line by time.
func TestBeside(t *testing.T) {
	t.Parallel()
	use := func(id int64, from, until float64) record.RequestSocket {
		return record.RequestSocket{Socket: record.Socket{ID: id}, UsedFrom: int64(from * 1e9), UsedUntil: int64(until * 1e9)}
	}
	for _, tt := range []struct {
		sockets []record.RequestSocket
		want    string
	}{
		{nil, "[] false"},
		{[]record.RequestSocket{use(1, 1, 2), use(2, 9.5, 9.6), use(3, 8, 12)}, "[3 2] false"},
		{[]record.RequestSocket{use(1, 10.9, 11), use(2, 11.1, 12)}, "[1] false"},
		{[]record.RequestSocket{use(1, 10, 10), use(2, 10, 10), use(3, 10, 10), use(4, 10, 10)}, "[1 2 3] true"},
	} {
		near, more := beside(tt.sockets, 10e9)
		ids := []int64{}
		for _, s := range near {
			ids = append(ids, s.ID)
		}
		if got := fmt.Sprint(ids, more); got != tt.want {
			t.Errorf("beside(%v) = %s, want %s", tt.sockets, got, tt.want)
		}
	}
}

// TestLogPaging walks from the newest lines to the oldest.
func TestLogPaging(t *testing.T) {
	t.Parallel()
	data := &recording{}
	for i := range 450 {
		data.say(noon.UnixNano(), "stdout", 0, fmt.Sprintf("line number %d.", i))
	}
	handler := newConsole(t, data, full, nil)
	seen, pages := 0, 0
	for path := "/logs?q=line"; path != "" && pages < 9; pages++ {
		body := get(handler, path).Body.String()
		seen += strings.Count(body, "line number")
		if first, last := strings.Index(body, "line number 250."), strings.Index(body, "line number 449."); pages == 0 && (first < 0 || last < first) {
			t.Errorf("the first page does not end with the newest line")
		}
		path = ""
		if before, _, ok := strings.Cut(body, `" rel="next"`); ok {
			path = strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
		}
	}
	if seen != 450 || pages != 3 {
		t.Errorf("%d lines on %d pages, want 450 on 3", seen, pages)
	}
}
