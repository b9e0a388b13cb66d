package web

import "net/http"

type pages struct{}

func parsePages() (*pages, error) { return &pages{}, nil }

func (c *console) problemPage(w http.ResponseWriter, _ *http.Request, p *problem) {
	http.Error(w, p.Title+": "+p.Text, p.Status)
}
