package devserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/localca"
	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// callingApp is an app of several: it answers with its name and version, and asks others by their production names.
const callingApp = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

const version = "one"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Host, version)
	})
	http.HandleFunc("/ask", func(w http.ResponseWriter, r *http.Request) {
		res, err := http.Get(r.FormValue("url"))
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		fmt.Fprintf(w, "%s by %s: %d %s", version, r.Host, res.StatusCode, body)
		if err != nil {
			fmt.Fprint(w, err)
		}
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`

// callingVersion is callingApp with another version.
func callingVersion(v string) string { return strings.Replace(callingApp, `"one"`, `"`+v+`"`, 1) }

// newShop is a devserver of two apps that know each other by production names.
func newShop(t *testing.T, billing string) *site {
	t.Helper()
	s := newSite(t, map[string]string{"orders/main.go": callingApp, "billing/main.go": billing})
	s.opts.Dirs = []string{s.dir + "/orders", s.dir + "/billing"}
	s.data = s.dir + "/orders/.devserver"
	s.opts.Standins = []string{
		"orders.example.com:80=app:orders", "billing.example.com:80=app:billing",
		"billing.example.com:443=app:billing", "93.184.216.34:8080=app:billing",
	}
	return s
}

// TestAppsByProductionName: apps reach each other, and themselves, by the names of production, and the recording says so.
func TestAppsByProductionName(t *testing.T) {
	t.Parallel()
	s := newShop(t, callingApp)
	s.start()
	s.readReady()
	orders, billing := s.ready.Apps[0].URL, s.ready.Apps[1].URL
	for _, tt := range []struct{ from, url, want string }{
		{orders, "http://billing.example.com/", "one by " + host(orders) + ": 200 billing.example.com one"},
		{billing, "http://orders.example.com/", "one by " + host(billing) + ": 200 orders.example.com one"},
		{orders, "http://orders.example.com/", "one by " + host(orders) + ": 200 orders.example.com one"}, // itself
		{orders, "http://93.184.216.34:8080/", "one by " + host(orders) + ": 200 93.184.216.34:8080 one"},
		// Over TLS, which production's names are mostly asked by: to an address too, and on any port.
		{orders, "https://billing.example.com/", "one by " + host(orders) + ": 200 billing.example.com one"},
		{orders, "https://93.184.216.34:8080/", "one by " + host(orders) + ": 200 93.184.216.34:8080 one"},
		// orders asks billing, which asks orders.
		{orders, "http://billing.example.com/ask?url=http://orders.example.com/", "one by " + host(orders) + ": 200 one by billing.example.com: 200 orders.example.com one"},
	} {
		if got := ask(t, "GET", tt.from+"/ask?url="+tt.url, ""); got != tt.want {
			t.Errorf("%s asked for %s answers\n%s, want\n%s", tt.from, tt.url, got, tt.want)
		}
	}
	// Its other ports lead nowhere, and never off this machine.
	if got := ask(t, "GET", orders+"/ask?url=http://billing.example.com:81/", ""); !strings.Contains(got, "connection refused") {
		t.Errorf("asked for port 81, orders says %q", got)
	}
	s.stop()
	var apps []string
	for _, k := range sockets(t, s.recording(), record.SocketFilter{Host: "billing.example.com"}) {
		if k.Standin == "app:billing" && strings.HasSuffix(k.RemoteAddr, ":80") && strings.HasPrefix(k.CallSite, "orders/main.go:") {
			apps = append(apps, k.App)
		}
	}
	if len(apps) != 1 || apps[0] != "orders" {
		t.Errorf("sockets to billing.example.com:80 by app:billing are recorded of %v, want one of orders", apps)
	}
}

// TestDoorNewAddress: a stand-in that is added while devserver runs may name an address that the door did not have before.
func TestDoorNewAddress(t *testing.T) {
	t.Parallel()
	s := &supervisor{data: t.TempDir()}
	all := doors{{app: "billing"}}
	if err := errors.Join(all[0].open(), s.openDoors(all)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- all[0].serve(ctx, s.behind(all[0])) }()
	roots := x509.NewCertPool()
	roots.AddCert(s.doorCA.Certificate)
	for _, host := range []string{"billing.example.com", "10.0.0.9", "2001:db8::9"} {
		if _, err := new(peers).standins([]project.Standin{{Host: host, Port: 443, App: "billing"}}, all); err != nil {
			t.Fatal(err)
		}
		c, err := tls.Dial("tcp", all[0].addr(), &tls.Config{ServerName: host, RootCAs: roots})
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		c.Close()
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestTrusting: an app trusts the doors besides what it trusts anyway.
func TestTrusting(t *testing.T) {
	t.Parallel()
	ca, err := localca.ForRun()
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{data: "/data", doorCA: ca}
	for _, tt := range []struct{ env, want string }{
		{"HOME=/home", systemRoots + ":/data/roots"},
		{"SSL_CERT_DIR=", systemRoots + ":/data/roots"},
		{"SSL_CERT_DIR=/a:/b SSL_CERT_DIR=/own", "/own:/data/roots"}, // the last one holds
	} {
		env := strings.Fields(tt.env)
		if got := s.trusting(env); got[len(got)-1] != "SSL_CERT_DIR="+tt.want || !slices.Equal(got[:len(got)-1], env) {
			t.Errorf("with %q an app gets %q, want %s at the end", tt.env, got, tt.want)
		}
	}
	if env := []string{"HOME=/home"}; !slices.Equal(new(supervisor).trusting(env), env) {
		t.Error("without doors an app's environment is another")
	}
}

// host is the host and port of a URL without a path.
func host(url string) string { return strings.TrimPrefix(url, "http://") }

// TestAppsReloadEachOther: while both apps are built anew, one after the other, no request of a client through both is
// lost, and the last answer is the newest versions'.
func TestAppsReloadEachOther(t *testing.T) {
	t.Parallel()
	s := newShop(t, callingApp)
	s.start()
	s.readReady()
	url := s.ready.Apps[0].URL + "/ask?url=http://billing.example.com/"
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var asked [4]int
	for i := range asked {
		clients.Go(func() {
			for ; ; asked[i]++ {
				select {
				case <-stop:
					return
				default:
				}
				if got := ask(t, "GET", url, ""); !strings.Contains(got, ": 200 billing.example.com ") {
					t.Errorf("client %d, request %d: %s", i, asked[i], got)
					return
				}
			}
		})
	}
	for i, app := range []string{"billing", "orders", "billing", "billing"} {
		s.write(app+"/main.go", callingVersion(fmt.Sprint("v", i)))
		waitFor(s, func(n AppReady) bool { return n.App == app && !n.First })
	}
	close(stop)
	clients.Wait()
	if got := ask(t, "GET", url, ""); !strings.HasPrefix(got, "v1 by ") || !strings.HasSuffix(got, " v3") {
		t.Errorf("after the reloads orders answers %q, want v1 of orders and v3 of billing", got)
	}
	t.Logf("%v requests, none lost", asked)
}

// TestAppDown: while an app cannot answer, the one that asks it gets 503 and the reason, at once or after the wait limit;
// once it is mended, its answer.
func TestAppDown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		billing, want string
		limit         time.Duration
	}{
		{"package main\n\nfunc main() { undefined() }\n", "The app does not compile", patience},
		{"package main\n\nimport \"time\"\n\nfunc main() { time.Sleep(time.Hour) }\n", "The app (is not ready yet|does not accept connections)", 2 * time.Second},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, tt.billing)
			s.opts.WaitLimit = tt.limit
			s.opts.ReadyFile = "" // billing does not accept
			s.start()
			url := waitFor(s, func(n AppReady) bool { return n.App == "orders" }).URL + "/ask?url=http://billing.example.com/"
			if got := ask(t, "GET", url, ""); !regexp.MustCompile(": 503 billing: " + tt.want).MatchString(got) {
				t.Errorf("orders says\n%s, want 503 and %q", got, tt.want)
			}
			s.write("billing/main.go", callingApp)
			waitFor(s, func(n AppReady) bool { return n.App == "billing" })
			if got := ask(t, "GET", url, ""); !strings.HasSuffix(got, ": 200 billing.example.com one") {
				t.Errorf("mended, orders says %q", got)
			}
		})
	}
}

// TestAppThatDoesNotRun: a stand-in may name an app of devserver.yaml that is not run now, and no other.
func TestAppThatDoesNotRun(t *testing.T) {
	t.Parallel()
	s := newShop(t, callingApp)
	s.write("devserver.yaml", "apps:\n  - path: orders\n  - path: billing\n")
	s.opts.Dirs = s.opts.Dirs[:1]
	s.start()
	s.readReady()
	got := ask(t, "GET", s.ready.Apps[0].URL+"/ask?url=http://billing.example.com/", "")
	if !strings.Contains(got, ": 503 billing: The app does not run") {
		t.Errorf("orders says %q", got)
	}
	s.stop()

	s.opts.Standins = []string{"billing.example.com:80=app:biling"}
	err := Run(t.Context(), s.opts)
	var usage *UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), `there is no app "biling"; the apps are orders, billing`) {
		t.Errorf("with a name of no app, Run = %v", err)
	}
	_, err = Env(t.Context(), EnvOptions{Dir: s.opts.Dirs[0], Standins: []string{"billing.example.com:80=app:billing"}})
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "app:billing is served by devserver run only") {
		t.Errorf("Env = %v", err)
	}
}

// TestAppsBehindTLS: where apps answer HTTPS to browsers, they reach each other as the production name is dialled all the same.
func TestAppsBehindTLS(t *testing.T) {
	t.Parallel()
	s := newShop(t, callingApp)
	s.opts.TLS, s.opts.caDir = true, t.TempDir()
	s.up()
	c := s.secureClient(false)
	res, err := c.Get(s.url + "/ask?url=http://billing.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	host := strings.TrimPrefix(s.url, "https://")
	if want := "one by " + host + ": 200 billing.example.com one"; string(body) != want || err != nil {
		t.Errorf("orders says %q, %v; want %q", body, err, want)
	}
}
