package rules

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A relay stands between an app and a server and tells when the app sends something.
type relay struct {
	addr string
	sent chan struct{} // holds one: something was sent since the last look
}

// newRelay starts a relay to a server, of one client when network is "udp".
func newRelay(t *testing.T, network, server string) *relay {
	t.Helper()
	r := &relay{sent: make(chan struct{}, 1)}
	if network == "udp" {
		r.datagrams(t, server)
		return r
	}
	r.addr = serve(t, func(client net.Conn) {
		up, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer up.Close()
		go func() {
			defer client.Close()
			io.Copy(client, up)
		}()
		io.Copy(up, io.TeeReader(client, r))
	})
	return r
}

// Write notes that the app has sent p.
func (r *relay) Write(p []byte) (int, error) {
	select {
	case r.sent <- struct{}{}:
	default:
	}
	return len(p), nil
}

// next returns when the app sends something.
func (r *relay) next(t *testing.T) {
	t.Helper()
	select {
	case <-r.sent:
	default:
	}
	select {
	case <-r.sent:
	case <-time.After(time.Minute):
		t.Fatal("the library has sent nothing for a minute")
	}
}

func (r *relay) datagrams(t *testing.T, server string) {
	t.Helper()
	front, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up, err := net.Dial("udp", server)
	if err != nil {
		t.Fatal(err)
	}
	r.addr = front.LocalAddr().String()
	var ends sync.WaitGroup
	t.Cleanup(func() {
		front.Close()
		up.Close()
		ends.Wait()
	})
	client := make(chan net.Addr, 1) // the first who sends
	ends.Go(func() {
		defer close(client)
		buf := make([]byte, 1<<16)
		for first := true; ; first = false {
			n, from, err := front.ReadFrom(buf)
			if err != nil {
				return
			}
			if first {
				client <- from
			}
			r.Write(buf[:n])
			up.Write(buf[:n])
		}
	})
	ends.Go(func() {
		to, ok := <-client
		buf := make([]byte, 1<<16)
		for ok {
			n, err := up.Read(buf)
			if err != nil {
				return
			}
			front.WriteTo(buf[:n], to)
		}
	})
}
