// Package otlptest is a store that speaks OTLP/HTTP, for tests: it reads what it gets with the protocol's own types, refuses
// what breaks the protocol, and can fail as real stores do.
package otlptest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Receiver is an http.Handler that keeps what it gets. Its zero value takes everything.
type Receiver struct {
	// Fail is asked before a request is kept; it returns true when it has answered itself. nil: none fails.
	Fail func(w http.ResponseWriter, r *http.Request) bool
	// Answer writes the answer of a request that was kept; nil: an empty object.
	Answer func(w http.ResponseWriter, r *http.Request)

	mu      sync.Mutex
	spans   []Span
	records []Record
	points  []Point
	faults  []error
	headers []http.Header
	news    chan struct{}
}

// Span is a span with the resource's attributes.
type Span struct {
	*trace.Span
	Resource, Attributes map[string]any
}

// Record is a log record with the resource's attributes.
type Record struct {
	*logs.LogRecord
	Resource, Attributes map[string]any
}

// Point is a data point of a gauge.
type Point struct {
	Name                 string
	Value                int64
	Time                 uint64
	Resource, Attributes map[string]any
}

// ServeHTTP takes a request as the protocol says.
func (v *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	if err != nil {
		v.fault(fmt.Errorf("%s: %w", r.URL, err))
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if v.Fail != nil && v.Fail(w, r) {
		return
	}
	if err := v.keep(r, body); err != nil {
		v.fault(fmt.Errorf("%s: %w in %s", r.URL, err, body))
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if v.Answer != nil {
		v.Answer(w, r)
		return
	}
	// The answer is out when the handler returns, so that who stops a server then loses none.
	w.Header().Set("Content-Length", "2")
	io.WriteString(w, "{}")
	http.NewResponseController(w).Flush()
}

func read(r *http.Request) ([]byte, error) {
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Content-Encoding") != "gzip" {
		return nil, fmt.Errorf("%s with %v", r.Method, r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (v *Receiver) keep(r *http.Request, body []byte) error {
	body, err := base64IDs(body)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.wakeLocked()
	v.headers = append(v.headers, r.Header)
	switch path.Base(r.URL.Path) {
	case "traces":
		return v.spansLocked(body)
	case "logs":
		return v.recordsLocked(body)
	case "metrics":
		return v.pointsLocked(body)
	}
	return fmt.Errorf("no such signal")
}

func (v *Receiver) spansLocked(body []byte) error {
	var m trace.TracesData
	if err := decode(body, &m); err != nil {
		return err
	}
	for _, r := range m.ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				v.spans = append(v.spans, Span{span, values(r.Resource.GetAttributes()), values(span.Attributes)})
			}
		}
	}
	return nil
}

func (v *Receiver) recordsLocked(body []byte) error {
	var m logs.LogsData
	if err := decode(body, &m); err != nil {
		return err
	}
	for _, r := range m.ResourceLogs {
		for _, s := range r.ScopeLogs {
			for _, l := range s.LogRecords {
				v.records = append(v.records, Record{l, values(r.Resource.GetAttributes()), values(l.Attributes)})
			}
		}
	}
	return nil
}

func (v *Receiver) pointsLocked(body []byte) error {
	var m metrics.MetricsData
	if err := decode(body, &m); err != nil {
		return err
	}
	for _, r := range m.ResourceMetrics {
		for _, s := range r.ScopeMetrics {
			for _, metric := range s.Metrics {
				for _, p := range metric.GetGauge().GetDataPoints() {
					v.points = append(v.points, Point{metric.Name, p.GetAsInt(), p.TimeUnixNano, values(r.Resource.GetAttributes()), values(p.Attributes)})
				}
			}
		}
	}
	return nil
}

// decode is strict: a field that the protocol does not have is an error.
func decode(body []byte, m proto.Message) error { return protojson.Unmarshal(body, m) }

// base64IDs turns the ids, which OTLP writes in hexadecimal, into what protojson reads of bytes.
func base64IDs(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if err := turn(tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

var lengths = map[string]int{"traceId": 16, "spanId": 8, "parentSpanId": 8}

func turn(tree any) error {
	switch t := tree.(type) {
	case []any:
		for _, v := range t {
			if err := turn(v); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, v := range t {
			if n, ok := lengths[k]; ok {
				text, _ := v.(string)
				id, err := hex.DecodeString(text)
				if err != nil || len(id) != n || bytes.Equal(id, make([]byte, n)) {
					return fmt.Errorf("%s %q is no id of %d bytes", k, v, n)
				}
				t[k] = base64.StdEncoding.EncodeToString(id)
			} else if err := turn(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func values(all []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range all {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.Key] = v.IntValue
		}
	}
	return m
}

func (v *Receiver) fault(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, err)
	v.wakeLocked()
}

func (v *Receiver) wakeLocked() {
	if v.news != nil {
		close(v.news)
		v.news = nil
	}
}

// News is closed when something has come.
func (v *Receiver) News() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.news == nil {
		v.news = make(chan struct{})
	}
	return v.news
}

// Spans returns all that came.
func (v *Receiver) Spans() []Span { return held(v, &v.spans) }

// Records returns all that came.
func (v *Receiver) Records() []Record { return held(v, &v.records) }

// Points returns all that came.
func (v *Receiver) Points() []Point { return held(v, &v.points) }

// Headers returns those of each request that was kept.
func (v *Receiver) Headers() []http.Header { return held(v, &v.headers) }

// Faults are what broke the protocol.
func (v *Receiver) Faults() []error { return held(v, &v.faults) }

func held[T any](v *Receiver, all *[]T) []T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]T(nil), *all...)
}
