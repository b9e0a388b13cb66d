package devserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// TestEventLoops: apps that listen and accept with system calls of their own are served as others are: they see the client's
// address, reload without losing a request, and no rule speaks of their listener.
func TestEventLoops(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "eventloop", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	const asked = "type true <nil>\nlistens 1 <nil>\noption <nil>\nagain <nil>\nread transport endpoint is not connected\ndup <nil>\nclose <nil>\n"
	for way, more := range map[string]string{
		"file":     "",
		"control":  "",
		"number":   "",
		"loop":     "second " + syscall.EADDRINUSE.Error() + "\n",
		"blocking": "",
		"listener": "address 127.0.0.1:%PORT%\n",
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": string(text), "devserver.yaml": "env: {WAY: " + way + "}\n"})
			s.up()
			_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
			want := asked + strings.ReplaceAll(more, "%PORT%", port)
			if got, client := s.direct(s.url); got != "one for "+client+"\n"+want {
				t.Errorf("%s is answered\n%swant\n%s", client, got, want)
			}
			var busy sync.WaitGroup
			for range 8 {
				busy.Go(func() {
					for range 20 {
						if got := s.get("/"); !strings.HasSuffix(got, want) {
							t.Errorf("a request is answered %q", got)
							return
						}
					}
				})
			}
			s.write("main.go", strings.Replace(string(text), `"one"`, `"two"`, 1))
			waitFor(s, func(n AppReady) bool { return !n.First })
			busy.Wait()
			if got, client := s.direct(s.url); got != "two for "+client+"\n"+want {
				t.Errorf("after a reload %s is answered\n%swant\n%s", client, got, want)
			}
			s.stop()
			for _, k := range sockets(t, s.recording(), record.SocketFilter{}) {
				if k.Rule != "" && k.Rule != "public" {
					t.Errorf("rule %s speaks of %+v", k.Rule, k)
				}
			}
		})
	}
}

// TestSoakServers: the servers for whose sake that is so, as they are: make soak.
func TestSoakServers(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("compiles four web frameworks; make soak runs it")
	}
	t.Parallel()
	names := []string{"evio", "gnet", "hertz", "nbio"}
	files := map[string]string{}
	for _, name := range append([]string{"go.mod", "go.sum"}, names...) {
		if filepath.Ext(name) == "" {
			name += "/main.go"
		}
		text, err := os.ReadFile(filepath.Join("testdata", "servers", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	s := newSite(t, files)
	get := exec.Command("go", "mod", "download")
	get.Dir = s.dir
	if out, err := get.CombinedOutput(); err != nil {
		hooktest.Missing(t, "their modules: "+string(out))
	}
	s.opts.Dirs, s.data = nil, filepath.Join(s.dir, names[0], ".devserver")
	for _, name := range names {
		s.opts.Dirs = append(s.opts.Dirs, filepath.Join(s.dir, name))
	}
	s.start()
	for range names {
		waitFor[AppReady](s, nil)
	}
	s.readReady()
	for i, name := range names {
		url := s.ready.Apps[i].URL
		for range 50 {
			if got, client := s.direct(url); got != name+" for "+client {
				t.Fatalf("%s is answered %q", client, got)
			}
		}
		s.write(name+"/main.go", strings.ReplaceAll(files[name+"/main.go"], name+" for ", name+" again for "))
		waitFor(s, func(n AppReady) bool { return n.App == name && !n.First })
		if got, client := s.direct(url); got != name+" again for "+client {
			t.Errorf("after a reload %s is answered %q", client, got)
		}
	}
}

// direct asks the app at url over a connection whose own address it returns.
func (s *site) direct(url string) (answer, client string) {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body), c.LocalAddr().String()
}
