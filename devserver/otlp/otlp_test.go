package otlp

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

func TestIDSet(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2))
	for range 300 {
		var s idSet
		held := map[int64]bool{}
		for range 1 + r.IntN(40) {
			low := 1 + r.Int64N(60)
			high := low + r.Int64N(5)
			s.add(idRange{low, high})
			for id := low; id <= high; id++ {
				held[id] = true
			}
			if r.IntN(8) == 0 {
				if got, ok := s.take(); ok {
					for id := got.low; id <= got.high; id++ {
						if !held[id] {
							t.Fatalf("take gave %d, which was not held", id)
						}
						delete(held, id)
					}
				}
			}
		}
		missing := s.missing(70)
		for id := int64(1); id <= 70; id++ {
			if s.has(id) != held[id] || missing.has(id) == held[id] {
				t.Fatalf("has(%d) = %v, missing %v, want held %v in %v", id, s.has(id), missing.has(id), held[id], s.ranges)
			}
		}
		for i := 1; i < len(s.ranges); i++ {
			if s.ranges[i].low <= s.ranges[i-1].high+1 {
				t.Fatalf("ranges touch: %v", s.ranges)
			}
		}
	}
}

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url    string
		header string
		want   string // part of the error; "": none
	}{
		{"http://localhost:4318", "", ""},
		{"https://user:pw@otlp.example.com/prefix/", "x-api-key=a=b", ""},
		{"localhost:4318", "", "write it as in --otlp http://localhost:4318"},
		{"http://", "", "with a host"},
		{"grpc://localhost:4317", "", "http or https"},
		{"http://localhost:4318/v1/traces", "", "name what is in front of it: --otlp http://localhost:4318"},
		{"http://localhost:4318/x/v1/logs/", "", "--otlp http://localhost:4318/x"},
		{"http://localhost:4318?key=1", "", "query"},
		{"http://local host", "", "no URL"},
		{"http://localhost:4318", "secret", "NAME=VALUE"},
		{"http://localhost:4318", "a b=secret", `"a b" is no name`},
		{"http://localhost:4318", "a=sec\nret", "control character"},
		{"http://localhost:4318", "content-type=text/plain", "leave it out"},
	} {
		var headers []string
		if tt.header != "" {
			headers = []string{tt.header}
		}
		target, err := ParseTarget(tt.url, headers)
		if tt.want == "" && (err != nil || strings.Contains(target.String(), "pw")) {
			t.Errorf("ParseTarget(%q, %q) = %v, %v", tt.url, tt.header, target, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), "x-api-key=secret")) {
			t.Errorf("ParseTarget(%q, %q) = %v, want an error with %q and no secret", tt.url, tt.header, err, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "-1": 0, "soon": 0, "99999999": maxPatience, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(s, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestRequestName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, url, want string }{
		{"GET", "/orders/7?x=1", "GET /orders/*"},
		{"POST", "/sign", "POST /sign"},
		{"BREW", "/pot", "HTTP /pot"},
		{"GET", "/" + strings.Repeat("a", 33), "GET /*"},
		{"", "", "HTTP"},
	} {
		if got := requestName(record.Request{Method: tt.method, URL: tt.url}); got != tt.want {
			t.Errorf("requestName(%q, %q) = %q, want %q", tt.method, tt.url, got, tt.want)
		}
	}
}

// TestAttributes holds what call sites, addresses and texts of any kind become.
func TestAttributes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		add  func(*attributes)
		want string
	}{
		{func(a *attributes) { a.site("store/db.go:42") }, "code.file.path=store/db.go code.line.number=42"},
		{func(a *attributes) { a.site("odd") }, "code.file.path=odd"},
		{func(a *attributes) { a.site("") }, ""},
		{func(a *attributes) { a.endpoint("h", "p", "[2001:db8::1]:25") }, "h=2001:db8::1 p=25"},
		{func(a *attributes) { a.endpoint("h", "p", "db.example.com") }, "h=db.example.com"},
		{func(a *attributes) { a.endpoint("h", "p", "host:99999") }, "h=host"},
		{func(a *attributes) { a.transport("tcp4", "[::ffff:10.0.0.1]:1") }, "network.transport=tcp network.type=ipv4"},
		{func(a *attributes) { a.transport("unixgram", "/tmp/x") }, "network.transport=unix"},
		{func(a *attributes) { a.count("n", 0); a.number("m", 0) }, "n=0"},
	} {
		var a attributes
		tt.add(&a)
		var got []string
		for _, v := range a {
			text := v.Value.String
			if text == nil {
				text = v.Value.Int
			}
			got = append(got, v.Key+"="+*text)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("attributes %q, want %q", got, tt.want)
		}
	}
	long, err := json.Marshal(textValue(strings.Repeat("é", maxText)))
	if err != nil || len(long) > maxText+100 {
		t.Errorf("a long text is encoded as %d bytes, %v", len(long), err)
	}
}

// FuzzAnswers: whatever a store says, it is read or ignored.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}`), 200)
	f.Add([]byte(`{"partialSuccess":{"rejectedSpans":-1,"rejectedLogRecords":9223372036854775808}}`), 202)
	f.Add([]byte("\x0a\x05hello"), 400)
	f.Add([]byte(`{"code":3,"message":"no\u001b[2J"}`), 429)
	f.Fuzz(func(t *testing.T, text []byte, status int) {
		target, _ := ParseTarget(Example, nil)
		a, err := judge(target.url, &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {string(text)}}}, text)
		if a.rejected < 0 {
			t.Errorf("rejected %d", a.rejected)
		}
		if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) || len(err.Error()) > 400) {
			t.Errorf("the error is not fit for a line: %q", err)
		}
	})
}

// TestSender holds what each answer leads to.
func TestSender(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers []int // statuses, one after the other; 0 closes the connection
		body    string
		sum     Summary
		told    string
		err     string // with one try
	}{
		{"taken", []int{200}, `{}`, Summary{Spans: 5}, "", ""},
		{"not JSON", []int{200}, "\x0a\x00", Summary{Spans: 5}, "", ""},
		{"busy", []int{503, 429, 502, 504, 200}, `{}`, Summary{Spans: 5}, "away back", ""},
		{"hangs up", []int{0, 0, 200}, `{}`, Summary{Spans: 5}, "away back", ""},
		{"refused", []int{400}, `{"message":"bad span"}`, Summary{Refused: 5}, "refused 5", ""},
		{"broken", []int{500}, `oops`, Summary{Refused: 5}, "refused 5", ""},
		{"moved", []int{301}, ``, Summary{Refused: 5}, "refused 5", ""},
		{"partial", []int{200}, `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}`, Summary{Spans: 3, Refused: 2}, "partial 2 too old", ""},
		{"more rejected than sent", []int{200}, `{"partialSuccess":{"rejectedSpans":99}}`, Summary{Refused: 5}, "partial 5 ", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status := tt.answers[min(n, len(tt.answers)-1)]
				n++
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				if r.Method != "POST" || r.URL.Path != "/prefix/v1/traces" || r.Header.Get("X-Key") != "secret" {
					status = 418
				}
				w.Header().Set("Retry-After", "0")
				w.Header().Set("Location", "https://elsewhere.example/")
				w.WriteHeader(status)
				fmt.Fprint(w, tt.body)
			}))
			t.Cleanup(server.Close)
			target, err := ParseTarget(server.URL+"/prefix", []string{"x-key=secret"})
			if err != nil {
				t.Fatal(err)
			}
			var told []string
			s := newSender(Config{Target: target, MinPause: time.Microsecond, MaxPause: time.Microsecond, Notify: func(x Trouble) {
				told = append(told, []string{"away", "back", fmt.Sprintf("refused %d", x.Items), fmt.Sprintf("partial %d %s", x.Items, x.Words)}[x.Kind])
			}})
			defer s.client.close()
			if err := s.send(t.Context(), tracesPath, []byte(`{"resourceSpans":[]}`), 5, 0); err != nil {
				t.Error(err)
			}
			if n != len(tt.answers) {
				t.Errorf("asked %d times, want %d", n, len(tt.answers))
			}
			if s.sum != tt.sum || strings.Join(told, " ") != tt.told {
				t.Errorf("sum %+v, told %q; want %+v, %q", s.sum, told, tt.sum, tt.told)
			}
		})
	}
}

// TestRefusalIsToldOnce: a store that refuses everything is heard once, not with each batch.
func TestRefusalIsToldOnce(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	target, _ := ParseTarget(server.URL, nil)
	var told []Trouble
	s := newSender(Config{Target: target, Notify: func(x Trouble) { told = append(told, x) }})
	defer s.client.close()
	for range 20 {
		if err := s.send(t.Context(), logsPath, []byte("{}"), 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	var refused *RefusedError
	if len(told) != 1 || !errors.As(told[0].Err, &refused) || refused.Code != 404 || s.sum.Refused != 20 {
		t.Errorf("told %+v with %d refused, want the 404 once and 20", told, s.sum.Refused)
	}
}

// TestAnswerTooLate: a store that takes a request and never answers is one that is away.
func TestAnswerTooLate(t *testing.T) {
	t.Parallel()
	late := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-late }))
	t.Cleanup(server.Close)
	defer close(late)
	target, _ := ParseTarget(server.URL, nil)
	s := newSender(Config{Target: target, AttemptLimit: time.Millisecond})
	defer s.client.close()
	err := s.send(t.Context(), tracesPath, []byte("{}"), 1, 1)
	var busy *BusyError
	if !errors.As(err, &busy) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("send = %v, want no answer in time", err)
	}
}

// TestIDsAreStable: stores may hold what was sent by earlier versions of devserver.
func TestIDsAreStable(t *testing.T) {
	t.Parallel()
	r := record.Run{ID: 3, App: "shop", StartedAt: 1_700_000_000_000_000_000}
	at := requestContext(r, 7)
	under, parent := socketContext(r, &record.Socket{ID: 9, RequestID: 7})
	alone, none := socketContext(r, &record.Socket{ID: 9})
	if under.trace != at.trace || parent != at.span || none != "" || alone.trace == at.trace || alone.span != under.span {
		t.Errorf("request %v, socket below it %v of %v, socket alone %v of %q", at, under, parent, alone, none)
	}
	if len(at.trace) != 32 || len(at.span) != 16 {
		t.Errorf("ids %v", at)
	}
	got := []string{string(at.trace), string(at.span), string(under.span)}
	want := []string{"b22e9697b5bc2c9fb76be4bf4e955965", "20e9c13ee2629d84", "59002cabbba2f017"}
	if !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
	other := r
	other.StartedAt++
	if requestContext(other, 7) == at || requestContext(r, 8) == at {
		t.Error("another run or another request has the same ids")
	}
}

// TestBinaryStaysLight: the protocol's own types are for tests.
func TestBinaryStaysLight(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "github.com/seed-d81df0db/devserver/cmd/devserver").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, heavy := range []string{"go.opentelemetry.io/", "google.golang.org/"} {
			if strings.HasPrefix(dep, heavy) {
				t.Errorf("the binary holds %s", dep)
			}
		}
	}
}
