package otlp

import "strconv"

// The messages of the protocol in its JSON form: ids are hexadecimal, 64-bit integers are strings, enums are numbers
// (OTLP specification, "JSON Protobuf Encoding"). Only what devserver sends is here.

type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

type value struct {
	String *string `json:"stringValue,omitempty"`
	Int    *string `json:"intValue,omitempty"`
}

type resource struct {
	Attributes attributes `json:"attributes"`
}

type scope struct {
	Name string `json:"name"`
}

type span struct {
	TraceID    string     `json:"traceId"`
	SpanID     string     `json:"spanId"`
	Parent     string     `json:"parentSpanId,omitempty"`
	Name       string     `json:"name"`
	Kind       int        `json:"kind"`
	Start      string     `json:"startTimeUnixNano"`
	End        string     `json:"endTimeUnixNano"`
	Attributes attributes `json:"attributes,omitempty"`
	Events     []event    `json:"events,omitempty"`
	Links      []link     `json:"links,omitempty"`
	Status     *status    `json:"status,omitempty"`
}

// Values of span.Kind.
const (
	kindInternal = 1
	kindServer   = 2
	kindClient   = 3
)

type event struct {
	Time       string     `json:"timeUnixNano"`
	Name       string     `json:"name"`
	Attributes attributes `json:"attributes,omitempty"`
}

type link struct {
	TraceID    string     `json:"traceId"`
	SpanID     string     `json:"spanId"`
	Attributes attributes `json:"attributes,omitempty"`
}

type status struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"`
}

const statusError = 2

type logRecord struct {
	Time       string     `json:"timeUnixNano"`
	Observed   string     `json:"observedTimeUnixNano"`
	Severity   int        `json:"severityNumber"`
	Text       string     `json:"severityText"`
	EventName  string     `json:"eventName"`
	Body       value      `json:"body"`
	Attributes attributes `json:"attributes,omitempty"`
	TraceID    string     `json:"traceId,omitempty"`
	SpanID     string     `json:"spanId,omitempty"`
}

const severityWarn = 13

type metric struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Unit        string `json:"unit"`
	Gauge       gauge  `json:"gauge"`
}

type gauge struct {
	Points []point `json:"dataPoints"`
}

type point struct {
	Time       string     `json:"timeUnixNano"`
	Value      string     `json:"asInt"`
	Attributes attributes `json:"attributes"`
}

// nanos is a time. The protocol has no times before 1970.
func nanos(t int64) string { return strconv.FormatInt(max(t, 0), 10) }

// attributes gathers what is known: nothing is written of what is empty or 0, unless zero is a fact of its own.
type attributes []attribute

// maxText is where a text is cut, in bytes: stores refuse very long ones, and a URL may be a megabyte.
const maxText = 4096

func (a *attributes) text(key, s string) {
	if s != "" {
		*a = append(*a, attribute{key, textValue(s)})
	}
}

func textValue(s string) value {
	s = cut(s)
	return value{String: &s}
}

func cut(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "…" // a rune cut in two is replaced by the encoder
	}
	return s
}

// number adds an integer unless it is 0.
func (a *attributes) number(key string, n int64) {
	if n != 0 {
		a.count(key, n)
	}
}

// count adds an integer, 0 too.
func (a *attributes) count(key string, n int64) {
	s := strconv.FormatInt(n, 10)
	*a = append(*a, attribute{key, value{Int: &s}})
}
