package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const (
	heartbeat    = 15 * time.Second       // a comment this often keeps proxies from closing a quiet stream, and finds dead ones
	writeTimeout = 10 * time.Second       // a client that does not read for so long is let go
	pace         = 200 * time.Millisecond // between two looks at the recording
	eventsAtOnce = 500
)

// change is the message by which a page learns that it is out of date.
type change struct {
	Counts record.Counts `json:"counts"`
	Offset time.Duration `json:"clock_offset_ns"`
}

// stream is /api/v1/stream: server-sent events. "change" comes whenever something has changed; before it, unless
// ?only=change, one "event" for each new row of the table events (filtered as /api/v1/events), its id the row's, so that a
// client that comes again with Last-Event-ID misses nothing. It ends with the request, with devserver, or when the
// client lags.
func (c *console) stream(w http.ResponseWriter, r *http.Request) error {
	p := newParams(r.URL.Query())
	onlyChanges := p.oneOf("only", []string{"change"}) != ""
	f := record.EventFilter{
		App: p.text("app"), Kinds: p.kinds("kind"), Rule: p.text("rule"), Host: p.text("host"), SocketID: p.id("socket"),
		RequestID: p.id("request"), RunID: p.id("run"), Since: p.since("since", c.Now()), After: p.id("after"),
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" && f.After == 0 {
		f.After, _ = parseID(last) // what is not a number is not ours; the client then begins with what is new
	}
	if err := p.err(); err != nil {
		return err
	}
	s := &streamer{console: c, out: http.NewResponseController(w), w: w, filter: f, onlyChanges: onlyChanges}
	if err := s.start(r.Context()); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s.run(r.Context())
	return nil
}

// streamer is one client's stream. Only the request's goroutine touches it.
type streamer struct {
	*console
	w           http.ResponseWriter
	out         *http.ResponseController
	filter      record.EventFilter
	onlyChanges bool
	told        time.Time // when it last looked at the recording
}

// start finds the event after which the stream begins: the client's last, else the newest. One that is newer yet is of
// another recording.
func (s *streamer) start(ctx context.Context) error {
	s.filter.Ascending, s.filter.Limit = true, eventsAtOnce
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	newest, err := s.newest(ctx)
	if s.filter.After == 0 && s.filter.Since == 0 || s.filter.After > newest {
		s.filter.After = newest
	}
	return err
}

// newest is the id of the newest event, 0: there is none.
func (s *streamer) newest(ctx context.Context) (int64, error) {
	events, err := s.Source.Events(ctx, record.EventFilter{Limit: 1})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0].ID, nil
}

func (s *streamer) run(ctx context.Context) {
	var notices <-chan struct{}
	if s.Live != nil {
		sub, leave := s.Live.subscribe()
		defer leave()
		notices = sub
	}
	if s.write(": devserver\nretry: 1000\n\n") != nil || s.tell(ctx) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case _, ok := <-notices:
			if !ok || !s.rest(ctx, notices) {
				return
			}
			err = s.tell(ctx)
		case <-beat.C:
			err = s.write(": still here\n\n")
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// rest waits until the last look is a moment ago, and gathers the notices that come meanwhile: one look serves them all.
// It is false when the stream is over.
func (s *streamer) rest(ctx context.Context, notices <-chan struct{}) bool {
	pause := time.NewTimer(pace - time.Since(s.told))
	defer pause.Stop()
	for {
		select {
		case _, ok := <-notices:
			if !ok {
				return false
			}
		case <-pause.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// tell writes what is new. A recording that cannot be read just now ends the stream; the client comes again.
func (s *streamer) tell(ctx context.Context) error {
	s.told = time.Now()
	if !s.onlyChanges {
		if err := s.tellEvents(ctx); err != nil {
			return err
		}
	}
	state := s.State()
	counts, err := s.Source.Counts(ctx, s.idleSince(state))
	if err != nil {
		return err
	}
	return s.send("change", 0, change{Counts: counts, Offset: state.Offset})
}

// tellEvents writes the events that are new. What the filter leaves out is not looked at again.
func (s *streamer) tellEvents(ctx context.Context) error {
	newest, err := s.newest(ctx)
	if err != nil {
		return err
	}
	for {
		events, err := s.Source.Events(ctx, s.filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := s.send("event", e.ID, e); err != nil {
				return err
			}
			s.filter.After = e.ID
		}
		if len(events) < eventsAtOnce {
			s.filter.After = max(s.filter.After, newest)
			return nil
		}
	}
}

func (s *streamer) send(name string, id int64, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if id != 0 {
		return s.write(fmt.Sprintf("event: %s\nid: %d\ndata: %s\n\n", name, id, data))
	}
	return s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

func (s *streamer) write(text string) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.out.Flush()
}
