package web

import "net/http"

// denialsData is all that templates/denials.html may name.
type denialsData struct {
	frame
	Query  string
	Wrong  string
	Groups []ruleGroup
	Full   bool // there may be more than are shown
}

func (c *console) denialsPage(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := c.frame(ctx, r, "Denials")
	if err != nil {
		return err
	}
	p := newParams(r.URL.Query())
	data := denialsData{frame: f, Query: p.text("q")}
	if err := p.err(); err != nil {
		return err
	}
	what, err := parseFilter(data.Query, eventTerms)
	if err != nil {
		data.Wrong = err.Error()
		return c.render(w, http.StatusBadRequest, "denials", data)
	}
	filter := what.events(f.Now)
	filter.Limit = defaultLimit
	denials, err := c.Source.Denials(ctx, filter)
	if err != nil {
		return err
	}
	data.Groups, data.Full = ruleGroups(denials, f.State), len(denials) == defaultLimit
	return c.render(w, http.StatusOK, "denials", data)
}
