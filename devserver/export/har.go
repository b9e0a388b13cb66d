package export

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// The shapes of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as far as a recording fills them. Times of
// an entry are milliseconds, -1 stands for what is not known or does not apply.
type (
	harEntry struct {
		StartedDateTime string      `json:"startedDateTime"`
		Time            float64     `json:"time"`
		Request         harRequest  `json:"request"`
		Response        harResponse `json:"response"`
		Cache           struct{}    `json:"cache"`
		Timings         harTimings  `json:"timings"`
		Connection      string      `json:"connection,omitempty"` // the client's port
		Devserver       harOwn      `json:"_devserver"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		QueryString []harPair `json:"queryString"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int64     `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int64      `json:"bodySize"`
		Error       string     `json:"_error,omitempty"` // Chrome's name for it
	}
	harContent struct {
		Size     int64  `json:"size"`
		MimeType string `json:"mimeType"`
	}
	harTimings struct {
		Blocked float64 `json:"blocked"`
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
		SSL     float64 `json:"ssl"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// harOwn is what devserver knows of a request beyond HAR.
type harOwn struct {
	Request    int64       `json:"request"` // its id in the recording
	Run        int64       `json:"run,omitempty"`
	App        string      `json:"app"`
	RemoteAddr string      `json:"remote_addr,omitempty"` // the client's
	Lookups    []harLookup `json:"lookups,omitempty"`
	Sockets    []harSocket `json:"sockets,omitempty"`
}

// harLookup is a name that was looked up for the request.
type harLookup struct {
	Detail string  `json:"detail,omitempty"`
	MS     float64 `json:"ms"`
	Error  string  `json:"error,omitempty"`
}

// harSocket is a socket that the request used, and what it did with it: other requests may have used it too.
type harSocket struct {
	Socket        int64   `json:"socket"` // its id in the recording
	Network       string  `json:"network,omitempty"`
	Host          string  `json:"host,omitempty"`
	RemoteAddr    string  `json:"remote_addr,omitempty"`
	Standin       string  `json:"standin,omitempty"`
	CallSite      string  `json:"call_site,omitempty"`
	State         string  `json:"state"` // "": the recording does not hold the socket
	CloseReason   string  `json:"close_reason,omitempty"`
	Rule          string  `json:"rule,omitempty"`       // that denied it or something on it
	ConnectMS     float64 `json:"connect_ms,omitempty"` // 0: it was connected before
	BytesSent     int64   `json:"bytes_sent"`
	BytesReceived int64   `json:"bytes_received"`
	Sends         int     `json:"sends"`
	Receives      int     `json:"receives"`
	Error         string  `json:"error,omitempty"` // the last one that the program was told
}

// HAR writes the requests as HAR 1.2, oldest first. The recording holds neither their headers nor their bodies, so these are
// empty and the sizes tell how long the bodies were; nor does it hold the app's own address, so the host of a URL is
// the app's name below localhost. A request that is still served has no answer, so that it is left out.
func HAR(ctx context.Context, w io.Writer, src Source, o Options) error {
	out := bufio.NewWriterSize(w, 64<<10)
	x := &har{src: src, o: o, out: out}
	creator, err := marshal(map[string]string{"name": "devserver", "version": version()})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "{\"log\":{\"version\":\"1.2\",\"creator\":%s,\"pages\":[],\"entries\":[", creator) // out keeps an error until Flush
	if err := x.entries(ctx); err != nil {
		return err
	}
	fmt.Fprint(out, "\n]")
	if x.running > 0 {
		fmt.Fprintf(out, ",\"comment\":\"requests still served, and left out: %d\"", x.running)
	}
	fmt.Fprintln(out, "}}")
	return out.Flush()
}

// version is devserver's own.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

type har struct {
	src           Source
	o             Options
	out           *bufio.Writer
	done, running int
}

func (x *har) entries(ctx context.Context) error {
	if x.o.RequestID != 0 {
		r, err := x.src.Request(ctx, x.o.RequestID)
		if err != nil {
			return fmt.Errorf("request %d: %w", x.o.RequestID, err)
		}
		return x.entry(ctx, r)
	}
	return pages(pageSize, func(after int64, n int) ([]record.Request, error) {
		return x.src.Requests(ctx, record.RequestFilter{App: x.o.App, RunID: x.o.RunID, Since: x.o.Since, After: after, Ascending: true, Limit: n})
	}, func(r record.Request) int64 { return r.ID }, func(r record.Request) error { return x.entry(ctx, r) })
}

func (x *har) entry(ctx context.Context, r record.Request) error {
	if r.DurationNS == 0 && r.Status == 0 && r.Error == "" {
		x.running++
		return nil
	}
	e := newEntry(r)
	if err := x.addSockets(ctx, r.ID, &e.Devserver); err != nil {
		return err
	}
	data, err := marshal(e)
	if err != nil {
		return fmt.Errorf("request %d: %w", r.ID, err)
	}
	if x.done > 0 {
		x.out.WriteByte(',')
	}
	x.out.WriteByte('\n')
	x.done++
	if x.o.Progress != nil && x.done%100 == 0 {
		x.o.Progress(x.done, 0)
	}
	_, err = x.out.Write(data)
	return err
}

// marshal leaves <, > and & as they are: URLs are full of them.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}

func newEntry(r record.Request) *harEntry {
	took := ms(r.DurationNS)
	proto := cmp.Or(r.Proto, "unknown")
	address := absolute(r)
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	return &harEntry{
		StartedDateTime: time.Unix(0, r.StartedAt).UTC().Format(time.RFC3339Nano),
		Time:            took,
		Request: harRequest{Method: cmp.Or(r.Method, "GET"), URL: address, HTTPVersion: proto, Cookies: []harPair{}, Headers: []harPair{},
			QueryString: query(address), HeadersSize: -1, BodySize: r.BytesIn},
		Response: harResponse{Status: r.Status, StatusText: http.StatusText(r.Status), HTTPVersion: proto, Cookies: []harPair{}, Headers: []harPair{},
			Content: harContent{Size: r.BytesOut, MimeType: "application/octet-stream"}, HeadersSize: -1, BodySize: r.BytesOut, Error: r.Error},
		Timings:    harTimings{Blocked: -1, DNS: -1, Connect: -1, Wait: took, SSL: -1},
		Connection: port,
		Devserver:  harOwn{Request: r.ID, Run: r.RunID, App: r.App, RemoteAddr: r.RemoteAddr},
	}
}

// ms is a duration in milliseconds, exact to the nanosecond that they were recorded with.
func ms(ns int64) float64 { return math.Round(float64(ns)) / 1e6 }

// absolute is a request's URL with a scheme and a host, as HAR wants it.
func absolute(r record.Request) string {
	if u, err := url.Parse(r.URL); err == nil && u.Scheme != "" && u.Host != "" {
		return escaped(r.URL)
	}
	return "http://" + hostname(r.App) + ".localhost/" + escaped(strings.TrimPrefix(r.URL, "/")) // OPTIONS asks for * without /
}

// escaped makes a URL of what a client sent for one, which may be anything.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || strings.IndexByte("\"<>#", c) >= 0 || c == '%' && !hexPair(s[i+1:]) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hexPair(s string) bool {
	isHex := func(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }
	return len(s) >= 2 && isHex(s[0]) && isHex(s[1])
}

// hostname is an app's name with what a host name cannot hold replaced.
func hostname(app string) string {
	name := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, app)
	return cmp.Or(strings.Trim(name, "-"), "app")
}

// query takes the parameters out of a URL, in their order; one that is not encoded right stays as it stands.
func query(address string) []harPair {
	pairs := []harPair{}
	_, text, _ := strings.Cut(address, "?")
	text, _, _ = strings.Cut(text, "#")
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, harPair{plain(name), plain(value)})
	}
	return pairs
}

func plain(s string) string {
	if p, err := url.QueryUnescape(s); err == nil {
		return p
	}
	return s
}

// addSockets sums what the request did on its sockets.
func (x *har) addSockets(ctx context.Context, request int64, own *harOwn) error {
	at := map[int64]int{}
	err := pages(pageSize, func(after int64, n int) ([]record.Event, error) {
		return x.src.Events(ctx, record.EventFilter{RequestID: request, After: after, Ascending: true, Limit: n})
	}, func(e record.Event) int64 { return e.ID }, func(e record.Event) error {
		if e.SocketID == 0 {
			if e.Kind == "resolve" {
				own.Lookups = append(own.Lookups, harLookup{e.Detail, ms(e.DurationNS), e.Error})
			}
			return nil
		}
		i, ok := at[e.SocketID]
		if !ok {
			s, err := x.src.Socket(ctx, e.SocketID)
			if errors.Is(err, record.ErrNotFound) { // a part of a recording may not hold it
				s, err = record.Socket{ID: e.SocketID}, nil
			}
			if err != nil {
				return fmt.Errorf("socket %d: %w", e.SocketID, err)
			}
			i = len(own.Sockets)
			at[e.SocketID] = i
			own.Sockets = append(own.Sockets, harSocket{Socket: s.ID, Network: s.Network, Host: s.Host, RemoteAddr: s.RemoteAddr, Standin: s.Standin,
				CallSite: s.CallSite, State: s.State, CloseReason: s.CloseReason, Rule: s.Rule})
		}
		own.Sockets[i].count(e)
		return nil
	})
	return err
}

func (s *harSocket) count(e record.Event) {
	switch e.Kind {
	case "send":
		s.Sends++
		s.BytesSent += e.Bytes
	case "receive":
		s.Receives++
		s.BytesReceived += e.Bytes
	case "connect":
		s.ConnectMS += ms(e.DurationNS)
	case "deny":
		s.Rule = e.Rule
	}
	s.Error = cmp.Or(e.Error, s.Error)
}
