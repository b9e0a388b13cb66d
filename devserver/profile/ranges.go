package profile

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

//go:embed data/goog.json
var googJSON []byte

//go:embed data/cloud.json
var cloudJSON []byte

// prefixFile is the shape of Google's two files.
type prefixFile struct {
	Retrieved string `json:"retrieved"`
	Prefixes  []struct {
		V4 netip.Prefix `json:"ipv4Prefix"`
		V6 netip.Prefix `json:"ipv6Prefix"`
	} `json:"prefixes"`
}

func readPrefixes(name string, data []byte) ([]netip.Prefix, error) {
	var f prefixFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var all []netip.Prefix
	for _, p := range f.Prefixes {
		for _, one := range []netip.Prefix{p.V4, p.V6} {
			if one.IsValid() {
				all = append(all, one.Masked())
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no prefixes", name)
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return all, nil
}

// ranges are prefixes that nobody changes.
type ranges struct{ services, gce []netip.Prefix }

// googleRanges reads, once, the ranges of Google's own services, which are all that it announces without its
// customers', and the customers' (Compute Engine).
var googleRanges = sync.OnceValues(func() (ranges, error) {
	all, err := readPrefixes("goog.json", googJSON)
	if err != nil {
		return ranges{}, err
	}
	gce, err := readPrefixes("cloud.json", cloudJSON)
	return ranges{subtract(all, gce), gce}, err
})

// subtract returns from without cut as the fewest prefixes, sorted.
func subtract(from, cut []netip.Prefix) []netip.Prefix {
	var left []netip.Prefix
	for _, p := range outermost(from) {
		left = without(left, p, overlapping(p, cut))
	}
	return join(left)
}

// without appends what is left of p when cut, which overlaps it, is taken away.
func without(left []netip.Prefix, p netip.Prefix, cut []netip.Prefix) []netip.Prefix {
	if len(cut) == 0 {
		return append(left, p)
	}
	for _, c := range cut {
		if c.Bits() <= p.Bits() {
			return left // all of it
		}
	}
	for _, half := range halves(p) {
		left = without(left, half, overlapping(half, cut))
	}
	return left
}

func overlapping(p netip.Prefix, all []netip.Prefix) (some []netip.Prefix) {
	for _, o := range all {
		if p.Overlaps(o) {
			some = append(some, o)
		}
	}
	return some
}

func halves(p netip.Prefix) [2]netip.Prefix {
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	high, _ := netip.AddrFromSlice(b)
	return [2]netip.Prefix{low, netip.PrefixFrom(high, low.Bits())}
}

// outermost returns the prefixes that lie in no other, sorted.
func outermost(all []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range sorted {
		if n := len(out); n == 0 || !out[n-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}

// join merges neighbours of sorted prefixes that do not overlap.
func join(all []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		out = append(out, p)
		for n := len(out); n >= 2; n = len(out) {
			a, b := out[n-2], out[n-1]
			if a.Bits() != b.Bits() || a.Bits() == 0 {
				break
			}
			up := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
			if !up.Contains(b.Addr()) {
				break
			}
			out = append(out[:n-2], up)
		}
	}
	return out
}
