package web

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// The most of a socket's payload that its page shows, in bytes and in pieces.
const (
	payloadBytes  = 64 << 10
	payloadPieces = 512
)

// payload is what a socket's page shows of the captured bytes.
type payload struct {
	Layer  string // which is shown: tls or wire
	Layers []payloadLayer
	Pieces []payloadPiece
	More   bool // there is more than is shown
}

// payloadLayer is a link to one layer, where there are two.
type payloadLayer struct{ Name, Link string }

// payloadPiece is bytes of one direction that follow one another.
type payloadPiece struct {
	Sent    bool
	At      int64
	After   string // since the socket was made: +0.412 s
	Missing int64  // how many bytes of that direction before it were not kept
	Size    int64
	Text    string
	data    []byte
	next    int64 // place of the byte behind it
}

// payload reads the captured bytes of a socket; nil when there are none. layer "" is what the program saw, where both
// are there.
func (c *console) payload(ctx context.Context, s record.Socket, layer string) (*payload, error) {
	plain, err := c.Source.Payloads(ctx, record.PayloadFilter{SocketID: s.ID, Layer: sandbox.LayerTLS, Limit: payloadPieces})
	if err != nil {
		return nil, err
	}
	ask := record.PayloadFilter{SocketID: s.ID, Layer: sandbox.LayerWire, Limit: payloadPieces}
	if len(plain) > 0 && layer != sandbox.LayerWire {
		ask.Limit = 1 // only whether there is any
	}
	wire, err := c.Source.Payloads(ctx, ask)
	if err != nil || len(plain)+len(wire) == 0 {
		return nil, err
	}
	p := &payload{Layer: sandbox.LayerTLS}
	rows := plain
	if len(plain) == 0 || ask.Limit > 1 {
		p.Layer, rows = sandbox.LayerWire, wire
	}
	if len(plain) > 0 && len(wire) > 0 {
		path := "/sockets/" + strconv.FormatInt(s.ID, 10)
		p.Layers = []payloadLayer{{sandbox.LayerTLS, path + "?layer=tls"}, {sandbox.LayerWire, path + "?layer=wire"}}
	}
	p.add(rows, s.OpenedAt)
	p.More = p.More || len(rows) == payloadPieces
	return p, nil
}

// add puts rows together to pieces, up to the page's size.
func (p *payload) add(rows []record.Payload, openedAt int64) {
	left := payloadBytes
	ends := map[bool]int64{} // of each direction
	for _, row := range rows {
		if left == 0 {
			p.More = true
			break
		}
		sent := row.Direction == sandbox.DirectionSent
		data := row.Data[:min(len(row.Data), left)]
		p.More = p.More || len(data) < len(row.Data)
		left -= len(data)
		last := len(p.Pieces) - 1
		if last < 0 || p.Pieces[last].Sent != sent || p.Pieces[last].next != row.Place {
			p.Pieces = append(p.Pieces, payloadPiece{Sent: sent, At: row.At, After: after(time.Duration(row.At - openedAt)), Missing: max(row.Place-ends[sent], 0)})
			last++
		}
		piece := &p.Pieces[last]
		piece.data = append(piece.data, data...)
		piece.next = row.Place + int64(len(row.Data))
		ends[sent] = piece.next
	}
	for i := range p.Pieces {
		piece := &p.Pieces[i]
		piece.Size, piece.Text = int64(len(piece.data)), payloadText(piece.data)
	}
}

// payloadText writes bytes for a person: text with dots for what cannot be shown, or a hex dump where that is a
// quarter or more.
func payloadText(b []byte) string {
	var text strings.Builder
	dots := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == '\r' && i+1 < len(b) && b[i+1] == '\n':
		case r == '\n' || r == '\t':
			text.WriteRune(r)
		case r == utf8.RuneError && n == 1, !unicode.IsPrint(r):
			text.WriteByte('.')
			dots++
		default:
			text.WriteRune(r)
		}
		i += n
	}
	if dots*4 >= len(b) && dots > 0 {
		return hex.Dump(b)
	}
	return text.String()
}
