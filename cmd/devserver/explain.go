package main

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// asked is what explain is asked: the rules by which it answers, and the form of the question.
type asked struct {
	under   devserver.JudgeOptions
	rule    string
	answers string
	resolve bool // answers were given, be they empty
	batch   string
	json    bool
}

func newExplain() *cobra.Command {
	var a asked
	c := &cobra.Command{
		Use:   "explain [flags] NETWORK ADDRESS [ANSWERS]",
		Short: "what production does with a connection, by which rule, from which source",
		Long: `explain says what production does with a connection to ADDRESS (host:port) on NETWORK
(tcp, udp, unix, ...), by which rule and why, what to do about it, which other rules speak
against it too, and where that is written down. It asks no resolver and contacts nobody.

A name is judged by the addresses it leads to. --answers stands for what a resolver would
say of it: addresses with commas between them, "" for a resolver that knows none. As third
argument they mean the same.

With --rule it explains a rule by itself: what production does, what a program is told, the
limits it goes by. That is also how one asks about what no address shows: listen, bind,
option, descriptor, quota, reclaimed, deadline.

The profile appengine judges. --profile names another; --config judges by the rules of a
devserver.yaml, as run does that finds it. A denial at the terminal of run ends with the
explain command that comes to the same rule.

With --batch it reads lines "network<TAB>address[<TAB>answers]" from FILE, - for standard
input, with the escapes \\ \t \n \r \xNN, and writes one JSON object a line. Empty answers
are a resolver that knows no address. A line that cannot be read gives an object with its
number and the error.

Exit status: 3 when production denies the connection; 0 otherwise, with --rule and with
--batch.`,
		Example: `  devserver explain tcp smtp.example.com:25
  devserver explain tcp db.example.com:5432 --answers 10.0.0.7
  devserver explain --rule reclaimed
  devserver explain --config devserver.yaml --rule quota
  printf 'tcp\t10.0.0.1:443\n' | devserver explain --batch -`,
		Args: func(c *cobra.Command, args []string) error {
			a.resolve = c.Flags().Changed("answers")
			return a.check(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			judge, err := devserver.NewJudge(a.under)
			switch {
			case err != nil:
				return usagef("%w", err)
			case a.batch != "":
				return explainFile(judge, a.batch, c.InOrStdin(), c.OutOrStdout())
			case a.rule != "":
				return explainRule(c, judge, devserver.Rule(a.rule), a.json)
			}
			return a.explainOne(c, judge, args)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&a.answers, "answers", "", "what a resolver says of the name: `ADDRESSES` with commas between them")
	f.StringVar(&a.rule, "rule", "", "explain this `RULE` by itself")
	f.StringVar(&a.under.Profile, "profile", "", "whose rules hold: a `NAME` of \"devserver profiles\", or a file (default appengine)")
	f.StringVar(&a.under.Config, "config", "", "judge by this devserver.yaml `FILE`, its profile and what it changes")
	f.StringVar(&a.under.App, "app", "", "of the apps in that file, judge by the rules of `NAME`")
	f.BoolVar(&a.under.NoBilling, "no-billing", false, "as an app without billing: every socket is refused")
	f.BoolVar(&a.json, "json", false, "write one JSON object")
	f.StringVar(&a.batch, "batch", "", "judge the lines of this `FILE`, - for standard input")
	return c
}

// check refuses questions that cannot be meant.
func (a *asked) check(c *cobra.Command, args []string) error {
	switch {
	case a.batch != "" && (a.rule != "" || a.resolve):
		return usagef("--batch takes its lines from the file alone; leave --rule and --answers out")
	case a.batch != "":
		return between(0, 0, "--batch takes its lines from the file alone")(c, args)
	case a.rule != "" && a.resolve:
		return usagef("--answers are those for a name, and --rule explains a rule by itself; give one of them")
	case a.rule != "" && !devserver.Rule(a.rule).Known():
		return usagef("--rule: there is no rule %q; there are %s", a.rule, strings.Join(ruleNames(), ", "))
	case a.rule != "":
		return between(0, 0, "--rule explains a rule by itself")(c, args)
	case a.resolve && len(args) == 3:
		return usagef("the answers are given twice, as %q and as --answers; give them once", args[2])
	}
	return between(2, 3, "NETWORK ADDRESS [ANSWERS] are wanted, such as: tcp 10.0.0.1:443")(c, args)
}

func ruleNames() []string {
	var names []string
	for _, r := range devserver.Rules() {
		names = append(names, string(r))
	}
	return names
}

func (a *asked) explainOne(c *cobra.Command, judge *devserver.Judge, args []string) error {
	if len(args) == 3 {
		a.answers, a.resolve = args[2], true
	}
	var answers []netip.Addr
	if a.resolve {
		var err error
		if answers, err = parseAnswers(a.answers); err != nil {
			return usagef("%w", err)
		}
	}
	e := judge.Explain(args[0], args[1], answers)
	if e.Rule == "unresolved" && !a.resolve {
		e.Advice = "Say what it resolves to: " + shellWords("devserver", "explain", args[0], args[1], "--answers", "93.184.216.34")
	}
	if a.json {
		if err := lineWriter(c.OutOrStdout()).Encode(e); err != nil {
			return err
		}
	} else if err := showExplanation(c.OutOrStdout(), e, a.under, judge.Profile()); err != nil {
		return err
	}
	if e.Verdict == "deny" {
		return errDenied
	}
	return nil
}

// showExplanation prints a verdict for a person.
func showExplanation(w io.Writer, e devserver.Explanation, under devserver.JudgeOptions, profile string) error {
	p := newPalette(w)
	verdict := map[string]string{
		"allow":  p.ok.Render("allowed"),
		"deny":   p.bad.Render("denied"),
		"report": p.warn.Render("let through and reported; production denies it"),
	}[string(e.Verdict)]
	s := sheet{p: p}
	s.line("%s %s: %s by rule %s", clean(e.Network), clean(e.Address), verdict, p.strong.Render(string(e.Rule)))
	s.row("why", e.Reason)
	s.row("error", e.Error)
	s.row("do", e.Advice)
	for _, r := range e.Also {
		s.row("also", "rule "+string(r)+" would speak: "+r.Title())
	}
	s.row("source", e.Source)
	s.row("profile", profile)
	s.row("more", explainCommand(under, "--rule", string(e.Rule)))
	return s.write(w)
}

// lineWriter writes JSON as one object a line, with addresses as they are: < and & stay themselves.
func lineWriter(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
