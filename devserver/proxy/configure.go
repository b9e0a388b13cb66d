package proxy

import "time"

// Configure changes what Config says of it, for requests that arrive from now on; those that wait are let go when they
// need not wait any more.
func (p *Proxy) Configure(serveOld bool, waitLimit time.Duration) {
	p.waiting.Store(int64(waitLimit))
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.wait = !serveOld
	p.gate.changeLocked()
}

// deadline is until when a request that arrives now waits for a version.
func (p *Proxy) deadline(now time.Time) time.Time { return now.Add(time.Duration(p.waiting.Load())) }
