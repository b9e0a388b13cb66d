package sandbox

import (
	"cmp"
	"net/netip"
	"slices"
)

// block is a range with the rule that speaks about it; "" says that the internet routes it.
type block struct {
	prefix netip.Prefix
	rule   Rule
}

// blocks are the special-purpose ranges. The registries of IANA (iana-ipv4-special-registry and
// iana-ipv6-special-registry) name them: a block is denied unless they call it globally reachable. To these come
// multicast (RFC 5771, RFC 4291), site-local addresses (RFC 3879), the carriers of IPv4 inside IPv6, and all of
// IPv6 that IANA has not handed out (outside 2000::/3). NAT boxes' own addresses (192.0.0.9, 2001:1::1, ...) and
// identifiers that are never routed (2001:20::/28, 2001:30::/28) are called reachable there and denied here.
var blocks = sortBlocks([]block{
	{netip.MustParsePrefix("0.0.0.0/32"), RuleUnspecified},
	{netip.MustParsePrefix("0.0.0.0/8"), RuleReserved},       // RFC 791
	{netip.MustParsePrefix("10.0.0.0/8"), RulePrivate},       // RFC 1918
	{netip.MustParsePrefix("100.64.0.0/10"), RulePrivate},    // RFC 6598: carriers and clouds use it as private space
	{netip.MustParsePrefix("127.0.0.0/8"), RuleLoopback},     // RFC 1122
	{netip.MustParsePrefix("169.254.0.0/16"), RuleLinklocal}, // RFC 3927
	{netip.MustParsePrefix("172.16.0.0/12"), RulePrivate},    // RFC 1918
	{netip.MustParsePrefix("192.0.0.0/24"), RuleReserved},    // RFC 6890
	{netip.MustParsePrefix("192.0.2.0/24"), RuleReserved},    // RFC 5737
	{netip.MustParsePrefix("192.88.99.0/24"), RuleReserved},  // RFC 7526
	{netip.MustParsePrefix("192.168.0.0/16"), RulePrivate},   // RFC 1918
	{netip.MustParsePrefix("198.18.0.0/15"), RuleReserved},   // RFC 2544
	{netip.MustParsePrefix("198.51.100.0/24"), RuleReserved}, // RFC 5737
	{netip.MustParsePrefix("203.0.113.0/24"), RuleReserved},  // RFC 5737
	{netip.MustParsePrefix("224.0.0.0/4"), RuleMulticast},
	{netip.MustParsePrefix("240.0.0.0/4"), RuleReserved}, // RFC 1112
	{netip.MustParsePrefix("255.255.255.255/32"), RuleBroadcast},

	{netip.MustParsePrefix("::/0"), RuleReserved}, // what IANA has not handed out
	{netip.MustParsePrefix("2000::/3"), ""},       // RFC 4291: global unicast
	{netip.MustParsePrefix("::/128"), RuleUnspecified},
	{netip.MustParsePrefix("::1/128"), RuleLoopback},
	{netip.MustParsePrefix("::/96"), RuleEmbedded},           // RFC 4291: IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), RuleEmbedded}, // RFC 7915: IPv4-translated
	{netip.MustParsePrefix("64:ff9b:1::/48"), RuleEmbedded},  // RFC 8215: a network's own NAT64
	{netip.MustParsePrefix("2001::/23"), RuleReserved},       // RFC 2928
	{netip.MustParsePrefix("2001::/32"), RuleEmbedded},       // RFC 4380: Teredo
	{netip.MustParsePrefix("2001:3::/32"), ""},               // RFC 7450: AMT
	{netip.MustParsePrefix("2001:4:112::/48"), ""},           // RFC 7535: AS112
	{netip.MustParsePrefix("2001:db8::/32"), RuleReserved},   // RFC 3849
	{netip.MustParsePrefix("2002::/16"), RuleEmbedded},       // RFC 3056: 6to4
	{netip.MustParsePrefix("3fff::/20"), RuleReserved},       // RFC 9637
	{netip.MustParsePrefix("fc00::/7"), RulePrivate},         // RFC 4193
	{netip.MustParsePrefix("fe80::/10"), RuleLinklocal},
	{netip.MustParsePrefix("fec0::/10"), RulePrivate}, // RFC 3879
	{netip.MustParsePrefix("ff00::/8"), RuleMulticast},
})

// sortBlocks puts narrow blocks before the wide ones that hold them.
func sortBlocks(b []block) []block {
	slices.SortFunc(b, func(x, y block) int { return cmp.Compare(y.prefix.Bits(), x.prefix.Bits()) })
	return b
}

// blocksOf4 and blocksOf6 are the blocks by an address's first byte, the narrow ones first.
var blocksOf4, blocksOf6 = byFirstByte(blocks)

func byFirstByte(all []block) (v4, v6 [256][]block) {
	for _, b := range all {
		list, addr := &v4, b.prefix.Addr()
		if addr.Is6() {
			list = &v6
		}
		first := int(addr.AsSlice()[0])
		last := first | 0xff>>min(b.prefix.Bits(), 8)
		for i := first; i <= last; i++ {
			list[i] = append(list[i], b)
		}
	}
	return v4, v6
}

// special returns the rule that speaks about an address because of its range, "" when none does.
// The address has no zone and is not a mapped one.
func special(a netip.Addr) Rule {
	candidates := blocksOf6[a.As16()[0]]
	if a.Is4() {
		candidates = blocksOf4[a.As4()[0]]
	}
	for _, b := range candidates {
		if b.prefix.Contains(a) {
			return b.rule
		}
	}
	return ""
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052

// throughNAT64 returns the IPv4 address that a translator would reach for a, or a itself.
func throughNAT64(a netip.Addr) netip.Addr {
	if !nat64.Contains(a) {
		return a
	}
	return lastFour(a)
}

// inISATAP returns the IPv4 address in the interface identifier of an ISATAP address (RFC 5214).
func inISATAP(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	if id := [4]byte(b[8:12]); id != [4]byte{0, 0, 0x5e, 0xfe} && id != [4]byte{2, 0, 0x5e, 0xfe} {
		return netip.Addr{}, false
	}
	return lastFour(a), true
}

func lastFour(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// spans are address ranges without overlap, sorted: IPv4 before IPv6, as netip.Addr compares.
type spans []span

type span struct{ first, last netip.Addr }

// newSpans joins prefixes, in any order and overlapping or not.
func newSpans(prefixes []netip.Prefix) spans {
	all := make(spans, 0, len(prefixes))
	for _, p := range prefixes {
		all = append(all, span{p.Masked().Addr(), lastOf(p)})
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	joined := all[:0]
	for _, s := range all {
		if n := len(joined) - 1; n >= 0 && s.first.Compare(joined[n].last) <= 0 {
			if s.last.Compare(joined[n].last) > 0 {
				joined[n].last = s.last
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func (s spans) contains(a netip.Addr) bool {
	i, found := slices.BinarySearchFunc(s, a, func(s span, a netip.Addr) int { return s.first.Compare(a) })
	return found || i > 0 && a.Compare(s[i-1].last) <= 0
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}
