package devserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// until waits for a script to be true, in this page or in the one that comes instead.
func until(ctx context.Context, t *testing.T, script string) {
	t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		brief, cancel := context.WithTimeout(ctx, time.Second)
		_, err := chromedp.Run(brief, chromedp.Poll[bool](script))
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: %v", script, ctx.Err())
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			last = err // the page that was asked has gone
		}
	}
	page, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + ': ' + document.documentElement.outerHTML + (document.querySelector('devserver-problem')?.shadowRoot.textContent ?? '')"))
	t.Fatalf("never true: %s (%v), the page is\n%s", script, last, page)
}

// shoot writes a picture of the page into the folder of DEVSERVER_SHOTS.
func shoot(ctx context.Context, t *testing.T, name string) {
	folder := os.Getenv("DEVSERVER_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
