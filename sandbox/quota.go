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

// unlimited counts only.
var unlimited = Limit{PerMinute: Unlimited, PerDay: Unlimited}

// sendUnit is what one call of production's service sends at most: a longer send counts several times.
const sendUnit = 1 << 20

// sends returns how many sends n bytes are.
func sends(n int64) int64 { return max(1, (n+sendUnit-1)/sendUnit) }

// quotas are the limits of a process and what it uses of them.
type quotas struct {
	mode   Mode
	texts  texts
	limits [useEnd]Limit
	usage  *Usage
}

func newQuotas(p *Policy, u *Usage) quotas {
	q := quotas{mode: p.Mode(RuleQuota), texts: texts{classic: p.Errors == ErrorsClassic}, usage: u}
	for i, r := range Resources {
		q.limits[i] = unlimited
		if q.mode == ModeEnforce || q.mode == ModeReport {
			l := p.Limit(r)
			q.limits[i] = Limit{PerMinute: max(l.PerMinute, Unlimited), PerDay: max(l.PerDay, Unlimited)}
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
		return q.over(now, c.use, charges...)
	}
	return "", nil
}

// over answers a call that would go over the limit of a resource.
func (q *quotas) over(now int64, use int, charges ...charge) (Rule, error) {
	if q.mode == ModeEnforce {
		return RuleQuota, q.texts.overQuota(useMethods[use])
	}
	q.count(now, charges...)
	return RuleQuota, nil
}

// count counts without asking.
func (q *quotas) count(now int64, charges ...charge) {
	for _, c := range charges {
		if c.n > 0 {
			q.usage.reserve(now, c.use, c.n, unlimited)
		}
	}
}

// back gives charges back that were taken at the same now.
func (q *quotas) back(now int64, charges ...charge) {
	for _, c := range charges {
		if c.n > 0 {
			q.usage.giveBack(now, c.use, c.n)
		}
	}
}

// full reports whether nothing is left of a resource.
func (q *quotas) full(now int64, use int) bool {
	l := q.limits[use]
	if l == unlimited {
		return false
	}
	minute, day := q.usage.used(now, use)
	return l.PerMinute >= 0 && minute >= l.PerMinute || l.PerDay >= 0 && day >= l.PerDay
}
