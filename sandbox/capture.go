package sandbox

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// Capture says which bytes that went over the program's sockets are kept. Its zero value keeps none.
type Capture struct {
	Limit  int64    `json:"limit"`  // bytes of each socket, direction and layer; 0 captures nothing
	Head   int      `json:"head"`   // bytes of each operation; 0 is all of them
	Redact []string `json:"redact"` // names of headers whose values are masked; none: all is kept as it is
}

// PayloadSize is the most bytes that one event of a payload kind holds. No recorder may shorten it: a payload is no text.
const PayloadSize = 8 << 10

// taps are what captures the operations of one socket.
type taps struct {
	sent, received       Tap // what went over the socket
	tlsSent, tlsReceived Tap // what crypto/tls took from the program, and gave it
}

func (b *Box) newTaps(s *Socket) *taps {
	c := &b.capture
	if c.Limit <= 0 {
		return nil
	}
	t := new(taps)
	for _, k := range []struct {
		tap  *Tap
		kind Kind
	}{{&t.sent, KindWireSent}, {&t.received, KindWireReceived}, {&t.tlsSent, KindTLSSent}, {&t.tlsReceived, KindTLSReceived}} {
		k.tap.sock, k.tap.kind, k.tap.left, k.tap.mask.names = s, k.kind, c.Limit, b.secrets
	}
	return t
}

// A Tap captures one direction of a socket on one layer. A nil Tap captures nothing: all its methods may be called.
//
// It is held from before the bytes move until the operation's event is recorded. So payloads have the order of the
// stream, and each stands in the journal before the event of its own operation and behind the one before. Operations of
// one direction exclude each other in package net too, so nobody waits longer for it.
type Tap struct {
	sock *Socket
	kind Kind
	full atomic.Bool // the limit is reached

	mu    sync.Mutex
	left  int64 // guarded by mu: bytes up to the limit
	place int64 // guarded by mu: of the next byte in the stream
	mask  mask  // guarded by mu
}

// Tap returns what captures operations of kind k on the socket, nil when nothing does or its limit is reached.
func (s *Socket) Tap(k Kind) *Tap {
	if s.taps == nil {
		return nil
	}
	return s.taps.of(k, &s.taps.sent, &s.taps.received)
}

// TLSTap is Tap for what crypto/tls takes from the program and gives it.
func (s *Socket) TLSTap(k Kind) *Tap {
	if s.taps == nil {
		return nil
	}
	return s.taps.of(k, &s.taps.tlsSent, &s.taps.tlsReceived)
}

func (*taps) of(k Kind, sent, received *Tap) *Tap {
	t := sent
	if k == KindReceive {
		t = received
	}
	if t.full.Load() {
		return nil
	}
	return t
}

// Captures reports whether operations of kind k are captured: the kernel may not copy by itself then.
func (s *Socket) Captures(k Kind) bool { return s.Tap(k) != nil }

// Lock begins an operation. Unlock must follow.
func (t *Tap) Lock() {
	if t != nil {
		t.mu.Lock()
	}
}

// Unlock ends an operation, once its event is recorded.
func (t *Tap) Unlock() {
	if t != nil {
		t.mu.Unlock()
	}
}

// Keep keeps the first n bytes of parts, which moved in the operation that began at that time. The tap is held.
func (t *Tap) Keep(at int64, n int, parts ...[]byte) {
	if t == nil || n <= 0 || t.full.Load() {
		return
	}
	head := n
	if h := t.sock.box.capture.Head; h > 0 {
		head = min(head, h)
	}
	for _, p := range parts {
		p = p[:min(len(p), n)]
		n -= len(p)
		for len(p) > 0 && !t.full.Load() {
			chunk := p[:min(len(p), PayloadSize)]
			t.keep(at, chunk, min(len(chunk), head))
			head -= min(len(chunk), head)
			p = p[len(chunk):]
		}
	}
}

// keep masks a chunk of the stream and records its first bytes. What is not recorded is masked too: what is secret
// depends on all that went before.
func (t *Tap) keep(at int64, chunk []byte, n int) {
	own := append([]byte(nil), chunk...) // the program's bytes stay as they are
	t.mask.apply(own)
	n = int(min(int64(n), t.left))
	if n > 0 {
		t.sock.box.rec.Record(Event{
			Kind: t.kind, At: at, Socket: t.sock.id, Request: t.sock.request.Load(),
			Bytes: t.place, Detail: unsafe.String(&own[0], n), // nobody changes it any more
		})
	}
	t.left -= int64(n)
	t.place += int64(len(chunk))
	if t.left <= 0 {
		t.full.Store(true)
	}
	if transport(t.sock.network) == udp || t.sock.network == "unixgram" {
		t.mask.reset() // each datagram speaks for itself
	}
}
