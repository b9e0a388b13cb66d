package rules

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// listed makes addr reachable as the production address 93.184.216.34:80.
func listed(addr string) []sandbox.Standin {
	s := standin("db.example.com:80", addr)
	s[0].Address = netip.MustParseAddr("93.184.216.34")
	return s
}

const db = "db.example.com:80"

// optionLines are what the way options prints, without the refused ones.
func optionLines(values string) []string {
	return append([]string{
		"SetNoDelay: ok", "SetKeepAlive: ok", "SetLinger: ok", "SetReadBuffer: ok", "SetWriteBuffer: ok",
		"SetKeepAlivePeriod: set tcp LOCAL->93.184.216.34:80: setsockopt: permission denied [errno 13, OpError true]",
		"SetKeepAliveConfig: ok",
	}, strings.Split(values, "\n")...)
}

var refusedOptions = []string{"SO_DONTROUTE", "SO_BROADCAST", "IP_TOS", "IP_TTL", "TCP_MAXSEG", "TCP_CORK", "TCP_KEEPIDLE", "TCP_USER_TIMEOUT", "4711"}

// withoutPorts replaces the local address of a connection, which differs each time.
func withoutPorts(lines []string) []string {
	for i, line := range lines {
		from, arrow := strings.Index(line, "127.0.0.1:"), strings.Index(line, "->")
		if from >= 0 && arrow > from {
			lines[i] = line[:from] + "LOCAL" + line[arrow:]
		}
	}
	return lines
}

func TestOptions(t *testing.T) {
	t.Parallel()
	const number = "option 4711 of level 6"
	for _, tt := range []struct{ name, profile, values string }{
		// Linux answers twice the size of a buffer that was set (socket(7)).
		{"real", "appengine", "SO_KEEPALIVE <nil> 1 <nil>\nSO_DEBUG <nil> 0 <nil>\nTCP_NODELAY <nil> 1 <nil>\nSO_OOBINLINE <nil> 1 <nil>\n" +
			"SO_SNDBUF <nil> 40000 <nil>\nSO_RCVBUF <nil> 60000 <nil>\nSO_REUSEADDR <nil> 1 <nil>\nSO_LINGER <nil>"},
		{"mock", "appengine-php", "SO_KEEPALIVE <nil> 0 <nil>\nSO_DEBUG <nil> 128 <nil>\nTCP_NODELAY <nil> 0 <nil>\nSO_OOBINLINE <nil> 0 <nil>\n" +
			"SO_SNDBUF <nil> 8192 <nil>\nSO_RCVBUF <nil> 8192 <nil>\nSO_REUSEADDR <nil> 1 <nil>\nSO_LINGER <nil>"},
		{"raw", "appengine-php", "SO_KEEPALIVE <nil> 0 <nil>\nSO_DEBUG <nil> 128 <nil>\nTCP_NODELAY <nil> 0 <nil>\nSO_OOBINLINE <nil> 0 <nil>\n" +
			"SO_SNDBUF <nil> 2097152 <nil>\nSO_RCVBUF <nil> 2097152 <nil>\nSO_REUSEADDR <nil> 1 <nil>\nSO_LINGER <nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run{Profile: tt.profile, Args: []string{"options", db}, Standins: listed(echo(t))}
			if tt.name == "raw" {
				r.Change = func(p *sandbox.Policy) { p.Options = sandbox.OptionsMockRaw }
			}
			got := start(t, "probe", r)
			withoutPorts(got.Lines)
			want := optionLines(tt.values)
			for _, name := range refusedOptions {
				want = append(want, name+" permission denied permission denied")
			}
			wantLines(t, got, append(want, "close: ok")...)
			var sets, denied []string
			for _, e := range got.Events {
				name, _, _ := strings.Cut(e.Detail, " = ")
				switch {
				case e.Kind == sandbox.KindOptionSet:
					sets = append(sets, name)
				case e.Kind == sandbox.KindDeny && e.Rule == sandbox.RuleOption:
					denied = append(denied, e.Error+" "+strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(e.Detail, "Setting "), "Getting "), " is not possible in production: it has SO_KEEPALIVE, SO_DEBUG, TCP_NODELAY, SO_LINGER, SO_OOBINLINE, SO_SNDBUF, SO_RCVBUF and SO_REUSEADDR."))
				default:
					continue
				}
			}
			// The first is what Go sets by itself.
			if want := []string{
				"TCP_NODELAY", "TCP_NODELAY", "SO_KEEPALIVE", "SO_LINGER", "SO_RCVBUF", "SO_SNDBUF", "SO_KEEPALIVE",
				"SO_KEEPALIVE", "SO_DEBUG", "TCP_NODELAY", "SO_OOBINLINE", "SO_SNDBUF", "SO_RCVBUF", "SO_REUSEADDR", "SO_LINGER",
			}; !slices.Equal(sets, want) {
				t.Errorf("set %q, want %q", sets, want)
			}
			wantDenied := []string{"setsockopt: permission denied TCP_KEEPIDLE"}
			for _, name := range refusedOptions {
				name = strings.ReplaceAll(name, "4711", number)
				wantDenied = append(wantDenied, "getsockopt: permission denied "+name, "setsockopt: permission denied "+name)
			}
			if !slices.Equal(denied, wantDenied) {
				t.Errorf("denied\n%s\nwant\n%s", strings.Join(denied, "\n"), strings.Join(wantDenied, "\n"))
			}
			if first := got.of(sandbox.KindOptionSet)[0]; !strings.HasSuffix(first.Detail, "TCP_KEEPCNT = 9 (Go's defaults)") || first.Rule != "" {
				t.Errorf("defaults %+v", first)
			}
		})
	}
}

// What a socket is and what went wrong with it is told truthfully in every form: TLS libraries ask.
func TestTruthfulOptions(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"appengine", "appengine-php"} {
		got := start(t, "probe", run{Profile: profile, Args: []string{"getoptions", db}, Standins: listed(echo(t))})
		wantLines(t, got, "SO_TYPE true <nil>", "SO_ERROR 0 <nil>", "set SO_TYPE: permission denied [errno 13, OpError false]")
	}
}

func TestMulticastJoin(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"join"}})
	wantLines(t, got, "join: permission denied [errno 13, OpError false]", "datagram: ok",
		"listenmulticast: listen udp4 224.0.0.251:5353: bind: permission denied [errno 13, OpError true]")
	if deny := got.of(sandbox.KindDeny); len(deny) != 2 || deny[0].Rule != sandbox.RuleMulticast || deny[1].Rule != sandbox.RuleBind {
		t.Errorf("denials %+v, want one by multicast and one by bind", deny)
	}
	last := got.of(sandbox.KindOptionSet)
	if len(last) == 0 || last[len(last)-1].Rule != sandbox.RuleOption || !strings.HasPrefix(last[len(last)-1].Detail, "IP_RECVTOS = 1. Setting IP_RECVTOS is not possible") {
		t.Errorf("option events %+v, want the last one to report IP_RECVTOS", last)
	}
	only := start(t, "probe", run{Args: []string{"join"}, Change: func(p *sandbox.Policy) { p.Rules[sandbox.RuleMulticast] = sandbox.RuleSetting{} }})
	if deny := only.of(sandbox.KindDeny); len(deny) == 0 || deny[0].Rule != sandbox.RuleOption {
		t.Errorf("denials without rule multicast %+v, want the first by option", deny)
	}
}
