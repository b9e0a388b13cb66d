package sandbox

import "errors"

// What counts for which resource. Production's table (Google App Engine, "Quotas", Sockets, April 2016) names seven
// resources and says of none which calls need it; the service's calls (golang/appengine, socket_service.proto) bear the
// same names, so each counts for its own. Inferred where no document speaks:
//
//	bind            a call that names a local address, the wildcard too: ListenPacket, Listen, a Dialer's LocalAddr,
//	                bind(2). The implicit bind of a connect is none: the service has no call for it.
//	create          each socket: of each address that a dial tries, of ListenPacket, Listen, FileConn, socket(2)
//	connect         each address that a dial tries, connect(2); one that fails too: the service was called
//	send            each call that sends, a datagram's too (SendTo is the call Send with an address). One that carries
//	                more than a MiB counts once for each started one: the Go client cuts there (golang/appengine,
//	                socket_classic.go), as a call of the service carries no more
//	receive         each call that waits for data or a datagram, whatever comes of it
//	bytes sent      what the system took: a short write gives back the rest
//	bytes received  what came in
//
// A name's look-up counts for none: the service has a call Resolve, the table has no row for it. A call that a rule denies
// counts for none, and neither does one that a quota denies: it was not carried out. Listeners and what they accept are
// exempt: production has neither.
//
// What comes in is counted when it is there, so the last receive may pass the limit of bytes; the next is denied.

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

// useMethods are the calls of production's service that need a resource.
var useMethods = [useEnd]string{"Bind", "CreateSocket", "Connect", "Send", "Receive", "Send", "Receive"}

// unlimited counts only.
var unlimited = Limit{PerMinute: Unlimited, PerDay: Unlimited}

var noLimits = [useEnd]Limit{unlimited, unlimited, unlimited, unlimited, unlimited, unlimited, unlimited}

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
	var at stamp
	return q.takeAt(&at, now, charges...)
}

// takeAt is take that tells in which windows it counted, so that some of it can be given back.
func (q *quotas) takeAt(at *stamp, now int64, charges ...charge) (Rule, error) {
	var over int
	if *at, over = q.usage.take(now, &q.limits, charges); over >= 0 {
		return q.over(at, now, over, charges...)
	}
	return "", nil
}

// over answers a call that would go over the limit of a resource.
func (q *quotas) over(at *stamp, now int64, use int, charges ...charge) (Rule, error) {
	if q.mode == ModeEnforce {
		return RuleQuota, q.texts.overQuota(useMethods[use])
	}
	*at, _ = q.usage.take(now, &noLimits, charges)
	return RuleQuota, nil
}

// count counts without asking.
func (q *quotas) count(now int64, charges ...charge) { q.usage.take(now, &noLimits, charges) }

// back gives back of what takeAt counted.
func (q *quotas) back(at stamp, charges ...charge) {
	for _, c := range charges {
		q.usage.giveBack(at, c.use, c.n)
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

// Metered reports whether a quota may refuse bytes of such an operation: then its size must be known before, and the
// kernel must not copy by itself until the end of a file.
func (s *Socket) Metered(k Kind) bool {
	q, use := &s.box.quotas, useBytesSent
	if k == KindReceive {
		use = useBytesReceived
	}
	return q.mode == ModeEnforce && q.limits[use] != unlimited && !s.exempt.Load()
}
