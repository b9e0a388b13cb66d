package sandbox

import (
	"net/netip"
	"strings"
	"time"
)

// StandinHost returns the addresses of a stand-in's name, which resolves without a network: to those given, else to
// one that nothing on the internet has.
func (b *Box) StandinHost(host string) (addrs []netip.Addr, ok bool) {
	addrs = b.standins.addrs[foldHost(host)]
	return append([]netip.Addr(nil), addrs...), len(addrs) > 0
}

// Resolved records a look-up of the program that began at start and took d, and remembers where the name led.
func (b *Box) Resolved(host string, addrs []netip.Addr, start int64, d time.Duration, err error, o Origin) {
	e := Event{Kind: KindResolve, At: start, Duration: d, Request: o.Request, Detail: answers(host, addrs)}
	if err != nil {
		e.Error = err.Error()
	}
	if len(addrs) == 0 && b.judge.policy.Mode(RuleUnresolved) != ModeOff {
		e.Rule = RuleUnresolved
	}
	b.names.remember(host, addrs)
	b.rec.Record(e)
}

// answers writes what a look-up led to.
func answers(host string, addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return cut(host) + " has no address"
	}
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return cut(host) + " is at " + strings.Join(texts, ", ")
}

// HostOf returns the name that led to the address in this process, the newest of several, "" when none did.
func (b *Box) HostOf(addr netip.Addr) string {
	if h := b.standins.hosts[plain(addr)]; h != "" {
		return h
	}
	if hosts := b.names.of(addr); len(hosts) > 0 {
		return hosts[0]
	}
	return ""
}
