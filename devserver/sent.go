package devserver

import (
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

const (
	// unansweredGrace is how long a request that ended without an answer may still turn up in the journal: the app's
	// server may begin to handle it after its client has gone.
	unansweredGrace = 5 * time.Second
	// clockSlack is by how much the clocks of a worker and of the supervisor may differ.
	clockSlack = time.Second
	// maxUnsettled bounds what waits for the journal to be read.
	maxUnsettled = 1 << 16
)

// sentRequests finds out which requests that the proxy sent to a worker its agent does not record, and records them. The agent sees the
// requests of net/http's servers, at their beginning: before the app's answer is here, the journal has them. So once all of the
// journal is read up to the answer's arrival, a request that was not among those read is another server's: of grpc-go's
// own, of golang.org/x/net/http2/h2c. A request is known by its method, its URL and its client's address.
type sentRequests struct {
	log *requestLog
	run int64
	app string

	mu       sync.Mutex
	pending  map[sentKey][]*sentRequest // may still turn out to be the agent's; in the order in which they were sent; guarded by mu
	answered []*sentRequest             // by the time of their answer; guarded by mu
	late     []*sentRequest             // ended without one, by that time; guarded by mu
	marks    [2]time.Time               // when all was read, the last time and before; guarded by mu
	over     bool                       // no more of the journal will be read; guarded by mu
	unknown  bool                       // and some of it has not been; guarded by mu
	agents   bool                       // the agent has told of a request; guarded by mu
	others   bool                       // a request was another server's; guarded by mu
	missing  int64                      // requests of which nobody knows whether the journal has them; guarded by mu
}

type sentKey struct{ method, url, remote string }

// sentRequest is one of them. Its fields are guarded by the mutex of sentRequests.
type sentRequest struct {
	of       *sentRequests
	sent     proxy.Sent
	answered time.Time // when the head of the answer was here; zero: it is not
	ended    time.Time // zero: it is under way
	end      proxy.Answer
	settled  bool   // it is known whose it is
	id       uint64 // in the recording; 0: it is not ours, or not settled
}

func newSentRequests(log *requestLog, run int64, app string) *sentRequests {
	return &sentRequests{log: log, run: run, app: app, pending: map[sentKey][]*sentRequest{}}
}

func sentKeyOf(s proxy.Sent) sentKey { return sentKey{s.Method, s.URL, s.RemoteAddr} }

// add takes in a request that the worker gets now.
func (s *sentRequests) add(sent proxy.Sent) proxy.Follower {
	r := &sentRequest{of: s, sent: sent}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[sentKeyOf(sent)] = append(s.pending[sentKeyOf(sent)], r)
	return r
}

// Unseen is proxy.Follower's.
func (r *sentRequest) Unseen() {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	r.settled = true
	r.of.dropLocked(r)
}

// Answered is proxy.Follower's.
func (r *sentRequest) Answered() {
	s := r.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.answered = time.Now(); !r.settled {
		s.answered = s.boundLocked(append(s.answered, r))
	}
	s.nowLocked(r)
}

// Ended is proxy.Follower's.
func (r *sentRequest) Ended(a proxy.Answer) {
	s := r.of
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ended, r.end = time.Now(), a
	switch {
	case r.id != 0:
		s.log.put(r.entry(false, true))
	case !r.settled && r.answered.IsZero():
		s.late = s.boundLocked(append(s.late, r))
	}
	s.nowLocked(r)
}

// nowLocked settles r at once where the journal is read already.
func (s *sentRequests) nowLocked(r *sentRequest) {
	if s.over && !r.settled {
		s.settleLocked(r)
		s.gapLocked()
	}
}

// boundLocked gives up the oldest of a list that has become too long. Where all requests so far were the agent's, this one is too.
func (s *sentRequests) boundLocked(list []*sentRequest) []*sentRequest {
	if len(list) <= maxUnsettled {
		return list
	}
	if r := list[0]; !r.settled {
		r.settled = true
		if s.others || !s.agents {
			s.missing++
		}
		s.dropLocked(r)
	}
	list[0] = nil
	return list[1:]
}

// journaled takes in what was read from the journal.
func (s *sentRequests) journaled(events []sandbox.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last int64
	for i := range events {
		e := &events[i]
		last = max(last, e.At)
		if e.Kind == sandbox.KindRequestBegin && e.Req != nil {
			s.pairLocked(e)
		}
	}
	// The journal is read in the order in which it was written, and At is before that. A clock that was set back tells nothing.
	if at := time.Unix(0, last); len(events) > 0 && !at.After(time.Now()) {
		s.upToLocked(at.Add(-clockSlack))
	}
}

// pairLocked finds the request that the agent has recorded. Of several that look the same it is the first that was under way then.
func (s *sentRequests) pairLocked(e *sandbox.Event) {
	same := s.pending[sentKey{e.Req.Method, e.Req.URL, e.Req.RemoteAddr}]
	if len(same) == 0 {
		return
	}
	found := same[0]
	for _, r := range same {
		if r.ended.IsZero() || r.ended.UnixNano() >= e.At {
			found = r
			break
		}
	}
	found.settled, s.agents = true, true
	s.dropLocked(found)
}

// dropLocked takes r out of pending.
func (s *sentRequests) dropLocked(r *sentRequest) {
	key := sentKeyOf(r.sent)
	same := s.pending[key]
	for i := range same {
		if same[i] != r {
			continue
		}
		copy(same[1:i+1], same[:i]) // mostly it is the first
		same[0] = nil
		if s.pending[key] = same[1:]; len(same) == 1 {
			delete(s.pending, key)
		}
		return
	}
}

// quiet is called when all of the journal is read, a moment after the last time. As with lines it is the second quiet that counts.
func (s *sentRequests) quiet() {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.marks[1]
	s.marks[1], s.marks[0] = s.marks[0], time.Now()
	s.upToLocked(before)
}

// upToLocked settles what the journal, read up to a time, would have told of.
func (s *sentRequests) upToLocked(at time.Time) {
	for len(s.answered) > 0 && !s.answered[0].answered.After(at) {
		s.settleLocked(s.answered[0])
		s.answered[0] = nil
		s.answered = s.answered[1:]
	}
	for len(s.late) > 0 && !s.late[0].ended.After(at.Add(-unansweredGrace)) {
		s.settleLocked(s.late[0])
		s.late[0] = nil
		s.late = s.late[1:]
	}
	s.gapLocked()
}

// settleLocked records r unless the agent has.
func (s *sentRequests) settleLocked(r *sentRequest) {
	if r.settled {
		return
	}
	r.settled = true
	s.dropLocked(r)
	if s.unknown {
		s.missing++
		return
	}
	s.others = true
	r.id = s.log.next()
	s.log.put(r.entry(true, !r.ended.IsZero()))
}

// gapLocked notes what could not be kept.
func (s *sentRequests) gapLocked() {
	if s.missing == 0 {
		return
	}
	err := s.log.db.AddGap(record.Gap{RunID: s.run, App: s.app, At: time.Now().UnixNano(), Events: s.missing,
		Reason: "requests of which nobody knows whether the journal has them"})
	if err != nil {
		s.log.warn("%v", err)
		return
	}
	s.missing = 0
}

// end is called when the worker is dead. whole says that all of its journal is read; otherwise the next start reads the
// rest, and which requests are not in it nobody knows.
func (s *sentRequests) end(whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over, s.unknown = true, !whole
	for _, list := range [][]*sentRequest{s.answered, s.late} {
		for _, r := range list {
			s.settleLocked(r)
		}
	}
	s.answered, s.late = nil, nil
	s.gapLocked()
}

// entry is r's row, or the rest of it.
func (r *sentRequest) entry(begin, end bool) ownRequest {
	o := ownRequest{app: r.of.app, run: r.of.run, id: r.id}
	if begin {
		o.events = append(o.events, beginOf(r.id, r.sent))
	}
	if end {
		o.ended = true
		o.events = append(o.events, endOf(r.id, r.sent, r.end))
	}
	return o
}
