package export

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Lengths of what a packet carries: an IPv4 packet has at most 65,535 bytes.
const (
	maxSegment  = 60 << 10
	maxDatagram = 65507
	ackAfter    = 256 << 10 // bytes after which the peer acknowledges without data of its own
)

// mostComments is how many remarks wait for one packet. Wireshark refuses a block above 16 MiB.
const mostComments = 64

// The ends of a connection, as indices.
const (
	here  = 0
	there = 1
)

// conn is a socket whose operations become packets.
type conn struct {
	*capture
	row           record.Socket
	local, remote netip.AddrPort
	udp           bool
	outward       bool // the app dialled; otherwise the peer did
	skip          bool // no packets

	begun    bool      // there was a handshake, or a first datagram
	dead     bool      // refused or denied
	seq      [2]uint32 // of the next byte of each end
	unacked  [2]int    // bytes of each end that the other has not acknowledged
	attempts uint32
	comments []string // for the next packet
	more     int      // that found no place among them

	payloads payloads
}

// do makes packets of an operation.
func (c *conn) do(ctx context.Context, at int64, e *record.Event) error {
	if e.Rule != "" || e.Kind == "reclaim" || e.Kind == "fault" {
		c.say(remark(e))
	}
	switch e.Kind {
	case "connect":
		c.connect(at, e)
	case "deny":
		if c.row.State == "denied" && !c.begun {
			c.refuse(at, at)
		}
	case "send", "receive":
		if e.Bytes <= 0 {
			return nil
		}
		data, err := c.payloads.take(ctx, c, e)
		if err != nil {
			return err
		}
		from := here
		if e.Kind == "receive" {
			from = there
		}
		return c.data(ctx, at, from, data, e.Bytes)
	}
	return nil
}

// say adds a comment to the next packet. Of those beyond mostComments it tells the number.
func (c *conn) say(text string) {
	if len(c.comments) < mostComments {
		c.comments = append(c.comments, text)
		return
	}
	c.more++
	c.comments = append(c.comments[:mostComments], fmt.Sprintf("and %d more", c.more))
}

// remark is what a rule, a reclaim or a fault said, in one line.
func remark(e *record.Event) string {
	text := e.Kind
	if e.Rule != "" {
		text += " by rule " + e.Rule
	}
	for _, more := range []string{e.Error, e.Detail} {
		if more != "" {
			text += ": " + more
		}
	}
	if e.Kind == "reclaim" && e.DurationNS > 0 {
		text += fmt.Sprintf(" (idle for %.3f s)", float64(e.DurationNS)/1e9)
	}
	return text
}

func (c *conn) connect(at int64, e *record.Event) {
	switch end := e.At + e.DurationNS; {
	case c.udp || c.begun:
	case e.Error == "":
		c.handshake(at, end)
	case strings.Contains(e.Error, "refused"):
		c.say("connect: " + e.Error)
		c.refuse(at, end)
	default: // nobody answered
		c.say("connect: " + e.Error)
		c.start()
		c.segment(at, here, layers.TCP{SYN: true}, nil, 0)
		c.dead = true
	}
}

// start chooses the first sequence numbers and says whose packets these are.
func (c *conn) start() {
	c.attempts++
	c.seq[here] = uint32(c.row.ID)*2654435761 + c.attempts<<24 // spread, so that a port that is used again is no repetition
	c.seq[there] = c.seq[here] ^ 0x5bd1e995
	c.unacked = [2]int{}
	c.begun, c.dead = true, false
	c.comments = append(c.introduction(), c.comments...)
}

// introduction are the comments of a socket's first packet.
func (c *conn) introduction() []string {
	s := &c.row
	all := []string{fmt.Sprintf("socket %d of run %d", s.ID, s.RunID)}
	for _, fact := range [][2]string{{"rule: ", s.Rule}, {"call site: ", s.CallSite}, {"host: ", s.Host}, {"stand-in: ", s.Standin}} {
		if fact[1] != "" {
			all = append(all, fact[0]+fact[1])
		}
	}
	if s.RequestID != 0 {
		all = append(all, strings.TrimRight(fmt.Sprintf("request %d: %s", s.RequestID, s.Request), ": "))
	}
	return all
}

// handshake opens the connection from the end that dialled.
func (c *conn) handshake(at, end int64) {
	c.start()
	first, second := there, here
	if c.outward {
		first, second = here, there
	}
	c.segment(at, first, layers.TCP{SYN: true}, nil, 0)
	c.segment(end, second, layers.TCP{SYN: true, ACK: true}, nil, 0)
	c.segment(end, first, layers.TCP{ACK: true}, nil, 0)
}

// refuse is a SYN that is answered with RST.
func (c *conn) refuse(at, end int64) {
	if c.udp {
		if !c.begun {
			c.comments, c.begun = append(c.introduction(), c.comments...), true
		}
		c.datagram(at, here, nil, 0)
		return
	}
	c.outward = true
	c.start()
	c.segment(at, here, layers.TCP{SYN: true}, nil, 0)
	c.segment(end, there, layers.TCP{RST: true, ACK: true}, nil, 0)
	c.begun, c.dead = false, true
}

// data sends n bytes, of which the first are data. An import may claim any number.
func (c *conn) data(ctx context.Context, at int64, from int, data []byte, n int64) error {
	most := int64(maxSegment)
	switch {
	case c.udp:
		most = maxDatagram
		if !c.begun {
			c.comments, c.begun = append(c.introduction(), c.comments...), true
		}
	case !c.begun || c.dead:
		c.handshake(at, at)
	}
	for n > 0 && c.blocks.err == nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(n, most)
		part := data[:min(int64(len(data)), size)]
		if c.udp {
			c.datagram(at, from, part, int(size))
		} else {
			c.segment(at, from, layers.TCP{ACK: true, PSH: n == size}, part, int(size))
		}
		data, n = data[len(part):], n-size
		if c.unacked[from] >= ackAfter {
			c.segment(at, 1-from, layers.TCP{ACK: true}, nil, 0)
		}
	}
	return nil
}

// end closes the connection as the recording says it ended.
func (c *conn) end(at int64) {
	if c.udp || !c.begun || c.dead {
		return
	}
	if c.row.CloseReason != "" {
		c.comments = append(c.comments, "ended by: "+c.row.CloseReason) // however many there are
	}
	first := here
	switch c.row.CloseReason {
	case "reset", "reclaimed", "console":
		c.segment(at, there, layers.TCP{RST: true, ACK: true}, nil, 0)
		c.dead = true
		return
	case "peer":
		first = there
	}
	last := c.comments
	c.comments = nil
	c.segment(at, first, layers.TCP{FIN: true, ACK: true}, nil, 0)
	c.segment(at, 1-first, layers.TCP{FIN: true, ACK: true}, nil, 0)
	c.comments = last
	c.segment(at, first, layers.TCP{ACK: true}, nil, 0)
	c.dead = true
}

// segment writes a TCP segment of n bytes, of which the first are data, and counts it.
func (c *conn) segment(at int64, from int, tcp layers.TCP, data []byte, n int) {
	tcp.Seq = c.seq[from]
	tcp.Window = 65535
	tcp.DataOffset = 5
	if tcp.ACK {
		tcp.Ack = c.seq[1-from]
		c.unacked[1-from] = 0
	}
	if tcp.SYN { // a scale so large that no window is ever full
		tcp.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{14}}, {OptionType: layers.TCPOptionKindNop}}
		tcp.DataOffset = 6
	}
	src, dst := c.ends(from)
	tcp.SrcPort, tcp.DstPort = layers.TCPPort(src.Port()), layers.TCPPort(dst.Port())
	c.packet(at, from, &tcp, layers.IPProtocolTCP, int(tcp.DataOffset)*4, data, n)
	c.seq[from] += uint32(n)
	c.unacked[from] += n
	if tcp.SYN || tcp.FIN {
		c.seq[from]++
	}
}

func (c *conn) datagram(at int64, from int, data []byte, n int) {
	src, dst := c.ends(from)
	udp := &layers.UDP{SrcPort: layers.UDPPort(src.Port()), DstPort: layers.UDPPort(dst.Port()), Length: uint16(8 + n)}
	c.packet(at, from, udp, layers.IPProtocolUDP, 8, data, n)
}

func (c *conn) ends(from int) (src, dst netip.AddrPort) {
	if from == here {
		return c.local, c.remote
	}
	return c.remote, c.local
}

// transport is a TCP or UDP header.
type transport interface {
	gopacket.SerializableLayer
	SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
}

// packet writes an IP packet with the comments that wait. The checksum of what is cut stays 0, for it cannot be known.
func (c *conn) packet(at int64, from int, t transport, proto layers.IPProtocol, header int, data []byte, n int) {
	src, dst := c.ends(from)
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	}
	length := header + n
	if src.Addr().Is4() {
		length += 20
		ip = &layers.IPv4{Version: 4, IHL: 5, Length: uint16(length), TTL: 64, Flags: layers.IPv4DontFragment, Protocol: proto, SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice()}
	} else {
		ip = &layers.IPv6{Version: 6, Length: uint16(length), HopLimit: 64, NextHeader: proto, SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice()}
		length += 40
	}
	_ = t.SetNetworkLayerForChecksum(ip) // it refuses only other types
	buf := gopacket.NewSerializeBuffer()
	put := func(l gopacket.SerializableLayer, o gopacket.SerializeOptions) {
		if err := l.SerializeTo(buf, o); err != nil && c.blocks.err == nil {
			c.blocks.err = err
		}
	}
	put(gopacket.Payload(data), gopacket.SerializeOptions{})
	put(t, gopacket.SerializeOptions{ComputeChecksums: len(data) == n})
	put(ip, gopacket.SerializeOptions{ComputeChecksums: true})
	c.blocks.packet(c.network(c.row.App), at, buf.Bytes(), length, c.comments)
	c.comments, c.more = nil, 0
}
