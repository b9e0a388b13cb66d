package devserver

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// recordingOf makes a recording with the use of quotas.
func recordingOf(t testing.TB, usage ...record.QuotaUsage) *Recording {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.WriteUsage(t.Context(), usage); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func used(t testing.TB, app, resource, window, start string, n, limit int64) record.QuotaUsage {
	return record.QuotaUsage{App: app, Resource: resource, Window: window, WindowStart: at(t, start).UnixNano(), Used: n, Limit: limit}
}

// TestQuotasAt reads one recording at several times: across the borders of minutes and days, those with a change of
// the clocks included, and before its own time, as after a clock that had been moved forward.
func TestQuotasAt(t *testing.T) {
	t.Parallel()
	r := recordingOf(t,
		used(t, "shop", "connect", "minute", "2026-11-01T20:41:00Z", 5, 5),
		used(t, "shop", "connect", "day", "2026-11-01T07:00:00Z", 9, 100), // a Sunday of 25 hours
	)
	type use struct {
		used      int64
		usedUp    bool
		end, last string
	}
	for _, tt := range []struct {
		at          string
		minute, day use
	}{
		{"2026-11-01T20:41:00Z", use{5, true, "2026-11-01T20:42:00Z", ""}, use{9, false, "2026-11-02T08:00:00Z", ""}},
		{"2026-11-01T20:41:59.999999999Z", use{5, true, "2026-11-01T20:42:00Z", ""}, use{9, false, "2026-11-02T08:00:00Z", ""}},
		{"2026-11-01T20:42:00Z", use{0, false, "2026-11-01T20:43:00Z", "2026-11-01T20:41:00Z"}, use{9, false, "2026-11-02T08:00:00Z", ""}},
		{"2026-11-02T07:59:59Z", use{0, false, "2026-11-02T08:00:00Z", "2026-11-01T20:41:00Z"}, use{9, false, "2026-11-02T08:00:00Z", ""}},
		{"2026-11-02T08:00:00Z", use{0, false, "2026-11-02T08:01:00Z", "2026-11-01T20:41:00Z"}, use{0, false, "2026-11-03T08:00:00Z", "2026-11-01T07:00:00Z"}},
		{"2026-10-31T20:00:00Z", use{0, false, "2026-10-31T20:01:00Z", "2026-11-01T20:41:00Z"}, use{0, false, "2026-11-01T07:00:00Z", "2026-11-01T07:00:00Z"}},
	} {
		q, err := r.Quotas(t.Context(), "", at(t, tt.at))
		if err != nil || len(q.Rows) != 2 {
			t.Fatalf("at %s: %+v, %v", tt.at, q, err)
		}
		for i, want := range []use{tt.minute, tt.day} {
			row := q.Rows[i]
			got := use{row.Used, row.UsedUp, time.Unix(0, row.End).UTC().Format(time.RFC3339), ""}
			if row.LastStart != 0 {
				got.last = time.Unix(0, row.LastStart).UTC().Format(time.RFC3339)
			}
			if got != want || (row.LastStart != 0) != (row.LastUsed != 0) {
				t.Errorf("the %s at %s: %+v, last used %d, want %+v", row.Window, tt.at, got, row.LastUsed, want)
			}
		}
		if !q.Last.Equal(at(t, "2026-11-01T20:41:00Z")) {
			t.Errorf("at %s: the newest numbers are of %s", tt.at, q.Last)
		}
	}
}

// TestQuotasOrder: apps whose day is over make room for those that count today, and resources stand in the order in
// which they are shown everywhere.
func TestQuotasOrder(t *testing.T) {
	t.Parallel()
	const today, before = "2026-03-05T08:00:00Z", "2026-03-04T08:00:00Z"
	var usage []record.QuotaUsage
	for _, r := range sandbox.Resources {
		usage = append(usage, used(t, "shop", string(r), "day", today, 1, -1), used(t, "shop", string(r), "minute", "2026-03-05T09:00:00Z", 0, 0))
	}
	usage = append(usage, used(t, "old", "send", "day", before, 7, 9), used(t, "mail", "send", "day", today, 7, 9), used(t, "mail", "send", "week", today, 7, 9))
	now := at(t, "2026-03-05T09:00:30Z")
	names := func(app string, usage ...record.QuotaUsage) string {
		t.Helper()
		q, err := recordingOf(t, usage...).Quotas(t.Context(), app, now)
		if err != nil {
			return err.Error()
		}
		var all []string
		for _, row := range q.Rows {
			all = append(all, row.App+" "+row.Resource+" "+row.Window)
		}
		return strings.Join(all, ", ")
	}
	want := "mail send day"
	for _, r := range sandbox.Resources {
		want += ", shop " + string(r) + " minute, shop " + string(r) + " day"
	}
	for _, tt := range []struct{ app, got, want string }{
		{"", names("", usage...), want},
		{"mail", names("mail", usage...), "mail send day"},
		{"old", names("old", usage...), "old send day"},
		{"old alone", names("", used(t, "old", "send", "day", before, 7, 9)), "old send day"},
		{"nobody", names("nobody", usage...), `the recording has no quotas of an app "nobody"; it has those of mail, old, shop`},
		{"early", names("early"), `the recording has no quotas of "early" yet; they are written once it runs`},
		{"none", names(""), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%q: %s\nwant %s", tt.app, tt.got, tt.want)
		}
	}
}

// TestUsedUp: a limit of 0 is used up from the start, no limit never.
func TestUsedUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		used, limit int64
		want        bool
	}{{0, 0, true}, {4, 5, false}, {5, 5, true}, {6, 5, true}, {1 << 40, -1, false}} {
		q, _ := quotaAt(used(t, "shop", "send", "day", "2026-03-05T08:00:00Z", tt.used, tt.limit), at(t, "2026-03-05T09:00:00Z"))
		if q.UsedUp != tt.want {
			t.Errorf("%d of %d used: used up %v", tt.used, tt.limit, q.UsedUp)
		}
	}
}

func TestBorders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ at, minute, midnight, production string }{
		{"2026-01-15T07:59:59Z", "2026-01-15T08:00:00Z", "2026-01-15T08:00:00Z", "2026-01-14 23:59:59"},
		{"2026-01-15T08:00:00Z", "2026-01-15T08:01:00Z", "2026-01-16T08:00:00Z", "2026-01-15 00:00:00"},
		{"2026-03-08T12:00:01Z", "2026-03-08T12:01:00Z", "2026-03-09T07:00:00Z", "2026-03-08 05:00:01"}, // summer time begins
	} {
		minute, midnight := Borders(at(t, tt.at))
		got := []string{minute.UTC().Format(time.RFC3339), midnight.UTC().Format(time.RFC3339), InProduction(at(t, tt.at)).Format(time.DateTime)}
		if want := []string{tt.minute, tt.midnight, tt.production}; !slices.Equal(got, want) {
			t.Errorf("the borders behind %s: %q, want %q", tt.at, got, want)
		}
	}
}

// TestSentCost: 0.12 US$ a decimal GB (facts 3), from the first byte on.
func TestSentCost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bytes int64
		want  float64
	}{{0, 0}, {1_000_000_000, 0.12}, {1 << 30, 0.12884901888}, {20 << 30, 2.5769803776}, {1, 1.2e-10}} {
		if got := SentCost(tt.bytes); got < tt.want*0.999999 || got > tt.want*1.000001 {
			t.Errorf("%d bytes cost %v, want %v", tt.bytes, got, tt.want)
		}
	}
}

func TestAmountText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		resource string
		n        int64
		want     string
	}{
		{"send", 0, "0"}, {"send", 999, "999"}, {"send", 4800, "4,800"}, {"send", 663_552_000, "663,552,000"}, {"send", -1, "unlimited"},
		{"bytes_sent", 0, "0 B"}, {"bytes_sent", 1023, "1023 B"}, {"bytes_sent", 1 << 10, "1 KiB"}, {"bytes_sent", 1536, "1.5 KiB"},
		{"bytes_received", 113 << 20, "113 MiB"}, {"bytes_received", 113<<20 - 1, "112.9 MiB"}, {"bytes_received", 20 << 30, "20 GiB"},
		{"bytes_sent", 1<<20 - 1, "1,023.9 KiB"}, {"bytes_sent", 1 << 62, "4,194,304 TiB"}, {"bytes_sent", -1, "unlimited"},
	} {
		if got := AmountText(tt.resource, tt.n); got != tt.want {
			t.Errorf("%d of %s is written %q, want %q", tt.n, tt.resource, got, tt.want)
		}
	}
}
