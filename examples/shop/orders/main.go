// Command orders takes the orders of a small shop. For each it has the app billing write an invoice, which asks back
// here for what was ordered.
package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
)

// billing is where the invoices are written.
const billing = "http://billing.example.com"

func main() {
	s := &shop{billing: billing}
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), s.routes()))
}

// order is what somebody bought.
type order struct {
	Number int    `json:"number"`
	What   string `json:"what"`
	Cents  int    `json:"cents"`
	Answer string `json:"-"` // what billing said
}

// prices are what there is to buy, in cents.
var prices = map[string]int{"tea": 350, "cake": 420, "pot": 2900}

// shop keeps the orders in memory: a new version begins with none.
type shop struct {
	billing string // URL

	mu     sync.Mutex
	orders []order // guarded by mu
}

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("GET /orders/{number}", s.show)
	return mux
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>
<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem">
<h1>Shop</h1>
<form method="post" action="/orders">{{range $what, $cents := .Prices}}<button name="what" value="{{$what}}">{{$what}}</button> {{end}}</form>
{{range .Orders}}<p>{{.Number}}: {{.What}}. {{.Answer}}</p>{{else}}<p>No order yet.</p>{{end}}
</html>
`))

func (s *shop) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := page.Execute(w, map[string]any{"Prices": prices, "Orders": s.orders}); err != nil {
		log.Print(err)
	}
}

// place takes an order and has it billed.
func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	what := r.FormValue("what")
	cents, ok := prices[what]
	if !ok {
		http.Error(w, "we have no "+what, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	number := len(s.orders) + 1
	s.orders = append(s.orders, order{Number: number, What: what, Cents: cents})
	s.mu.Unlock()
	answer := s.bill(r, number)
	log.Printf("order %d: %s", number, answer)
	s.mu.Lock()
	s.orders[number-1].Answer = answer
	s.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// bill asks billing for an invoice, with the lock not held: billing asks back.
func (s *shop) bill(r *http.Request, number int) string {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, s.billing+"/invoices?"+url.Values{"order": {strconv.Itoa(number)}}.Encode(), nil)
	if err != nil {
		return err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	switch {
	case err != nil:
		return err.Error()
	case res.StatusCode != http.StatusOK:
		return fmt.Sprintf("billing says %s: %s", res.Status, text)
	}
	return string(text)
}

// show answers billing's question.
func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 1 || number > len(s.orders) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(s.orders[number-1]); err != nil {
		log.Print(err)
	}
}
