package devserver

import (
	"context"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
)

// requestLog writes down the requests that the front proxy tells of: those that it answered itself, and those of
// servers that the agent does not see. The others are the agent's to record.
type requestLog struct {
	db    *storage.DB
	ids   *ids
	warn  func(format string, args ...any)
	wrote func(id uint64) // told of each that has ended and is in the recording
	queue chan ownRequest
	done  chan struct{}

	mu     sync.Mutex
	closed bool // guarded by mu
}

// ownRequest is a request, or what has become known of one.
type ownRequest struct {
	app    string
	run    int64 // the worker that served it; 0: none did
	id     uint64
	ended  bool
	events []sandbox.Event
}

// atOnce is how many requests are written in one transaction, at most.
const atOnce = 512

func newRequestLog(db *storage.DB, i *ids, warn func(string, ...any), wrote func(uint64)) *requestLog {
	r := &requestLog{db: db, ids: i, warn: warn, wrote: wrote, queue: make(chan ownRequest, atOnce), done: make(chan struct{})}
	go r.run()
	return r
}

// add queues a request that no app answered. It blocks while the disk is slower than the clients.
func (r *requestLog) add(app string, a proxy.Answer) {
	id := r.next()
	sent := proxy.Sent{At: a.At, Method: a.Method, URL: a.URL, RemoteAddr: a.RemoteAddr, Proto: a.Proto}
	r.put(ownRequest{app: app, id: id, ended: true, events: []sandbox.Event{beginOf(id, sent), endOf(id, sent, a)}})
}

// beginOf and endOf are the events of a request that the proxy tells of.
func beginOf(id uint64, s proxy.Sent) sandbox.Event {
	return sandbox.Event{Kind: sandbox.KindRequestBegin, At: s.At.UnixNano(), Request: id,
		Req: &sandbox.RequestInfo{Method: s.Method, URL: s.URL, RemoteAddr: s.RemoteAddr, Proto: s.Proto}}
}

func endOf(id uint64, s proxy.Sent, a proxy.Answer) sandbox.Event {
	return sandbox.Event{Kind: sandbox.KindRequestEnd, At: s.At.UnixNano(), Duration: max(a.At.Add(a.Duration).Sub(s.At), 0), Request: id, Error: a.Err,
		Req: &sandbox.RequestInfo{Status: a.Status, BytesIn: a.BytesIn, BytesOut: a.BytesOut}}
}

// next is the id of another request, 0 after Close.
func (r *requestLog) next() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	return r.ids.NextRequest()
}

// put queues what is to be written. It blocks as add does.
func (r *requestLog) put(o ownRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.warn("a request to %s that came while devserver stopped is not recorded", o.app)
		return
	}
	r.queue <- o
}

func (r *requestLog) run() {
	defer close(r.done)
	for first := range r.queue {
		batch := []ownRequest{first}
		for next := true; next && len(batch) < atOnce; {
			select {
			case o, ok := <-r.queue:
				if next = ok; ok {
					batch = append(batch, o)
				}
			default:
				next = false
			}
		}
		r.write(batch)
	}
}

// write writes requests, those of one worker in one transaction.
func (r *requestLog) write(batch []ownRequest) {
	for len(batch) > 0 {
		n := 1
		events := batch[0].events
		for n < len(batch) && batch[n].app == batch[0].app && batch[n].run == batch[0].run {
			events = append(events, batch[n].events...)
			n++
		}
		err := r.db.Write(context.Background(), storage.Batch{App: batch[0].app, RunID: batch[0].run, Events: events})
		if err != nil {
			r.warn("%d requests that the front proxy knows of are not recorded: %v", n, err)
		}
		for _, o := range batch[:n] {
			if err == nil && o.ended {
				r.wrote(o.id)
			}
		}
		batch = batch[n:]
	}
}

// Close writes what is queued; a second call does nothing.
func (r *requestLog) Close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	<-r.done
}
