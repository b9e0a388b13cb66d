package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// newConsole is a console at noon with a known token, for handlers that need no network.
func newConsole(t *testing.T, data Source, state func() State, change func(*Config)) http.Handler {
	t.Helper()
	c := Config{Source: data, State: state, Controls: &controls{}, Live: new(Live), Token: "open sesame", Hosts: LoopbackHosts(8000), Now: func() time.Time { return noon }}
	if change != nil {
		change(&c)
	}
	handler, err := NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// get asks as a browser would.
func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8000"+path, nil)
	r.Header.Set("Accept", "text/html,*/*")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func full() State { return moved(noon) }

func empty() State {
	app := App{Name: "guestbook", URL: "http://127.0.0.1:8080", Profile: "appengine", IdleLimit: 2 * time.Minute}
	return timed(State{Apps: []App{ruled(app, testPolicy(), noon, nil)}}, noon)
}

// pageCases are all pages, with full and with empty data, and what must be on them.
var pageCases = []struct {
	name, path string
	empty      bool
	want       []string
}{
	{"overview", "/", false, []string{"mail.go:42", "dialled smtp.example.com:25. Production blocks port 25 (SMTP).", "wrote to mq.example.com:5672", "idle for 2 min 6 s", "orders.go:91:7: undefined: rows", "Limited", "31.2 MiB of 113 MiB", "Used up for today", "The clock is 2 min 1 s ahead", "devserver explain tcp smtp.example.com:25", "recording.db"}},
	{"overview-empty", "/", true, []string{"None so far", "Nothing is used this minute", "http://127.0.0.1:8080", "Save a file"}},
	{"sockets", "/sockets?q=since%3A1m", false, []string{"db.example.com:5432", "builtin:whois", "port25", "1:46", "since:1m", "GET /orders/7", "−45 s", "reclaimed"}},
	{"sockets-empty", "/sockets", true, []string{"No sockets yet", "http://127.0.0.1:8080"}},
	{"sockets-none", "/sockets?q=host%3Anowhere", false, []string{"No socket matches", "Show all 23"}},
	{"sockets-wrong", "/sockets?q=state%3Aajar", false, []string{"a state is one of open, idle"}},
	{"socket", "/sockets/17", false, []string{"orders.go:88", "Close this socket", "until production reclaims it", "look-up", "+0.001 s"}},
	{"socket-reclaimed", "/sockets/16", false, []string{"closed by production", "write: broken pipe"}},
	{"socket-denied", "/sockets/21", false, []string{"connect: permission denied", "What to do"}},
	{"requests", "/requests", false, []string{"GET</b> /orders/7", "running", "panic: runtime error", "1 denied", ">500<", "5.1 kB"}},
	{"requests-empty", "/requests", true, []string{"No requests yet", "http://127.0.0.1:8080"}},
	{"requests-none", "/requests?q=status%3A418", false, []string{"No request matches"}},
	{"requests-further", "/requests?q=slow", false, []string{"No request matches so far", `href="/requests?before=9&q=slow"`, "Searched back to", "Search further"}},
	{"requests-wrong", "/requests?q=status%3Ateapot", false, []string{"a status is a number as 404"}},
	{"request", "/requests/63", false, []string{"after 4 s", "look-ups", "db.example.com:5432", "cache.example.com:6379", "Build 12", "orders.go, pool.go", "20 sends, 1.3 kB at +2.52 s", "INFO order 7 loaded", "cached␍for 5 min", "/sockets?q=request%3A63"}},
	{"request-denied", "/requests/65", false, []string{"mark-deny", ">port25</text>", "connect: permission denied", "mail: dial tcp"}},
	{"request-running", "/requests/67", false, []string{"running for 14 s", "No line is known"}},
	{"request-panic", "/requests/114", false, []string{"It did not end by itself", "It used no socket.", "437 bytes more"}},
	{"logs", "/logs", false, []string{"listening", "INFO order 7", "GET /orders/7", "stderr", "smtp.example.com:25", "POST /sign", `href="/requests/65"`}},
	{"logs-empty", "/logs", true, []string{"Nothing was written yet"}},
	{"logs-none", "/logs?q=nowhere+to+be+found", false, []string{"No line matches"}},
	{"logs-further", "/logs?q=slow", false, []string{"No line matches so far", `href="/logs?before=9&q=slow"`, "Searched back to", "Search further"}},
	{"logs-wrong", "/logs?q=stream%3Astdin", false, []string{"a stream is one of stdout, stderr"}},
	{"reclaims", "/reclaims", false, []string{"mq.example.com:5672", "used it 6 s later", "write: broken pipe", "Move the clock on by 2 min 1 s"}},
	{"reclaims-empty", "/reclaims", true, []string{"Nothing was reclaimed yet", "devserver clock advance 2m1s"}},
	{"denials", "/denials", false, []string{"10.0.0.7:8080", "A private address", "3 times", "Private, broadcast, multicast", "devserver explain tcp 10.0.0.7:8080"}},
	{"denials-empty", "/denials", true, []string{"Nothing was denied", "devserver explain"}},
	{"quotas", "/quotas", false, []string{">0:59<", "midnight Pacific (5 March, 08:00 here), in 19 h 57 min", "4,800 of 4,800", "0 left", "Limited", "Used up for today", "31.2 MiB of 113 MiB", "1.8 GB, which costs about US$ 0.22", "Reset usage",
		testQuotas, `"quota-guestbook-connect"`, "Reset the clock"}},
	{"quotas-empty", "/quotas", true, []string{"0 of 4,800", "4,800 left", "0 B of 113 MiB", "0 B, which costs nothing"}},
	{"rules", "/rules?network=tcp&address=10.0.0.7%3A25&answers=", false, []string{"denied by", ">port25<", "Production blocks port 25", "permission denied", "port 587", "Would speak too", "a private address", testLimits, "devserver explain tcp 10.0.0.7:25", "enforce", "after 2 min", "report", "off", "smtp.gmail.com, ports 465, 587", "8.8.8.8:53", "github.com/mattn/go-sqlite3", "comes later"}},
	{"rules-empty", "/rules", true, []string{"No package of the newest build is known to do so"}},
	{"clock", "/clock", false, []string{"12:02:01", "04:02:01", "Wednesday, 4 March 2026", "PST", "On by 59 s, to 12:03 here. The quotas of the minute are refilled; 1 open socket falls due", "On by 2 min 1 s, to 12:04 here", "4 open sockets fall due",
		"On by 19 h 57 min, to 5 March, 08:00 here. The quotas of the day and of the minute are refilled", "on 2 min 1 s", "devserver clock advance midnight"}},
	{"clock-empty", "/clock", true, []string{"no socket falls due", "The clock has not been moved", "the machine's own time"}},
	{"no-page", "/nowhere", false, []string{"There is nothing at /nowhere"}},
	{"no-number", "/sockets/seven", false, []string{"is no socket's number", "400"}},
	{"no-request", "/requests/4711", false, []string{"Request 4711 is not in this recording"}},
	{"no-socket", "/sockets/4711", false, []string{"Socket 4711 is not in this recording"}},
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tt := range pageCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data, state := lively(noon), full
			if tt.empty {
				data, state = &recording{}, empty
			}
			if tt.name == "quotas" {
				overQuota(data)
			}
			handler := newConsole(t, data, state, nil)
			body := get(handler, tt.path).Body.String()
			for _, want := range tt.want {
				if !strings.Contains(unescape(body), want) {
					t.Errorf("%s lacks %q", tt.path, want)
				}
			}
			for _, wrong := range checkHTML(body) {
				t.Errorf("%s: %s", tt.path, wrong)
			}
			checkLinks(t, handler, body)
			golden(t, tt.name, body)
		})
	}
}

func unescape(body string) string {
	return strings.NewReplacer("&#39;", "'", "&#43;", "+", "&amp;", "&", "&#34;", `"`, "&lt;", "<", "&gt;", ">").Replace(body)
}

func golden(t *testing.T, name, body string) {
	t.Helper()
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if line, got, want := firstDifference(body, string(want)); line != 0 {
		t.Errorf("%s differs in line %d (go test ./web -update writes it anew)\n got %s\nwant %s", file, line, got, want)
	}
}

func firstDifference(got, want string) (line int, gotLine, wantLine string) {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := at(g, i), at(w, i)
		if a != b {
			return i + 1, a, b
		}
	}
	return 0, "", ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// checkHTML tells what is wrong with a page: tags that do not match, ids used twice, references to ids that are not
// there, and what our content policy would block.
func checkHTML(page string) (wrong []string) {
	void := []string{"meta", "link", "input", "br"}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.Entity = false, xml.HTMLEntity
	var stack []string
	ids := map[string]int{}
	var wanted []string
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return append(wrong, err.Error())
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			for _, a := range token.Attr {
				switch {
				case a.Name.Local == "id":
					ids[a.Value]++
				case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
					wrong = append(wrong, fmt.Sprintf("<%s> has the attribute %s, which our content policy blocks", name, a.Name.Local))
				case a.Name.Local == "for" || a.Name.Local == "aria-labelledby" || a.Name.Local == "aria-describedby":
					wanted = append(wanted, a.Value)
				case (a.Name.Local == "href" || a.Name.Local == "src") && strings.HasPrefix(a.Value, "javascript:"):
					wrong = append(wrong, "a link is a script")
				}
			}
			if name == "style" {
				wrong = append(wrong, "a style is inline")
			}
			if name == "script" && !slices.ContainsFunc(token.Attr, func(a xml.Attr) bool { return a.Name.Local == "src" && strings.HasPrefix(a.Value, "/static/") }) {
				wrong = append(wrong, "a script is inline or foreign")
			}
			if !slices.Contains(void, name) {
				stack = append(stack, name)
			}
		case xml.EndElement:
			if len(stack) > 0 && stack[len(stack)-1] == token.Name.Local {
				stack = stack[:len(stack)-1]
				continue
			}
			// RawToken writes <path/> as a start and an end
			if slices.Contains(void, token.Name.Local) {
				continue
			}
			return append(wrong, fmt.Sprintf("</%s> inside %v", token.Name.Local, stack))
		}
	}
	if len(stack) > 0 {
		wrong = append(wrong, fmt.Sprintf("never closed: %v", stack))
	}
	for id, n := range ids {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("id %q stands there %d times", id, n))
		}
	}
	for _, id := range wanted {
		if ids[id] == 0 {
			wrong = append(wrong, fmt.Sprintf("there is no id %q", id))
		}
	}
	return wrong
}

func TestCheckHTML(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		`<p id="a"><b>x</b></p>`:          "",
		`<p><b>x</p>`:                     "</p> inside [p b]",
		`<p>`:                             "never closed: [p]",
		`<p id="a"></p><p id="a"></p>`:    `id "a" stands there 2 times`,
		`<p style="x"></p>`:               "<p> has the attribute style, which our content policy blocks",
		`<label for="q"></label>`:         `there is no id "q"`,
		`<script>x</script>`:              "a script is inline or foreign",
		`<a href="javascript:x()">x</a>`:  "a link is a script",
		`<svg><path d="M0 0"/><br></svg>`: "",
	} {
		if got := strings.Join(checkHTML(page), "; "); got != want {
			t.Errorf("checkHTML(%s) = %q, want %q", page, got, want)
		}
	}
}

// checkLinks follows every link of a page to our own pages: none is dead.
func checkLinks(t *testing.T, handler http.Handler, body string) {
	t.Helper()
	for _, attribute := range []string{`href="/`, `src="/`} {
		for _, rest := range strings.Split(body, attribute)[1:] {
			path, _, _ := strings.Cut(rest, `"`)
			path = "/" + strings.ReplaceAll(path, "&amp;", "&")
			if code := get(handler, path).Code; code != http.StatusOK {
				t.Errorf("the link %s is dead: %d", path, code)
			}
		}
	}
}

// TestHostileWords puts markup wherever a recording or the supervisor can bring words of others.
func TestHostileWords(t *testing.T) {
	t.Parallel()
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.Token}}`
	data := &recording{}
	for _, state := range []string{"open", "closed", "denied", "reclaimed", "failed"} {
		s := record.Socket{App: evil, Network: evil, Host: evil, RemoteAddr: evil, LocalAddr: evil, Standin: evil, OpenedAt: noon.Add(-time.Minute).UnixNano(), State: state,
			CloseReason: evil, CallSite: evil, Rule: evil, Request: evil, RequestID: 7, LastAt: noon.UnixNano()}
		if state != "open" {
			s.ClosedAt = noon.UnixNano()
		}
		s = data.add(s)
		for _, kind := range []string{"deny", "reclaim", "send", evil} {
			data.happen(s, record.Event{Kind: kind, At: noon.UnixNano(), Rule: evil, Error: evil, Detail: evil, Status: 500})
		}
	}
	data.requests = []record.Request{{ID: 7, RunID: 3, App: evil, StartedAt: noon.Add(-time.Minute).UnixNano(), DurationNS: 1e9, Method: evil, URL: evil + "\x1b[31m", Status: 500, RemoteAddr: evil, Error: evil}}
	data.runs = []record.Run{{ID: 3, App: evil, GoVersion: evil, Revision: evil, Exit: evil, BuildID: 1}}
	data.builds = []record.Build{{ID: 1, App: evil, Files: []string{evil, evil, evil, evil}}}
	data.say(noon.Add(-time.Minute).UnixNano(), evil, 7, evil+"\x1b]0;title\x07\x00\u202e")
	state := func() State {
		return State{Recording: evil, Apps: []App{{Name: evil, URL: "javascript:alert(1)", Profile: evil, IdleLimit: time.Minute, Down: evil, Sources: map[string]string{evil: evil},
			Builds: []Build{{Number: 2, At: noon, Files: []string{evil}}, {Number: 3, At: noon.Add(1), Errors: []string{evil}}}, Escapes: []Escape{{evil, evil, evil}}}}}
	}
	ruling := func() State {
		s := state()
		policy := testPolicy()
		policy.Profile, policy.Rules[sandbox.RulePort25] = evil, sandbox.RuleSetting{Mode: sandbox.ModeEnforce, Source: evil}
		policy.Quotas[sandbox.ResourceSend] = sandbox.Limit{Source: evil}
		policy.Exceptions = append(policy.Exceptions, sandbox.Exception{Host: evil, Ports: []uint16{1}, Source: evil})
		app := ruled(s.Apps[0], testPolicy(), noon, testUse)
		app.Policy, app.Quotas = policy, counted(evil, policy, noon, testUse) // a page shows even what no profile can hold
		app.ExplainFlags = []string{evil}
		s.Apps = []App{app, app}
		s.Apps[1].Name += "2"
		return timed(s, noon)
	}
	handler := newConsole(t, data, ruling, nil)
	ask := "/rules?network=" + url.QueryEscape(evil) + "&address=" + url.QueryEscape(evil) + "&answers="
	for _, path := range []string{"/quotas", "/rules", "/clock", ask, ask + url.QueryEscape(evil), strings.Replace(ask, "network", "app", 1),
		"/rules?network=tcp&address=a:25", "/", "/sockets", "/sockets/1", "/sockets/3", "/sockets/4", "/reclaims", "/denials", "/requests", "/requests/7", "/logs", "/requests?q=%22%3E%3Cscript%3E", "/logs?q=%3Cimg%20src%3E", "/sockets?q=" + "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/sockets/%3Cscript%3E", "/%3Cscript%3Ealert(1)"} {
		w := get(handler, path)
		if w.Code >= 500 {
			t.Errorf("%s: status %d", path, w.Code)
		}
		for _, wrong := range checkHTML(w.Body.String()) {
			t.Errorf("%s: %s", path, wrong)
		}
		if bytes.Contains(w.Body.Bytes(), []byte("<script>")) || bytes.Contains(w.Body.Bytes(), []byte("<img")) {
			t.Errorf("%s: markup came through", path)
		}
		if bytes.ContainsAny(w.Body.Bytes(), "\x1b\x00\x07\u202e") {
			t.Errorf("%s: control characters came through", path)
		}
	}
}

// TestBrokenRecording asks for every page of a recording that cannot be read: each is an error page, and the reason is for the log.
func TestBrokenRecording(t *testing.T) {
	t.Parallel()
	handler := newConsole(t, &recording{err: errors.New("disk I/O error at /secret/path")}, full, nil)
	for _, path := range []string{"/", "/sockets", "/sockets/1", "/requests", "/requests/1", "/logs", "/quotas", "/reclaims", "/denials", "/rules", "/clock"} {
		w := get(handler, path)
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "could not be read") {
			t.Errorf("%s: status %d: %s", path, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells the world what went wrong inside", path)
		}
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	data := &recording{}
	for range 250 {
		data.add(record.Socket{Network: "tcp", Host: "db", RemoteAddr: "93.184.216.34:5432", State: "closed", OpenedAt: noon.UnixNano(), ClosedAt: noon.UnixNano()})
	}
	handler := newConsole(t, data, full, nil)
	seen := map[string]bool{}
	pages := 0
	for path := "/sockets?q=host%3Adb"; path != ""; pages++ {
		body := get(handler, path).Body.String()
		for _, rest := range strings.Split(body, `<tr role="row" id="`)[1:] {
			id, _, _ := strings.Cut(rest, `"`)
			if seen[id] {
				t.Fatalf("socket %s stands on two pages", id)
			}
			seen[id] = true
		}
		path = ""
		if before, _, ok := strings.Cut(body, `" rel="next"`); ok {
			path = strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
		}
	}
	if len(seen) != 250 || pages != 3 {
		t.Errorf("%d sockets on %d pages, want 250 on 3", len(seen), pages)
	}
}

func TestNewHandlerSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c    Config
		want string
	}{
		{Config{}, "Source"},
		{Config{Source: &recording{}}, "State"},
		{Config{Source: &recording{}, State: empty}, "Token"},
		{Config{Source: &recording{}, State: empty, Token: "x"}, "Hosts"},
	} {
		if _, err := NewHandler(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("NewHandler without %s: %v", tt.want, err)
		}
	}
}
