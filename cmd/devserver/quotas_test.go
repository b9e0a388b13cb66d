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
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// quotaNoon is a moment after noon in Pacific time.
var quotaNoon = time.Date(2026, 11, 21, 20, 0, 39, 0, time.UTC)

// quota is a row of the minute or the day that holds quotaNoon.
func quota(app, resource, window string, used, limit int64) devserver.Quota {
	return devserver.Quota{App: app, Resource: resource, Window: window, Used: used, Limit: limit, UsedUp: limit >= 0 && used >= limit}
}

// TestQuotaView shows quotas as a person sees them; the golden file has the reader's own times blotted out.
func TestQuotaView(t *testing.T) {
	t.Parallel()
	one := []devserver.Quota{
		quota("shop", "connect", "minute", 4800, 4800), quota("shop", "connect", "day", 51240, 864000),
		quota("shop", "send", "minute", 0, -1), quota("shop", "send", "day", 100, 100),
		quota("shop", "bytes_sent", "minute", 32715571, 113<<20), quota("shop", "bytes_sent", "day", 1810<<20, 20<<30),
		quota("shop", "bytes_received", "day", 7, 20<<30), // a recording without the minute
	}
	two := append([]devserver.Quota{quota("mail\x1b[2J", "bytes_sent", "minute", 1, 0), quota("mail\x1b[2J", "bytes_sent", "day", 1, 20)}, one...)
	var b bytes.Buffer
	for _, tt := range []struct {
		name  string
		q     devserver.Quotas
		ahead time.Duration
	}{
		{"an app that runs", devserver.Quotas{At: quotaNoon, Rows: one, Last: quotaNoon.Truncate(time.Minute)}, 0},
		{"two, and a clock that was moved", devserver.Quotas{At: quotaNoon, Rows: two, Last: quotaNoon.Truncate(time.Minute)}, 3*time.Hour + 21*time.Second},
		{"an old recording", devserver.Quotas{At: quotaNoon, Rows: one[1:2], Last: quotaNoon.Add(-72 * time.Hour).Truncate(time.Minute)}, 0},
		{"one from the future", devserver.Quotas{At: quotaNoon, Rows: one[1:2], Last: quotaNoon.Add(72 * time.Hour).Truncate(time.Minute)}, 0},
	} {
		fmt.Fprintf(&b, "-- %s --\n", tt.name)
		if err := (&quotaView{w: &b}).show(tt.q, tt.ahead); err != nil {
			t.Fatal(err)
		}
	}
	here := regexp.MustCompile(`, at \d\d:\d\d:\d\d$|\(\w+ \d+, \d\d:\d\d here\)|\d{4}-\d\d-\d\d \d\d:\d\d`)
	var out bytes.Buffer
	for line := range strings.Lines(b.String()) {
		out.WriteString(here.ReplaceAllStringFunc(strings.TrimSuffix(line, "\n"), func(s string) string {
			return regexp.MustCompile(`\d`).ReplaceAllString(strings.NewReplacer("Nov", "Mon").Replace(s), "0")
		}) + "\n")
	}
	golden(t, "testdata/quotas.txt", out.Bytes())
}

// TestQuotaViewFollows: on a terminal the view is drawn over, elsewhere a change adds a whole one.
func TestQuotaViewFollows(t *testing.T) {
	t.Parallel()
	q := devserver.Quotas{At: quotaNoon, Rows: []devserver.Quota{quota("shop", "send", "minute", 1, 9)}, Last: quotaNoon.Truncate(time.Minute)}
	later := q
	later.At = later.At.Add(time.Second)
	more := later
	more.Rows = []devserver.Quota{quota("shop", "send", "minute", 2, 9)}
	views := func(redraw bool) (shown []string) {
		var b bytes.Buffer
		v := quotaView{w: &b}
		if redraw {
			v.width = func() int { return 60 } // of a terminal in which the day's line takes two rows
		}
		for _, q := range []devserver.Quotas{q, later, more} {
			b.Reset()
			if err := v.show(q, 0); err != nil {
				t.Fatal(err)
			}
			shown = append(shown, b.String())
		}
		return shown
	}
	over := "\x1b[5A\x1b[J"
	got := views(true)
	if strings.Contains(got[0], "\x1b") || !strings.HasPrefix(got[1], over+"RESOURCE") || !strings.Contains(got[1], "refilled in 20s") || !strings.HasPrefix(got[2], over) {
		t.Errorf("on a terminal: %q", got)
	}
	got = views(false)
	if got[1] != "" || !strings.HasPrefix(got[2], "\nRESOURCE") || !strings.Contains(got[2], "2 of 9") || strings.Contains(got[2], "\x1b") {
		t.Errorf("elsewhere: %q", got)
	}
}

func TestDollars(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bytes int64
		want  string
	}{{0, "0.00 US$"}, {1, "less than 0.01 US$"}, {41_666_666, "less than 0.01 US$"}, {41_700_000, "0.01 US$"}, {1_000_000_000, "0.12 US$"}, {20 << 30, "2.58 US$"}} {
		if got := dollars(devserver.SentCost(tt.bytes)); got != tt.want {
			t.Errorf("%d bytes cost %q, want %q", tt.bytes, got, tt.want)
		}
	}
}

// recordUsage writes the use of quotas into a recording.
func recordUsage(t *testing.T, path string, usage ...record.QuotaUsage) {
	t.Helper()
	db, err := storage.Open(path, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.WriteUsage(t.Context(), usage); err != nil {
		t.Fatal(err)
	}
}

// usageAt is what was used of the connects of the minute and the day that hold a time.
func usageAt(t time.Time, app string, minute, day int64) []record.QuotaUsage {
	ends, midnight := devserver.Borders(t)
	starts := devserver.InProduction(midnight).AddDate(0, 0, -1)
	return []record.QuotaUsage{
		{App: app, Resource: "connect", Window: "minute", WindowStart: ends.Add(-time.Minute).UnixNano(), Used: minute, Limit: 5},
		{App: app, Resource: "connect", Window: "day", WindowStart: starts.UnixNano(), Used: day, Limit: 100},
	}
}

// TestQuotasOfARecording runs the command on recordings of yesterday and of a clock that was moved.
func TestQuotasOfARecording(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, empty := filepath.Join(dir, "old.db"), filepath.Join(dir, "empty.db")
	recordUsage(t, old, usageAt(time.Now().Add(-48*time.Hour), "shop", 5, 7)...)
	recordUsage(t, empty)
	wants(t, exitDone, `^connect +0 of 5 +0 of 100$`, "quotas", "--recording", old)
	wants(t, exitDone, `^  as of    the recording's newest numbers are of \d{4}-.*; what was used in windows that are over does not count now$`, "quotas", "--recording", old)
	wants(t, exitDone, `\A\{"app":"shop","resource":"connect","window":"minute","window_start":\d+,"window_end":\d+,"used":0,"limit":5,"used_up":false,"last_start":\d+,"last_used":5\}\n`, "quotas", "--json", "--recording", old)
	wants(t, exitFailed, `^devserver: the recording has no quotas of an app "nobody"; it has those of shop$`, "quotas", "--app", "nobody", "--recording", old)
	wants(t, exitDone, `\Adevserver: the recording has no quotas yet; they are written once an app runs$`, "quotas", "--recording", empty)
	wants(t, exitDone, `\A\z`, "quotas", "--json", "--recording", empty)

	// A devserver that runs with its clock a day ahead: what it counts counts by that clock.
	c := newConsole(t, "shop")
	c.offset = 24 * time.Hour
	recordUsage(t, filepath.Join(c.data, "recording.db"), usageAt(time.Now().Add(c.offset), "shop", 2, 100)...)
	wants(t, exitDone, `^connect +[02] of 5 +100 of 100 +used up$`, "quotas", "--data", c.data)
	wants(t, exitDone, `^  clock    24h0m0s ahead of the machine's; devserver clock reset sets it back$`, "quotas", "--data", c.data)
	wants(t, exitDone, `^connect .* 100 of 100 +used up$`, "quotas", "--recording", filepath.Join(c.data, "recording.db"))
}

// TestQuotasFollow: each change is told once, as it is written.
func TestQuotasFollow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "recording.db")
	day := func(used int64) record.QuotaUsage {
		u := usageAt(time.Now(), "shop", 0, used)[1]
		return u
	}
	recordUsage(t, path, day(1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"quotas", "--follow", "--json", "--recording", path}, nil, w, os.Stderr)
		w.Close()
	}()
	lines := json.NewDecoder(r)
	for _, used := range []int64{1, 2, 3} {
		if used > 1 {
			recordUsage(t, path, day(used))
		}
		var row devserver.Quota
		if err := lines.Decode(&row); err != nil || row.Used != used {
			t.Fatalf("told %+v, %v, want %d used", row, err, used)
		}
	}
	stop()
	if status := <-ended; status != exitDone {
		t.Errorf("status %d at the end", status)
	}
	if err := lines.Decode(new(devserver.Quota)); err == nil {
		t.Error("more was told than has changed")
	}
}
