package export

import (
	"bufio"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// packetPage is how many rows are asked for at once.
const packetPage = 2000

// packetWindow is how many operations are held back to be put in the order of their times: events are recorded when they end,
// and those of two workers as they were read.
const packetWindow = 8192

// PCAPNG writes what the sockets did as packets, as if they had been caught between the app and production: each app is an
// interface, each operation a segment or datagram at its time, and handshake, acknowledgements and end are made up to fit.
// Where bytes were captured they are in the packets; of others there is the length only, and packets are cut as by a
// capture limit. A dial that was denied is a SYN that is answered with RST, to 0.0.0.0 where the name was denied before it had an
// address. Comments tell rule, line of code and request with the first packet of a socket, and how it ended with
// the last. What cannot be a packet is counted and told to o.Note.
//
// Times are those of the operations: of a receive its end, of all else its start. With o.RequestID or o.Since a
// conversation holds what happened in that part only.
func PCAPNG(ctx context.Context, w io.Writer, src Source, o Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	p := &capture{src: src, o: o, blocks: blocks{w: out}, networks: map[string]int{}, conns: map[int64]*conn{}, left: map[string]map[int64]bool{}}
	p.blocks.section("devserver")
	if err := p.read(ctx); err != nil {
		return fmt.Errorf("pcapng: %w", err)
	}
	if err := cmp.Or(p.blocks.err, out.Flush()); err != nil {
		return fmt.Errorf("pcapng: write: %w", err)
	}
	p.tellLeft()
	return nil
}

// capture makes packets of a recording.
type capture struct {
	src      Source
	o        Options
	blocks   blocks
	networks map[string]int  // app -> number of its interface
	conns    map[int64]*conn // sockets by id
	ops      ops
	waiting  int                       // operations in ops that are no ends
	captured bool                      // there are payloads
	left     map[string]map[int64]bool // reason -> sockets of which something is left out for it
	done     int
}

// read goes through the events, oldest first.
func (p *capture) read(ctx context.Context) error {
	some, err := p.src.Payloads(ctx, record.PayloadFilter{Layer: "wire", RequestID: p.o.RequestID, Limit: 1})
	if err != nil {
		return err
	}
	p.captured = len(some) > 0
	f := record.EventFilter{App: p.o.App, RunID: p.o.RunID, RequestID: p.o.RequestID, Since: p.o.Since, Ascending: true, Limit: packetPage}
	for p.blocks.err == nil {
		events, err := p.src.Events(ctx, f)
		if err != nil {
			return err
		}
		for i := range events {
			if err := p.take(ctx, &events[i]); err != nil {
				return err
			}
		}
		p.done += len(events)
		if p.o.Progress != nil {
			p.o.Progress(p.done, 0)
		}
		if len(events) < packetPage {
			break
		}
		f.After = events[len(events)-1].ID
	}
	for len(p.ops) > 0 && p.blocks.err == nil {
		if err := p.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// op is an operation that becomes packets, or the end of a socket.
type op struct {
	at    int64
	id    int64 // of its event; the end comes after all others of the same time
	conn  *conn
	event record.Event
}

// isEnd reports whether the operation is the socket's end.
func (o *op) isEnd() bool { return o.id == math.MaxInt64 }

// take puts an event among the operations that wait, and makes packets of the earliest when there are many.
func (p *capture) take(ctx context.Context, e *record.Event) error {
	if e.SocketID == 0 {
		return nil // a look-up that was answered without a packet
	}
	c, err := p.conn(ctx, e)
	if err != nil || c.skip {
		if c == over && e.Bytes > 0 {
			p.leave(e.SocketID, afterEnd)
		}
		return err
	}
	at := e.At
	switch e.Kind {
	case "receive", "accept":
		at += e.DurationNS
	case "connect":
		c.outward = true
	}
	if c.row.ClosedAt != 0 {
		at = min(at, c.row.ClosedAt) // its end cut it off
	}
	heap.Push(&p.ops, op{at: at, id: e.ID, conn: c, event: *e})
	p.waiting++
	for p.waiting > packetWindow {
		if err := p.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

// next makes packets of the earliest operation.
func (p *capture) next(ctx context.Context) error {
	o := heap.Pop(&p.ops).(op)
	if o.isEnd() {
		o.conn.end(o.at)
		p.conns[o.conn.row.ID] = over
		return nil
	}
	p.waiting--
	return o.conn.do(ctx, o.at, &o.event)
}

// over stands for the sockets whose end is written.
var over = &conn{skip: true}

// conn returns the socket of an event, which its first event makes.
func (p *capture) conn(ctx context.Context, e *record.Event) (*conn, error) {
	if c := p.conns[e.SocketID]; c != nil {
		return c, nil
	}
	row, err := p.src.Socket(ctx, e.SocketID)
	if errors.Is(err, record.ErrNotFound) {
		p.leave(e.SocketID, notHeld)
		p.conns[e.SocketID] = &conn{skip: true}
		return p.conns[e.SocketID], nil
	}
	if err != nil {
		return nil, err
	}
	c := &conn{capture: p, row: row, outward: row.Host != "" || row.Standin != "" || row.State == "denied"}
	p.conns[e.SocketID] = c
	if why := c.place(); why != "" {
		c.skip = true
		if why != listening {
			p.leave(e.SocketID, why)
		}
		return c, nil
	}
	if row.ClosedAt != 0 {
		heap.Push(&p.ops, op{at: row.ClosedAt, id: math.MaxInt64, conn: c})
	}
	return c, nil
}

// network returns the interface of an app.
func (p *capture) network(app string) int {
	n, ok := p.networks[app]
	if !ok {
		n = len(p.networks)
		p.networks[app] = n
		p.blocks.network(app, "sockets of the app "+app+", recorded by devserver")
	}
	return n
}

// leave notes that something of a socket is left out.
func (p *capture) leave(socket int64, why string) {
	if p.left[why] == nil {
		p.left[why] = map[int64]bool{}
	}
	p.left[why][socket] = true
}

func (p *capture) tellLeft() {
	if p.o.Note == nil {
		return
	}
	for _, why := range []string{noAddress, noNetwork, afterEnd, notHeld} {
		if n := len(p.left[why]); n > 0 {
			p.o.Note(fmt.Sprintf("left out of the packets: sockets, because %s: %d", why, n))
		}
	}
}

// Why sockets are left out.
const (
	listening = "they listen"
	noAddress = "they have no address of a peer (denied to listen, UDP to many)"
	noNetwork = "their network has no packets (unix)"
	afterEnd  = "operations came in after their end"
	notHeld   = "the recording does not hold them any more"
)

// place finds out between which addresses the packets go. It returns why there can be none, or "".
func (c *conn) place() string {
	c.udp = strings.HasPrefix(c.row.Network, "udp")
	if !c.udp && !strings.HasPrefix(c.row.Network, "tcp") {
		return noNetwork
	}
	remote, err := netip.ParseAddrPort(c.row.RemoteAddr)
	if err != nil && c.row.State == "denied" {
		remote, err = unresolved(c.row.RemoteAddr)
	}
	if err != nil && c.row.LocalAddr != "" && c.row.Sends+c.row.Receives == 0 && c.row.State != "denied" {
		return listening
	}
	if err != nil {
		return noAddress
	}
	local, err := netip.ParseAddrPort(c.row.LocalAddr)
	c.remote = netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())
	c.local = netip.AddrPortFrom(local.Addr().Unmap().WithZone(""), local.Port())
	if err != nil { // a call that was denied had no port yet
		c.local = netip.AddrPortFrom(netip.Addr{}, uint16(49152+c.row.ID%16384))
	}
	if c.local.Addr().BitLen() != c.remote.Addr().BitLen() { // a stand-in of the other family
		here := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if c.remote.Addr().Is6() {
			here = netip.IPv6Loopback()
		}
		c.local = netip.AddrPortFrom(here, c.local.Port())
	}
	return ""
}

// unresolved stands for the address of a name that was denied before it was looked up: 0.0.0.0 and the port that was said.
func unresolved(said string) (netip.AddrPort, error) {
	_, port, err := net.SplitHostPort(said)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n)), err
}

// ops is a heap, the earliest first; at the same time the one that was recorded first.
type ops []op

func (o ops) Len() int      { return len(o) }
func (o ops) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *ops) Push(v any)   { *o = append(*o, v.(op)) }
func (o ops) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(o[i].at, o[j].at), cmp.Compare(o[i].id, o[j].id)) < 0
}

func (o *ops) Pop() any {
	last := (*o)[len(*o)-1]
	(*o)[len(*o)-1] = op{}
	*o = (*o)[:len(*o)-1]
	return last
}
