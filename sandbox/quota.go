package sandbox

import "errors"

// ErrOverQuota is returned by Usage.Reserve when a limit would be passed.
var ErrOverQuota = errors.New("over quota")

// The places of the resources in Resources.
const (
	useBind = iota
	useCreate
	useConnect
	useSend
	useReceive
	useBytesSent
	useBytesReceived
	useEnd
)

var useMethods = [useEnd]string{"Bind", "CreateSocket", "Connect", "Send", "Receive", "Send", "Receive"}

// sendUnit is what one call of production's service sends at most: a longer send counts several times.
const sendUnit = 1 << 20

// sends returns how many sends n bytes are.
func sends(n int) int64 { return max(1, (int64(n)+sendUnit-1)/sendUnit) }

// quotas are the limits of a process and what it uses of them.
type quotas struct {
	mode   Mode
	limits [useEnd]Limit
	usage  *Usage
}

func newQuotas(p *Policy, u *Usage) quotas {
	q := quotas{mode: p.Mode(RuleQuota), usage: u}
	for i, r := range Resources {
		q.limits[i] = p.Limit(r)
		if q.mode != ModeEnforce && q.mode != ModeReport {
			q.limits[i] = Limit{PerMinute: Unlimited, PerDay: Unlimited}
		}
	}
	return q
}

// charge is an amount of one resource.
type charge struct {
	use int
	n   int64
}

// take counts all charges, or none of them when one goes over its limit. It returns the rule that spoke, "" when all
// is well, and the error when the call is refused.
func (q *quotas) take(now int64, charges ...charge) (Rule, error) {
	for i, c := range charges {
		if q.usage.reserve(now, c.use, c.n, q.limits[c.use]) {
			continue
		}
		q.back(now, charges[:i]...)
		if q.mode == ModeEnforce {
			return RuleQuota, overQuota(useMethods[c.use])
		}
		q.count(now, charges...)
		return RuleQuota, nil
	}
	return "", nil
}

// count counts without asking.
func (q *quotas) count(now int64, charges ...charge) {
	for _, c := range charges {
		q.usage.reserve(now, c.use, c.n, Limit{PerMinute: Unlimited, PerDay: Unlimited})
	}
}

// back gives charges back that were taken at the same now.
func (q *quotas) back(now int64, charges ...charge) {
	for _, c := range charges {
		q.usage.giveBack(now, c.use, c.n)
	}
}

// full reports whether nothing is left of a resource.
func (q *quotas) full(now int64, use int) bool {
	if !q.usage.reserve(now, use, 1, q.limits[use]) {
		return true
	}
	q.usage.giveBack(now, use, 1)
	return false
}

// take2, back2 and count2 are take, back and count for a call and its bytes, together: the hot path.

func (q *quotas) take2(now int64, call, bytes charge) (Rule, error) {
	over := call.use
	if q.usage.reserve(now, call.use, call.n, q.limits[call.use]) {
		if q.usage.reserve(now, bytes.use, max(bytes.n, 0), q.limits[bytes.use]) && (bytes.n > 0 || !q.full(now, bytes.use)) {
			return "", nil
		}
		q.usage.giveBack(now, call.use, call.n)
		over = bytes.use
	}
	if q.mode == ModeEnforce {
		return RuleQuota, overQuota(useMethods[over])
	}
	q.count2(now, call, bytes)
	return RuleQuota, nil
}

func (q *quotas) back2(now int64, a, b charge) {
	q.usage.giveBack(now, a.use, a.n)
	q.usage.giveBack(now, b.use, b.n)
}

func (q *quotas) count2(now int64, a, b charge) {
	unlimited := Limit{PerMinute: Unlimited, PerDay: Unlimited}
	q.usage.reserve(now, a.use, a.n, unlimited)
	q.usage.reserve(now, b.use, b.n, unlimited)
}
