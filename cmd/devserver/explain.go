package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newExplain() *cobra.Command {
	var (
		profile string
		batch   string
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "explain [flags] NETWORK ADDRESS [ANSWERS]",
		Short: "what production does with a connection, by which rule, from which source",
		Long: `explain says what production does with a connection to ADDRESS (host:port) on NETWORK
(tcp, udp, unix, ...), which rule says so, and where that rule is written down. It asks no
resolver and contacts nobody. ANSWERS stand for what a resolver would say of the host:
addresses with commas between them.

With --batch it reads lines "network<TAB>address[<TAB>answers]" from FILE, - for standard
input, with the escapes \\ \t \n \r \xNN, and writes one JSON object a line. Empty answers
are a resolver that knows no address. A line that cannot be read gives an object with its
number and the error.

Exit status: 3 when production denies the connection, 0 otherwise and with --batch.`,
		Example: `  devserver explain tcp smtp.example.com:25
  devserver explain tcp db.example.com:5432 10.0.0.7
  printf 'tcp\t10.0.0.1:443\n' | devserver explain --batch -`,
		Args: func(c *cobra.Command, args []string) error {
			if batch != "" {
				return between(0, 0, "--batch takes its lines from the file alone")(c, args)
			}
			return between(2, 3, "NETWORK ADDRESS [ANSWERS] are wanted, such as: tcp 10.0.0.1:443")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			judge, err := devserver.NewJudge(profile)
			if err != nil {
				return usagef("%w", err)
			}
			if batch != "" {
				return explainFile(judge, batch, c.InOrStdin(), c.OutOrStdout())
			}
			return explainOne(c, judge, args, asJSON)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&profile, "profile", "appengine", "whose rules hold: a `NAME` of \"devserver profiles\", or a file")
	f.BoolVar(&asJSON, "json", false, "write one JSON object")
	f.StringVar(&batch, "batch", "", "judge the lines of this `FILE`, - for standard input")
	return c
}

func explainOne(c *cobra.Command, judge *devserver.Judge, args []string, asJSON bool) error {
	var answers []netip.Addr
	if len(args) == 3 {
		var err error
		if answers, err = parseAnswers(args[2]); err != nil {
			return usagef("%w", err)
		}
	}
	e := judge.Explain(args[0], args[1], answers)
	if asJSON {
		if err := lineWriter(c.OutOrStdout()).Encode(e); err != nil {
			return err
		}
	} else if err := showExplanation(c.OutOrStdout(), e); err != nil {
		return err
	}
	if e.Verdict == "deny" {
		return errDenied
	}
	return nil
}

// showExplanation prints a verdict for a person.
func showExplanation(w io.Writer, e devserver.Explanation) error {
	p := newPalette(w)
	verdict := map[string]string{
		"allow":  p.ok.Render("allowed"),
		"deny":   p.bad.Render("denied"),
		"report": p.warn.Render("let through and reported; production denies it"),
	}[string(e.Verdict)]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s by rule %s\n", clean(e.Network), clean(e.Address), verdict, p.strong.Render(string(e.Rule)))
	for _, row := range [][2]string{{"why", e.Reason}, {"error", e.Error}, {"do", e.Advice}, {"also", alsoBy(e)}, {"source", e.Source}} {
		if row[1] != "" {
			fmt.Fprintf(&b, "  %s %s\n", p.dim.Render(fmt.Sprintf("%-8s", row[0])), clean(row[1]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// alsoBy names the further rules that speak against it.
func alsoBy(e devserver.Explanation) string {
	var rules []string
	for _, r := range e.Also {
		rules = append(rules, string(r))
	}
	if len(rules) == 0 {
		return ""
	}
	return "denied by rule " + strings.Join(rules, ", ") + " too"
}

// lineWriter writes JSON as one object a line, with addresses as they are: < and & stay themselves.
func lineWriter(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
