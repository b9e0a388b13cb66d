package web

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

var shots = flag.String("shots", "", "write pictures of the pages to this folder")

// site is a console on a real loopback port.
type site struct {
	*httptest.Server
	live *Live
	data *recording
	host string
}

// open starts a console on data; change may alter its configuration.
func open(t *testing.T, data *recording, state func() State, change func(*Config)) *site {
	t.Helper()
	s := &site{live: new(Live), data: data}
	s.Server = httptest.NewUnstartedServer(nil)
	port := s.Listener.Addr().(*net.TCPAddr).Port
	s.host = fmt.Sprintf("127.0.0.1:%d", port)
	c := Config{Source: data, State: state, Controls: &controls{}, Live: s.live, Token: "open sesame", Hosts: LoopbackHosts(port)}
	if change != nil {
		change(&c)
	}
	handler, err := NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Handler = handler
	s.Start()
	t.Cleanup(func() {
		s.live.Close() // or Close would wait for the streams
		s.Close()
	})
	return s
}

// browser starts Chromium; errors of a page's scripts and of its loading fail the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx := chrometest.Open(t, 5*time.Minute) // the pages are many, and a busy machine draws slowly
	watchErrors(ctx, t)
	return ctx
}

// watchErrors gathers what the browser's console says until the test ends.
func watchErrors(ctx context.Context, t *testing.T) {
	ctx, stop := context.WithCancel(ctx)
	messages := chromedp.Console(ctx)
	var bad []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			if strings.Contains(m.Text, "400 (Bad Request)") {
				continue // the answer to a filter that is being typed
			}
			if m.IsException() || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning {
				bad = append(bad, m.String())
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		for _, text := range bad {
			t.Errorf("the browser's console: %s", text)
		}
	})
}

// until waits for a script to be true.
func until(ctx context.Context, t *testing.T, script string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](script)); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// scheme chooses light or dark, without motion.
func scheme(dark bool) chromedp.Action[chromedp.Void] {
	value := map[bool]string{false: "light", true: "dark"}[dark]
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

// TestPagesFit loads every page at both widths in both schemes: nothing overflows, colours differ, no error appears.
func TestPagesFit(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	busy := lively(now)
	overQuota(busy)
	lively := open(t, busy, func() State { return moved(now) }, nil)
	empty := open(t, &recording{}, func() State {
		return timed(State{Apps: []App{ruled(App{Name: "guestbook", URL: "http://127.0.0.1:8080", IdleLimit: 2 * time.Minute}, testPolicy(), now, nil)}}, now)
	}, nil)
	two := open(t, busy, with(func() State { return moved(now) }, func(p *sandbox.Policy) {
		p.Rules[sandbox.RuleQuota] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
		p.Quotas[sandbox.ResourceSend] = sandbox.Limit{PerMinute: sandbox.Unlimited, PerDay: 663_552_000, Source: "set by hand"}
	}, "orders"), nil)
	for _, page := range []struct {
		name, url string
	}{
		{"overview", lively.URL + "/"}, {"sockets", lively.URL + "/sockets?q=since:1m"}, {"sockets-all", lively.URL + "/sockets"}, {"socket", lively.URL + "/sockets/17"}, {"reclaims", lively.URL + "/reclaims"},
		{"socket-denied", lively.URL + "/sockets/21"}, {"denials", lively.URL + "/denials"}, {"empty-overview", empty.URL + "/"}, {"empty-sockets", empty.URL + "/sockets"}, {"empty-reclaims", empty.URL + "/reclaims"}, {"empty-denials", empty.URL + "/denials"},
		{"quotas", lively.URL + "/quotas"}, {"empty-quotas", empty.URL + "/quotas"}, {"two-quotas", two.URL + "/quotas"}, {"two-overview", two.URL + "/"},
		{"rules", lively.URL + "/rules"}, {"rules-denied", lively.URL + "/rules?network=tcp&address=10.0.0.7%3A25&answers="}, {"two-rules", two.URL + "/rules?app=orders&network=tcp&address=" + strings.Repeat("x", 300) + ".example.com%3A443&answers=8.8.8.8"},
		{"clock", lively.URL + "/clock"}, {"empty-clock", empty.URL + "/clock"},
	} {
		fits(ctx, t, page.name, page.url)
	}
}

// fits loads a page at three widths, in light and dark.
func fits(ctx context.Context, t *testing.T, page, url string) {
	t.Helper()
	for _, width := range []int64{1280, 900, 400} {
		for _, dark := range []bool{false, true} {
			if width == 900 && dark {
				continue
			}
			name := fmt.Sprintf("%s-%d-%s", page, width, map[bool]string{false: "light", true: "dark"}[dark])
			chrometest.Do(ctx, t, scheme(dark), chromedp.EmulateViewport(width, 820), chromedp.Navigate(url), chromedp.WaitVisible("#live"))
			if wide := chrometest.Eval[string](ctx, t, tooWide); wide != "" {
				t.Errorf("%s: wider than the window: %s", name, wide)
			}
			background := chrometest.Eval[string](ctx, t, `getComputedStyle(document.body).backgroundColor`)
			if want := map[bool]string{false: "rgb(251, 250, 248)", true: "rgb(21, 23, 26)"}[dark]; background != want {
				t.Errorf("%s: background %s, want %s", name, background, want)
			}
			if page == "overview" {
				chrometest.Do(ctx, t, chromedp.Click("#failures li:nth-child(2) summary"))
			}
			shoot(ctx, t, name)
		}
	}
}

// TestLiveUpdate is a reader's view of changes: rows come and go without a reload, and what he looks at, has opened, has
// typed or has selected stays.
func TestLiveUpdate(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	data := lively(now)
	for i := range 60 {
		data.add(record.Socket{Network: "tcp", Host: fmt.Sprintf("h%d.example.com", i), RemoteAddr: "93.184.216.34:5432", State: "open", OpenedAt: now.UnixNano(), LastAt: now.UnixNano(), CallSite: "main.go:1"})
	}
	s := open(t, data, func() State { return running(now) }, nil)
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 600), chromedp.Navigate(s.URL+"/sockets"), chromedp.WaitVisible("#live"))
	until(ctx, t, `document.getElementById("live").textContent === "live"`)
	chrometest.Eval[bool](ctx, t, `window.sameDocument = true`)

	appear := func(host string) {
		data.add(record.Socket{Network: "tcp", Host: host, RemoteAddr: "93.184.216.34:5432", State: "open", OpenedAt: time.Now().UnixNano(), LastAt: time.Now().UnixNano(), CallSite: "main.go:2"})
		s.live.Notify()
		until(ctx, t, fmt.Sprintf(`document.getElementById("rows").textContent.includes(%q)`, host))
	}
	appear("new.example.com")
	if first := chrometest.Eval[string](ctx, t, `document.querySelector("tbody tr .addr a").textContent`); first != "new.example.com:5432" {
		t.Errorf("the newest socket's row is not the first: %s", first)
	}

	chrometest.Do(ctx, t, chromedp.Focus("#q"))
	chrometest.Eval[bool](ctx, t, `(scrollTo({top: 900, behavior: "instant"}), window.row = document.elementFromPoint(500, 300).closest("tr"), window.rowTop = row.getBoundingClientRect().top, true)`)
	appear("another.example.com")
	if moved := chrometest.Eval[float64](ctx, t, `Math.abs(row.getBoundingClientRect().top - rowTop)`); moved > 1 {
		t.Errorf("the row in sight moved by %.1f pixels when another came above it", moved)
	}
	if focus := chrometest.Eval[string](ctx, t, `document.activeElement.id`); focus != "q" {
		t.Errorf("the focus went from the filter to %q", focus)
	}

	chrometest.Eval[bool](ctx, t, `(getSelection().selectAllChildren(row.querySelector(".addr")), true)`)
	data.add(record.Socket{Network: "tcp", Host: "late.example.com", State: "open", OpenedAt: time.Now().UnixNano()})
	s.live.Notify()
	chrometest.Do(ctx, t, chromedp.Sleep(1500*time.Millisecond)) // long enough for a change that must not happen
	if chrometest.Eval[bool](ctx, t, `document.getElementById("rows").textContent.includes("late.example.com")`) {
		t.Error("the page changed while text was selected")
	}
	chrometest.Eval[bool](ctx, t, `(getSelection().removeAllRanges(), true)`)
	until(ctx, t, `document.getElementById("rows").textContent.includes("late.example.com")`)
	if !chrometest.Eval[bool](ctx, t, `window.sameDocument === true`) {
		t.Error("the page was loaded anew")
	}
}

// TestChangeWhileSelected: what changed while text was selected appears afterwards, also when the last fetch was only
// just before. The page's clock stands still, so that it always was.
func TestChangeWhileSelected(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	data := lively(now)
	s := open(t, data, func() State { return running(now) }, nil)
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 600), chromedp.Navigate(s.URL+"/sockets"), chromedp.WaitVisible("#live"))
	until(ctx, t, `performance.getEntriesByType("resource").some((e) => e.initiatorType === "fetch")`) // as the stream begins
	chrometest.Eval[bool](ctx, t, `(() => {
		window.looked = 0;
		window.real = getSelection;
		window.getSelection = () => (looked++, { isCollapsed: false, anchorNode: document.getElementById("main") });
		performance.now = () => 0;
		return true;
	})()`)
	data.add(record.Socket{Network: "tcp", Host: "late.example.com", State: "open", OpenedAt: time.Now().UnixNano()})
	s.live.Notify()
	until(ctx, t, `looked > 0`)
	chrometest.Eval[bool](ctx, t, `(window.getSelection = real, document.dispatchEvent(new Event("selectionchange")))`)
	until(ctx, t, `document.getElementById("rows").textContent.includes("late.example.com")`)
}

// TestFilterAndKeys types into the filter: "/" brings there, the list follows, a mistake is told.
func TestFilterAndKeys(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	s := open(t, lively(now), func() State { return running(now) }, nil)
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 600), chromedp.Navigate(s.URL+"/sockets"), chromedp.WaitVisible("#live"), chromedp.KeyEvent("/"))
	until(ctx, t, `document.activeElement.id === "q"`)
	chrometest.Eval[bool](ctx, t, `(document.getElementById("q").value = "", true)`) // the driver types the slash whatever became of its key
	chrometest.Do(ctx, t, chromedp.SendKeys("#q", "state:denied"))
	until(ctx, t, `document.querySelectorAll("tbody tr").length === 2`)
	if address := chrometest.Eval[string](ctx, t, `location.search`); address != "?q=state%3Adenied" {
		t.Errorf("the address says %q", address)
	}
	chrometest.Eval[bool](ctx, t, `(document.getElementById("q").select(), true)`)
	chrometest.Do(ctx, t, chromedp.SendKeys("#q", "since:soon"))
	until(ctx, t, `document.getElementById("wrong").textContent.includes("length of time")`)
	if typed := chrometest.Eval[string](ctx, t, `document.getElementById("q").value`); typed != "since:soon" {
		t.Errorf("the field holds %q", typed)
	}
}

// TestChangeInThePage resets the clock by its button, and keeps an explanation open meanwhile.
func TestChangeInThePage(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	asked := &controls{offset: 121 * time.Second}
	s := open(t, lively(now), func() State {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		state := running(now)
		state.Offset = asked.offset
		return state
	}, func(c *Config) { c.Controls = asked })
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 600), chromedp.Navigate(s.URL+"/"), chromedp.WaitVisible("#banner"), chromedp.Click("#failures summary"))
	until(ctx, t, `document.querySelector("#failures details").open`)
	chrometest.Do(ctx, t, chromedp.Click("#banner button"), chromedp.WaitNotPresent("#banner"))
	if !chrometest.Eval[bool](ctx, t, `document.querySelector("#failures details").open && document.querySelector("#failures .copier") !== null`) {
		t.Error("the explanation was closed by the update, or lost its button")
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if fmt.Sprint(asked.asked) != "[reset]" {
		t.Errorf("asked %v", asked.asked)
	}
}

// tooWide names what makes a page scroll sideways, "" when nothing does.
const tooWide = `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")]
	.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.nodeName + "." + e.getAttribute("class")).join(" ") || "the page"`

func shoot(ctx context.Context, t *testing.T, name string) {
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
