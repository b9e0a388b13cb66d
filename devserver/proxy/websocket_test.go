package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// frame is one frame of a WebSocket as its bytes (RFC 6455, 5.2). A client's are masked.
func frame(fin bool, opcode byte, masked bool, payload string) string {
	var b bytes.Buffer
	if fin {
		opcode |= 0x80
	}
	b.WriteByte(opcode)
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b.WriteByte(mask | byte(n))
	case n < 65536:
		b.WriteByte(mask | 126)
		binary.Write(&b, binary.BigEndian, uint16(n))
	default:
		b.WriteByte(mask | 127)
		binary.Write(&b, binary.BigEndian, uint64(n))
	}
	if !masked {
		return b.String() + payload
	}
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b.Write(key[:])
	for i := range len(payload) {
		b.WriteByte(payload[i] ^ key[i%4])
	}
	return b.String()
}

const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
)

// closing is the payload of a close frame.
func closeFrame(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

const webSocketAsk = "GET /ws HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// webSocketApp echoes every message, by a library that answers pings and refuses what is wrong.
func webSocketApp(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.CloseNow()
	c.SetReadLimit(8 << 20)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if c.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

// webSocketCases follow the chapters of the Autobahn test suite: each sends frames by hand and compares the library's answer to them,
// byte for byte, with what it says directly.
func webSocketCases() (cs []conform) {
	add := func(name string, frames ...string) {
		cs = append(cs, conform{name: "websocket " + name, app: webSocketApp, client: func(p *peer) {
			p.send(webSocketAsk)
			p.until("\r\n\r\n")
			p.send(strings.Join(frames, ""))
			p.rest()
		}})
	}
	end := frame(true, opClose, true, closeFrame(1000, "done"))
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20} {
		add(fmt.Sprintf("1 text of %d", n), frame(true, opText, true, pattern(n)), end)
		add(fmt.Sprintf("1 binary of %d", n), frame(true, opBinary, true, strings.Repeat("\xfe", n)), end)
	}
	for _, n := range []int{0, 8, 125} {
		add(fmt.Sprintf("2 ping of %d", n), frame(true, opPing, true, pattern(n)), end)
		add(fmt.Sprintf("2 pong of %d", n), frame(true, opPong, true, pattern(n)), end)
	}
	add("2 ping too long", frame(true, opPing, true, pattern(126)))
	add("2 ten pings", strings.Repeat(frame(true, opPing, true, "p"), 10), end)
	add("2 ping in fragments", frame(false, opPing, true, "a"), frame(true, opContinue, true, "b"))
	for bits := byte(1); bits < 8; bits++ {
		f := []byte(frame(true, opText, true, "hello"))
		f[0] |= bits << 4
		add(fmt.Sprintf("3 reserved bits %03b", bits), string(f))
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprintf("4 reserved opcode %d", op), frame(true, op, true, "x"))
	}
	add("5 fragments", frame(false, opText, true, "he"), frame(false, opContinue, true, "l"), frame(true, opContinue, true, "lo"), end)
	add("5 empty fragments", frame(false, opText, true, ""), frame(false, opContinue, true, ""), frame(true, opContinue, true, ""), end)
	add("5 ping between fragments", frame(false, opText, true, "he"), frame(true, opPing, true, "p"), frame(true, opContinue, true, "llo"), end)
	add("5 pong between fragments", frame(false, opBinary, true, "he"), frame(true, opPong, true, "p"), frame(true, opContinue, true, "llo"), end)
	add("5 continues nothing", frame(true, opContinue, true, "x"))
	add("5 text within fragments", frame(false, opText, true, "he"), frame(true, opText, true, "llo"))
	add("6 utf-8", frame(true, opText, true, "Hello-µ@ßöäüàá-UTF-8!! ✓ 𝄞"), end)
	add("6 utf-8 in fragments", frame(false, opText, true, "\xce"), frame(true, opContinue, true, "\xba"), end)
	add("6 bad utf-8", frame(true, opText, true, "\xce\xba\xed\xa0\x80edited"), end)
	for _, code := range []uint16{0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1015, 1016, 2999, 3000, 3999, 4000, 4999, 5000, 65535} {
		add(fmt.Sprintf("7 close %d", code), frame(true, opClose, true, closeFrame(code, "")))
	}
	add("7 close without a code", frame(true, opClose, true, ""))
	add("7 close of one byte", frame(true, opClose, true, "\x03"))
	add("7 close with the longest reason", frame(true, opClose, true, closeFrame(1000, pattern(123))))
	add("7 close too long", frame(true, opClose, true, closeFrame(1000, pattern(124))))
	add("7 close with bad utf-8", frame(true, opClose, true, closeFrame(1000, "\xff\xfe")))
	add("10 not masked", frame(true, opText, false, "hello"))
	return cs
}

// TestWebSocketFrames runs them as TestConformance does its cases.
func TestWebSocketFrames(t *testing.T) {
	t.Parallel()
	for _, c := range webSocketCases() {
		c.loose = true // what follows a close is not read
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compare(t, c)
		})
	}
}

// TestWebSocketFramesArrive: every kind of frame that a client or an app may send arrives at the other end byte for byte.
func TestWebSocketFramesArrive(t *testing.T) {
	t.Parallel()
	var sent, answered strings.Builder
	for op := range byte(16) {
		for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
			if n > 126 && op != opText && op != opBinary {
				continue // time: the others differ in four bits
			}
			for _, fin := range []bool{true, false} {
				sent.WriteString(frame(fin, op, true, pattern(n)))
				answered.WriteString(frame(fin, op|0x40, false, pattern(n)))
			}
		}
	}
	want := sent.String()
	compare(t, conform{name: "frames", raw: func(a *appSide) {
		http.ReadRequest(a.br)
		io.WriteString(a, switching)
		go io.WriteString(a, answered.String())
		got := make([]byte, len(want))
		io.ReadFull(a.br, got)
		a.stage.signals <- fmt.Sprint("all as sent: ", string(got) == want)
		io.Copy(io.Discard, a.br)
	}, client: func(p *peer) {
		p.send(webSocketAsk)
		go p.send(want)
		if _, err := io.CopyN(&p.got, p, int64(answered.Len())); err != nil {
			t.Error(err)
		}
		if p.said() != "all as sent: true" {
			t.Error("the app reads other frames")
		}
	}})
}

// TestWebSocketClient: a library's client talks to a library's server, with all sizes and kinds, while versions change.
func TestWebSocketClient(t *testing.T) {
	t.Parallel()
	s, swaps := proxied(t, conform{app: webSocketApp})
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		c, _, err := websocket.Dial(ctx, "ws://"+s.addr+"/ws", &websocket.DialOptions{CompressionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		c.SetReadLimit(8 << 20)
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
				if err := c.Write(ctx, kind, []byte(pattern(n))); err != nil {
					t.Fatal(err)
				}
				got, message, err := c.Read(ctx)
				if err != nil || got != kind || string(message) != pattern(n) {
					t.Fatalf("%v of %d comes back as %v of %d, %v", kind, n, got, len(message), err)
				}
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if swaps.Load() == 0 {
		t.Error("no version came meanwhile")
	}
}

// TestWebSocketCloseCodes: the code and reason with which an app closes are the client's.
func TestWebSocketCloseCodes(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{})
	f.Use(newApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		var code websocket.StatusCode
		fmt.Sscan(r.URL.Query().Get("code"), &code)
		c.Close(code, "because")
	})))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, code := range []websocket.StatusCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4999} {
		c, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://%s/?code=%d", f.addr, code), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(ctx)
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != code || closed.Reason != "because" {
			t.Errorf("closed by %d, the client reads %v", code, err)
		}
		c.CloseNow()
	}
}
