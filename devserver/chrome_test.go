package devserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser starts Chromium with an empty page.
func browser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not installed: apt-get install chromium")
		}
		t.Skip("Chromium is not installed (apt-get install chromium): live reload was not tried in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"), chromedp.WSURLReadTimeout(patience))
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	return tab(ctx, t)
}

// tab opens a page in the browser of ctx.
func tab(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	do(ctx, t)
	return ctx
}

// do takes steps in the browser, all of which must work.
func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of a script.
func eval[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

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
