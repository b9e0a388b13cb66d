package sandbox

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
)

// capturing returns a connected socket of a Box that captures, and what is recorded.
func capturing(t *testing.T, network string, c Capture) (*Socket, func() []Event) {
	t.Helper()
	var mu sync.Mutex
	var all []Event
	b, err := New(Config{Capture: c, Recorder: recorderFunc(func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, e)
	})})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := b.Dial(network, "", netip.AddrPort{}, netip.MustParseAddrPort("192.0.2.1:80"), Origin{Request: 7})
	if err != nil {
		t.Fatal(err)
	}
	all = nil
	return s, func() []Event { mu.Lock(); defer mu.Unlock(); return all }
}

type recorderFunc func(Event)

func (f recorderFunc) Record(e Event) { f(e) }

// move is one operation as the hooks of package net make it.
func move(t *testing.T, s *Socket, k Kind, parts ...[]byte) {
	t.Helper()
	n := len(bytes.Join(parts, nil))
	op, err := s.Begin(k, n)
	if err != nil {
		t.Error(err)
		return
	}
	tap := s.Tap(k)
	tap.Lock()
	tap.Keep(op.At(), n, parts...)
	s.End(op, n, nil)
	tap.Unlock()
}

// kept puts the payloads of a kind in a row: "place:bytes ".
func kept(events []Event, k Kind) (text string) {
	for _, e := range events {
		if e.Kind == k {
			text += fmt.Sprintf("%d:%s ", e.Bytes, e.Detail)
		}
	}
	return text
}

func TestCaptureLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		network string
		capture Capture
		want    string
	}{
		{"none", "tcp", Capture{}, ""},
		{"whole", "tcp", Capture{Limit: 100}, "0:abcdef 6:ghijkl 12:mn "},
		{"limit", "tcp", Capture{Limit: 8}, "0:abcdef 6:gh "},
		{"limit at an end", "tcp", Capture{Limit: 6}, "0:abcdef "},
		{"head", "tcp", Capture{Limit: 100, Head: 4}, "0:abcd 6:ghij 12:mn "},
		{"head and limit", "tcp", Capture{Limit: 5, Head: 4}, "0:abcd 6:g "},
		{"datagrams", "udp", Capture{Limit: 100}, "0:abcdef 6:ghijkl 12:mn "},
	} {
		s, events := capturing(t, c.network, c.capture)
		for _, part := range []string{"abcdef", "", "ghijkl", "mn"} {
			move(t, s, KindSend, []byte(part))
		}
		if got := kept(events(), KindWireSent); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if s.Captures(KindSend) != (c.capture.Limit == 100) || s.Captures(KindReceive) != (c.capture.Limit > 0) {
			t.Errorf("%s: captures %t and %t afterwards", c.name, s.Captures(KindSend), s.Captures(KindReceive))
		}
	}
}

// TestCapturePieces: whatever the sizes, what is kept is the stream, in pieces that a journal holds.
func TestCapturePieces(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	stream := make([]byte, 100_000)
	for i := range stream {
		stream[i] = byte(rng.Uint32())
	}
	s, events := capturing(t, "tcp", Capture{Limit: 90_000})
	for rest := stream; len(rest) > 0; {
		n := min(1+rng.IntN(30_000), len(rest))
		cut := rng.IntN(n + 1)
		move(t, s, KindReceive, rest[:cut], rest[cut:n])
		rest = rest[n:]
	}
	var got []byte
	for _, e := range events() {
		if e.Kind != KindWireReceived {
			continue
		}
		if e.Bytes != int64(len(got)) || len(e.Detail) > PayloadSize || e.Request != 7 || e.Socket != s.ID() {
			t.Fatalf("%d bytes at %d of socket %d and request %d, after %d", len(e.Detail), e.Bytes, e.Socket, e.Request, len(got))
		}
		got = append(got, e.Detail...)
	}
	if !bytes.Equal(got, stream[:90_000]) {
		t.Errorf("%d bytes, not the stream", len(got))
	}
}

// TestCaptureOrder: with many goroutines on a socket, payloads of one operation stand right before its event.
func TestCaptureOrder(t *testing.T) {
	t.Parallel()
	s, events := capturing(t, "tcp", Capture{Limit: 1 << 20})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				move(t, s, KindSend, bytes.Repeat([]byte{byte(g)}, 1+i*300))
			}
		})
	}
	wg.Wait()
	var pending, place int64
	var at int64
	for _, e := range events() {
		switch {
		case e.Kind == KindWireSent && (e.Bytes != place || pending > 0 && e.At != at):
			t.Fatalf("a payload at %d of an operation at %d, want %d of %d", e.Bytes, e.At, place, at)
		case e.Kind == KindWireSent:
			at = e.At
			pending += int64(len(e.Detail))
			place += int64(len(e.Detail))
		case e.Kind == KindSend && (e.Bytes != pending && place < 1<<20 || pending > 0 && e.At != at):
			t.Fatalf("an operation of %d bytes at %d, want %d at %d", e.Bytes, e.At, pending, at)
		case e.Kind == KindSend:
			pending = 0
		}
	}
}

// TestCaptureMasks: each direction has a mask of its own, datagrams one each, and the program's bytes stay.
func TestCaptureMasks(t *testing.T) {
	t.Parallel()
	for network, want := range map[string]string{"tcp": "0:X\r\nCookie:* 11:** 13:********* ", "udp": "0:X\r\nCookie:* 11:aa 13:Cookie:** "} {
		s, events := capturing(t, network, Capture{Limit: 100, Redact: []string{"Cookie"}})
		own := []byte("X\r\nCookie:c")
		move(t, s, KindSend, own)
		move(t, s, KindReceive, []byte("Cookie"))
		move(t, s, KindSend, []byte("aa"))
		move(t, s, KindSend, []byte("Cookie: b"))
		if got := kept(events(), KindWireSent); got != want {
			t.Errorf("%s: %q, want %q", network, got, want)
		}
		if string(own) != "X\r\nCookie:c" {
			t.Errorf("%s: the program's own bytes are %q", network, own)
		}
	}
}
