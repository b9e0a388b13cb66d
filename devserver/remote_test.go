package devserver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// grpcClient builds the program that makes grpc-go's interop calls, with the plain go.
func grpcClient(t *testing.T) string {
	t.Helper()
	getModules(t)
	bin := filepath.Join(t.TempDir(), "client")
	cmd := exec.Command("go", "build", "-o", bin, "./client")
	cmd.Dir = grpcModule
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

var grpcModule = filepath.Join("testdata", "grpc")

func getModules(t *testing.T) {
	t.Helper()
	get := exec.Command("go", "mod", "download")
	get.Dir = grpcModule
	if out, err := get.CombinedOutput(); err != nil {
		hooktest.Missing(t, fmt.Sprintf("the modules of testdata/grpc cannot be had: %v\n%s", err, out))
	}
}

// grpcSite is a site with the app of testdata/grpc, which answers through the server of that name.
func grpcSite(t *testing.T, server string) (s *site, source string) {
	t.Helper()
	getModules(t)
	files := map[string]string{"devserver.yaml": "apps:\n  - {name: shop, path: ., env: {SERVER: " + server + "}}\n"}
	err := fs.WalkDir(os.DirFS(grpcModule), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(grpcModule, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s = newSite(t, files)
	s.opts.Dirs = nil
	s.opts.Config = filepath.Join(s.dir, "devserver.yaml")
	return s, files["main.go"]
}

// caller is a running client of testdata/grpc.
type caller struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func call(t *testing.T, bin string, args ...string) *caller {
	t.Helper()
	c := &caller{t: t, cmd: exec.Command(bin, args...)}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin, c.stdout, c.cmd.Stderr = in, bufio.NewReader(out), &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	return c
}

// round reads until all cases have gone well once more.
func (c *caller) round() {
	c.t.Helper()
	var done []string
	for {
		line, err := c.stdout.ReadString('\n')
		if err != nil {
			err = c.cmd.Wait()
			c.t.Fatalf("after %s the client says %v\n%s", done, err, c.stderr.Bytes())
		}
		if line = strings.TrimSpace(line); line == "round" {
			return
		}
		done = append(done, line)
	}
}

// finish lets the client end after its round.
func (c *caller) finish() (rounds int) {
	c.t.Helper()
	c.stdin.Close()
	rest, _ := io.ReadAll(c.stdout)
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("the client says %v\n%s", err, c.stderr.Bytes())
	}
	return strings.Count(string(rest), "round\n")
}

// roundCalls are the calls of one round, by method. Of those that a case gives up at once, its client may send nothing at all:
// how many is the second number.
var roundCalls = map[string][2]int{
	"/grpc.testing.TestService/EmptyCall":                  {1, 0},
	"/grpc.testing.TestService/UnaryCall":                  {4, 0},
	"/grpc.testing.TestService/StreamingInputCall":         {2, 1},
	"/grpc.testing.TestService/StreamingOutputCall":        {1, 0},
	"/grpc.testing.TestService/FullDuplexCall":             {6, 1},
	"/grpc.testing.TestService/UnimplementedCall":          {1, 0},
	"/grpc.testing.UnimplementedService/UnimplementedCall": {1, 0},
}

// TestGRPCInterop: grpc-go's own interop cases pass through devserver, to each kind of server, while versions change, and each call
// is in the recording once.
func TestGRPCInterop(t *testing.T) {
	t.Parallel()
	client := grpcClient(t)
	for _, server := range []string{"grpc", "xnet", "std", "grpc over TLS"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			name, _, secure := strings.Cut(server, " ")
			s, source := grpcSite(t, name)
			s.opts.OnBuild = "serve-old" // some cases wait for ten seconds, a build on a busy machine takes longer
			var args []string
			if s.opts.TLS, s.opts.caDir = secure, t.TempDir(); secure {
				args = []string{"-ca", filepath.Join(s.opts.caDir, "ca.pem")}
			}
			s.up()
			_, addr, _ := strings.Cut(s.url, "://")
			c := call(t, client, append(args, addr)...)
			c.round()
			rounds := 1
			for _, version := range []string{"two", "three", "four"} {
				s.write("main.go", strings.Replace(source, `version = "one"`, `version = "`+version+`"`, 1))
				waitFor[AppReady](s, nil)
				c.round()
				rounds++
			}
			rounds += c.finish()
			s.stop()
			s.checkCalls(rounds)
		})
	}
}

// checkCalls looks for the calls of some rounds in the recording.
func (s *site) checkCalls(rounds int) {
	s.t.Helper()
	count := map[string]int{}
	for _, r := range s.requests() {
		count[r.URL]++
		waited := r.Error == "the client went away" && r.Status == 0 // for a build, and no worker got it
		if r.Method != "POST" || r.Proto != "HTTP/2.0" || r.RunID == 0 && !waited || r.RemoteAddr == "" || r.DurationNS == 0 {
			s.t.Errorf("recorded %+v", r)
		}
	}
	for url, n := range roundCalls {
		saw := strings.Count(s.lines.String(), "saw "+url+"\n")
		if least := max(saw, (n[0]-n[1])*rounds); count[url] < least || count[url] > n[0]*rounds {
			s.t.Errorf("%d calls of %s are recorded, want %d to %d in %d rounds; the app saw %d", count[url], url, least, n[0]*rounds, rounds, saw)
		}
		delete(count, url)
	}
	if len(count) > 0 {
		s.t.Errorf("recorded besides: %v", count)
	}
}

// TestOtherServers: each request is recorded once, whoever serves it, also when the worker dies of it. The first line of a connection in
// HTTP/2, which x/net's h2c takes for a request, is none.
func TestOtherServers(t *testing.T) {
	t.Parallel()
	const call = "application/grpc"
	for _, tt := range []struct{ server, want string }{
		{"xnet", `GET / 200 HTTP/1.1 0+14 "", POST /echo 200 HTTP/2.0 4+14 "the call ended without a grpc-status", POST /exit 200 HTTP/2.0 4+0 "grpc-status 14 UNAVAILABLE"`},
		{"std", `GET / 200 HTTP/1.1 0+14 "", POST /echo 200 HTTP/2.0 4+14 "", POST /exit 0 HTTP/2.0 0+0 "the worker ended"`},
	} {
		t.Run(tt.server, func(t *testing.T) {
			t.Parallel()
			s, _ := grpcSite(t, tt.server)
			s.up()
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			tr := &http.Transport{Protocols: protocols}
			defer tr.CloseIdleConnections()
			ask := func(method, url, kind string, body io.Reader) string {
				t.Helper()
				req, err := http.NewRequest(method, s.url+url, body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", kind)
				res, err := tr.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				if err != nil {
					t.Error(err)
				}
				return fmt.Sprint(res.StatusCode, " ", string(text), res.Header.Get("Grpc-Status"))
			}
			if got := ask("GET", "/", "text/plain", nil); got != "200 one HTTP/1.1 0" {
				t.Errorf("a plain request is answered %q", got)
			}
			if got := ask("POST", "/echo", call, strings.NewReader("call")); got != "200 one HTTP/2.0 4" {
				t.Errorf("a call is answered %q", got)
			}
			if got := ask("POST", "/exit", call, strings.NewReader("call")); got != "200 14" {
				t.Errorf("a call that ends the app is answered %q", got)
			}
			s.stop()
			var rows []string
			for _, r := range s.requests() {
				what, _, _ := strings.Cut(r.Error, ": ")
				rows = append(rows, fmt.Sprintf("%s %s %d %s %d+%d %q", r.Method, r.URL, r.Status, r.Proto, r.BytesIn, r.BytesOut, what))
			}
			if got := strings.Join(rows, ", "); got != tt.want {
				t.Errorf("recorded\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// requests are all rows of the table requests, once devserver has ended.
func (s *site) requests() []record.Request {
	s.t.Helper()
	db, err := storage.Open(filepath.Join(s.data, "recording.db"), storage.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Requests(s.t.Context(), record.RequestFilter{Ascending: true, Limit: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// ownServer is an app that reads requests and writes answers by itself.
const ownServer = `package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	ln, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	for err == nil {
		var c net.Conn
		if c, err = ln.Accept(); err == nil {
			go serve(c)
		}
	}
	panic(err)
}

func serve(c net.Conn) {
	defer c.Close()
	for in := bufio.NewReader(c); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/exit" {
			os.Exit(7)
		}
		text := fmt.Sprint(r.URL.Path, " ", n)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
}
`

// TestOwnServer: the requests of an app that speaks HTTP/1 without net/http's server are recorded, those of one that uses it are so once, also
// that of which the worker dies.
func TestOwnServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, source, want string }{
		{"own", ownServer, "/a 200 4+4, /b 200 4+4, /exit 502 0"},
		{"net/http", source, "/a 200 4+5, /b 200 4+5, /exit 0 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, map[string]string{"main.go": tt.source})
			s.up()
			for _, path := range []string{"/a", "/b", "/exit"} {
				res, err := http.Post(s.url+path, "text/plain", strings.NewReader("four"))
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			s.stop()
			var rows []string
			for _, r := range s.requests() {
				size := fmt.Sprint(r.BytesIn, "+", r.BytesOut)
				if r.URL == "/exit" {
					size = "0"
				}
				rows = append(rows, fmt.Sprintf("%s %d %s", r.URL, r.Status, size))
				if r.RunID == 0 || r.Method != "POST" || r.Proto != "HTTP/1.1" || r.DurationNS <= 0 {
					t.Errorf("recorded %+v", r)
				}
			}
			if got := strings.Join(rows, ", "); got != tt.want {
				t.Errorf("recorded %s, want %s", got, tt.want)
			}
		})
	}
}
