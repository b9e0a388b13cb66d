package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// A row is a denial of production as a program of App Engine's Go runtime met it: the rows of the table of errors per
// denial and runtime that have a Go column. Two of them are no denial of a socket: a service that is switched off for
// maintenance is a fault to be injected, and http.DefaultTransport works over sockets here, as it does in the runtimes
// since Go 1.12.
type row struct {
	errno, classic string // what the program is told, in both styles
	facts          string // errno, OpError, os.ErrPermission, timeout
	rule           sandbox.Rule
	kind           sandbox.Kind // of the event that tells
}

const (
	isDenied   = "errno 13 OpError true ErrPermission true timeout false"
	isTimeout  = "errno 110 OpError true ErrPermission false timeout true"
	blocked    = "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to access a blocked recipient without permission."
	bindDenied = "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to bind port without permission."
	moreQuota  = "The API call remote_socket.Connect() required more quota than is available."
	cancelled  = "The API call remote_socket.Receive() took too long to respond and was cancelled."
	noBilling  = "The Socket API will be enabled for this application once billing has been enabled in the admin console."
)

var rows = map[string]row{
	"range":    {"dial tcp 10.1.2.3:443: connect: permission denied", "dial tcp 10.1.2.3:443: " + blocked, isDenied, sandbox.RulePrivate, sandbox.KindDeny},
	"port25":   {"dial tcp smtp.example.com:25: connect: permission denied", "dial tcp smtp.example.com:25: " + blocked, isDenied, sandbox.RulePort25, sandbox.KindDeny},
	"network":  {"dial unix /nowhere: connect: permission denied", "dial unix /nowhere: permission denied", isDenied, sandbox.RuleNetwork, sandbox.KindDeny},
	"bind":     {"dial tcp LOCAL->93.184.216.34:80: bind: permission denied", "dial tcp LOCAL->93.184.216.34:80: " + bindDenied, isDenied, sandbox.RuleBind, sandbox.KindDeny},
	"bind udp": {"listen udp 127.0.0.1:7: bind: permission denied", "listen udp 127.0.0.1:7: " + bindDenied, isDenied, sandbox.RuleBind, sandbox.KindDeny},
	"listen":   {"listen tcp :7: listen: permission denied", "listen tcp :7: permission denied", isDenied, sandbox.RuleListen, sandbox.KindDeny},
	"option": {"set tcp LOCAL->93.184.216.34:80: setsockopt: permission denied",
		"set tcp LOCAL->93.184.216.34:80: API error 5 (remote_socket: PERMISSION_DENIED): Attempt to set blocked socket option.", isDenied, sandbox.RuleOption, sandbox.KindDeny},
	"own timeout": {"read tcp LOCAL->93.184.216.34:80: i/o timeout",
		`read tcp LOCAL->93.184.216.34:80: API error 1 (remote_socket: SYSTEM_ERROR): system_error:11 error_detail:"Resource temporarily unavailable"`,
		"errno 0 OpError true ErrPermission false timeout true", "", sandbox.KindReceive},
	"refused": {"dial tcp 93.184.216.34:81: connect: connection refused",
		`dial tcp 93.184.216.34:81: API error 1 (remote_socket: SYSTEM_ERROR): system_error:111 error_detail:"Connection refused"`,
		"errno 111 OpError true ErrPermission false timeout false", "", sandbox.KindConnect},
	"unknown host": {"dial tcp: lookup nothing.example.com. on NAMESERVER: no such host",
		`dial tcp: lookup nothing.example.com. on NAMESERVER: API error 2 (remote_socket: GAI_ERROR): system_error:-2 error_detail:"Name or service not known"`,
		"errno 0 OpError true ErrPermission false timeout false", sandbox.RuleUnresolved, sandbox.KindResolve},
	"billing": {"dial tcp db.example.com:80: " + noBilling, "dial tcp db.example.com:80: Call error 7: " + noBilling, isDenied, sandbox.RuleBilling, sandbox.KindDeny},
	"quota": {"dial tcp 93.184.216.34:80: " + moreQuota, "dial tcp 93.184.216.34:80: Over quota: " + moreQuota,
		"errno 122 OpError true ErrPermission false timeout false", sandbox.RuleQuota, sandbox.KindDeny},
	"reclaimed read": {"read tcp LOCAL->93.184.216.34:80: read: broken pipe", "read tcp LOCAL->93.184.216.34:80: API error 7 (remote_socket: SOCKET_CLOSED)",
		"errno 32 OpError true ErrPermission false timeout false", sandbox.RuleReclaimed, sandbox.KindReceive},
	"reclaimed write": {"write tcp LOCAL->93.184.216.34:80: write: broken pipe", "write tcp LOCAL->93.184.216.34:80: API error 7 (remote_socket: SOCKET_CLOSED)",
		"errno 32 OpError true ErrPermission false timeout false", sandbox.RuleReclaimed, sandbox.KindSend},
	"deadline read": {"read tcp LOCAL->93.184.216.34:80: " + cancelled, "read tcp LOCAL->93.184.216.34:80: Call error 12: " + cancelled + " (timeout)",
		isTimeout, sandbox.RuleDeadline, sandbox.KindReceive},
}

// styles are the sets of error texts.
var styles = []string{sandbox.ErrorsErrno, sandbox.ErrorsClassic}

func inStyle(style string, change func(*sandbox.Policy)) func(*sandbox.Policy) {
	return func(p *sandbox.Policy) {
		p.Errors = style
		if change != nil {
			change(p)
		}
	}
}

// wantRows holds printed rows and the events that tell of them against the table.
func wantRows(t *testing.T, style string, got result, names ...string) {
	t.Helper()
	withoutPorts(got.Lines)
	printed := map[string]string{}
	for _, line := range got.Lines {
		name, rest, _ := strings.Cut(line, ": ")
		printed[name] = rest
	}
	for _, name := range names {
		want := rows[name]
		text := want.errno
		if style == sandbox.ErrorsClassic {
			text = want.classic
		}
		line, facts := printed[name], want.facts
		if before, rest, ok := strings.Cut(line, " on "); ok && name == "unknown host" {
			if _, after, ok := strings.Cut(rest, ": "); ok {
				line = before + " on NAMESERVER: " + after
			}
		}
		if style == sandbox.ErrorsClassic && name == "own timeout" {
			facts = strings.Replace(facts, "errno 0", "errno 11", 1) // the service has a number for it
		}
		if line != text+" | "+facts {
			t.Errorf("%s, %s: printed\n\t%s\nwant\n\t%s", style, name, line, text+" | "+facts)
		}
		found := false
		for _, e := range got.Events {
			found = found || e.Kind == want.kind && e.Rule == want.rule && e.Error != "" && strings.HasSuffix(text, told(e))
		}
		if !found {
			t.Errorf("%s, %s: no event %s by %q that tells %q", style, name, want.kind, want.rule, text)
		}
	}
}

// told is what an event says the program was told, without the name server of a look-up.
func told(e sandbox.Event) string {
	if before, rest, ok := strings.Cut(e.Error, " on "); ok && e.Kind == sandbox.KindResolve {
		_, after, _ := strings.Cut(rest, ": ")
		return before + " on NAMESERVER: " + after
	}
	return e.Error
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, style := range styles {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			addr := echo(t)
			got := start(t, "probe", run{Args: []string{"rows", db, "db.example.com:81"}, Standins: listed(addr), Change: inStyle(style, nil)})
			wantRows(t, style, got, "range", "port25", "network", "bind", "bind udp", "listen", "option", "own timeout", "refused", "unknown host")
			billing := start(t, "probe", run{Args: []string{"dialrow", "billing", db}, Standins: listed(addr), Change: inStyle(style, func(p *sandbox.Policy) { p.Billing = false })})
			wantRows(t, style, billing, "billing")
			quota := start(t, "probe", run{Args: []string{"dialrow", "quota", db}, Standins: listed(addr), Change: inStyle(style, func(p *sandbox.Policy) {
				p.Quotas[sandbox.ResourceConnect] = sandbox.Limit{PerMinute: 0, PerDay: sandbox.Unlimited}
			})})
			wantRows(t, style, quota, "quota")
			w := hire(t, "probe", run{Args: []string{"laterow", "reclaimed", db}, Standins: listed(addr), Change: inStyle(style, nil)})
			w.line()
			w.tell(wire.Message{Type: wire.Clock, Offset: 121 * time.Second})
			wantRows(t, style, w.rest(), "reclaimed read", "reclaimed write")
			cut := hire(t, "probe", run{Args: []string{"slow", "tcp", db, "row"}, Standins: listed(addr), Change: inStyle(style, deadlineEnforced)})
			cut.line()
			cut.tell(wire.Message{Type: wire.Clock, Offset: 61 * time.Second})
			late := cut.rest()
			if len(late.Lines) == 0 {
				t.Fatal("nothing was printed")
			}
			wantRows(t, style, late, "deadline read")
		})
	}
}
