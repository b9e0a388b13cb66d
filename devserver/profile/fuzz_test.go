package profile

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// FuzzProfile holds that every text is a profile whose policy compiles, or a list of mistakes each with its place.
func FuzzProfile(f *testing.F) {
	for _, name := range names {
		text, err := builtin.ReadFile("profiles/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{
		"", "#", "extends: open\n", "extends: p.yaml\n", "rules: {all: &a report, listen: *a, ftp: *b}\n", "quotas: {send: {per_day: 9223372036854775808}}\n",
		"exceptions: [{address: ::ffff:1.2.3.4/120, rules: [private]}, {host: '*.a', ports: [1]}, {ports: [0x1]}, null, [], {}]\n",
		"exceptions: &x [*x]\n", "reclaim: {idle: 1h, source: |\n  x\n}", "errors: [classic]\n", "? a\n: b\n", "--- \n...\n---\n", "deadline: !!str 1s\n", "name: \x00\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parse("p.yaml", "p.yaml", data, []string{"p.yaml"})
		if err != nil {
			for _, one := range leaves(err) {
				if placed := (*yamlfile.Error)(nil); !errors.As(one, &placed) || placed.Message == "" || placed.Line == 0 && len(data) < 64<<10 && !strings.HasPrefix(placed.Message, "not YAML") {
					t.Fatalf("%q: a mistake without its place: %v", data, one)
				}
			}
			return
		}
		policy, err := p.Policy()
		if err != nil {
			t.Fatal(err)
		}
		j, err := policy.Compile()
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if e := j.Explain("tcp", "10.0.0.1:25", nil); !e.Rule.Known() || e.Verdict == sandbox.Deny && policy.Mode(e.Rule) != sandbox.ModeEnforce {
			t.Fatalf("%q: %+v", data, e)
		}
	})
}

// leaves takes joined errors apart.
func leaves(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, leaves(one)...)
	}
	return all
}
