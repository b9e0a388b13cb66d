package devserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/web"
)

// change posts to the console as a command does, and returns the status and the answer.
func (s *site) change(path, body string) (int, string) {
	s.t.Helper()
	i, err := Find(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.ready.Console+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+i.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// quota is what the console says of a resource in a window.
func (s *site) quota(resource, window string) web.Quota {
	s.t.Helper()
	var rows []web.Quota
	if err := json.Unmarshal([]byte(ask(s.t, "GET", s.ready.Console+"/api/v1/quotas", "")), &rows); err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(q web.Quota) bool { return q.App == "shop" && q.Resource == resource && q.Window == window })
	if i < 0 {
		s.t.Fatalf("the console does not speak of %s in the %s: %+v", resource, window, rows)
	}
	return rows[i]
}

func (s *site) wantUsed(when, resource, window string, want int64) web.Quota {
	s.t.Helper()
	q := s.quota(resource, window)
	if q.Used != want {
		s.t.Errorf("%s: %d of %s are used in the %s, want %d", when, q.Used, resource, window, want)
	}
	return q
}

const (
	echoDial  = "/dial?addr=echo.example.com:7"
	overQuota = "dial tcp 240.0.0.1:7: The API call remote_socket.Connect() required more quota than is available."
)

// withinDay skips a test that counts what is used of a day while production's day is about to end.
func withinDay(t *testing.T) {
	t.Helper()
	now := time.Now()
	if _, midnight := Borders(now); midnight.Sub(now) < 2*patience {
		t.Skip("midnight Pacific time is near: what is counted begins anew")
	}
}

// TestQuotasOutlive: usage survives a reload and a restart, is reset over HTTP, and begins anew at midnight.
func TestQuotasOutlive(t *testing.T) {
	t.Parallel()
	withinDay(t)
	s := newSite(t, map[string]string{"main.go": source, "devserver.yaml": "quotas: {connect: {per_day: 3}}\n"})
	s.up()
	dial := func(when, want string) {
		t.Helper()
		if got := s.get(echoDial); got != want {
			t.Errorf("%s a dial says %q, want %q", when, got, want)
		}
	}
	dial("at first", "<nil>")
	dial("then", "<nil>")
	q := s.wantUsed("after two dials", "connect", "day", 2)
	if q.Limit != 3 || q.Mode != sandbox.ModeEnforce || !strings.Contains(q.Source, "devserver.yaml") || !strings.Contains(q.Source, "864000 a day") {
		t.Errorf("the quota is %+v", q)
	}
	s.wantUsed("after two dials", "bytes_sent", "day", 10)

	s.write("main.go", strings.Replace(source, `"one"`, `"two"`, 1))
	waitFor[AppReady](s, nil)
	s.wantUsed("after a reload", "connect", "day", 2)
	dial("after a reload", "<nil>")
	dial("with nothing left", overQuota)
	s.wantUsed("after a denied dial", "connect", "day", 3)
	s.stop()

	s.up()
	s.wantUsed("after a restart", "connect", "day", 3)
	dial("after a restart", overQuota)
	s.checkReset()
	dial("after a reset", "<nil>")
	s.wantUsed("after that", "connect", "day", 1)
	s.checkMidnight()
}

// checkReset resets usage: the answer, the console and the recording agree at once.
func (s *site) checkReset() {
	s.t.Helper()
	if code, answer := s.change("/api/v1/quotas/reset", `{"app": "nobody"}`); code != 404 || !strings.Contains(answer, `No app \"nobody\" runs here; there is shop`) {
		s.t.Errorf("a reset of an unknown app is answered %d %s", code, answer)
	}
	s.wantUsed("after a reset of another", "connect", "day", 3)
	for _, body := range []string{`{"app": "shop"}`, ""} {
		code, answer := s.change("/api/v1/quotas/reset", body)
		var said struct{ Reset []string }
		if err := json.Unmarshal([]byte(answer), &said); err != nil || code != 200 || !slices.Equal(said.Reset, []string{"shop"}) {
			s.t.Errorf("a reset with %q is answered %d %s", body, code, answer)
		}
		usage, err := s.recording().Usage(s.t.Context(), "shop")
		if err != nil || len(usage) != 2*len(sandbox.Resources) {
			s.t.Fatalf("the recording holds %d windows, %v", len(usage), err)
		}
		for _, u := range usage {
			if u.Used != 0 {
				s.t.Errorf("right after the reset the recording says %+v", u)
			}
		}
		s.wantUsed("after a reset", "connect", "day", 0)
	}
}

// checkMidnight moves the clock to midnight Pacific: a new day, in which a dial counts by itself; and back again.
func (s *site) checkMidnight() {
	s.t.Helper()
	before := s.quota("connect", "day")
	code, answer := s.change("/api/v1/clock/advance", `{"to": "midnight"}`)
	var state ClockState
	if err := json.Unmarshal([]byte(answer), &state); err != nil || code != 200 || state.Offset <= 0 || state.Offset > 25*time.Hour {
		s.t.Fatalf("to midnight: %d %s", code, answer)
	}
	day := s.wantUsed("after midnight", "connect", "day", 0)
	if day.WindowStart != before.WindowEnd {
		s.t.Errorf("the new day begins at %d, the old one ended at %d", day.WindowStart, before.WindowEnd)
	}
	if got := time.Unix(0, day.WindowStart).In(pacific).Format("15:04:05"); got != "00:00:00" {
		s.t.Errorf("the day begins at %s in Pacific time", got)
	}
	if got := s.get(echoDial); got != "<nil>" {
		s.t.Errorf("in the new day a dial says %q", got)
	}
	s.wantUsed("in the new day", "connect", "day", 1)
	minute := s.quota("connect", "minute")
	if code, answer := s.change("/api/v1/clock/advance", `{"to": "minute"}`); code != 200 {
		s.t.Errorf("to the next minute: %d %s", code, answer)
	}
	if next := s.wantUsed("in the next minute", "connect", "minute", 0); next.WindowStart < minute.WindowEnd {
		s.t.Errorf("the next minute begins at %d, the last one ended at %d", next.WindowStart, minute.WindowEnd)
	}
	s.wantUsed("in the next minute", "connect", "day", 1)
	if code, answer := s.change("/api/v1/clock/reset", ""); code != 200 {
		s.t.Errorf("back: %d %s", code, answer)
	}
	if day := s.wantUsed("with the clock reset", "connect", "day", 0); day.WindowStart != before.WindowStart {
		s.t.Errorf("with the clock reset the day begins at %d, want %d", day.WindowStart, before.WindowStart)
	}
}

// TestClockBorders: the clock's borders, over days of 23 and 25 hours.
func TestClockBorders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		border   web.Border
		at, want string
	}{
		{web.BorderMinute, "2026-11-25T12:00:00Z", "2026-11-25T12:01:00Z"}, // a border belongs to the window behind it
		{web.BorderMinute, "2026-11-25T12:00:59.999999999Z", "2026-11-25T12:01:00Z"},
		{web.BorderMinute, "2026-12-31T23:59:30Z", "2027-01-01T00:00:00Z"},
		{web.BorderMidnight, "2026-11-25T12:00:00Z", "2026-11-26T08:00:00Z"},
		{web.BorderMidnight, "2026-11-26T07:59:59.999999999Z", "2026-11-26T08:00:00Z"},
		{web.BorderMidnight, "2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z"},
		{web.BorderMidnight, "2027-03-14T08:00:00Z", "2027-03-15T07:00:00Z"}, // 23 hours: summer time begins
		{web.BorderMidnight, "2027-03-14T10:30:00Z", "2027-03-15T07:00:00Z"}, // after the hour that is left out
		{web.BorderMidnight, "2027-11-07T07:00:00Z", "2027-11-08T08:00:00Z"}, // 25 hours: it ends
		{web.BorderMidnight, "2027-11-07T08:30:00Z", "2027-11-08T08:00:00Z"}, // half past one, the first
		{web.BorderMidnight, "2027-11-07T09:30:00Z", "2027-11-08T08:00:00Z"}, // and the second
	} {
		at, err := time.Parse(time.RFC3339Nano, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := borders[tt.border](at).UTC().Format(time.RFC3339Nano); got != tt.want {
			t.Errorf("the next %s after %s is %s, want %s", tt.border, tt.at, got, tt.want)
		}
		want, err := time.Parse(time.RFC3339Nano, tt.want)
		if err != nil {
			t.Fatal(err)
		}
		f := &fleet{changed: func() {}, offset: time.Duration(at.UnixNano() - sandbox.Now())}
		if f.offset < 0 || want.Sub(at) < time.Second {
			continue // the machine's clock is past that already, or will be before it is asked
		}
		began := sandbox.Now()
		state, err := f.AdvanceTo(t.Context(), tt.border)
		// Time goes on while the test runs: by as much the clock may be further.
		late := time.Duration(f.clockNow() - want.UnixNano())
		if passed := time.Duration(sandbox.Now() - began); err != nil || late < 0 || late > passed+afterBorder || state.Offset != f.offset {
			t.Errorf("AdvanceTo(%s) at %s ends %v after %s: %+v, %v", tt.border, tt.at, late, tt.want, state, err)
		}
	}
	if _, err := (&fleet{changed: func() {}}).AdvanceTo(t.Context(), "noon"); err == nil || !strings.Contains(err.Error(), "midnight") {
		t.Errorf("AdvanceTo(noon) = %v, want the way out", err)
	}
}

// TestDayOfUsage: the day that the workers are told has the hours that it has in Pacific time, and a clock moved over it
// opens the next.
func TestDayOfUsage(t *testing.T) {
	t.Parallel()
	u, err := openUsage(filepath.Join(t.TempDir(), "usage"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	a := &app{name: "shop", usage: u, configured: configured{policy: &sandbox.Policy{}}}
	for _, tt := range []struct {
		day   string // its first moment
		hours time.Duration
	}{
		{"2027-03-13T08:00:00Z", 24}, {"2027-03-14T08:00:00Z", 23}, {"2027-03-15T07:00:00Z", 24},
		{"2027-11-06T07:00:00Z", 24}, {"2027-11-07T07:00:00Z", 25}, {"2027-11-08T08:00:00Z", 24},
	} {
		start, err := time.Parse(time.RFC3339, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		end := start.Add(tt.hours * time.Hour)
		for _, at := range []time.Time{start, end.Add(-1)} {
			a.countDay(at.UnixNano())
			if err := u.Reserve(at.UnixNano(), sandbox.ResourceConnect, 1, sandbox.Limit{PerMinute: -1, PerDay: 2}); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		q := usedInDay(t, a, end.Add(-1))
		if q.Used != 2 || q.WindowStart != start.UnixNano() || q.WindowEnd != end.UnixNano() {
			t.Errorf("the day of %s: %+v, want 2 used from %d to %d", tt.day, q, start.UnixNano(), end.UnixNano())
		}
	}
}

func usedInDay(t *testing.T, a *app, at time.Time) web.Quota {
	t.Helper()
	rows := a.quotas(at.UnixNano())
	i := slices.IndexFunc(rows, func(q web.Quota) bool { return q.Resource == "connect" && q.Window == "day" })
	if i < 0 {
		t.Fatalf("no day in %+v", rows)
	}
	return rows[i]
}

// TestLastCall: devserver's end waits for a request of the console that is under way, and lets no other in.
func TestLastCall(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	served := 0
	l := &lastCall{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		served++
		close(entered)
		<-leave
	})}
	done := make(chan struct{})
	go l.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	<-entered
	go func() { l.close(); close(done) }()
	select {
	case <-done:
		t.Error("the end does not wait for a request under way")
	default:
	}
	close(leave)
	<-done
	w := httptest.NewRecorder()
	if l.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != http.StatusServiceUnavailable || served != 1 {
		t.Errorf("after the end a request is answered %d, and %d were served", w.Code, served)
	}
}

func TestLimitSources(t *testing.T) {
	t.Parallel()
	policy := func(name string) *sandbox.Policy {
		p, err := profile.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		policy, err := p.Policy()
		if err != nil {
			t.Fatal(err)
		}
		return policy
	}
	own := policy("appengine")
	documented := own.Quotas[sandbox.ResourceConnect].Source
	if got := limitSources(own)[sandbox.ResourceConnect]; got != documented || got == "" {
		t.Errorf("production's own limit comes from %q, want %q", got, documented)
	}
	l := own.Quotas[sandbox.ResourceConnect]
	l.PerMinute = 5
	own.Quotas[sandbox.ResourceConnect] = l
	own.Quotas[sandbox.ResourceBind] = sandbox.Limit{PerMinute: 5, Source: "our own measure"}
	got := limitSources(own)
	if s := got[sandbox.ResourceConnect]; !strings.HasPrefix(s, "set by") || !strings.Contains(s, "4800 a minute") || !strings.Contains(s, documented) {
		t.Errorf("a limit set lower comes from %q", s)
	}
	if got[sandbox.ResourceBind] != "our own measure" || got[sandbox.ResourceSend] != own.Quotas[sandbox.ResourceSend].Source {
		t.Errorf("the others come from %q", got)
	}
	if s := limitSources(policy("open"))[sandbox.ResourceConnect]; !strings.HasPrefix(s, "set by") {
		t.Errorf("no limit comes from %q", s)
	}
}
