package main

import (
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func explainRule(c *cobra.Command, judge *devserver.Judge, r devserver.Rule, asJSON bool) error {
	e := judge.Rule(r)
	if asJSON {
		return lineWriter(c.OutOrStdout()).Encode(e)
	}
	return showRule(c.OutOrStdout(), e)
}

// ruleModes say what a mode means to a program.
var ruleModes = map[devserver.Mode]string{
	"enforce": "denies, as production does",
	"report":  "lets through and reports; production denies",
	"off":     "is not asked",
	"":        "allows",
}

// showRule prints a rule for a person.
func showRule(w io.Writer, e devserver.RuleExplanation) error {
	p := newPalette(w)
	s := sheet{p: p}
	s.line("rule %s: %s", p.strong.Render(string(e.Rule)), clean(e.Title))
	mode := ruleModes[e.Mode]
	if e.Mode != "" {
		mode = string(e.Mode) + ": " + mode
	}
	s.row("mode", mode+" (profile "+e.Profile+")")
	s.row("why", e.Reason)
	s.row("error", e.Error)
	for _, set := range e.Settings {
		s.row("set", set)
	}
	s.row("do", e.Advice)
	s.row("try", tryRule(e))
	s.row("source", e.Source)
	return s.write(w)
}

// tryRule is a command that shows the rule at work: a connection that it speaks about, or what was recorded of it.
func tryRule(e devserver.RuleExplanation) string {
	if x := e.Example; x != nil {
		args := []string{x.Network, x.Address}
		if x.Answers != nil {
			args = append(args, "--answers", addrList(x.Answers))
		}
		return explainCommand(devserver.JudgeOptions{NoBilling: e.Rule == "billing"}, args...)
	}
	switch e.Rule {
	case "quota":
		return "devserver quotas"
	case "reclaimed":
		return "devserver clock advance " + (e.Limit + time.Second).String()
	case "deadline":
		return "devserver events --rule deadline"
	}
	return "devserver denials --rule " + string(e.Rule)
}

func addrList(addrs []netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ",")
}
