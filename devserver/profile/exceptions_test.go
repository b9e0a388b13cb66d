package profile

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

func TestExceptions(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "mine.yaml", `
exceptions:
  - {host: db.example.com, ports: [5432, 5433], rules: [private], source: the office}
  - {host: "*.corp.example", network: tcp, rules: [private, port25], mode: report}
  - {address: 10.1.2.3, ports: [80], rules: [private], mode: off}
  - {address: 10.1.0.0/16, rules: [private]}
  - {ports: [25], rules: [port25]}
  - {host: www.google.com, ports: [443]}
`)
	p := policyOf(t, file)
	want := []sandbox.Exception{
		{Host: "db.example.com", Ports: []uint16{5432, 5433}, Rules: []sandbox.Rule{"private"}, Source: "the office"},
		{Host: "*.corp.example", Network: "tcp", Rules: []sandbox.Rule{"private", "port25"}, Mode: "report", Source: file + ":4:5"},
		{Addr: netip.MustParseAddr("10.1.2.3"), Ports: []uint16{80}, Rules: []sandbox.Rule{"private"}, Mode: "off", Source: file + ":5:5"},
		{Prefix: netip.MustParsePrefix("10.1.0.0/16"), Rules: []sandbox.Rule{"private"}, Source: file + ":6:5"},
		{Ports: []uint16{25}, Rules: []sandbox.Rule{"port25"}, Source: file + ":7:5"},
		{Host: "www.google.com", Ports: []uint16{443}, Source: file + ":8:5"},
	}
	want = append(want, policyOf(t, "appengine").Exceptions...)
	if !reflect.DeepEqual(p.Exceptions, want) {
		t.Errorf("exceptions\n%+v\nwant\n%+v", p.Exceptions, want)
	}
	j, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	e := j.Explain("tcp", "10.1.9.9:443", nil)
	if e.Rule != sandbox.RuleWhitelist || e.Source != file+":6:5" {
		t.Errorf("10.1.9.9:443 is %s by %s from %s, want whitelist from line 6", e.Verdict, e.Rule, e.Source)
	}
}

// TestExceptionsAreAdded holds what of the lists of several files counts.
func TestExceptionsAreAdded(t *testing.T) {
	t.Parallel()
	inherited := len(policyOf(t, "appengine").Exceptions)
	for _, tt := range []struct {
		name, base, own string
		want            int
		first           string // host of the first
	}{
		{"own come first", "exceptions: [{host: base.example, ports: [1]}]\n", "exceptions: [{host: own.example, ports: [1]}]\n", inherited + 2, "own.example"},
		{"nothing said", "exceptions: [{host: base.example, ports: [1]}]\n", "summary: x\n", inherited + 1, "base.example"},
		{"nothing behind the colon", "exceptions: [{host: base.example, ports: [1]}]\n", "exceptions:\n", inherited + 1, "base.example"},
		{"none", "exceptions: [{host: base.example, ports: [1]}]\n", "exceptions: []\n", 0, ""},
		{"own alone", "exceptions: []\n", "exceptions: [{host: own.example, ports: [1]}]\n", 1, "own.example"},
		{"the same again", "exceptions: [{host: base.example, ports: [1], source: a}]\n", "exceptions: [{host: base.example, ports: [1], source: b}]\n", inherited + 1, "base.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "base.yaml", tt.base)
			p := policyOf(t, write(t, dir, "own.yaml", "extends: base.yaml\n"+tt.own))
			if len(p.Exceptions) != tt.want || tt.want > 0 && p.Exceptions[0].Host != tt.first {
				t.Errorf("%d exceptions, want %d with %q first: %+v", len(p.Exceptions), tt.want, tt.first, p.Exceptions)
			}
		})
	}
}

func TestErrorStyle(t *testing.T) {
	t.Parallel()
	if got := policyOf(t, "").Errors; got != "errno" {
		t.Errorf("appengine has errors %q, want errno", got)
	}
	dir := t.TempDir()
	write(t, dir, "base.yaml", "errors: classic\n")
	if got := policyOf(t, write(t, dir, "own.yaml", "extends: base.yaml\n")).Errors; got != "classic" {
		t.Errorf("errors %q, want classic", got)
	}
}

// TestRoundTrip sees that the text of a built-in profile, read as a user's file, is the same profile.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		copied := policyOf(t, write(t, t.TempDir(), "copy.yaml", p.Text()))
		if want := policyOf(t, name); !reflect.DeepEqual(copied, want) {
			t.Errorf("%s as a file:\n%+v\nwant\n%+v", name, copied, want)
		}
	}
}

// TestEndlessFile sees that a file without an end is refused.
func TestEndlessFile(t *testing.T) {
	t.Parallel()
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "larger than 64 KiB") {
		t.Errorf("Load of a device: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "gone.yaml")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("Load of nothing: %v", err)
	}
}
