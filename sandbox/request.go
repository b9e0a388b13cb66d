package sandbox

// BeginRequest records that the app begins to serve a request, and returns its id.
func (b *Box) BeginRequest(ri RequestInfo) uint64 {
	id := b.ids.NextRequest()
	b.rec.Record(Event{Kind: KindRequestBegin, At: b.clock.Now(), Request: id, Req: &ri})
	return id
}

// EndRequest records how a request that began at start ended; failure is "" when the handler returned.
func (b *Box) EndRequest(id uint64, ri RequestInfo, start int64, failure string) {
	now := b.clock.Now()
	b.rec.Record(Event{
		Kind: KindRequestEnd, At: start, Duration: duration(now - start), Request: id, Req: &ri, Error: failure,
	})
}
