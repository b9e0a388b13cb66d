package devserver

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

func newJudge(t testing.TB, o JudgeOptions) *Judge {
	t.Helper()
	j, err := NewJudge(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestRulesAreExplained holds that each rule is explained in full, in each profile, and that its example leads to it.
func TestRulesAreExplained(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		j := newJudge(t, JudgeOptions{Profile: p.Name})
		for _, r := range sandbox.Rules {
			e := j.Rule(r)
			if e.Rule != r || e.Title == "" || e.Reason == "" || e.Source == "" || e.Profile != p.Name {
				t.Errorf("%s: %s is not explained in full: %+v", p.Name, r, e)
			}
			if told := e.Error != "" && e.Advice != "" && e.Mode != ""; told == r.Allows() {
				t.Errorf("%s: %s: mode %q, error %q, advice %q", p.Name, r, e.Mode, e.Error, e.Advice)
			}
			if strings.Contains(e.Reason, `""`) {
				t.Errorf("%s: %s speaks of nothing: %s", p.Name, r, e.Reason)
			}
		}
	}
	strict, free := newJudge(t, JudgeOptions{}), newJudge(t, JudgeOptions{NoBilling: true})
	for _, r := range sandbox.Rules {
		e := strict.Rule(r)
		if e.Example == nil {
			if !slices.Contains([]Rule{"listen", "bind", "quota", "descriptor", "option", "reclaimed", "deadline"}, r) {
				t.Errorf("%s has no example", r)
			}
			continue
		}
		j := strict
		if r == sandbox.RuleBilling {
			j = free
		}
		if got := j.Explain(e.Example.Network, e.Example.Address, e.Example.Answers); got.Rule != r {
			t.Errorf("the example of %s, %+v, is answered by %s", r, *e.Example, got.Rule)
		}
	}
}

// TestRuleErrors holds the errors against those that the documents and the design name.
func TestRuleErrors(t *testing.T) {
	t.Parallel()
	j := newJudge(t, JudgeOptions{})
	for r, want := range map[Rule]string{
		"billing":    "The Socket API will be enabled for this application once billing has been enabled in the admin console.",
		"network":    "connect: permission denied",
		"listen":     "listen: permission denied",
		"bind":       "bind: permission denied",
		"port25":     "connect: permission denied",
		"private":    "connect: permission denied",
		"google":     "connect: permission denied",
		"unresolved": "no such host",
		"quota":      "The API call remote_socket.Connect() required more quota than is available.",
		"option":     "setsockopt: permission denied",
		"reclaimed":  "read: broken pipe",
		"deadline":   "The API call remote_socket.Receive() took too long to respond and was cancelled.",
	} {
		if got := j.Rule(r).Error; got != want {
			t.Errorf("%s: error %q, want %q", r, got, want)
		}
	}
}

// TestRuleErrorsClassic holds that a profile's own set of texts is told: those of facts 2, the Go column.
func TestRuleErrorsClassic(t *testing.T) {
	t.Parallel()
	j := newJudge(t, JudgeOptions{})
	j.policy.Errors = sandbox.ErrorsClassic
	for r, want := range map[Rule]string{
		"billing":   "Call error 7: The Socket API will be enabled for this application once billing has been enabled in the admin console.",
		"private":   "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to access a blocked recipient without permission.",
		"bind":      "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to bind port without permission.",
		"quota":     "Over quota: The API call remote_socket.Connect() required more quota than is available.",
		"option":    "API error 5 (remote_socket: PERMISSION_DENIED): Attempt to set blocked socket option.",
		"reclaimed": "API error 7 (remote_socket: SOCKET_CLOSED)",
		"deadline":  "Call error 12: The API call remote_socket.Receive() took too long to respond and was cancelled. (timeout)",
	} {
		if got := j.Rule(r).Error; got != want {
			t.Errorf("%s: error %q, want %q", r, got, want)
		}
	}
	if e := j.Rule("option"); !strings.Contains(e.Reason, "SO_KEEPALIVE") {
		t.Errorf("option: %q does not name those that there are", e.Reason)
	}
}

func TestRuleSettings(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"devserver.yaml": "profile: appengine-php\nbilling: false\nquotas: {connect: {per_minute: 5}, bytes_sent: {per_day: unlimited}}\nreclaim: {idle: 90s}\ndeadline: never\n"})
	plain, own := newJudge(t, JudgeOptions{}), newJudge(t, JudgeOptions{Config: dir + "/devserver.yaml"})
	for _, tt := range []struct {
		j    *Judge
		rule Rule
		want string // one of the settings
	}{
		{plain, "quota", "connect: 4,800 a minute, 864,000 a day"},
		{plain, "quota", "bytes_sent: 113 MiB a minute, 20 GiB a day"},
		{plain, "reclaimed", "idle for more than 2m"},
		{plain, "deadline", "an operation of more than 1m"},
		{plain, "billing", "the app has billing, so the rule does not speak"},
		{plain, "whitelist", "smtp.gmail.com port 465, 587 tcp"},
		{plain, "whitelist", "8.8.8.8 port 53"},
		{own, "quota", "connect: 5 a minute, 864,000 a day"},
		{own, "quota", "bytes_sent: 113 MiB a minute, unlimited a day"},
		{own, "reclaimed", "idle for more than 1m30s"},
		{own, "deadline", "an operation of more than any time: the profile sets no limit"},
		{own, "billing", "the app has no billing"},
	} {
		if got := tt.j.Rule(tt.rule).Settings; !slices.Contains(got, tt.want) {
			t.Errorf("%s by %s: %q, want %q", tt.rule, tt.j.Profile(), got, tt.want)
		}
	}
}

// TestUnder holds that the options a run passes on to explain judge as the run does, and that there are no more of
// them than that takes.
func TestUnder(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"go.mod": "module example.com/shop\n\ngo 1.25\n", "main.go": "package main\n\nfunc main() {}\n",
		"apps.yaml":   "apps: [{path: .}]\nrules: {ftp: enforce}\n", // as it is anyway
		"php.yaml":    "profile: appengine-php\n",
		"lax.yaml":    "rules: {private: report}\n",
		"both.yaml":   "profile: appengine-php\nbilling: false\n",
		"mine.yaml":   "name: ours\nrules: {private: \"off\"}\n",
		"uses.yaml":   "profile: mine.yaml\n",
		"quotas.yaml": "quotas: {send: {per_day: 3}}\n",
	})
	in := func(name string) string { return dir + "/" + name }
	for _, tt := range []struct {
		o    Options
		want JudgeOptions
	}{
		{Options{}, JudgeOptions{}},
		{Options{Profile: "appengine"}, JudgeOptions{}},
		{Options{Config: in("apps.yaml")}, JudgeOptions{}},
		{Options{Config: in("php.yaml")}, JudgeOptions{Profile: "appengine-php"}},
		{Options{Config: in("php.yaml"), Profile: "open"}, JudgeOptions{Profile: "open"}},
		{Options{Config: in("php.yaml"), Profile: "appengine"}, JudgeOptions{}},
		{Options{Config: in("lax.yaml")}, JudgeOptions{Config: in("lax.yaml")}},
		{Options{Config: in("quotas.yaml")}, JudgeOptions{Config: in("quotas.yaml")}},
		{Options{Config: in("both.yaml")}, JudgeOptions{Config: in("both.yaml")}},
		{Options{Config: in("both.yaml"), Profile: "appengine"}, JudgeOptions{Config: in("both.yaml"), Profile: "appengine"}},
		{Options{Config: in("uses.yaml")}, JudgeOptions{Profile: in("mine.yaml")}}, // not "ours", which nobody could load
		{Options{NoBilling: true}, JudgeOptions{NoBilling: true}},
		{Options{NoBilling: true, Config: in("both.yaml")}, JudgeOptions{NoBilling: true, Config: in("both.yaml")}},
	} {
		tt.o.Dirs = []string{dir}
		p, err := newPlan(t.Context(), &tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if p.apps[0].under != tt.want {
			t.Errorf("%+v: explain is given %+v, want %+v", tt.o, p.apps[0].under, tt.want)
		}
		j := newJudge(t, p.apps[0].under)
		if got, want := asJSON(t, j.policy), asJSON(t, p.apps[0].policy); got != want {
			t.Errorf("%+v: explain judges by\n%s\nand the app runs under\n%s", tt.o, got, want)
		}
	}
}

// TestJudgeKnowsStandins holds that a name of devserver.yaml needs no answers.
func TestJudgeKnowsStandins(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"devserver.yaml": "standins:\n  - {production: \"db.example.com:5432\", address: 10.0.0.7, local: \"127.0.0.1:5432\"}\n  - \"other.example.com:80=127.0.0.1:80\"\n"})
	j := newJudge(t, JudgeOptions{Config: dir + "/devserver.yaml"})
	for _, tt := range []struct{ address, want string }{
		{"db.example.com:5432", "private"},
		{"DB.example.com.:5432", "private"},
		{"db.example.com:25", "port25"},
		{"other.example.com:80", "unresolved"},
		{"93.184.216.34:80", "public"},
	} {
		if got := j.Explain("tcp", tt.address, nil); string(got.Rule) != tt.want {
			t.Errorf("%s is answered by %s, want %s", tt.address, got.Rule, tt.want)
		}
	}
	if got := j.Explain("tcp", "db.example.com:5432", addrs("93.184.216.34")); got.Rule != "public" {
		t.Errorf("answers that are given do not count: %s", got.Rule)
	}
	var none *UsageError
	if _, err := NewJudge(JudgeOptions{Config: dir + "/missing.yaml"}); err == nil || errors.As(err, &none) {
		t.Errorf("a missing devserver.yaml: %v", err)
	}
}

// files writes files into a folder of its own and returns that.
func files(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}
