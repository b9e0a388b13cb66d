package livereload

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Where the script and the stream are. An app that has these paths itself has them back without --live-reload.
const (
	scriptPath = "/_devserver/live.js"
	streamPath = "/_devserver/live"
)

const (
	heartbeat    = 15 * time.Second // finds connections that are dead
	writeTimeout = 10 * time.Second // a browser that does not read for so long is let go; it comes again
	comeAgain    = 500              // milliseconds after which a browser does
)

//go:embed live.js
var script string

// Handler returns what answers the request, nil when it is the app's.
func (l *Live) Handler(r *http.Request) http.Handler {
	if l == nil {
		return nil
	}
	switch r.URL.Path {
	case scriptPath:
		return readOnly(serveScript)
	case streamPath:
		return readOnly(l.stream)
	}
	return nil
}

// readOnly refuses what is neither GET nor HEAD.
func readOnly(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this is devserver's own path; it is only read", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		f(w, r)
	})
}

func serveScript(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	io.WriteString(w, script)
}

// stream sends the state, and again whenever it is another one: a reader that lags gets the newest. It ends with the
// request and with Close.
func (l *Live) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	out := http.NewResponseController(w)
	send := func(format string, args ...any) bool {
		out.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	if !send("retry: %d\n\n", comeAgain) {
		return
	}
	sent := ""
	for {
		s, changed, closed := l.look()
		text, err := json.Marshal(s)
		if closed || err != nil {
			return
		}
		if string(text) != sent && !send("data: %s\n\n", text) {
			return
		}
		sent = string(text)
		select {
		case <-changed:
		case <-beat.C:
			if !send(":\n\n") {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
