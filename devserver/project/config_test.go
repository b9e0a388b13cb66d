package project

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

func TestParseStandin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, production, local, builtin, label string }{
		{"db.example.com:5432=127.0.0.1:5432", "db.example.com:5432", "127.0.0.1:5432", "", "127.0.0.1:5432"},
		{"DB.Example.com.:5432=localhost:15432", "db.example.com:5432", "127.0.0.1:15432", "", "127.0.0.1:15432"},
		{"[2001:db8::1]:25=[::1]:2525", "[2001:db8::1]:25", "[::1]:2525", "", "[::1]:2525"},
		{"93.184.216.34:80=127.8.9.1:80", "93.184.216.34:80", "127.8.9.1:80", "", "127.8.9.1:80"},
		{"[::ffff:93.184.216.34]:80=127.0.0.1:80", "93.184.216.34:80", "127.0.0.1:80", "", "127.0.0.1:80"},
		{"127.0.0.1:5432", "", "127.0.0.1:5432", "", "127.0.0.1:5432"},
		{"whois.example.com:43=builtin:whois", "whois.example.com:43", "", "whois", "builtin:whois"},
		{"mail:25=builtin:smtp", "mail:25", "", "smtp", "builtin:smtp"},
		{"echo.example.com:7=builtin:echo", "echo.example.com:7", "", "echo", "builtin:echo"},
		{"billing.example.com:443=app:billing", "billing.example.com:443", "", "", "app:billing"},
	} {
		s, err := ParseStandin(tt.in)
		if err != nil {
			t.Errorf("ParseStandin(%q): %v", tt.in, err)
			continue
		}
		if s.Production() != tt.production || s.Local != tt.local || s.Builtin != tt.builtin || s.Label != tt.label {
			t.Errorf("ParseStandin(%q) = %+v", tt.in, s)
		}
	}
}

func TestParseStandinRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", `"" has no port`},
		{"=127.0.0.1:1", "nothing before the ="},
		{"db.example.com:5432", `"db.example.com:5432" is not on this machine`},
		{"10.0.0.1:5432", "a production address goes before: db.example.com:5432=127.0.0.1:5432"},
		{"db.example.com=127.0.0.1:5432", `"db.example.com" has no port`},
		{"db.example.com:5432=10.0.0.1:5432", `"10.0.0.1:5432" is not on this machine; write something like 127.0.0.1:5432`},
		{"db.example.com:5432=127.0.0.1", `"127.0.0.1" has no port`},
		{"db.example.com:0=127.0.0.1:1", `port "0" is no number from 1 to 65535`},
		{"db.example.com:4294967321=127.0.0.1:1", `port "4294967321" is no number`},
		{"db.example.com:smtp=127.0.0.1:1", `port "smtp" is no number`},
		{"::1:80=127.0.0.1:1", "an IPv6 address needs brackets"},
		{"[fe80::1%eth0]:80=127.0.0.1:1", "a zone (%eth0) means nothing"},
		{"a b:80=127.0.0.1:1", `"a b" is neither a host name nor an address`},
		{"a..b:80=127.0.0.1:1", "neither a host name"},
		{":80=127.0.0.1:1", "has no host"},
		{"a:80=[::1%lo]:1", "is not on this machine"},
		{"whois.example.com:43=builtin:gopher", `no built-in peer "gopher"; there are builtin:echo, builtin:whois, builtin:smtp`},
		{"app:billing", "app:billing stands in for nothing; write HOST:PORT=app:billing"},
		{"billing.example.com:80=app:", `"app:" names no app; write app:NAME`},
		{"builtin:echo", "builtin:echo stands in for nothing; write HOST:PORT=builtin:echo"},
	} {
		if s, err := ParseStandin(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseStandin(%q) = %+v, %v\nwant %q", tt.in, s, err, tt.want)
		}
	}
}

func TestMergeStandins(t *testing.T) {
	t.Parallel()
	parse := func(texts ...string) (all []Standin) {
		for _, s := range texts {
			st, err := ParseStandin(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, st)
		}
		return all
	}
	file, err := newStandin("db:1", "93.184.216.34", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := MergeStandins([]Standin{file}, parse("db:1=127.0.0.1:9", "db:2=builtin:echo", "127.0.0.1:7", "127.0.0.1:7"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range got {
		lines = append(lines, s.Production()+" "+s.Label+" "+s.Address.String())
	}
	want := "db:1 127.0.0.1:9 93.184.216.34|db:2 builtin:echo 93.184.216.34| 127.0.0.1:7 invalid IP"
	if strings.Join(lines, "|") != want {
		t.Errorf("MergeStandins = %s\nwant %s", strings.Join(lines, "|"), want)
	}
	other := file
	other.Port, other.Address = 2, other.Address.Next()
	if _, err := MergeStandins([]Standin{file, other}, nil); err == nil || !strings.Contains(err.Error(), "give it once") {
		t.Errorf("two addresses for one host: %v", err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := tree(t, `
-- devserver.yaml --
# a comment
profile: ./mine.yaml
billing: false
rules: {listen: report}
quotas:
  connect: {per_minute: 5, per_day: 100}
reclaim: {idle: 2m}
errors: classic
exceptions:
  - {host: "*.corp.example", ports: [5432], rules: [private], mode: report}
standins:
  - {production: "db.example.com:5432", address: 93.184.216.34, local: "127.0.0.1:5432"}   # address: optional
  - whois.example.com:43=builtin:whois
  - local: 127.0.0.1:6379
apps:
  - {name: orders, path: ./orders, addr: "127.0.0.1:8080", env: &e {DB: "db.example.com:5432", N: 08}}
  - path: billing
    env: *e
-- mine.yaml --
extends: open
`)
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	o := c.Overrides
	if c.Profile != dir+"/mine.yaml" || *o.Billing || o.Rules[sandbox.RuleListen].Mode != sandbox.ModeReport || *o.Quotas["connect"].PerDay != 100 || *o.Idle != 2*time.Minute {
		t.Errorf("profile %q, overrides %+v", c.Profile, o)
	}
	x := []sandbox.Exception{{Host: "*.corp.example", Ports: []uint16{5432}, Rules: []sandbox.Rule{"private"}, Mode: "report", Source: filepath.Join(dir, ConfigName) + ":10:5"}}
	if o.Errors != "classic" || !reflect.DeepEqual(o.Exceptions, x) {
		t.Errorf("errors %q, exceptions %+v, want %+v", o.Errors, o.Exceptions, x)
	}
	if len(c.Standins) != 3 || c.Standins[0].Address.String() != "93.184.216.34" || c.Standins[1].Builtin != "whois" || c.Standins[2].Host != "" {
		t.Errorf("standins = %+v", c.Standins)
	}
	env := map[string]string{"DB": "db.example.com:5432", "N": "08"}
	want := []AppConfig{
		{Name: "orders", Path: dir + "/orders", Addr: "127.0.0.1:8080", Settings: Settings{Env: env}},
		{Path: dir + "/billing", Settings: Settings{Env: env}},
	}
	for i := range c.Apps {
		c.Apps[i].Position, c.Apps[i].at = Position{}, nil
	}
	if !reflect.DeepEqual(c.Apps, want) {
		t.Errorf("apps = %+v, want %+v", c.Apps, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, yaml, want string }{
		{"not a mapping", "- a\n", `1:1: devserver.yaml wants keys with values (key: value), not a list`},
		{"unknown key", "standins: []\nstandin: []\n", `2:1: devserver.yaml has no key "standin"; it has `},
		{"no such profile", "profile: appengin\n", `1:10: profile "appengin" does not exist; there are appengine, `},
		{"no such profile file", "profile: ./x.yaml\n", "1:10: profile "},
		{"no such rule", "rules: {lisen: off}\n", `1:9: rules has no key "lisen"; it has `},
		{"no such mode", "rules:\n  listen: deny\n", `2:11: rule listen: "deny" is no mode; accepted: enforce, report, off`},
		{"billing", "billing: yes\n", `1:10: billing: "yes" is neither true nor false`},
		{"no such quota", "quotas: {dial: {per_day: 1}}\n", `quotas has no key "dial"; it has `},
		{"no amount", "quotas: {connect: {per_day: many}}\n", "1:29: quota connect: per_day: "},
		{"no duration", "reclaim: {idle: long}\n", "1:17: reclaim: "},
		{"exception", "exceptions:\n  - host: db.example.com\n    rules: [billing]\n", `3:13: rules: there is no exception to "billing"; accepted: port25, ftp, `},
		{"errors", "errors: [classic]\n", "1:9: errors wants a text, not a list"},
		{"unknown key inside", "apps:\n  - {path: ., prot: 1}\n", `2:15: an app has no key "prot"; it has name, path, addr, profile, `},
		{"no path", "apps:\n  - name: a\n", "2:5: an app wants path"},
		{"bad name", "apps:\n  - {name: ../a, path: .}\n", `app name "../a"`},
		{"twice", "apps:\n  - path: a\n  - {path: b, name: a}\n", `3:5: a second app with the name "a"`},
		{"bad addr", "apps:\n  - {path: a, addr: 8080}\n", `addr: "8080" has no port (host:port); write something like 127.0.0.1:8080`},
		{"apps no list", "apps: {path: a}\n", "1:7: apps wants a list (lines that begin with -), not keys with values"},
		{"env value", "apps:\n  - path: a\n    env: {A: [1]}\n", "3:14: env.A wants a text, not a list"},
		{"env empty", "apps:\n  - path: a\n    env: {A: }\n", "env.A wants a text, not nothing"},
		{"env name", "apps:\n  - path: a\n    env: {A=B: c}\n", `"A=B" cannot be a variable's name`},
		{"stand-in", "standins:\n  - {production: 'db:1', local: '10.0.0.1:5'}\n", `2:5: local address "10.0.0.1:5" is not on this machine`},
		{"no local", "standins:\n  - {production: 'db:1'}\n", "a stand-in wants local: 127.0.0.1:5432, or one of builtin:echo, builtin:whois, builtin:smtp"},
		{"app without production", "standins:\n  - {local: 'app:billing'}\n", "a stand-in wants production"},
		{"no production", "standins:\n  - {local: 'builtin:echo'}\n", "a stand-in wants production"},
		{"bad address", "standins:\n  - {production: 'db:1', address: '1.2.3', local: '127.0.0.1:5'}\n", `address "1.2.3" is no IP address`},
		{"other address", "standins:\n  - {production: '1.2.3.4:1', address: '1.2.3.5', local: '127.0.0.1:5'}\n", "leave it out"},
		{"same twice", "standins:\n  - a:1=builtin:echo\n  - A.:1=builtin:whois\n", "3:5: a second stand-in for a:1"},
		{"two addresses", "standins:\n  - {production: 'a:1', address: 1.1.1.1, local: 'builtin:echo'}\n  - {production: 'a:2', address: 1.1.1.2, local: 'builtin:echo'}\n", "3:5: stand-ins: a has the address"},
		{"syntax", "apps: [\n", "1:7: "},
		{"duplicate key", "apps: []\napps: []\n", `2:1: mapping key "apps" already defined`},
		{"two documents", "apps: []\n---\napps: []\n", "3:1: a second document"},
		{"alias of nothing", "apps: *a\n", ""},
		{"tab", "apps:\n\t- path: a\n", ""},
		{"binary", "\x00\x01\x02", ""},
		{"too large", strings.Repeat("# comment\n", 8<<10), "larger than 64 KiB"},
		{"too deep", strings.Repeat("[", 1000), "1:51: nested too deeply"},
		{"too many entries", strings.Repeat("- ", 1000), "nested too deeply"},
		{"too many anchors", strings.Repeat("&a\n", 1000), "nested too deeply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), ConfigName)
			if err := os.WriteFile(file, []byte(tt.yaml), 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := Load(file)
			if tt.want == "" && err == nil {
				return // accepted or refused, it only must not panic
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("Load = %+v, %v\nwant %s:%s", c, err, file, tt.want)
			}
		})
	}
}

func TestLoadTellsAllErrors(t *testing.T) {
	t.Parallel()
	dir := tree(t, "-- devserver.yaml --\nstandin: 1\napps:\n  - {path: a, prot: 1}\n  - {}\n")
	_, err := Load(filepath.Join(dir, ConfigName))
	if n := strings.Count(err.Error(), ConfigName+":"); n != 3 {
		t.Errorf("Load tells %d errors, want 3:\n%v", n, err)
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	dir := tree(t, `
-- devserver.yaml --
-- m/go.mod --
module m
-- m/devserver.yaml --
apps: []
-- m/a/b/x.go --
package b
-- n/go.mod --
module n
-- n/a/x.go --
package a
-- o/x.go --
package o
-- f/go.mod --
module f
-- f/devserver.yaml/x --
`)
	for _, tt := range []struct{ flag, dir, want string }{
		{"", "m/a/b", "m/devserver.yaml"},
		{"", "m", "m/devserver.yaml"},
		{"", "n/a", ""}, // the file above the module's root is not its
		{"", "o", ""},   // no module: nothing above
		{"devserver.yaml", "m", "devserver.yaml"},
	} {
		flag := tt.flag
		if flag != "" {
			flag = filepath.Join(dir, flag)
		}
		c, err := Locate(flag, filepath.Join(dir, tt.dir))
		if err != nil {
			t.Errorf("Locate(%q, %q): %v", tt.flag, tt.dir, err)
			continue
		}
		want := tt.want
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if c.File != want {
			t.Errorf("Locate(%q, %q) = %q, want %q", tt.flag, tt.dir, c.File, want)
		}
	}
	if _, err := Locate("nowhere.yaml", dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Errorf("Locate of a missing --config: %v", err)
	}
	if _, err := Locate("", filepath.Join(dir, "f")); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Locate of a folder: %v", err)
	}
}

func TestSplitFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" -race\t-tags=a,b ", []string{"-race", "-tags=a,b"}},
		{`'-ldflags=-X main.v=1 -s' "-gcflags=-N -l"`, []string{"-ldflags=-X main.v=1 -s", "-gcflags=-N -l"}},
	} {
		if got, err := SplitFlags(tt.in); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("SplitFlags(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	if _, err := SplitFlags("'-a"); err == nil {
		t.Error("SplitFlags takes an open quote")
	}
	values, rest := TakeFlag([]string{"-x", "-ldflags", "a", "--ldflags=b", "ldflags=c", "-ldflags"}, "ldflags")
	if strings.Join(values, " ") != "a b" || strings.Join(rest, " ") != "-x ldflags=c" {
		t.Errorf("TakeFlag = %q, %q", values, rest)
	}
}

// FuzzConfig: whatever stands in a devserver.yaml, reading it ends, without a panic, and what was read is a policy.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{"apps: []", "apps: [{path: a, env: {A: 1}, watch: {extra: [a]}, drain: 1s}]", "keep: [1, {a: b}]\nenv: &e {A: *e}", "build_flags: 'a\"'", "otlp_headers: {? [a] : b}", "a: &a [*a]", "standins: [*x]", "? [a]: b", "<<: {apps: []}", "profile: !!str a", "rules: {listen: report}", "exceptions: [{host: '*.a', rules: [private]}]\nerrors: classic", strings.Repeat("[", 5000), strings.Repeat("- ", 5000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, root, err := yamlfile.Parse("/devserver.yaml", data)
		if err != nil {
			return
		}
		if c, err := read("/devserver.yaml", document{d}, root); (c == nil) == (err == nil) {
			t.Errorf("read = %v, %v", c, err)
		} else if err == nil {
			policy := &sandbox.Policy{}
			c.Overrides.Apply(policy)
			if _, err := policy.Compile(); err != nil {
				t.Errorf("what was read of %q does not compile: %v", data, err)
			}
		}
	})
}
