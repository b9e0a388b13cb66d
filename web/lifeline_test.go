package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// sketch writes a lifeline as text: its pieces, uses and mark.
func sketch(l lifeline) string {
	if l.Before != "" {
		return l.Before
	}
	var parts []string
	for _, p := range l.Pieces {
		parts = append(parts, fmt.Sprintf("%s %.0f-%.0f", p.Class, p.from, p.to))
	}
	for _, b := range l.Busy {
		parts = append(parts, fmt.Sprintf("%s %.1f-%.1f", map[bool]string{false: "use", true: "late"}[b.Late], b.from, b.to))
	}
	if l.Mark != "" {
		parts = append(parts, l.Mark+" "+l.MarkX+" "+l.Text)
	}
	return strings.Join(parts, ", ")
}

func TestLifeline(t *testing.T) {
	t.Parallel()
	ago := func(s float64) int64 { return noon.Add(-time.Duration(s * float64(time.Second))).UnixNano() }
	state := State{Apps: []App{{Name: "a", IdleLimit: 40 * time.Second}}}
	for _, tt := range []struct {
		name   string
		socket record.Socket
		uses   []float64 // ago
		want   string
	}{
		{"open and used", record.Socket{State: "open", OpenedAt: ago(75), LastAt: ago(10)}, []float64{75, 60, 50, 40, 25, 10}, "open 26-400, use 25.0-26.0, use 40.0-41.0, use 50.0-51.0, use 60.0-61.0, use 75.0-76.0, use 90.0-91.0"},
		{"idle now", record.Socket{State: "open", OpenedAt: ago(50), LastAt: ago(50)}, []float64{50}, "idle 51-400, use 50.0-51.0"},
		{"idle between", record.Socket{State: "open", OpenedAt: ago(50), LastAt: ago(5)}, []float64{50, 5}, "idle 51-95, open 96-400, use 50.0-51.0, use 95.0-96.0"},
		{"uses that touch", record.Socket{State: "open", OpenedAt: ago(50), LastAt: ago(48)}, []float64{50, 49, 48}, "idle 53-400, use 50.0-53.0"},
		{"open since before", record.Socket{State: "open", OpenedAt: ago(1000), LastAt: ago(10)}, []float64{10}, "idle 0-90, open 91-400, use 90.0-91.0"},
		{"closed", record.Socket{State: "closed", OpenedAt: ago(50), ClosedAt: ago(40), LastAt: ago(45)}, []float64{50, 45}, "over 51-60, use 50.0-51.0, use 55.0-56.0"},
		{"closed long ago", record.Socket{State: "closed", OpenedAt: ago(5000), ClosedAt: ago(3600)}, nil, "closed 1 h ago"},
		{"reclaimed", record.Socket{State: "reclaimed", OpenedAt: ago(90), ClosedAt: ago(40), LastAt: ago(80)}, []float64{90, 80}, "reclaimed 11-20, idle 21-60, use 10.0-11.0, use 20.0-21.0, cut 60.00% reclaimed"},
		{"used after its reclaim", record.Socket{State: "reclaimed", OpenedAt: ago(60), ClosedAt: ago(40), LastAt: ago(60)}, []float64{60, 30}, "reclaimed 41-60, use 40.0-41.0, late 70.0-71.0, cut 60.00% reclaimed"},
		{"denied", record.Socket{State: "denied", OpenedAt: ago(30), ClosedAt: ago(30), Rule: "port25"}, nil, "deny 70.00% port25"},
		{"denied before", record.Socket{State: "denied", OpenedAt: ago(300), Rule: "port25"}, nil, "denied 5 min ago"},
		{"failed", record.Socket{State: "failed", OpenedAt: ago(30), ClosedAt: ago(20)}, nil, "over 70-80, end 80.00% failed"},
		{"ends before it begins", record.Socket{State: "closed", OpenedAt: ago(30), ClosedAt: ago(40)}, nil, ""},
		{"in the future", record.Socket{State: "open", OpenedAt: ago(-30)}, nil, ""},
	} {
		tt.socket.ID, tt.socket.App = 1, "a"
		var activity []record.Activity
		for _, use := range tt.uses {
			activity = append(activity, record.Activity{SocketID: 1, At: ago(use)})
		}
		a := newAxis(noon, 100*time.Second, 0, state)
		if got := sketch(newDrawing(a, state, time.Second, activity).line(tt.socket)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestAxis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ since, oldest, want time.Duration }{
		{time.Hour, time.Second, time.Hour},
		{0, 10 * time.Second, time.Minute},
		{0, 90 * time.Second, 2 * time.Minute},
		{0, time.Hour, 5 * time.Minute},
	} {
		a := newAxis(noon, tt.since, noon.Add(-tt.oldest).UnixNano(), State{})
		if got := a.To.Sub(a.From); got != tt.want {
			t.Errorf("since %v, oldest %v ago: %v long, want %v", tt.since, tt.oldest, got, tt.want)
		}
	}
	if a := newAxis(noon, 5*time.Minute, 0, moved(noon)); len(a.Moves) != 1 || a.Ticks[1].Text != "−3:45" {
		t.Errorf("axis %+v", a)
	}
}
