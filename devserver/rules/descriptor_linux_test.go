package rules

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

const no = ": permission denied [errno 13, OpError false]"

// A connection's descriptor does not leave the program that made it, nor get a number that nobody watches.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"letout", db}, Standins: listed(echo(t))})
	withoutPorts(got.Lines)
	wantLines(t, got, "file: file tcp LOCAL->93.184.216.34:80: dup: permission denied [errno 13, OpError true]",
		"dup"+no, "dup3"+no, "fcntl"+no, "flags errno 0", "child"+no, "socketpair"+no, "close: ok")
	var rules []string
	for _, e := range got.of(sandbox.KindDeny) {
		rules = append(rules, string(e.Rule))
	}
	if want := []string{"descriptor", "descriptor", "descriptor", "descriptor", "descriptor", "network"}; !slices.Equal(rules, want) {
		t.Errorf("denied by %q, want %q", rules, want)
	}
}

// Where unix sockets are let through, a socket still is not passed over one.
func TestDescriptorOverUnixSocket(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"letout", db}, Standins: listed(echo(t)), Change: noNetworkRule})
	withoutPorts(got.Lines)
	if n := len(got.Lines); n != 8+1 || got.Lines[6] != "socketpair: ok" || got.Lines[7] != "rights"+no {
		t.Errorf("printed %q, want rights%s after socketpair: ok", got.Lines, no)
	}
}

func noNetworkRule(p *sandbox.Policy) { p.Rules[sandbox.RuleNetwork] = sandbox.RuleSetting{} }

// In report mode all of that works and is followed: what goes over a duplicate is recorded.
func TestDescriptorsReported(t *testing.T) {
	t.Parallel()
	got := start(t, "probe", run{Args: []string{"duplicate", db}, Standins: listed(echo(t)), Change: func(p *sandbox.Policy) {
		p.Rules[sandbox.RuleDescriptor] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
	}})
	wantLines(t, got, "file: ok", "file write 4 <nil>", "dup: ok", "dup write 3 <nil>", `read "filedup" <nil>`, "close: ok")
	wantBytes(t, got, 7, 7)
}

// handedDown starts the program with one end of a connection as its descriptor 3, and returns what it printed and did.
func handedDown(t *testing.T, change func(*sandbox.Policy)) (result, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := peer.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	cfg := configure(t, run{Change: change})
	cmd := exec.Command(build(t, "probe"), "inherited")
	cmd.Env = append(os.Environ(), wire.Env+"="+writeConfig(t, cfg))
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return result{Lines: lines(string(out)), Events: events(t, cfg.JournalDir)}, peer
}

// A socket that the program was started with is no socket of its own.
func TestInherited(t *testing.T) {
	t.Parallel()
	got, _ := handedDown(t, nil)
	wantLines(t, got, "read"+no, "write"+no, "fileconn: file file+net inherited: dup: permission denied [errno 13, OpError true]",
		"file: write inherited: permission denied [errno 13, OpError false]")
	deny := got.of(sandbox.KindDeny)
	if len(deny) != 4 {
		t.Errorf("%d denials, want 4: %+v", len(deny), deny)
	}
	for _, e := range deny {
		if e.Rule != sandbox.RuleDescriptor || e.Info == nil || e.Info.Remote == "" {
			t.Errorf("denial %+v with %+v, want one by descriptor that names the peer", e, e.Info)
		}
	}
	open, _ := handedDown(t, func(p *sandbox.Policy) { p.Rules[sandbox.RuleDescriptor] = sandbox.RuleSetting{} })
	wantLines(t, open, "read: ok", "write: ok", "fileconn: ok", "file: ok")
	wantBytes(t, open, 2, 5)
}

// A socket that comes over a unix connection is another program's.
func TestReceivedDescriptor(t *testing.T) {
	t.Parallel()
	for _, adopt := range []bool{false, true} {
		addr, ended := peer(t)
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		path := filepath.Join(t.TempDir(), "socket")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		passed := make(chan error, 1)
		go func() {
			u, err := l.Accept()
			if err == nil {
				defer u.Close()
				_, _, err = u.(*net.UnixConn).WriteMsgUnix([]byte("x"), syscall.UnixRights(int(f.Fd())), nil)
			}
			f.Close()
			passed <- err
		}()
		got := start(t, "probe", run{Args: []string{"received", path}, Change: func(p *sandbox.Policy) {
			noNetworkRule(p)
			if adopt {
				p.Rules[sandbox.RuleDescriptor] = sandbox.RuleSetting{Mode: sandbox.ModeReport}
			}
		}})
		if err := <-passed; err != nil {
			t.Fatal(err)
		}
		l.Close()
		if err := <-ended; err != nil {
			t.Errorf("the peer saw %v, want the end", err)
		}
		if !adopt {
			if len(got.Lines) != 1 || !slices.Contains([]string{got.Lines[0]}, "readmsg: read unix @->"+path+": dup: permission denied [errno 13, OpError true]") {
				t.Errorf("printed %q, want a denied readmsg", got.Lines)
			}
			continue
		}
		wantLines(t, got, "readmsg: ok", "write 5 <nil>")
		if sent := got.of(sandbox.KindSend); len(sent) != 1 || sent[0].Bytes != 5 {
			t.Errorf("sends %+v, want one of 5 bytes", sent)
		}
	}
}
