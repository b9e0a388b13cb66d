package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The paths of the three signals below a target.
const (
	tracesPath  = "/v1/traces"
	logsPath    = "/v1/logs"
	metricsPath = "/v1/metrics"
)

// AttemptLimit is how long one attempt may take, the answer included: what exporters wait by default (OTLP exporter
// specification, OTEL_EXPORTER_OTLP_TIMEOUT).
const AttemptLimit = 10 * time.Second

// BusyError says that a store could not be reached or asks for patience: the same again later may succeed.
type BusyError struct {
	Err   error
	After time.Duration // what the store asked for; 0: nothing
}

func (e *BusyError) Error() string { return e.Err.Error() }
func (e *BusyError) Unwrap() error { return e.Err }

// RefusedError says that a store does not want a request, which the protocol forbids to repeat.
type RefusedError struct {
	URL    string
	Code   int    // 0: the request could not even be made
	Status string // "401 Unauthorized"
	Words  string // the store's own
}

func (e *RefusedError) Error() string {
	text := e.URL + " answers " + e.Status
	if e.Words != "" {
		text += ": " + e.Words
	}
	return text
}

// answer is what a store says of a request that it took.
type answer struct {
	rejected int64 // of its spans, records or points
	words    string
}

// client posts requests. It is used by one goroutine.
type client struct {
	target *Target
	http   *http.Client
	limit  time.Duration // of an attempt
}

func newClient(t *Target, limit time.Duration) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &client{target: t, limit: limit, http: &http.Client{
		Transport: transport,
		// A POST that follows a redirect becomes a GET, and its spans are gone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// post sends one request, compressed; one that ctx has ended before is not sent. Every error is a *BusyError or a *RefusedError, or ctx's own.
func (c *client) post(ctx context.Context, path string, body []byte) (answer, error) {
	if ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	attempt, cancel := c.attempt(ctx)
	defer cancel()
	where := c.target.url.JoinPath(path)
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, where.String(), bytes.NewReader(packed(body)))
	if err != nil {
		return answer{}, &RefusedError{URL: where.Redacted(), Status: err.Error()}
	}
	for name, values := range c.target.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "devserver")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.unreached(ctx, where, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil && res.StatusCode/100 == 2 {
		return answer{}, c.unreached(ctx, where, err) // it may have been taken: the same ids come again
	}
	return judge(where, res, text)
}

// lastAnswer is how long an attempt may go on when ctx has ended: what is on its way is mostly taken, and would be sent a
// second time if its answer were not heard.
const lastAnswer = 2 * time.Second

func (c *client) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.limit)
	stop := context.AfterFunc(ctx, func() { pause(attempt, lastAnswer); cancel() })
	return attempt, func() { stop(); cancel() }
}

// unreached tells the user's own stop from a store that is not there.
func (c *client) unreached(ctx context.Context, where *url.URL, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time")
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it repeats the address
	}
	return &BusyError{Err: fmt.Errorf("%s: %w", where.Redacted(), err)}
}

func packed(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // it knows this level
	z.Write(body)                                   // a Buffer takes everything
	z.Close()
	return b.Bytes()
}

// judge takes an answer apart as the protocol says: four statuses ask for patience, all other failures are final.
func judge(where *url.URL, res *http.Response, text []byte) (answer, error) {
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return answer{}, &BusyError{Err: &RefusedError{where.Redacted(), res.StatusCode, statusOf(res), words(text)}, After: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	if res.StatusCode/100 == 2 {
		return partial(text), nil
	}
	said := words(text)
	if to := res.Header.Get("Location"); res.StatusCode/100 == 3 && to != "" {
		said = "it has moved to " + clean(to)
	}
	return answer{}, &RefusedError{where.Redacted(), res.StatusCode, statusOf(res), said}
}

func statusOf(res *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode))
}

// maxPatience bounds what a store may ask for.
const maxPatience = 5 * time.Minute

// retryAfter reads the header of that name: seconds or a date (RFC 9110, 10.2.3). 0 for what is neither.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxPatience)
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(t.Sub(now), 0), maxPatience)
	}
	return 0
}

// partial reads what a store did not take of a request that it took. What cannot be read says nothing.
func partial(text []byte) answer {
	var m struct {
		Partial struct {
			Spans   json.RawMessage `json:"rejectedSpans"`
			Records json.RawMessage `json:"rejectedLogRecords"`
			Points  json.RawMessage `json:"rejectedDataPoints"`
			Message string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(text, &m) != nil {
		return answer{}
	}
	a := answer{words: clean(m.Partial.Message)}
	for _, n := range []json.RawMessage{m.Partial.Spans, m.Partial.Records, m.Partial.Points} {
		if count, err := strconv.ParseInt(strings.Trim(string(n), `"`), 10, 64); err == nil && count > 0 {
			a.rejected += count
		}
	}
	return a
}

// words is what a store says of a failure: the message of a Status, or the text itself.
func words(text []byte) string {
	var status struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &status) == nil && status.Message != "" {
		return clean(status.Message)
	}
	return clean(string(text))
}

// clean makes a foreign text fit for a terminal's line.
func clean(s string) string {
	const most = 200
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
