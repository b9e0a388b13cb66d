package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// noAnswer stands for a resolver that knows no address; nothing at all stands for one that was not asked.
const noAnswer = "none"

// question is what /rules and /api/v1/explain are asked, as it was written.
type question struct {
	App, Network, Address, Answers string
	Asked                          bool // there is an address to explain, if only an empty one
}

// readQuestion reads it from a query. An address is whatever a program may write, so it is taken as it is.
func readQuestion(query url.Values, p *params) question {
	q := question{App: p.text("app"), Network: p.text("network"), Asked: query.Has("address")}
	q.Address, q.Answers = p.longText("address"), p.longText("answers")
	if q.Network == "" {
		q.Network = "tcp"
	}
	return q
}

// parseAnswers reads what a resolver says: addresses with commas or spaces between them. nil is a resolver that was not
// asked, empty one that knows no address.
func parseAnswers(text string) ([]netip.Addr, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	if len(words) == 0 {
		return nil, nil
	}
	if len(words) == 1 && words[0] == noAnswer {
		return []netip.Addr{}, nil
	}
	var answers []netip.Addr
	for _, word := range words {
		a, err := netip.ParseAddr(word)
		if err != nil {
			return nil, fmt.Errorf("%q is not an IP address; answers are addresses with commas between them, or %q", word, noAnswer)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// explainAnswer is an explanation with the command that says the same: what /api/v1/explain answers, which is what
// "devserver explain --json" says and more.
type explainAnswer struct {
	Explained
	App     string `json:"app"`
	Command string `json:"command"`
}

// Title is what the rule is about; its rule may be one of those that allow.
func (a explainAnswer) Title() string { return capital(a.Rule.Title()) }

// Word is the verdict for a person, and Look the dot before it.
func (a explainAnswer) Word() string {
	switch a.Verdict {
	case sandbox.Deny:
		return "denied"
	case sandbox.Report:
		return "let through and reported; production denies it"
	}
	return "allowed"
}

func (a explainAnswer) Look() string {
	return map[sandbox.Verdict]string{sandbox.Deny: "denied", sandbox.Report: "idle"}[a.Verdict]
}

// AlsoRules are the further rules with their titles.
func (a explainAnswer) AlsoRules() []ruleName {
	var names []ruleName
	for _, r := range a.Also {
		names = append(names, ruleName{string(r), r.Title()})
	}
	return names
}

type ruleName struct{ Rule, Title string }

// explain answers a question about an app's rules. Errors are for the person who asked.
func (app App) explain(q question) (explainAnswer, error) {
	answers, err := parseAnswers(q.Answers)
	if err != nil {
		return explainAnswer{}, err
	}
	if app.Explainer == nil {
		return explainAnswer{}, fmt.Errorf("the rules of %s are not known here", app.Name)
	}
	a := explainAnswer{Explained: app.Explainer.Explain(q.Network, q.Address, answers), App: app.Name}
	a.Command = explainCommand(app, q.Network, q.Address)
	if answers != nil {
		a.Command += " " + shellWord(joinAnswers(answers))
	}
	return a, nil
}

// joinAnswers writes answers as the command reads them.
func joinAnswers(answers []netip.Addr) string {
	var words []string
	for _, a := range answers {
		words = append(words, a.String())
	}
	return strings.Join(words, ",")
}

// apiExplain answers for ?network= (tcp) and ?address= by the rules of ?app= (the first). ?answers= are what the resolver
// says: addresses with commas between them, or none.
func (c *console) apiExplain(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	p := newParams(query)
	q := readQuestion(query, p)
	if err := p.err(); err != nil {
		return err
	}
	if !q.Asked {
		return problemf(http.StatusBadRequest, "No address", "address= is missing; ask as in ?network=tcp&address=10.0.0.7:443.")
	}
	app, err := pickApp(c.State(), q.App)
	if err != nil {
		return err
	}
	a, err := app.explain(q)
	if err != nil {
		return problemf(http.StatusBadRequest, "Not understood", "%v.", err)
	}
	writeJSON(w, http.StatusOK, a)
	return nil
}

// pickApp returns the app of that name, the first for "".
func pickApp(s State, name string) (App, error) {
	for _, app := range s.Apps {
		if name == "" || app.Name == name {
			return app, nil
		}
	}
	return App{}, noSuchApp(name, s.Apps)
}
