package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func (r *recording) Payloads(_ context.Context, f record.PayloadFilter) ([]record.Payload, error) {
	var rows []record.Payload
	for _, p := range r.bytes {
		if (f.SocketID == 0 || f.SocketID == p.SocketID) && (f.Layer == "" || f.Layer == p.Layer) && p.ID > f.After {
			rows = append(rows, p)
		}
	}
	return rows[:min(len(rows), cmp.Or(f.Limit, 200))], r.err
}

// capture adds captured bytes of a socket.
func (r *recording) capture(s record.Socket, layer, direction string, place int64, data string) {
	r.bytes = append(r.bytes, record.Payload{ID: int64(len(r.bytes) + 1), SocketID: s.ID, At: s.OpenedAt + 1e6, Layer: layer, Direction: direction, Place: place, Data: []byte(data)})
}

// textOf returns what stands in the pre elements of a page.
func textOf(body string) (texts []string) {
	for _, part := range strings.Split(body, "<pre>")[1:] {
		text, _, _ := strings.Cut(part, "</pre>")
		texts = append(texts, unescape(text))
	}
	return texts
}

func TestPayload(t *testing.T) {
	t.Parallel()
	data := &recording{}
	socket := record.Socket{Network: "tcp", Host: "api.example.com", State: "open", OpenedAt: noon.UnixNano()}
	none, plain, both := data.add(socket), data.add(socket), data.add(socket)
	data.capture(plain, "wire", "sent", 0, "GET / HTTP/1.1\r\nHost: <b>\x00\r\n")
	data.capture(plain, "wire", "sent", 28, "\r\n")
	data.capture(plain, "wire", "received", 0, "HTTP/1.1 200 OK\r\n\r\nna\xc3\xafve \xff")
	data.capture(plain, "wire", "sent", 1030, "later")
	data.capture(both, "wire", "sent", 0, "\x16\x03\x01\x00\x00")
	data.capture(both, "tls", "sent", 0, "secret of the app")
	handler := newConsole(t, data, full, nil)
	for _, tt := range []struct {
		path  string
		texts []string
		words []string
	}{
		{socketAt(none), nil, nil},
		{socketAt(plain), []string{"GET / HTTP/1.1\nHost: <b>.\n\n", "HTTP/1.1 200 OK\n\nnaïve .", "later"}, []string{"1,000 before these were not kept", "30 bytes"}},
		{socketAt(plain) + "?layer=tls", []string{"GET / HTTP/1.1\nHost: <b>.\n\n", "HTTP/1.1 200 OK\n\nnaïve .", "later"}, nil},
		{socketAt(both), []string{"secret of the app"}, []string{"?layer=wire"}},
		{socketAt(both) + "?layer=wire", []string{"00000000  16 03 01 00 00                                    |.....|\n"}, []string{"?layer=tls"}},
	} {
		body := get(handler, tt.path).Body.String()
		if got := textOf(body); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.texts) {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.texts)
		}
		for _, want := range tt.words {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", tt.path, want)
			}
		}
		if strings.Contains(body, "Payload") != (len(tt.texts) > 0) {
			t.Errorf("%s: the heading is there, or not, against what is shown", tt.path)
		}
		for _, wrong := range checkHTML(body) {
			t.Errorf("%s: %s", tt.path, wrong)
		}
		checkLinks(t, handler, body)
	}
	if w := get(handler, socketAt(plain)+"?layer=ether"); w.Code != http.StatusBadRequest {
		t.Errorf("another layer: status %d", w.Code)
	}
}

func socketAt(s record.Socket) string { return fmt.Sprint("/sockets/", s.ID) }

func TestPayloadIsCut(t *testing.T) {
	t.Parallel()
	data := &recording{}
	s := data.add(record.Socket{Network: "tcp", State: "open", OpenedAt: noon.UnixNano()})
	for i := range int64(20) {
		data.capture(s, "wire", "received", i*5000, strings.Repeat("x", 5000))
	}
	body := get(newConsole(t, data, full, nil), socketAt(s)).Body.String()
	if texts := textOf(body); len(texts) != 1 || len(texts[0]) != payloadBytes || !strings.Contains(body, "There is more in the recording") {
		t.Errorf("%d pieces, want one of %d bytes and a word that there is more", len(texts), payloadBytes)
	}
}

// TestHostilePayload: whatever a peer sends, it is no markup of ours.
func TestHostilePayload(t *testing.T) {
	t.Parallel()
	data := &recording{}
	s := data.add(record.Socket{Network: "tcp", State: "open", OpenedAt: noon.UnixNano()})
	data.capture(s, "wire", "received", 0, "</pre><script>alert(1)</script>\u202e\x1b[2J{{.Token}}")
	body := get(newConsole(t, data, full, nil), socketAt(s)).Body.String()
	if strings.Contains(body, "<script>alert") || strings.ContainsAny(body, "\u202e\x1b") {
		t.Errorf("it came through:\n%s", body)
	}
	for _, wrong := range checkHTML(body) {
		t.Error(wrong)
	}
}
