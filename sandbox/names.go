package sandbox

import (
	"net/netip"
	"slices"
	"sync"
)

const (
	maxNamed = 4096 // addresses remembered; the oldest is forgotten
	maxNames = 8    // names per address
)

// names remembers which names this process looked up and where they led, so that a dial by address leads back to
// its name.
type names struct {
	mu    sync.Mutex
	hosts map[netip.Addr][]string // guarded by mu; folded, the newest last
	order []netip.Addr            // guarded by mu; a ring of the map's keys
	next  int                     // guarded by mu; the oldest in order
}

func (n *names) remember(host string, addrs []netip.Addr) {
	host = foldHost(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = make(map[netip.Addr][]string)
	}
	for _, a := range addrs {
		a = plain(a)
		known, ok := n.hosts[a]
		if !ok {
			n.makeRoomLocked(a)
		}
		known = slices.DeleteFunc(known, func(h string) bool { return h == host })
		if len(known) == maxNames {
			known = slices.Delete(known, 0, 1)
		}
		n.hosts[a] = append(known, host)
	}
}

func (n *names) makeRoomLocked(a netip.Addr) {
	if len(n.order) < maxNamed {
		n.order = append(n.order, a)
		return
	}
	delete(n.hosts, n.order[n.next])
	n.order[n.next] = a
	n.next = (n.next + 1) % maxNamed
}

// of returns the names that led to a, the newest first.
func (n *names) of(a netip.Addr) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := slices.Clone(n.hosts[plain(a)])
	slices.Reverse(known)
	return known
}

// led reports whether host was looked up to a.
func (n *names) led(host string, a netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.hosts[plain(a)], foldHost(host))
}

// plain takes IPv4 out of mapped IPv6 and the zone away.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
