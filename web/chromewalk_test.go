package web

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// walked is a console whose clock moves and whose quotas are reset as it is asked to.
func walked(t *testing.T) (*site, *controls) {
	t.Helper()
	now := time.Now()
	asked := &controls{}
	s := open(t, lively(now), func() State {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		state := running(now)
		state.Offset = asked.offset
		if slices.Contains(asked.asked, "reset quotas of guestbook") {
			state.Apps[0].Quotas = counted("guestbook", state.Apps[0].Policy, now, map[sandbox.Resource][2]int64{})
		}
		return timed(state, time.Now())
	}, func(c *Config) { c.Controls = asked })
	return s, asked
}

func (c *controls) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.asked, want) {
		t.Errorf("asked %q, want %q", c.asked, want)
	}
}

// TestWalk goes through the quotas, the rules and the clock as a reader does.
func TestWalk(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	s, asked := walked(t)
	chrometest.Do(ctx, t, scheme(false), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.URL+"/quotas"), chromedp.WaitVisible("#live"))
	if !chrometest.Eval[bool](ctx, t, `document.querySelector("#quota-guestbook-connect .minute .limited").textContent === "Limited" && document.querySelector("#side [aria-current]").textContent.includes("!")`) {
		t.Error("a used-up quota is not marked")
	}
	chrometest.Eval[bool](ctx, t, `window.sameDocument = true`)
	chrometest.Do(ctx, t, chromedp.Click(".quotaset form button"), chromedp.WaitNotPresent("#quota-guestbook-connect .limited"))
	until(ctx, t, `document.querySelector("#quota-guestbook-connect .minute .used").textContent.includes("0 of 4,800") && !document.querySelector("#side [aria-current]").textContent.includes("!")`)
	if width := chrometest.Eval[float64](ctx, t, `document.querySelector("#quota-guestbook-connect .minute rect").getBoundingClientRect().width`); width != 0 {
		t.Errorf("the bar of what is unused is %v wide", width)
	}

	chrometest.Do(ctx, t, chromedp.Click(`#side a[href="/rules"]`), chromedp.WaitVisible("#asking"), chromedp.SendKeys(`#asking [name="address"]`, "10.0.0.7:25\r"), chromedp.WaitVisible("#answer"))
	answer := chrometest.Eval[string](ctx, t, `document.getElementById("answer").textContent`)
	for _, want := range []string{"denied by port25", "Production blocks port 25", "private", "devserver explain tcp 10.0.0.7:25"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer %q lacks %q", answer, want)
		}
	}
	chrometest.Eval[bool](ctx, t, `(document.querySelector('#asking [name="address"]').value = "", document.body.dataset.before = document.body.dataset.now, true)`)
	chrometest.Do(ctx, t, chromedp.SendKeys(`#asking [name="address"]`, "db.example.com:5432"), chromedp.SendKeys(`#asking [name="answers"]`, "10.1.2.3"))
	s.live.Notify() // an update meanwhile takes nothing of what is being typed
	until(ctx, t, `document.body.dataset.now !== document.body.dataset.before`)
	chrometest.Do(ctx, t, chromedp.Click("#asking button"), chromedp.WaitVisible("body:not([data-before]) #answer"))
	if answer := chrometest.Eval[string](ctx, t, `document.getElementById("answer").textContent`); !strings.Contains(answer, "10.1.2.3") || !strings.Contains(answer, "denied by private") {
		t.Errorf("the answer about a name is %q", answer)
	}
	if field := chrometest.Eval[string](ctx, t, `document.querySelector('#asking [name="answers"]').value`); field != "10.1.2.3" {
		t.Errorf("the form holds %q after its answer", field)
	}

	chrometest.Do(ctx, t, chromedp.Click(`#side a[href="/clock"]`), chromedp.WaitVisible("#step-minute"))
	chrometest.Eval[bool](ctx, t, `(window.sameDocument = true, window.shown = document.getElementById("face-here").textContent, true)`)
	until(ctx, t, `document.getElementById("face-here").textContent !== shown`) // it goes on by itself
	chrometest.Do(ctx, t, chromedp.Click("#step-minute button"), chromedp.WaitVisible("#banner"))
	chrometest.Do(ctx, t, chromedp.SendKeys("#duration", "soon"), chromedp.Click("#step-by button"), chromedp.WaitVisible("#notice"))
	if notice := chrometest.Eval[string](ctx, t, `document.getElementById("notice").textContent`); !strings.Contains(notice, "length of time") {
		t.Errorf("a mistake is told as %q", notice)
	}
	chrometest.Eval[bool](ctx, t, `(document.getElementById("duration").value = "", true)`)
	chrometest.Do(ctx, t, chromedp.SendKeys("#duration", "90s"), chromedp.Click("#step-by button"))
	until(ctx, t, `document.getElementById("banner").textContent.includes("1 min 51 s ahead")`)
	chrometest.Do(ctx, t, chromedp.Click("#step-reset button"), chromedp.WaitNotPresent("#banner"))
	if !chrometest.Eval[bool](ctx, t, `window.sameDocument === true && document.querySelector("#step-reset button").disabled`) {
		t.Error("the page was loaded anew, or offers to reset a clock that is not moved")
	}
	asked.wasAsked(t, "reset quotas of guestbook", "advance to minute", "advance 1m30s", "reset")
}

// TestWalkWithoutScripts does the same with JavaScript off: forms are sent and lead back.
func TestWalkWithoutScripts(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	s, asked := walked(t)
	off := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	chrometest.Do(ctx, t, off, chromedp.EmulateViewport(400, 820), chromedp.Navigate(s.URL+"/clock"), chromedp.WaitVisible("#step-midnight"),
		chromedp.Click("#step-midnight button"), chromedp.WaitVisible("#banner"), chromedp.Click("#step-reset button"), chromedp.WaitNotPresent("#banner"),
		chromedp.WaitVisible("#steps"), chromedp.Click(`#side a[href="/rules"]`), chromedp.WaitVisible("#asking"),
		chromedp.SendKeys(`#asking [name="address"]`, "8.8.8.8:53"), chromedp.Click("#asking button"), chromedp.WaitVisible("#answer"),
		chromedp.Navigate(s.URL+"/quotas"), chromedp.WaitVisible("#quota-guestbook-connect .limited"), chromedp.Click(".quotaset form button"), chromedp.WaitNotPresent("#quota-guestbook-connect .limited"),
		chromedp.WaitVisible("#quota-guestbook-connect"))
	if live := chrometest.Eval[bool](ctx, t, `document.getElementById("live").hidden`); !live {
		t.Error("scripts run although they are off")
	}
	asked.wasAsked(t, "advance to midnight", "reset", "reset quotas of guestbook")
	if address := chrometest.Eval[string](ctx, t, `location.pathname`); address != "/quotas" {
		t.Errorf("the form leads back to %q", address)
	}
}
