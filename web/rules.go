package web

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// rulesData is all that templates/rules.html may name.
type rulesData struct {
	frame
	Ask        question
	Wrong      string         // why it is not understood
	Answer     *explainAnswer // nil: nothing was asked
	App        App
	Rules      []ruleRow
	Exceptions []exceptionRow
}

// ruleRow is a rule as it holds for an app, in the table and in JSON.
type ruleRow struct {
	Rule   sandbox.Rule `json:"rule"`
	Title  string       `json:"title"`
	Mode   sandbox.Mode `json:"mode,omitempty"`  // "" for the rules that allow
	Limit  string       `json:"limit,omitempty"` // what it is set to: 2 min
	Advice string       `json:"advice,omitempty"`
	Source string       `json:"source,omitempty"`
}

// Name begins a row.
func (r ruleRow) Name() string { return capital(r.Title) }

// Word is the mode for a person.
func (r ruleRow) Word() string {
	if r.Rule.Allows() {
		return "allows"
	}
	return string(r.Mode)
}

// exceptionRow is an exception of the profile as the table shows it.
type exceptionRow struct{ Endpoint, Network, Rules, Source string }

func (c *console) rulesPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Rules")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	p := newParams(query)
	data := rulesData{frame: f, Ask: readQuestion(query, p)}
	if err := p.err(); err != nil {
		data.Wrong = err.Error()
	}
	if data.App, err = pickApp(f.State, data.Ask.App); err != nil {
		if len(f.State.Apps) > 0 {
			return err
		}
		data.Wrong = ""
	}
	data.Ask.App = data.App.Name
	data.Rules, data.Exceptions = ruleRows(data.App.Policy), exceptionRows(data.App.Policy)
	return c.render(w, data.answer(), "rules", data)
}

// answer explains what was asked, and returns the page's status.
func (d *rulesData) answer() int {
	if d.Wrong == "" && d.Ask.Asked {
		a, err := d.App.explain(d.Ask)
		if err != nil {
			d.Wrong = err.Error() + "."
		} else {
			a.Network, a.Address, a.Command = shown(a.Network), shown(a.Address), shown(a.Command)
			d.Answer = &a
		}
	}
	d.Ask.Network, d.Ask.Address, d.Ask.Answers = shown(d.Ask.Network), shown(d.Ask.Address), shown(d.Ask.Answers)
	if d.Wrong != "" {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// shown makes what a program may have written fit for a page, which is UTF-8.
func shown(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// ruleRows are all rules in the order in which they are asked.
func ruleRows(p *sandbox.Policy) []ruleRow {
	if p == nil {
		return nil
	}
	var rows []ruleRow
	for _, r := range sandbox.Rules {
		row := ruleRow{Rule: r, Title: r.Title(), Mode: p.Mode(r), Limit: ruleLimit(p, r), Source: p.Rules[r].Source}
		if r.Allows() {
			row.Mode = ""
		} else {
			row.Advice = r.Advice()
		}
		rows = append(rows, row)
	}
	return rows
}

// ruleLimit is what a rule with a number or a switch is set to.
func ruleLimit(p *sandbox.Policy, r sandbox.Rule) string {
	switch r {
	case sandbox.RuleBilling:
		if p.Billing {
			return "this app has billing"
		}
		return "this app has no billing"
	case sandbox.RuleReclaimed:
		return spanLimit(p.Reclaim)
	case sandbox.RuleDeadline:
		return spanLimit(p.Deadline)
	}
	return ""
}

func spanLimit(d time.Duration) string {
	if d <= 0 {
		return "never"
	}
	return "after " + coarse(d)
}

func exceptionRows(p *sandbox.Policy) []exceptionRow {
	if p == nil {
		return nil
	}
	var rows []exceptionRow
	for _, x := range p.Exceptions {
		row := exceptionRow{Endpoint: exceptedEndpoint(x), Network: x.Network, Rules: exceptedRules(x), Source: x.Source}
		if row.Network == "" {
			row.Network = "tcp and udp"
		}
		rows = append(rows, row)
	}
	return rows
}

// exceptedRules are the rules that an exception lifts.
func exceptedRules(sandbox.Exception) string { return string(sandbox.RuleGoogle) }

// exceptedEndpoint writes a host or an address with its ports: smtp.gmail.com, ports 465, 587.
func exceptedEndpoint(x sandbox.Exception) string {
	host := x.Host
	if host == "" && x.Addr.IsValid() {
		host = x.Addr.String()
	}
	switch len(x.Ports) {
	case 0:
		return host + ", every port"
	case 1:
		return net.JoinHostPort(host, strconv.Itoa(int(x.Ports[0])))
	}
	var words []string
	for _, p := range x.Ports {
		words = append(words, strconv.Itoa(int(p)))
	}
	return host + ", ports " + strings.Join(words, ", ")
}

// appRules is what /api/v1/rules says of an app.
type appRules struct {
	App        string              `json:"app"`
	Profile    string              `json:"profile"`
	Billing    bool                `json:"billing"`
	Rules      []ruleRow           `json:"rules"` // in the order in which they are asked
	Exceptions []sandbox.Exception `json:"exceptions"`
	Escapes    []Escape            `json:"escapes"` // what its newest build can open sockets by that no rule sees
}

// apiRules answers with the rules of all running apps, or of one of them (?app=).
func (c *console) apiRules(w http.ResponseWriter, r *http.Request) error {
	apps, err := c.askedApps(newParams(r.URL.Query()))
	if err != nil {
		return err
	}
	var rows []appRules
	for _, app := range apps {
		row := appRules{App: app.Name, Profile: app.Profile, Rules: ruleRows(app.Policy), Exceptions: []sandbox.Exception{}, Escapes: app.Escapes}
		if row.Escapes == nil {
			row.Escapes = []Escape{}
		}
		if app.Policy != nil {
			row.Billing, row.Exceptions = app.Policy.Billing, append(row.Exceptions, app.Policy.Exceptions...)
		}
		rows = append(rows, row)
	}
	writeRows(w, r, rows, "", 0)
	return nil
}
