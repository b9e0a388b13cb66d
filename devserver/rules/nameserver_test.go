//go:build linux

package rules

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// A nameServer answers as it is told on port 53 of a network of the test's own.
type nameServer struct {
	mu    sync.Mutex
	zone  map[string][][]netip.Addr // by name in lower case: the answers of the first look-up, the second, ...
	asked []string                  // names and types, in order
	times map[string]int            // how often each was asked
}

// A query's types: RFC 1035, section 3.2.2, and RFC 3596.
const (
	typeA    = 1
	typeAAAA = 28
)

func startNameServer(t *testing.T) *nameServer {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := new(nameServer)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := s.reply(buf[:n]); reply != nil {
				c.WriteTo(reply, from)
			}
		}
	}()
	return s
}

// answer sets the zone to one name, and forgets what was asked.
func (s *nameServer) answer(name string, lookups ...[]netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone = map[string][][]netip.Addr{}
	s.asked, s.times = nil, map[string]int{}
	s.addLocked(name, lookups)
}

// add adds a name.
func (s *nameServer) add(name string, addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []netip.Addr
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	s.addLocked(name, [][]netip.Addr{list})
}

func (s *nameServer) addLocked(name string, lookups [][]netip.Addr) {
	if len(lookups) > 0 && len(lookups[0]) > 0 {
		s.zone[strings.ToLower(strings.TrimSuffix(name, "."))] = lookups
	}
}

func (s *nameServer) queries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// reply answers a message of one question: RFC 1035, section 4.
func (s *nameServer) reply(query []byte) []byte {
	const header = 12
	name, end := "", header
	for end < len(query) && query[end] != 0 {
		next := end + 1 + int(query[end])
		if next >= len(query) {
			return nil
		}
		name += string(query[end+1:next]) + "."
		end = next
	}
	end += 5 // the root's label, type and class
	if end > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end-4:])
	addrs, known := s.look(strings.ToLower(strings.TrimSuffix(name, ".")), kind)
	out := append([]byte(nil), query[:end]...)
	out[2], out[3] = 0x81, 0x80 // a response; recursion desired and available
	if !known {
		out[3] |= 3 // no such name
	}
	copy(out[4:header], []byte{0, 1, 0, byte(len(addrs)), 0, 0, 0, 0})
	for _, a := range addrs {
		out = append(out, 0xc0, header) // the question's name
		out = binary.BigEndian.AppendUint16(out, kind)
		out = append(out, 0, 1, 0, 0, 0, 0) // class IN; to be kept for no time
		out = binary.BigEndian.AppendUint16(out, uint16(a.BitLen()/8))
		out = append(out, a.AsSlice()...)
	}
	return out
}

// look finds the addresses of a type, of the look-up that it is.
func (s *nameServer) look(name string, kind uint16) (addrs []netip.Addr, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := name + map[uint16]string{typeA: " A", typeAAAA: " AAAA"}[kind]
	s.asked = append(s.asked, key)
	lookups := s.zone[name]
	if len(lookups) == 0 {
		return nil, false
	}
	now := lookups[min(s.times[key], len(lookups)-1)]
	s.times[key]++
	for _, a := range now {
		if kind == typeA && a.Is4() || kind == typeAAAA && a.Is6() {
			addrs = append(addrs, a)
		}
	}
	return addrs, true
}
