package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestInvoice(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/orders/7" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"number":7,"what":"pot","cents":2905}`)
	}))
	defer shop.Close()
	b := &billing{orders: shop.URL}
	for _, tt := range []struct {
		order, want string
		status      int
	}{
		{"7", "Invoice 1: pot, 29.05.", 200},
		{"7", "Invoice 2: pot, 29.05.", 200},
		{"8", "order \"8\": orders says 404 Not Found\n", 502},
		{"../7", "order \"../7\": orders says 404 Not Found\n", 502},
	} {
		w := httptest.NewRecorder()
		b.routes().ServeHTTP(w, httptest.NewRequest("POST", "/invoices?order="+tt.order, nil))
		if w.Code != tt.status || w.Body.String() != tt.want {
			t.Errorf("order %s: %d %q, want %d %q", tt.order, w.Code, w.Body, tt.status, tt.want)
		}
	}
}
