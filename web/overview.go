package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// overviewData is all that templates/overview.html may name.
type overviewData struct {
	frame
	Failures []failure
	Open     []socketRow // those that are reclaimed next
	Spark    spark
	Reloads  []reload
	Broken   []reload // apps whose newest build failed
	Meters   []meterGroup
	Minute   refill
}

// reload is a build as the overview lists it.
type reload struct {
	App string
	Build
}

func (r reload) Failed() bool { return len(r.Errors) > 0 }

const (
	inboxRows   = 8
	sparkTime   = 10 * time.Minute
	sparkPoints = 61
	openRows    = 6
	reloadRows  = 8
)

func (c *console) overviewPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Overview")
	if err != nil {
		return err
	}
	data := overviewData{frame: f}
	denials, err := c.Source.Denials(ctx, record.EventFilter{Limit: inboxRows})
	if err != nil {
		return err
	}
	reclaims, err := c.Source.Reclaims(ctx, record.EventFilter{Limit: pageRows})
	if err != nil {
		return err
	}
	data.Failures = failures(denials, reclaims, f.State, inboxRows)
	if err := c.fillOpen(ctx, &data); err != nil {
		return err
	}
	data.Reloads, data.Broken = reloads(f.State)
	data.Meters, data.Minute = meterGroups(f.State), f.State.minuteRefill()
	return c.render(w, http.StatusOK, "overview", data)
}

func (c *console) fillOpen(ctx context.Context, data *overviewData) error {
	open, err := c.Source.Sockets(ctx, record.SocketFilter{State: "open", Limit: pageRows})
	if err != nil {
		return err
	}
	data.Open = nextReclaimed(open, data.State, data.Now, openRows)
	step := sparkTime / (sparkPoints - 1)
	levels, err := c.Source.OpenOverTime(ctx, data.Now.Add(-sparkTime).UnixNano(), int64(step), sparkPoints)
	if err != nil {
		return err
	}
	data.Spark = newSpark(levels)
	return nil
}

// nextReclaimed picks the open sockets that are reclaimed first.
func nextReclaimed(open []record.Socket, state State, now time.Time, most int) []socketRow {
	rows := make([]socketRow, len(open))
	for i, s := range open {
		rows[i] = newSocketRow(s, state, now)
	}
	slices.SortStableFunc(rows, func(a, b socketRow) int {
		switch {
		case a.Idle == nil || b.Idle == nil:
			return 0
		default:
			return cmp.Compare(a.Idle.Left, b.Idle.Left)
		}
	})
	return rows[:min(len(rows), most)]
}

// reloads lists the apps' newest builds, and those of them that failed and are the newest of their app.
func reloads(state State) (all, broken []reload) {
	for _, app := range state.Apps {
		for i, build := range app.Builds {
			r := reload{App: app.Name, Build: build}
			all = append(all, r)
			if i == 0 && r.Failed() {
				broken = append(broken, r)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b reload) int { return b.At.Compare(a.At) })
	return all[:min(len(all), reloadRows)], broken
}

// spark is a small line of how many sockets were open.
type spark struct {
	Points string // of a polyline in a box of 240 by 40
	Most   int64
}

func newSpark(levels []int64) spark {
	if len(levels) < 2 {
		return spark{}
	}
	s := spark{Most: slices.Max(levels)}
	var points strings.Builder
	for i, level := range levels {
		x := 240 * float64(i) / float64(len(levels)-1)
		y := 38 - 34*float64(level)/float64(max(s.Most, 1))
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
	}
	s.Points = strings.TrimSpace(points.String())
	return s
}
