// Guestbook is a web app of the usual kind: it serves pages on $PORT and talks to three other machines.
//
//	whois.go   asks a whois server who runs this domain       allowed in production
//	mail.go    tells the owner of a visit by mail, port 25    denied in production
//	visits.go  reports each visit over a kept connection      reclaimed when idle for two minutes
//
// It imports the standard library alone and knows nothing of devserver: start it with
//
//	go run ./cmd/devserver run ./examples/guestbook
//
// and it meets production's socket rules. With a plain go run it works too, as far as it gets: the three
// machines do not exist, and the page says so.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// patience is how long a visitor waits for the three machines at most; they are asked at the same time.
const patience = 3 * time.Second

func main() {
	port := cmp.Or(os.Getenv("PORT"), "8080")
	book := newGuestbook(machines{
		whois:  "whois.example.com:43",
		mail:   "smtp.example.com:25",
		visits: "visits.example.com:7",
	})
	log.Printf("the guestbook lies open on http://127.0.0.1:%s", port)
	log.Fatal(http.ListenAndServe(":"+port, book.routes()))
}

// machines are the addresses of production that the guestbook talks to.
type machines struct{ whois, mail, visits string }

// guestbook holds what visitors wrote. It lives in memory: a restart opens an empty book.
type guestbook struct {
	machines machines
	visits   *visitLink

	mu      sync.Mutex
	entries []entry // newest first; guarded by mu
}

type entry struct {
	Name, Message string
	At            time.Time
}

func newGuestbook(m machines) *guestbook {
	return &guestbook{machines: m, visits: &visitLink{addr: m.visits}}
}

func (g *guestbook) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", g.show)
	mux.HandleFunc("POST /sign", g.sign)
	return http.NewCrossOriginProtection().Handler(mux)
}

// page is all that page.html may name.
type page struct {
	Entries []entry
	Whois   whoisCard
	Mail    mailCard
	Visits  visitCard
}

// show asks the three machines side by side and renders what came of it.
func (g *guestbook) show(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var p page
	var asked sync.WaitGroup
	asked.Go(func() { p.Whois = askWhois(ctx, g.machines.whois, "example.com") })
	asked.Go(func() { p.Mail = mailOwner(ctx, g.machines.mail, "Somebody opened the guestbook.") })
	asked.Go(func() { p.Visits = g.visits.report(ctx, "a visit at "+time.Now().Format(time.TimeOnly)) })
	asked.Wait()

	g.mu.Lock()
	p.Entries = append(p.Entries, g.entries...)
	g.mu.Unlock()
	var html strings.Builder
	if err := pageTemplate.Execute(&html, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // each view asks the machines anew
	_, _ = w.Write([]byte(html.String()))
}

// sign writes a visitor's words on the first page of the book.
func (g *guestbook) sign(w http.ResponseWriter, r *http.Request) {
	e := entry{clip(r.PostFormValue("name"), 40), clip(r.PostFormValue("message"), 280), time.Now()}
	if e.Name == "" || e.Message == "" {
		http.Error(w, "a name and a message, please", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	g.entries = append([]entry{e}, g.entries[:min(len(g.entries), 49)]...)
	g.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// clip trims s and cuts it after n characters.
func clip(s string, n int) string {
	runes := []rune(strings.TrimSpace(s))
	return string(runes[:min(len(runes), n)])
}

// deadline is when a conversation must be over: a machine that stops answering cannot hold a visitor for longer.
func deadline(ctx context.Context) time.Time {
	if end, ok := ctx.Deadline(); ok {
		return end
	}
	return time.Now().Add(patience)
}
