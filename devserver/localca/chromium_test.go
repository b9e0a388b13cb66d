package localca

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/seed-d81df0db/devserver/devserver/chrometest"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// pages serves a page over TLS and returns its port.
func pages(t *testing.T, ca *CA) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{TLSConfig: ca.Config(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<title>%s %s</title>", r.Proto, strings.Split(r.Host, ":")[0])
	})}
	go s.ServeTLS(ln, "", "")
	t.Cleanup(func() { s.Close() })
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// chromium is a browser whose home is that folder.
func chromium(t *testing.T, home string) context.Context {
	t.Helper()
	ctx := chrometest.Open(t, 5*time.Minute, chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.Env("HOME="+home),
		chromedp.Flag("host-resolver-rules", "MAP *.localhost 127.0.0.1, MAP localhost 127.0.0.1, MAP elsewhere.example 127.0.0.1"))
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // waits for its end, so that its files can be removed
	return ctx
}

// TestChromium: a browser that was told to trust the CA, by the command of devserver trust, takes its constraints and its certificates
// for all the hosts they are for, and for no other; one that was not told takes none.
func TestChromium(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("certutil"); err != nil {
		hooktest.Missing(t, "certutil is not installed: apt-get install libnss3-tools")
	}
	ca := open(t, t.TempDir())
	port := pages(t, ca)
	for _, trusted := range []bool{true, false} {
		home := t.TempDir()
		store := filepath.Join(home, ".pki", "nssdb")
		if err := os.MkdirAll(store, 0o700); err != nil {
			t.Fatal(err)
		}
		commands := [][]string{{"-N", "--empty-password"}}
		if trusted {
			commands = append(commands, []string{"-A", "-t", "C,,", "-n", "devserver", "-i", ca.File()})
		}
		for _, args := range commands {
			if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + store}, args...)...).CombinedOutput(); err != nil {
				t.Fatalf("certutil %q: %v\n%s", args, err, out)
			}
		}
		ctx := chromium(t, home)
		for host, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "shop.localhost": true, "a.shop.localhost": true, "elsewhere.example": false} {
			var title string
			err := chromedp.Do(ctx, chromedp.Navigate("https://"+host+":"+port+"/"))
			if err == nil {
				title, err = chromedp.Run(ctx, chromedp.Title())
			}
			if want := "HTTP/2.0 " + host; ok && trusted && (err != nil || title != want) {
				t.Errorf("https://%s: %q, %v; want %q", host, title, err, want)
			} else if !(ok && trusted) && (err == nil || !strings.Contains(err.Error(), "ERR_CERT")) {
				t.Errorf("trusted %v: https://%s: %q, %v; want it refused", trusted, host, title, err)
			}
		}
	}
}
