package rules

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// ask runs a program that listens on $PORT and asks itself for each path.
func ask(t *testing.T, name string, r run, paths ...string) result {
	t.Helper()
	return start(t, name, asking(t, r, paths...))
}

// asking is r for an app that asks itself for paths.
func asking(t *testing.T, r run, paths ...string) run {
	t.Helper()
	port := porttest.Keep(t)
	own := "127.0.0.1:" + strconv.Itoa(port)
	config := r.Config
	r.Config = func(c *wire.Config) {
		c.Port = port
		if config != nil {
			config(c)
		}
	}
	r.Args, r.Env = paths, append(slices.Clone(r.Env), "PORT="+strconv.Itoa(port))
	r.Standins = append(slices.Clone(r.Standins), sandbox.Standin{Local: own})
	return r
}

// An opened socket, or a denied one, as the recording would show it.
type opened struct {
	id            uint64
	Path          string // of the request; "" for none
	Site          string
	sends, denied int
}

// opened returns the sockets to each host, or to each address where no name is known, in the order of their ids.
func (r result) opened() map[string][]*opened {
	paths := map[uint64]string{}
	byID := map[uint64]*opened{}
	hosts := map[string][]*opened{}
	for _, e := range r.Events {
		if e.Kind == sandbox.KindRequestBegin {
			paths[e.Request] = e.Req.URL
		}
		if e.Socket == 0 {
			continue
		}
		s := byID[e.Socket]
		if s == nil {
			s = &opened{id: e.Socket, Path: paths[e.Request]}
			byID[e.Socket] = s
		}
		switch e.Kind {
		case sandbox.KindCreate, sandbox.KindDeny:
			if e.Info == nil { // denied later in its life, as an option is
				break
			}
			host := e.Info.Host
			if host == "" {
				host = e.Info.Remote
			}
			s.Site = e.Info.CallSite
			hosts[host] = append(hosts[host], s)
		}
		switch e.Kind {
		case sandbox.KindSend:
			s.sends++
		case sandbox.KindDeny:
			s.denied++
		}
	}
	return hosts
}

// marked returns the place in a file below testdata whose line ends in a comment of that word.
func marked(t *testing.T, file, word string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, " // "+word) {
			return file + ":" + strconv.Itoa(i+1)
		}
	}
	t.Fatalf("%s has no line that ends in // %s", file, word)
	return ""
}

// wantOpened fails unless the sockets to a host are those, each a path and the mark of its line.
func wantOpened(t *testing.T, got []*opened, host string, want ...opened) {
	t.Helper()
	var have []opened
	for _, s := range got {
		have = append(have, opened{Path: s.Path, Site: s.Site})
	}
	if !slices.Equal(have, want) {
		t.Errorf("sockets to %s: request and call site %+v, want %+v", host, have, want)
	}
}

// TestCallSites opens connections in the ways handlers do. Each is recorded with the request whose goroutines made
// it and the line that led to it, whatever the program was built with.
func TestCallSites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		flags []string
		paths []string // further ones
		trim  bool
	}{
		{name: "plain"},
		{name: "race", flags: []string{"-race"}},
		{name: "cgo", flags: []string{"-tags=netgo,withc"}, paths: []string{"/callback"}},
		{name: "trimpath", flags: []string{"-trimpath"}, trim: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "race" || tt.name == "cgo" {
				needsC(t)
			}
			callSites(t, tt.flags, tt.paths, tt.trim)
		})
	}
}

func callSites(t *testing.T, flags, further []string, trim bool) {
	ways := []struct {
		host, path, file, mark string // path: "" for none
	}{
		{"plain", "/plain", "ways.go", "plain"},
		{"goroutine", "/goroutine", "ways.go", "goroutine"},
		{"labels", "/labels", "ways.go", "labels"},
		{"reused", "/first", "main.go", "get"},
		{"timer", "", "ways.go", "timer"}, // the runtime starts it, no goroutine of a request does
		{"deep", "/deep", "ways.go", "deep"},
		{"late", "/late", "ways.go", "late"},
		{"worker", "", "ways.go", "worker"},
		{"callback", "/callback", "withc.go", "callback"},
	}
	paths := append([]string{"/plain", "/goroutine", "/labels", "/first", "/second", "/timer", "/deep", "/late", "/worker"}, further...)
	peer, site := echo(t), httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }))
	t.Cleanup(site.Close)
	r := run{Flags: flags, Config: func(c *wire.Config) { c.Modules = []string{"example.com/webapp"} }}
	for _, w := range ways {
		prod, local := w.host+".example.com:7", peer
		if w.host == "reused" || w.host == "deep" {
			prod, local = w.host+".example.com:80", site.Listener.Addr().String()
		}
		r.Standins = append(r.Standins, standin(prod, local)...)
	}
	got := ask(t, "webapp", r, paths...)
	answers := map[string]string{"/first": "hello", "/second": "hello", "/deep": "200 OK", "/late": "later", "/callback": "true <nil> true"}
	var want []string
	for _, p := range paths {
		answer, ok := answers[p]
		if !ok {
			answer = "hello <nil>"
		}
		want = append(want, p+" "+answer)
	}
	wantLines(t, got, want...)
	hosts := got.opened()
	for _, w := range ways {
		if w.host == "callback" && len(further) == 0 {
			continue
		}
		place := marked(t, "webapp/"+w.file, w.mark)
		if trim {
			place = strings.TrimPrefix(place, "webapp/")
		}
		wantOpened(t, hosts[w.host+".example.com"], w.host, opened{Path: w.path, Site: place})
	}
	wantReuse(t, got, hosts["reused.example.com"])
}

// wantReuse fails unless the one connection served first one request and then the other.
func wantReuse(t *testing.T, r result, sockets []*opened) {
	t.Helper()
	if len(sockets) != 1 {
		return // told already
	}
	paths, served := map[uint64]string{}, map[sandbox.Kind][]string{}
	for _, e := range r.Events {
		switch {
		case e.Kind == sandbox.KindRequestBegin:
			paths[e.Request] = e.Req.URL
		case e.Socket == sockets[0].id && e.Error == "" && e.Bytes > 0:
			served[e.Kind] = append(served[e.Kind], paths[e.Request])
		}
	}
	for _, k := range []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive} {
		if want := []string{"/first", "/second"}; !slices.Equal(served[k], want) {
			t.Errorf("%s events of the reused connection carry the requests %q, want %q", k, served[k], want)
		}
	}
}

// needsC skips a test that needs a C compiler.
func needsC(t *testing.T) {
	t.Helper()
	for _, cc := range []string{os.Getenv("CC"), "gcc", "clang", "cc"} {
		if _, err := exec.LookPath(cc); err == nil {
			return
		}
	}
	hooktest.Missing(t, "there is no C compiler")
}
