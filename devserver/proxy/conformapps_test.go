package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// echo tells all that net/http knows of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s host=%s length=%d coding=%v close=%v\n", r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.Close)
	var lines []string
	for name, values := range r.Header {
		if !strings.HasPrefix(name, "X-Forwarded-") {
			lines = append(lines, fmt.Sprintf("%s: %q\n", name, values))
		}
	}
	slices.Sort(lines)
	fmt.Fprintf(w, "%strailer=%v error=%v body=%q\n", strings.Join(lines, ""), r.Trailer, err, body)
}

// answers gives a status, headers in pairs, and a body.
func answers(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// sized answers with n bytes, flushing every piece of them.
func sized(n, piece int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if piece == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(n))
			io.WriteString(w, pattern(n))
			return
		}
		for p := pattern(n); p != ""; p = p[min(piece, len(p)):] {
			io.WriteString(w, p[:min(piece, len(p))])
			w.(http.Flusher).Flush()
		}
	}
}

// pattern is n bytes in which each place differs from its neighbours.
func pattern(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%23 + i/1000%3)
	}
	return string(b)
}

// events sends three, each when the client has had the one before.
func events(w http.ResponseWriter, r *http.Request) {
	s := stageOf(r)
	w.Header().Set("Content-Type", "text/event-stream")
	w.(http.Flusher).Flush()
	for i := range 3 {
		<-s.step
		fmt.Fprintf(w, "id: %d\ndata: event\n\n", i)
		w.(http.Flusher).Flush()
	}
	<-s.step
}

// waits says when its client has gone.
func waits(w http.ResponseWriter, r *http.Request) {
	s := stageOf(r)
	if r.URL.Path == "/begun" {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
	}
	s.signals <- "here"
	<-r.Context().Done()
	s.signals <- "gone"
}

// hints gives early hints before its answer.
func hints(w http.ResponseWriter, r *http.Request) {
	for i := range 3 {
		w.Header().Set("Link", fmt.Sprintf("</%d.css>; rel=preload", i))
		w.WriteHeader(http.StatusEarlyHints)
	}
	w.WriteHeader(http.StatusProcessing)
	w.Header().Set("Content-Length", "2")
	io.WriteString(w, "ok")
}

// trailers answers with announced and late ones.
func trailers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "Sum, Never")
	io.WriteString(w, "a body")
	w.Header().Set("Sum", "42")
	w.Header().Set(http.TrailerPrefix+"Late", "yes")
}

// takes switches to a protocol and hands f the connection.
func takes(answer string, f func(net io.ReadWriteCloser, half func())) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			stageOf(r).t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(rw, answer)
		rw.Flush()
		f(struct {
			io.Reader
			io.Writer
			io.Closer
		}{rw.Reader, c, c}, func() { c.(interface{ CloseWrite() error }).CloseWrite() })
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func echoes(c io.ReadWriteCloser, half func()) { io.Copy(c, c) }

// upper echoes a body in capitals while it comes.
func upper(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex()
	w.(http.Flusher).Flush()
	buf := make([]byte, 1024)
	for {
		n, err := r.Body.Read(buf)
		w.Write(bytes.ToUpper(buf[:n]))
		w.(http.Flusher).Flush()
		if err != nil {
			return
		}
	}
}

// says answers each request on the connection with the next of texts, byte for byte, and closes the connection after the last.
func saysRaw(texts ...string) func(*appSide) {
	return func(a *appSide) {
		for _, text := range texts {
			if !a.request() {
				return
			}
			io.WriteString(a, text)
		}
	}
}

// request reads a request to its end.
func (a *appSide) request() bool {
	r, err := http.ReadRequest(a.br)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

// keeps answers every request with the same text until the client ends.
func keeps(text string) func(*appSide) {
	return func(a *appSide) {
		for a.request() {
			io.WriteString(a, text)
		}
	}
}
