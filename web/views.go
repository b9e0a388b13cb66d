package web

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// frame is what every page shows around its own content.
type frame struct {
	Title  string
	Nav    []navItem
	State  State
	Counts record.Counts
	Now    time.Time
	Ahead  string // how far the clock is ahead, "" when it is not
	Form   string // the word that proves a form to be ours; "" when nothing can be changed
	Back   string // this page's address, to which a form returns
	Live   bool
}

type navItem struct {
	Name, Path string
	Count      int64 // 0 is not shown
	Alert      bool  // something there is used up
	Here       bool
}

// Several tells whether rows must say which app they are of.
func (f frame) Several() bool { return len(f.State.Apps) > 1 }

// Hint is an example of a filter, with that of an app in front when there are several.
func (f frame) Hint(example string) string {
	if f.Several() {
		return "app:" + f.State.Apps[0].Name + "  " + example
	}
	return example
}

// IdleLimit is "2 min", "" when nothing is reclaimed.
func (f frame) IdleLimit() string {
	if limit := f.State.idleLimit(); limit > 0 {
		return coarse(limit)
	}
	return ""
}

// PastIdle is what the clock must be moved by for all idle sockets to be reclaimed.
func (f frame) PastIdle() time.Duration { return f.State.idleLimit() + time.Second }

// Ago is how long before this page something was.
func (f frame) Ago(at int64) string { return coarse(f.Now.Sub(time.Unix(0, at))) + " ago" }

// Words tell how an app is, for the top of each page.
func (a App) Words() string {
	words := []string{"profile " + a.Profile}
	if a.Reload > 0 {
		version := "version " + strconv.Itoa(a.Reload)
		for _, build := range a.Builds {
			if build.Number == a.Reload && len(build.Errors) == 0 {
				version += ", built in " + length(build.Build)
			}
		}
		words = append([]string{version}, words...)
	}
	if a.Draining > 0 {
		words = append(words, "versions before it that finish requests: "+strconv.Itoa(a.Draining))
	}
	switch {
	case a.Down != "":
		words = append([]string{"down: " + a.Down}, words...)
	case !a.Building.IsZero():
		words[0] = "building"
	}
	return strings.Join(words, " · ")
}

// socketRow is a socket as lists show it.
type socketRow struct {
	record.Socket
	Address string
	Look    string // open, idle, closed, reclaimed, denied, failed
	Idle    *countdown
	Life    lifeline
}

// countdown is how long an open socket still has.
type countdown struct {
	Idle, Left, Limit time.Duration
	Warn              bool // less than a quarter is left
}

// Part is how much is left, in percent.
func (c countdown) Part() int64 { return int64(100 * c.Left / c.Limit) }

// LeftMS and LimitMS are for live.js, which counts on.
func (c countdown) LeftMS() int64  { return c.Left.Milliseconds() }
func (c countdown) LimitMS() int64 { return c.Limit.Milliseconds() }

func (c countdown) Clock() string { return minutes(c.Left) }

func (c countdown) Words() string {
	return "idle for " + coarse(c.Idle) + "; production reclaims it in " + coarse(c.Left)
}

func newSocketRow(s record.Socket, state State, now time.Time) socketRow {
	row := socketRow{Socket: s, Address: destination(s.Host, s.RemoteAddr), Look: s.State}
	if row.Address == "" {
		row.Address = s.LocalAddr
	}
	if s.State != "open" {
		return row
	}
	limit := state.app(s.App).IdleLimit
	if limit <= 0 {
		return row
	}
	idle := state.idleFor(max(s.LastAt, s.OpenedAt), now)
	left := max(limit-idle, 0)
	row.Idle = &countdown{Idle: idle, Left: left, Limit: limit, Warn: left < limit/4}
	if idle >= limit/2 {
		row.Look = "idle"
	}
	return row
}

// A failure is something that works here and would not in production, in a sentence.
type failure struct {
	ID        string // the same for the same failure, so that it keeps its place and stays open
	At        int64
	App       string
	Request   string
	RequestID int64
	Status    int
	CallSite  string
	Text      string // what happened there: "dialled smtp.example.com:25."
	Rule      string
	Reason    string
	Error     string // what the program was told
	Source    string
	Advice    string
	Command   string
	Count     int64
	SocketID  int64
}

// Where is the call site, or who did it when that is not known.
func (f failure) Where() string {
	if f.CallSite != "" {
		return f.CallSite
	}
	return "The app"
}

func denialFailure(d record.Denial, state State) failure {
	app := state.app(d.App)
	rule := sandbox.Rule(d.Rule)
	address := destination(d.Host, d.RemoteAddr)
	reason := d.Detail
	if reason == "" {
		reason = "Production refuses " + cmp.Or(rule.Title(), "this") + "."
	}
	return failure{
		ID: groupID("denial", d.App, d.Rule, address, d.CallSite), At: d.At, App: d.App, Request: d.Request, RequestID: d.RequestID, Status: d.Status,
		CallSite: d.CallSite, Text: deniedVerb(d.Event) + " " + address + deniedBecause(rule), Rule: d.Rule, Reason: reason, Error: d.Error,
		Source: app.Sources[d.Rule], Advice: rule.Advice(), Command: explainCommand(app, d.Network, address), Count: d.Count, SocketID: d.SocketID,
	}
}

// deniedVerb says what the program tried. The error tells, since a denied call is one event whatever it was.
func deniedVerb(e record.Event) string {
	step, _, _ := strings.Cut(e.Error, ":")
	if e.Rule == string(sandbox.RuleQuota) {
		return overQuotaVerb(e)
	}
	switch {
	case step == "listen" || e.Rule == string(sandbox.RuleListen):
		return "listened on"
	case step == "bind" || e.Rule == string(sandbox.RuleBind):
		return "bound a socket to"
	case step == "setsockopt" || step == "getsockopt":
		return "used a socket option on a connection to"
	case step == "write" || step == "sendto" || step == "sendmsg":
		return "sent to"
	}
	return "dialled"
}

// overQuotaVerb says what went over a quota: the error names production's method, and a call that was let through is an
// event of its own kind.
func overQuotaVerb(e record.Event) string {
	for _, verb := range []struct{ method, kind, word string }{
		{"Send", "send", "sent to"}, {"Receive", "receive", "read from"}, {"CreateSocket", "create", "made a socket for"}, {"Bind", "bind", "bound a socket for"},
	} {
		if e.Kind == verb.kind || strings.Contains(e.Error, "remote_socket."+verb.method+"()") {
			return verb.word
		}
	}
	return "dialled"
}

// deniedBecause ends the sentence where the rule's title fits; what it does not say stands under Why.
func deniedBecause(rule sandbox.Rule) string {
	switch rule {
	case sandbox.RulePort25, sandbox.RuleFTP:
		return ". Production blocks " + rule.Title() + "."
	case sandbox.RuleUnspecified, sandbox.RuleLoopback, sandbox.RulePrivate, sandbox.RuleLinklocal, sandbox.RuleMulticast,
		sandbox.RuleBroadcast, sandbox.RuleEmbedded, sandbox.RuleReserved, sandbox.RuleGoogle, sandbox.RuleUnresolved:
		return ", " + rule.Title() + "."
	}
	return "."
}

func reclaimFailure(r record.Reclaim, state State) failure {
	rule := sandbox.RuleReclaimed
	app := state.app(r.App)
	did := "used"
	switch r.UsedKind {
	case "send":
		did = "wrote to"
	case "receive":
		did = "read from"
	}
	text := did + " " + destination(r.Host, r.RemoteAddr) + ", a connection"
	if r.IdleNS > 0 {
		text += " that had been idle for " + coarse(time.Duration(r.IdleNS))
	}
	return failure{
		ID: "reclaim-" + strconv.FormatInt(r.SocketID, 10), At: r.UsedAt, App: r.App, Request: r.UsedRequest, Status: r.UsedStatus,
		CallSite: r.CallSite, Text: text + ".", Rule: string(rule), Reason: reclaimReason(r, app), Error: r.UsedError,
		Source: app.Sources[string(rule)], Advice: rule.Advice(), Count: r.Uses, SocketID: r.SocketID,
	}
}

func reclaimReason(r record.Reclaim, app App) string {
	if r.Detail != "" {
		return r.Detail
	}
	if app.IdleLimit > 0 {
		return "Production reclaims a socket that has been unused for " + coarse(app.IdleLimit) + "; what is done with it then fails."
	}
	return "Production had reclaimed it; what is done with it then fails."
}

// failures is the inbox: what was denied and what was used after its reclaim, newest first.
func failures(denials []record.Denial, reclaims []record.Reclaim, state State, most int) []failure {
	var all []failure
	for _, d := range denials {
		all = append(all, denialFailure(d, state))
	}
	for _, r := range reclaims {
		if r.UsedAt != 0 {
			all = append(all, reclaimFailure(r, state))
		}
	}
	slices.SortStableFunc(all, func(a, b failure) int { return cmp.Compare(b.At, a.At) })
	return all[:min(len(all), most)]
}

// ruleGroup is all denials by one rule: why and what to do is the same for all of them.
type ruleGroup struct {
	Rule, Title, Advice, Source string
	Count                       int64
	Denials                     []failure
}

func ruleGroups(denials []record.Denial, state State) []ruleGroup {
	var groups []ruleGroup
	for _, d := range denials {
		f := denialFailure(d, state)
		i := slices.IndexFunc(groups, func(g ruleGroup) bool { return g.Rule == f.Rule })
		if i < 0 {
			i = len(groups)
			groups = append(groups, ruleGroup{Rule: f.Rule, Title: capital(sandbox.Rule(f.Rule).Title()), Advice: f.Advice, Source: f.Source})
		}
		groups[i].Count += f.Count
		groups[i].Denials = append(groups[i].Denials, f)
	}
	return groups
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func groupID(kind string, parts ...string) string {
	h := fnv.New64a()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return fmt.Sprintf("%s-%x", kind, h.Sum64())
}
