package devserver

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// usedToday returns how often bind was counted in the present day.
func usedToday(u *usage) int64 {
	for _, w := range u.Snapshot(sandbox.Now()) {
		if w.Resource == sandbox.ResourceBind && w.Window == "day" {
			return w.Used
		}
	}
	return -1
}

func countBind(t *testing.T, u *usage) {
	t.Helper()
	if err := u.Reserve(sandbox.Now(), sandbox.ResourceBind, 1, sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 3}); err != nil {
		t.Fatal(err)
	}
}

// TestUsageFile opens files as a restart finds them.
func TestUsageFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		mend func(text []byte) []byte // what becomes of the file between two starts
		kept int64
	}{
		{"whole", func(b []byte) []byte { return b }, 2},
		{"longer", func(b []byte) []byte { return append(b, "more"...) }, 2},
		{"cut behind the counts", func(b []byte) []byte { return b[:1000] }, 2},
		{"empty", func(b []byte) []byte { return nil }, 0},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }, 0},
		{"another kind", func(b []byte) []byte { return bytes.Repeat([]byte("text"), 1024) }, 0},
		{"cut in the first word", func(b []byte) []byte { return b[:5] }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "usage-shop")
			u, err := openUsage(path)
			if err != nil {
				t.Fatal(err)
			}
			countBind(t, u)
			countBind(t, u)
			u.Close()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.mend(text), 0o600); err != nil {
				t.Fatal(err)
			}
			again, err := openUsage(path)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			again.begin()
			if got := usedToday(again); got != tt.kept {
				t.Errorf("%d used after the restart, want %d", got, tt.kept)
			}
			countBind(t, again)
		})
	}
}

// TestUsageFileErrors holds that what cannot be opened is an error that names the file.
func TestUsageFileErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing", "usage-shop")} {
		if u, err := openUsage(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("openUsage(%s) = %v, %v, want an error that names it", path, u, err)
		}
	}
}

// TestUsageAfterMovedClock holds that counts from a clock that was moved, and not taken back when devserver was killed,
// do not live on.
func TestUsageAfterMovedClock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "usage-shop")
	u, err := openUsage(path)
	if err != nil {
		t.Fatal(err)
	}
	u.SetLead(48 * time.Hour)
	ahead := sandbox.Now() + int64(48*time.Hour)
	if err := u.Reserve(ahead, sandbox.ResourceBind, 7, sandbox.Limit{PerMinute: 7, PerDay: 7}); err != nil {
		t.Fatal(err)
	}
	if got := usedToday(u); got != 7 {
		t.Errorf("%d used by a worker that has not heard of the move, want the 7 of the others", got)
	}
	u.Close()
	if u, err = openUsage(path); err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	u.begin()
	if got := usedToday(u); got != 0 {
		t.Errorf("%d used after the restart, want 0", got)
	}
	countBind(t, u)
}

// TestOpenTogether opens a file that is not there yet many times at once: nobody clears what another has counted.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	for range 50 {
		path := filepath.Join(t.TempDir(), "usage-shop")
		done := make(chan error)
		const openers = 8
		for range openers {
			go func() {
				u, err := openUsage(path)
				if err == nil {
					err = u.Reserve(sandbox.Now(), sandbox.ResourceBind, 1, sandbox.Limit{PerMinute: openers, PerDay: openers})
					u.Close()
				}
				done <- err
			}()
		}
		for range openers {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		u, err := openUsage(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := usedToday(u); got != openers {
			t.Fatalf("%d used after %d openers counted one each", got, openers)
		}
		u.Close()
	}
}

// TestQuotaDays holds that days join without a gap from midnight to midnight Pacific time, and which last 23 and 25 hours.
func TestQuotaDays(t *testing.T) {
	t.Parallel()
	odd := map[string]time.Duration{
		"2026-03-08": 23 * time.Hour, "2026-11-01": 25 * time.Hour, "2027-03-14": 23 * time.Hour, "2027-11-07": 25 * time.Hour,
	}
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC) // midnight there
	for range 2 * 365 {
		start, end := quotaDay(at)
		want := 24 * time.Hour
		if d, ok := odd[start.Format(time.DateOnly)]; ok {
			want = d
			delete(odd, start.Format(time.DateOnly))
		}
		if !start.Equal(at) || start.Format(time.TimeOnly) != "00:00:00" || end.Sub(start) != want {
			t.Fatalf("quotaDay(%s) = %s, %s, want %s from there", at, start, end, want)
		}
		for _, in := range []time.Time{end.Add(-1), start.Add(want / 2)} {
			if s, e := quotaDay(in); !s.Equal(start) || !e.Equal(end) {
				t.Fatalf("quotaDay(%s) = %s, %s, want %s, %s", in, s, e, start, end)
			}
		}
		at = end
	}
	if len(odd) > 0 {
		t.Errorf("not seen: %v", odd)
	}
}
