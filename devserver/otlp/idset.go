package otlp

import (
	"cmp"
	"slices"
)

// idSet is a set of ids as ranges that do not touch: ids are given out one after the other, so that a million of them is
// a few ranges.
type idSet struct{ ranges []idRange }

// idRange holds both its ends.
type idRange struct{ low, high int64 }

// find returns the place of the first range that ends at id or behind it.
func (s *idSet) find(id int64) int {
	i, _ := slices.BinarySearchFunc(s.ranges, id, func(r idRange, id int64) int { return cmp.Compare(r.high, id) })
	return i
}

func (s *idSet) has(id int64) bool {
	i := s.find(id)
	return i < len(s.ranges) && s.ranges[i].low <= id
}

// add adds the ids of a range, whose ends must not be in the wrong order.
func (s *idSet) add(r idRange) {
	i := s.find(r.low - 1)
	end := i
	for end < len(s.ranges) && s.ranges[end].low <= r.high+1 {
		r.low, r.high = min(r.low, s.ranges[end].low), max(r.high, s.ranges[end].high)
		end++
	}
	s.ranges = slices.Replace(s.ranges, i, end, r)
}

// take removes the lowest range of the set.
func (s *idSet) take() (r idRange, ok bool) {
	if len(s.ranges) == 0 {
		return idRange{}, false
	}
	r = s.ranges[0]
	s.ranges = slices.Delete(s.ranges, 0, 1)
	return r, true
}

// missing returns the ids from 1 to high that are not in the set.
func (s *idSet) missing(high int64) (m idSet) {
	next := int64(1)
	for _, r := range s.ranges {
		if r.low > high {
			break
		}
		if r.low > next {
			m.ranges = append(m.ranges, idRange{next, r.low - 1})
		}
		next = r.high + 1
	}
	if next <= high {
		m.ranges = append(m.ranges, idRange{next, high})
	}
	return m
}
