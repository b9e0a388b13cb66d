package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// asking is a Source that remembers the filters it was given.
type asking struct {
	*recording
	sockets record.SocketFilter
	events  record.EventFilter
}

func (a *asking) Sockets(ctx context.Context, f record.SocketFilter) ([]record.Socket, error) {
	a.sockets = f
	return a.recording.Sockets(ctx, f)
}

func (a *asking) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	a.events = f
	return a.recording.Events(ctx, f)
}

func TestAPI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		want int
		text string // in the answer
	}{
		{"/api/v1/overview", 200, `"name": "guestbook"`},
		{"/api/v1/overview", 200, `"open": 4`},
		{"/api/v1/counts", 200, `"denials": 4`},
		{"/api/v1/counts", 200, `"idle": 1`},
		{"/api/v1/sockets?state=open", 200, `"host": "api.example.org"`},
		{"/api/v1/sockets?state=ajar", 400, "it is one of open, idle"},
		{"/api/v1/sockets?stat=open", 400, `no parameter \"stat\"`},
		{"/api/v1/sockets?state=open&state=closed", 400, "2 times"},
		{"/api/v1/sockets?limit=0", 400, "1 to 5000"},
		{"/api/v1/sockets?limit=-1", 400, "1 to 5000"},
		{"/api/v1/sockets?before=x", 400, "whole number"},
		{"/api/v1/sockets?since=1x", 400, "length of time"},
		{"/api/v1/sockets?host=" + strings.Repeat("a", 300), 400, "longer than"},
		{"/api/v1/sockets?host=nowhere", 200, "[]\n"},
		{"/api/v1/sockets/17", 200, `"call_site": "orders.go:88"`},
		{"/api/v1/sockets/17", 200, `"kind": "connect"`},
		{"/api/v1/sockets/4711", 404, "by that number"},
		{"/api/v1/sockets/x", 400, "no socket's number"},
		{"/api/v1/requests?status=5xx&method=POST", 200, `"url": "/sign"`},
		{"/api/v1/requests?status=6xx", 400, "a status is a number"},
		{"/api/v1/requests?url=nowhere", 200, "[]\n"},
		{"/api/v1/requests/63", 200, `"used_by": 63`},
		{"/api/v1/requests/63", 200, `"text": "\tcached\rfor 5 min"`},
		{"/api/v1/requests/63", 200, `"go_version": "go1.26.8"`},
		{"/api/v1/requests/114", 200, `"sockets": []`},
		{"/api/v1/requests/4711", 404, "by that number"},
		{"/api/v1/requests/x", 400, "no request's number"},
		{"/api/v1/logs?stream=stderr&request=65", 200, `"request": "POST /sign"`},
		{"/api/v1/logs?stream=stdin", 400, "stdout, stderr"},
		{"/api/v1/logs?order=asc&limit=1", 200, "listening"},
		{"/api/v1/events?kind=deny,reclaim", 200, `"kind": "reclaim"`},
		{"/api/v1/events?kind=denied", 400, `no kind \"denied\"`},
		{"/api/v1/events?order=up", 400, "asc, desc"},
		{"/api/v1/denials", 200, `"count": 3`},
		{"/api/v1/reclaims", 200, `"used_error": "write: broken pipe"`},
		{"/api/v1/runs", 200, `"pid": 4711`},
		{"/api/v1/clock", 200, `"offset_ns": 121000000000`},
		{"/api/v1/clock", 200, `"next_midnight": 1772697600000000000`}, // 2026-03-05 08:00 UTC
		{"/api/v1/quotas", 200, `"cost_usd": 0.2172`},
		{"/api/v1/quotas?app=guestbook", 200, `"resource": "connect"`},
		{"/api/v1/quotas?app=orders", 404, `No app \"orders\" runs here`},
		{"/api/v1/quotas?appp=guestbook", 400, `no parameter`},
		{"/api/v1/rules", 200, `"rule": "port25"`},
		{"/api/v1/rules?app=guestbook", 200, `"host": "smtp.gmail.com"`},
		{"/api/v1/rules?app=orders", 404, `there is guestbook`},
		{"/api/v1/explain?network=tcp&address=10.0.0.7:443", 200, `"rule": "private"`},
		{"/api/v1/explain?address=smtp.gmail.com:465&answers=142.250.1.1", 200, `"rule": "whitelist"`},
		{"/api/v1/explain?address=gone.example:465&answers=none", 200, `"rule": "unresolved"`},
		{"/api/v1/explain?address=a:25&network=udp", 200, `"command": "devserver explain udp a:25"`},
		{"/api/v1/explain?address=db.example.com:5432&answers=93.184.216.34", 200, `"standin": "127.0.0.1:5432"`},
		{"/api/v1/explain?address=", 200, `"rule": "invalid"`},
		{"/api/v1/explain?address=%00%FF%0A", 200, `"verdict": "deny"`},
		{"/api/v1/explain", 400, `address= is missing`},
		{"/api/v1/explain?address=a:1&answers=ten", 400, `\"ten\" is not an IP address`},
		{"/api/v1/explain?address=a:1&app=orders", 404, `there is guestbook`},
		{"/api/v1/explain?address=" + strings.Repeat("a", 2000), 400, "longer than"},
		{"/api/v1/nothing", 404, "nothing at"},
	} {
		handler := newConsole(t, lively(noon), full, nil)
		w := ask(handler, "GET", tt.path, "")
		if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.text) {
			t.Errorf("%s = %d %s, want %d with %s", tt.path, w.Code, w.Body, tt.want, tt.text)
		}
		if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "application/json") || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %s is no JSON: %s", tt.path, kind, w.Body)
		}
	}
}

func TestAPIFilters(t *testing.T) {
	t.Parallel()
	source := &asking{recording: lively(noon)}
	handler := newConsole(t, source, running0, nil)
	ask(handler, "GET", "/api/v1/sockets?state=idle&app=a&host=h&request=4&run=5&since=10m&before=9&limit=7", "")
	want := record.SocketFilter{State: "idle", App: "a", Host: "h", RequestID: 4, RunID: 5, Since: noon.Add(-10 * time.Minute).UnixNano(), Before: 9, Limit: 7,
		IdleSince: noon.Add(-time.Minute).UnixNano()}
	if source.sockets != want {
		t.Errorf("sockets asked with %+v, want %+v", source.sockets, want)
	}
	ask(handler, "GET", "/api/v1/events?rule=r&socket=3&after=8&order=asc&since=2026-03-04T11:00:00Z", "")
	got := source.events
	if got.Rule != "r" || got.SocketID != 3 || got.After != 8 || !got.Ascending || got.Since != noon.Add(-time.Hour).UnixNano() {
		t.Errorf("events asked with %+v", got)
	}
	ask(handler, "GET", "/sockets?q=state%3Aclosed+since%3A1h+whois", "")
	if source.sockets.State != "closed" || source.sockets.Host != "whois" || source.sockets.Since != noon.Add(-time.Hour).UnixNano() {
		t.Errorf("the page asked with %+v", source.sockets)
	}
}

func running0() State { return running(noon) }

// TestAPIPages follows the Link headers to the end.
func TestAPIPages(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, lively(noon), full, nil)
	seen := 0
	for path := "/api/v1/events?limit=7&kind=send"; path != ""; {
		w := ask(handler, "GET", path, "")
		var events []record.Event
		if err := json.Unmarshal(w.Body.Bytes(), &events); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %v", path, w.Code, err)
		}
		seen += len(events)
		path, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	all, _ := lively(noon).Events(context.Background(), record.EventFilter{Kinds: []string{"send"}, Limit: 1000})
	if seen != len(all) || seen == 0 {
		t.Errorf("%d events on all pages, want %d", seen, len(all))
	}
}
