// Command billing writes the invoices of a small shop. What was ordered it asks the app orders.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
)

// orders is where the orders are.
const orders = "http://orders.example.com"

func main() {
	b := &billing{orders: orders}
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), b.routes()))
}

// billing numbers the invoices. It keeps none.
type billing struct {
	orders string // URL
	last   atomic.Int64
}

func (b *billing) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d invoices were written\n", b.last.Load())
	})
	mux.HandleFunc("POST /invoices", b.invoice)
	return mux
}

// invoice writes one for an order.
func (b *billing) invoice(w http.ResponseWriter, r *http.Request) {
	what, cents, err := b.ordered(r, r.FormValue("order"))
	if err != nil {
		log.Print(err)
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	number := b.last.Add(1)
	log.Printf("invoice %d for %s", number, what)
	fmt.Fprintf(w, "Invoice %d: %s, %d.%02d.", number, what, cents/100, cents%100)
}

// ordered asks what was ordered, and what it costs.
func (b *billing) ordered(r *http.Request, number string) (what string, cents int, err error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, b.orders+"/orders/"+url.PathEscape(number), nil)
	if err != nil {
		return "", 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("order %q: orders says %s", number, res.Status)
	}
	var order struct {
		What  string
		Cents int
	}
	err = json.NewDecoder(res.Body).Decode(&order)
	return order.What, order.Cents, err
}
