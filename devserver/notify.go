package devserver

import (
	"fmt"
	"sync"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// notifier passes notices on, one at a time, and says each denial once.
type notifier struct {
	mu   sync.Mutex
	of   map[string]judged   // by app; guarded by mu
	hear func(Notice)        // nil: nobody hears; guarded by mu
	said map[string]struct{} // guarded by mu: denials and warnings told already
}

// judged is by which rules an app runs.
type judged struct {
	under   JudgeOptions
	cutsOff bool // the rule deadline is enforced
}

// judges says by which rules an app runs from now on.
func (n *notifier) judges(app string, under JudgeOptions, p *sandbox.Policy) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[app] = judged{under, p.Mode(sandbox.RuleDeadline) == sandbox.ModeEnforce}
}

// mostSaid is how many notices are remembered, so as not to tell them again.
const mostSaid = 10_000

func newNotifier(hear func(Notice)) *notifier {
	return &notifier{hear: hear, said: map[string]struct{}{}, of: map[string]judged{}}
}

func (n *notifier) tell(notice Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hear != nil {
		n.hear(notice)
	}
}

// once tells a notice unless one with that key was told before.
func (n *notifier) once(key string, notice Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, told := n.said[key]; told {
		return
	}
	if len(n.said) >= mostSaid { // names without end that do not resolve
		clear(n.said)
	}
	n.said[key] = struct{}{}
	if n.hear != nil {
		n.hear(notice)
	}
}

// denied tells of a denial, once for each rule and call site; of one that no line of code leads to, once for each
// reason.
func (n *notifier) denied(d Denied) {
	n.mu.Lock()
	by := n.of[d.App]
	n.mu.Unlock()
	d.Under = by.under
	// The event of these is the operation's own, whether it was let through or not.
	switch sandbox.Rule(d.Rule) {
	case sandbox.RuleUnresolved:
		d.Report = false // a name without an address leads nowhere in any mode
	case sandbox.RuleDeadline:
		d.Report = !by.cutsOff
	}
	site := d.CallSite
	if site == "" {
		site = d.Reason
	}
	n.once(fmt.Sprintf("denied %s %s %s", d.App, d.Rule, site), d)
}

func (n *notifier) warnf(format string, args ...any) {
	n.tell(Warning{Text: fmt.Sprintf(format, args...)})
}

// warnOnce says a warning that would be the same every time.
func (n *notifier) warnOnce(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	n.once("warning "+text, Warning{Text: text})
}
