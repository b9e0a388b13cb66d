package otlp

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Config says how a store is spoken to. Zero fields have their defaults.
type Config struct {
	Target       *Target
	Notify       func(Trouble) // hears of trouble, each kind once until it is over; nil: nobody does
	MinPause     time.Duration // before the second attempt; then twice as long each time. 0: 500 ms
	MaxPause     time.Duration // 0: 30 s
	AttemptLimit time.Duration // 0: AttemptLimit
	Patience     time.Duration // of Export: how long a store that does not answer is asked again. 0: a minute
}

func (c Config) filled() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.MinPause, 500*time.Millisecond)
	set(&c.MaxPause, 30*time.Second)
	set(&c.AttemptLimit, AttemptLimit)
	set(&c.Patience, time.Minute)
	return c
}

// Trouble is something that a person should know about a store.
type Trouble struct {
	Kind  TroubleKind
	Err   error  // of Away and Refused
	Items int64  // of Refused and Partial: how many were not taken
	Words string // of Partial: the store's
}

// TroubleKind tells troubles apart.
type TroubleKind int

// The kinds of trouble.
const (
	Away    TroubleKind = iota // nobody answers, or the store asks for patience; what is to be sent waits
	Back                       // it answers again
	Refused                    // it does not want a request, which is dropped; told once for each answer
	Partial                    // it took a request but for some; told once
)

// Summary counts what was sent.
type Summary struct {
	Spans, Records, Points int64 // taken
	Refused                int64 // not taken, of all three
}

// taken are all that a store has.
func (s Summary) taken() int64 { return s.Spans + s.Records + s.Points }

// sender sends requests one after the other, each until it is taken or refused. It is used by one goroutine.
type sender struct {
	cfg    Config
	client *client
	sum    Summary
	away   bool
	why    error           // the newest failure of a store that is away
	told   map[string]bool // refusals and partial successes
	no     error           // the newest refusal

	patience time.Duration // how long a request is tried; 0: no end
}

func newSender(c Config) *sender {
	c = c.filled()
	return &sender{cfg: c, client: newClient(c.Target, c.AttemptLimit), told: map[string]bool{}}
}

func (s *sender) tell(t Trouble) {
	if s.cfg.Notify != nil {
		s.cfg.Notify(t)
	}
}

// send returns nil when the request was taken or refused for good; both are counted. While the store is away it tries
// again until ctx or its patience ends, or only once with tries 1; the last *BusyError is then returned.
func (s *sender) send(ctx context.Context, path string, body []byte, items int64, tries int) error {
	var last error
	begin := time.Now()
	for n := 1; ; n++ {
		a, err := s.client.post(ctx, path, body)
		var busy *BusyError
		if !errors.As(err, &busy) {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) { // not a refusal, which counts whenever it comes
				return cmp.Or(last, err)
			}
			s.answered(path, items, a, err)
			return nil
		}
		if last != nil && ctx.Err() != nil {
			return last // this attempt was cut short: it says nothing
		}
		last, s.why = err, err
		if !s.away {
			s.away = true
			s.tell(Trouble{Kind: Away, Err: err})
		}
		if n == tries || s.patience > 0 && time.Since(begin) >= s.patience {
			return err
		}
		if pause(ctx, s.wait(n, busy.After)) != nil {
			return last
		}
	}
}

// wait is how long to wait after the n-th attempt: twice as long each time, and never all at once.
func (s *sender) wait(n int, asked time.Duration) time.Duration {
	d := s.cfg.MaxPause
	if n < 20 {
		d = min(s.cfg.MinPause<<(n-1), s.cfg.MaxPause)
	}
	return max(asked, d/2+rand.N(d/2+1))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answered counts what came of a request: err is nil or a refusal.
func (s *sender) answered(path string, items int64, a answer, err error) {
	if s.away {
		s.away = false
		s.tell(Trouble{Kind: Back})
	}
	if err != nil {
		a.rejected, s.no = items, err
	}
	a.rejected = min(a.rejected, items)
	s.sum.Refused += a.rejected
	s.count(path, items-a.rejected)
	switch {
	case err != nil:
		s.tellOnce(err.Error(), Trouble{Kind: Refused, Err: err, Items: items})
	case a.rejected > 0:
		s.tellOnce("partial "+a.words, Trouble{Kind: Partial, Items: a.rejected, Words: a.words})
	}
}

func (s *sender) count(path string, n int64) {
	switch path {
	case tracesPath:
		s.sum.Spans += n
	case logsPath:
		s.sum.Records += n
	case metricsPath:
		s.sum.Points += n
	}
}

// tellOnce tells what would be the same with each request. A store that words each answer anew is heard a few times.
func (s *sender) tellOnce(key string, t Trouble) {
	const most = 8
	if !s.told[key] && len(s.told) < most {
		s.told[key] = true
		s.tell(t)
	}
}
