package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// serve answers each connection on a loopback port with handle and returns the address.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
	return l.Addr().String()
}

// refused is an address on loopback where nobody listens, and no system lets a program that asks for any port.
const refused = "127.0.0.1:1"

func whois(c net.Conn) {
	domain, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Fprintf(c, "domain: %s\r\nowner: <nobody>\r\n", strings.TrimSpace(domain))
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v\n%s", url, res.Status, err, body)
	}
	return strings.Join(strings.Fields(string(body)), " ")
}

func TestPageTellsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	hangUp := make(chan struct{})
	gone := make(chan struct{}, 1)
	visits := serve(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, line)
		<-hangUp // as production does to an idle connection
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		gone <- struct{}{}
	})
	book := newGuestbook(machines{whois: serve(t, whois), mail: refused, visits: visits})
	site := httptest.NewServer(book.routes())
	t.Cleanup(site.Close)

	first := get(t, site.URL)
	for _, want := range []string{
		"domain: example.com owner: &lt;nobody&gt;",
		"Nobody listens there.",
		"Connection number 1 to",
		"used 1 time.",
		`href="http://127.0.0.1:8000"`,
		"Nobody has signed yet.",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the first page lacks %q:\n%s", want, first)
		}
	}

	close(hangUp)
	<-gone
	second := get(t, site.URL)
	for _, want := range []string{"lost, dialled again", "Connection number 2 to", "used 1 time."} {
		if !strings.Contains(second, want) {
			t.Errorf("the page after the connection was lost lacks %q:\n%s", want, second)
		}
	}
}

func TestVisitsKeepTheirConnection(t *testing.T) {
	t.Parallel()
	link := &visitLink{addr: serve(t, func(c net.Conn) { io.Copy(c, c) })}
	for n := 1; n <= 3; n++ {
		card := link.report(t.Context(), fmt.Sprint("visit ", n))
		if card.Number != 1 || card.Uses != n || card.Lost != "" || card.Failure != nil || card.Reply != fmt.Sprint("visit ", n) {
			t.Errorf("report %d = %+v, want the first connection's use %d", n, card, n)
		}
	}
}

func TestVisitsGiveUpAfterOneMoreTry(t *testing.T) {
	t.Parallel()
	link := &visitLink{addr: serve(t, func(c net.Conn) {})} // hangs up at once
	for n := 1; n <= 2; n++ {
		card := link.report(t.Context(), "visit")
		if card.Failure == nil || card.Number != n || card.Lost != "" {
			t.Errorf("report %d = %+v, want a failure on fresh connection %d", n, card, n)
		}
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	book := newGuestbook(machines{whois: refused, mail: refused, visits: refused})
	site := httptest.NewServer(book.routes())
	t.Cleanup(site.Close)
	for _, tt := range []struct {
		name, message string
		want          int
	}{
		{"Ada", "Good <morning>", http.StatusOK},
		{"  ", "nobody", http.StatusBadRequest},
		{"Ada", "", http.StatusBadRequest},
		{strings.Repeat("ä", 50), "long", http.StatusOK},
	} {
		res, err := http.PostForm(site.URL+"/sign", url.Values{"name": {tt.name}, "message": {tt.message}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("POST /sign %q %q: status %d, want %d", tt.name, tt.message, res.StatusCode, tt.want)
		}
	}
	page := get(t, site.URL)
	if !strings.Contains(page, "Good &lt;morning&gt;") || !strings.Contains(page, strings.Repeat("ä", 40)+"</b>") {
		t.Errorf("the page shows other words than were signed:\n%s", page)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	op := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		err     error
		denied  bool
		meaning string
	}{
		{op(syscall.EACCES), true, "Production does not let"},
		{op(&net.DNSError{Err: "no such host", Name: "whois.example.com"}), false, "No such machine"},
		{op(syscall.ECONNREFUSED), false, "Nobody listens"},
		{op(io.ErrUnexpectedEOF), false, "broke"},
		{fmt.Errorf("mail: %w", errors.Join(op(syscall.EACCES))), true, "Production"},
	} {
		if f := explain(tt.err); f.Denied != tt.denied || !strings.Contains(f.Meaning, tt.meaning) {
			t.Errorf("explain(%v) = %+v, want denied %v, %q", tt.err, f, tt.denied, tt.meaning)
		}
	}
	if explain(nil) != nil {
		t.Error("explain(nil) is a failure")
	}
}
