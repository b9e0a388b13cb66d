package profile

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// sharedData returns the folder of the case tables, which lies beside the project or beside a folder around it.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data := filepath.Join(dir, "shared", "data")
		if _, err := os.Stat(filepath.Join(data, "address-cases.tsv")); err == nil {
			return data
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the case tables (shared/data) are missing beside the project")
	}
	t.Skip("the case tables (shared/data) are missing beside the project; CI has them")
	return ""
}

// addressCase is a row of a case table.
type addressCase struct {
	input, network, verdict string
	rule                    sandbox.Rule
	answers                 []netip.Addr   // of the first look-up; nil when the table has none
	later                   [][]netip.Addr // of the look-ups after it
	line                    string
}

func readCases(t testing.TB, name string) []addressCase {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData(t), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []addressCase
	in := bufio.NewScanner(f)
	in.Scan()
	columns := strings.Split(in.Text(), "\t")
	for n := 2; in.Scan(); n++ {
		c := addressCase{line: name + ":" + strconv.Itoa(n)}
		for i, field := range strings.Split(in.Text(), "\t") {
			switch columns[i] {
			case "input":
				if c.input, err = strconv.Unquote(`"` + strings.ReplaceAll(field, `"`, `\"`) + `"`); err != nil {
					t.Fatalf("%s: %q: %v", c.line, field, err)
				}
			case "network":
				c.network = field
			case "answers":
				lookups := readAnswers(t, field)
				c.answers, c.later = lookups[0], lookups[1:]
			case "expected":
				c.verdict = field
			case "rule":
				c.rule = sandbox.Rule(field)
			}
		}
		cases = append(cases, c)
	}
	if err := in.Err(); err != nil || len(cases) == 0 {
		t.Fatalf("%s: %d cases, %v", name, len(cases), err)
	}
	return cases
}

// readAnswers reads the answers of each look-up.
func readAnswers(t testing.TB, field string) (lookups [][]netip.Addr) {
	t.Helper()
	for lookup := range strings.SplitSeq(field, ";") {
		answers := []netip.Addr{}
		for text := range strings.SplitSeq(lookup, ",") {
			if text != "" {
				answers = append(answers, netip.MustParseAddr(text))
			}
		}
		lookups = append(lookups, answers)
	}
	return lookups
}

func judge(t testing.TB, name string) *sandbox.Judge {
	t.Helper()
	p, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	j, err := policy.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// tables are the case tables of the built-in profile.
var tables = []string{"address-cases.tsv", "address-cases-ambiguous.tsv", "dns-cases.tsv", "dns-cases-ambiguous.tsv"}

// TestCases holds the built-in profile against the tables: the verdict of every row, and the rule of every row whose
// text says which address it means.
func TestCases(t *testing.T) {
	t.Parallel()
	j := judge(t, "appengine")
	for _, name := range tables {
		for _, c := range readCases(t, name) {
			e := j.Explain(c.network, c.input, c.answers)
			if string(e.Verdict) != c.verdict {
				t.Errorf("%s: %s %q = %s by %s, want %s by %s", c.line, c.network, c.input, e.Verdict, e.Rule, c.verdict, c.rule)
			} else if e.Rule != c.rule && (c.answers != nil || literal(c.input)) {
				t.Errorf("%s: %s %q = %s by %s, want by %s", c.line, c.network, c.input, e.Verdict, e.Rule, c.rule)
			}
			if e.Reason == "" || e.Source == "" || (e.Verdict == sandbox.Deny) != (e.Error != "" && e.Advice != "") {
				t.Errorf("%s: %s %q: incomplete: %+v", c.line, c.network, c.input, e)
			}
		}
	}
}

func literal(input string) bool {
	_, err := netip.ParseAddrPort(input)
	return err == nil
}

// TestReportLetsThrough holds the same rows against a profile that only reports.
func TestReportLetsThrough(t *testing.T) {
	t.Parallel()
	p, err := Load("appengine")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	(&Overrides{Rules: map[sandbox.Rule]sandbox.RuleSetting{All: {Mode: sandbox.ModeReport}}}).Apply(policy)
	j, err := policy.Compile()
	if err != nil {
		t.Fatal(err)
	}
	strict, open := judge(t, "appengine"), judge(t, "open")
	for _, c := range readCases(t, "address-cases.tsv") {
		want, got := strict.Explain(c.network, c.input, c.answers), j.Explain(c.network, c.input, c.answers)
		if want.Verdict == sandbox.Deny {
			want.Verdict = sandbox.Report
		}
		if got.Verdict != want.Verdict || got.Rule != want.Rule || got.Error != "" {
			t.Errorf("%s: %s %q = %s by %s (%s), want %s by %s", c.line, c.network, c.input, got.Verdict, got.Rule, got.Error, want.Verdict, want.Rule)
		}
		if e := open.Explain(c.network, c.input, c.answers); e.Verdict != sandbox.Allow {
			t.Errorf("%s: %s %q = %s by %s in profile open", c.line, c.network, c.input, e.Verdict, e.Rule)
		}
	}
}
