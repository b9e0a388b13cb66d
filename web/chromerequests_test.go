package web

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestRequestPagesFit is TestPagesFit for requests and logs.
func TestRequestPagesFit(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	one := open(t, lively(now), func() State { return moved(now) }, nil)
	two := open(t, lively(now), with(func() State { return moved(now) }, func(*sandbox.Policy) {}, "orders"), nil)
	for _, page := range []struct{ name, url string }{
		{"logs", one.URL + "/logs"}, {"request", one.URL + "/requests/63"}, {"requests", one.URL + "/requests"},
		{"request-panic", one.URL + "/requests/114"}, {"two-logs", two.URL + "/logs"}, {"two-requests", two.URL + "/requests"},
	} {
		fits(ctx, t, page.name, page.url)
	}
}

// TestLogsFollow reads the lines as in a terminal: the newest is in sight until the reader scrolls up.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	now := time.Now()
	data := lively(now)
	for range 100 {
		data.say(now.UnixNano(), "stdout", 63, "one of many")
	}
	s := open(t, data, func() State { return running(now) }, nil)
	appear := func(text string) {
		data.say(time.Now().UnixNano(), "stderr", 0, text)
		s.live.Notify()
		until(ctx, t, `document.getElementById("rows").textContent.includes("`+text+`")`)
	}
	const atEnd = `document.querySelector("tbody tr:last-child").getBoundingClientRect().bottom <= innerHeight`
	chrometest.Do(ctx, t, chromedp.EmulateViewport(1280, 600), chromedp.Navigate(s.URL+"/logs"), chromedp.WaitVisible("#live"))
	until(ctx, t, `document.getElementById("live").textContent === "live" && `+atEnd)
	appear("the newest line")
	until(ctx, t, atEnd)
	chrometest.Eval[bool](ctx, t, `(scrollTo({top: 200, behavior: "instant"}), true)`)
	appear("a later line")
	if top := chrometest.Eval[float64](ctx, t, `scrollY`); top != 200 {
		t.Errorf("the page scrolled from 200 to %v under its reader", top)
	}
}
