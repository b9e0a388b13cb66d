package devserver

import (
	"context"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
)

// requestLog writes down the requests that the front proxy answered itself. The others are the agent's to record.
type requestLog struct {
	db    *storage.DB
	ids   *ids
	warn  func(format string, args ...any)
	wrote func(id uint64) // told of each that is in the recording
	queue chan ownAnswer
	done  chan struct{}
	over  sync.Once
}

type ownAnswer struct {
	app string
	proxy.Answer
}

func newRequestLog(db *storage.DB, i *ids, warn func(string, ...any), wrote func(uint64)) *requestLog {
	r := &requestLog{db: db, ids: i, warn: warn, wrote: wrote, queue: make(chan ownAnswer, 256), done: make(chan struct{})}
	go r.run()
	return r
}

// add queues an answer. It blocks while the disk is slower than the clients.
func (r *requestLog) add(app string, a proxy.Answer) { r.queue <- ownAnswer{app, a} }

func (r *requestLog) run() {
	defer close(r.done)
	for a := range r.queue {
		id := r.ids.NextRequest()
		err := r.db.Write(context.Background(), storage.Batch{App: a.app, Events: []sandbox.Event{
			{Kind: sandbox.KindRequestBegin, At: a.At.UnixNano(), Request: id,
				Req: &sandbox.RequestInfo{Method: a.Method, URL: a.URL, RemoteAddr: a.RemoteAddr}},
			{Kind: sandbox.KindRequestEnd, At: a.At.UnixNano(), Duration: a.Duration, Request: id, Error: a.Err,
				Req: &sandbox.RequestInfo{Status: a.Status, BytesOut: a.BytesOut}},
		}})
		if err != nil {
			r.warn("a request that the app did not answer is not recorded: %v", err)
			continue
		}
		r.wrote(id)
	}
}

// Close writes what is queued. Nothing may be added any more; a second call does nothing.
func (r *requestLog) Close() {
	r.over.Do(func() { close(r.queue) })
	<-r.done
}
