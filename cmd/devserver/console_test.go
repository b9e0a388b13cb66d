package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/control"
)

// console is a running devserver as far as commands see it: a console that speaks the contract of the clock and of the
// quotas, and a data directory that leads to it.
type console struct {
	data string
	url  string

	mu     sync.Mutex
	offset time.Duration     // guarded by mu, as are the rest
	asked  map[string]string // what the last change was given
	used   map[string]bool   // apps that have used something of their quotas
}

func newConsole(t *testing.T, apps ...string) *console {
	t.Helper()
	c := &console{data: filepath.Join(t.TempDir(), ".devserver"), used: map[string]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	owner, err := control.Own(c.data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close() })
	f := control.File{PID: os.Getpid(), Console: server.URL, Token: "secret", Recording: filepath.Join(owner.Data, "recording.db")}
	for _, app := range apps {
		f.Apps = append(f.Apps, control.App{Name: app})
		c.used[app] = true
	}
	if err := owner.Publish(f, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	refuse := func(status int, words string) {
		w.WriteHeader(status)
		answer(map[string]string{"error": words})
	}
	if r.Header.Get("Authorization") != "Bearer secret" {
		refuse(http.StatusUnauthorized, "the token, please")
		return
	}
	if r.Method == http.MethodPost {
		c.asked = nil
		if err := json.NewDecoder(r.Body).Decode(&c.asked); err != nil {
			refuse(http.StatusBadRequest, "a JSON object of texts is wanted")
			return
		}
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/clock":
	case "POST /api/v1/clock/advance":
		c.advance()
	case "POST /api/v1/clock/reset":
		c.offset = 0
	case "POST /api/v1/quotas/reset":
		c.reset(answer, refuse)
		return
	default:
		refuse(http.StatusNotFound, "there is no such page")
		return
	}
	answer(control.ClockState{Offset: c.offset, Reclaimed: len(c.asked)})
}

func (c *console) advance() {
	now := time.Now().Add(c.offset)
	switch c.asked["to"] {
	case "minute":
		c.offset += now.Truncate(time.Minute).Add(time.Minute).Sub(now)
	case "midnight":
		c.offset += 5 * time.Hour
	default:
		d, _ := time.ParseDuration(c.asked["duration"])
		c.offset += d
	}
}

func (c *console) reset(answer func(any), refuse func(int, string)) {
	app := c.asked["app"]
	if app != "" && !c.used[app] {
		refuse(http.StatusNotFound, "there is no app "+app)
		return
	}
	names := slices.Sorted(maps.Keys(c.used))
	if app != "" {
		names = []string{app}
	}
	for _, name := range names {
		c.used[name] = false
	}
	answer(map[string][]string{"reset": names})
}

// command runs a command line and returns its status and what it wrote, standard error behind standard output.
func command(t *testing.T, args ...string) (status int, text string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String() + stderr.String()
}

// wants checks a command's status and that each line of a pattern fits.
func wants(t *testing.T, status int, pattern string, args ...string) {
	t.Helper()
	got, text := command(t, args...)
	if got != status || !regexp.MustCompile(`(?m)`+pattern).MatchString(text) {
		t.Errorf("devserver %s: status %d, wrote\n%swant status %d, %s", strings.Join(args, " "), got, text, status, pattern)
	}
}

func TestClockCommands(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	wants(t, exitDone, `\Athe clock is the machine's\n  here     \d{4}-.*\n  Pacific  \d{4}-.*, by which production's quotas are counted\n  minute   ends in (?:\d+s|1m0s)\n  midnight in .*, Pacific time\n\z`, "clock", "--data", c.data)
	wants(t, exitDone, `\Athe clock is 2m1s ahead; 1 idle socket reclaimed\n\z`, "clock", "advance", "2m1s", "--data", c.data)
	if want := fmt.Sprint(map[string]string{"duration": "2m1s"}); fmt.Sprint(c.asked) != want {
		t.Errorf("the console was given %v, want %s", c.asked, want)
	}
	wants(t, exitDone, `\Athe clock is .* ahead, at the next full minute; 1 idle socket reclaimed\n\z`, "clock", "--data", c.data, "advance", "minute")
	if want := fmt.Sprint(map[string]string{"to": "minute"}); fmt.Sprint(c.asked) != want {
		t.Errorf("the console was given %v, want %s", c.asked, want)
	}
	wants(t, exitDone, `ahead, at the next midnight Pacific time; `, "clock", "advance", "midnight", "--data", c.data)
	wants(t, exitDone, `\Athe clock is 5h\S+ ahead of the machine's\n(.*\n)*  back     devserver clock reset\n\z`, "clock", "--data", c.data)
	wants(t, exitDone, `\Athe clock is the machine's again\n\z`, "clock", "reset", "--data", c.data)
	wants(t, exitDone, `\Athe clock is the machine's\n`, "clock", "--data", c.data)
}

func TestShowClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ahead time.Duration
		now   string
		want  string // without the reader's own time
	}{
		{0, "2026-01-15T07:59:30Z", "the clock is the machine's\n  Pacific  2026-01-14 23:59:30, by which production's quotas are counted\n  minute   ends in 30s\n  midnight in 30s, Pacific time\n"},
		{61*time.Second + 1234567, "2026-03-08T09:59:00Z", "the clock is 1m1.001s ahead of the machine's\n  Pacific  2026-03-08 03:00:01, by which production's quotas are counted\n  minute   ends in 59s\n  midnight in 20h59m59s, Pacific time\n  back     devserver clock reset\n"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := showClock(&b, tt.ahead, now); err != nil {
			t.Fatal(err)
		}
		if got := regexp.MustCompile(`(?m)^  here .*\n`).ReplaceAllString(b.String(), ""); got != tt.want {
			t.Errorf("at %s, %v ahead:\n%swant\n%s", tt.now, tt.ahead, got, tt.want)
		}
	}
}

func TestQuotaReset(t *testing.T) {
	t.Parallel()
	c := newConsole(t, "mail", "shop")
	wants(t, exitDone, `\Ashop has used nothing of its quotas now\n\z`, "quota", "reset", "--app", "shop", "--data", c.data)
	if c.used["shop"] || !c.used["mail"] {
		t.Errorf("used: %v, want that of mail alone", c.used)
	}
	wants(t, exitDone, `\Amail has used nothing of its quotas now\nshop has used nothing of its quotas now\n\z`, "quota", "reset", "--data", c.data)
	if c.used["mail"] || len(c.asked) != 0 {
		t.Errorf("used: %v; the console was given %v, want nothing for all apps", c.used, c.asked)
	}
	wants(t, exitFailed, `\Adevserver: no app "nobody" runs; there are mail, shop\n\z`, "quota", "reset", "--app", "nobody", "--data", c.data)
	// An app that ends between the look into control.json and the request: the console's own words.
	delete(c.used, "shop")
	wants(t, exitFailed, `\Adevserver: the console at http://.* answered 404 Not Found: there is no app shop\n\z`, "quota", "reset", "--app", "shop", "--data", c.data)
}
