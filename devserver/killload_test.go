package devserver

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// loadSource sends and receives as fast as it can, and counts each operation that has returned in a mapped file of
// its own: goroutine i its sends in word 2i, its receives in word 2i+1.
const loadSource = `package main

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

func main() {
	f, err := os.OpenFile(os.Args[1], os.O_RDWR, 0)
	check(err)
	mem, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(err)
	count := unsafe.Slice((*int64)(unsafe.Pointer(&mem[0])), 512)
	for i := range 4 {
		go func() {
			c, err := net.Dial("tcp", os.Args[2])
			check(err)
			buf := make([]byte, 64)
			for {
				_, err := c.Write(buf)
				check(err)
				atomic.AddInt64(&count[2*i], 1)
				_, err = io.ReadFull(c, buf[:1])
				check(err)
				atomic.AddInt64(&count[2*i+1], 1)
			}
		}()
	}
	select {}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
`

// TestKilledUnderLoad kills a worker at random moments: each operation that returned to the program is in the
// recording, and none is there twice.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	killWorkers(t, 20)
}

// TestSoakKilledUnderLoad does so for long: make soak.
func TestSoakKilledUnderLoad(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("takes minutes; make soak runs it")
	}
	killWorkers(t, 200)
}

func killWorkers(t *testing.T, kills int) {
	const workers = 4
	addr := answerAll(t)
	bin := buildLoad(t)
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	total := int64(0)
	for i := range kills {
		run, err := db.StartRun(record.Run{App: "load", StartedAt: time.Now().UnixNano()})
		if err != nil {
			t.Fatal(err)
		}
		counted := killOnce(t, bin, addr, run, db, i%2 == 0)
		var sends, receives, sent, received int64
		rows, err := db.Sockets(t.Context(), record.SocketFilter{RunID: run, Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			sends, receives = sends+r.Sends, receives+r.Receives
		}
		for i := range workers {
			sent, received = sent+counted[2*i], received+counted[2*i+1]
		}
		// An operation may have returned and not been counted yet: at most one for each goroutine.
		if sends < sent || sends > sent+workers || receives < received || receives > received+workers {
			t.Fatalf("run %d: the program counted %d sends and %d receives, the recording holds %d and %d", run, sent, received, sends, receives)
		}
		total += sent + received
	}
	t.Logf("%d operations in %d runs", total, kills)
}

// killOnce starts the program, kills it at a random moment, of its start too unless it is to be at work by then, reads its
// journal into the recording, and returns what the program had counted.
func killOnce(t *testing.T, bin, addr string, run int64, db *storage.DB, atWork bool) []int64 {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	counts := filepath.Join(dir, "counts")
	for _, name := range []string{"counts", "ids", "usage"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, sandbox.PageSize), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := wire.Config{
		Version: wire.Version, App: "load", Run: run, Policy: openPolicy(t), JournalDir: dir, Journal: "j",
		IDs: filepath.Join(dir, "ids"), Usage: filepath.Join(dir, "usage"),
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Ids are unique in a data directory: each run goes on where the one before ended.
	socket, request, err := db.MaxIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	setFloor(t, cfg.IDs, uint64(socket), uint64(request))
	path := filepath.Join(dir, "agent.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, counts, addr)
	cmd.Env = append(os.Environ(), wire.Env+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	g := &ingester{
		db: db, dir: dir, name: "j", app: "load", run: run, writer: gone,
		written: func([]sandbox.Event) {}, warn: func(format string, args ...any) { t.Errorf(format, args...) },
	}
	g.start(context.Background())
	if atWork {
		waitWork(t, counts)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond)))) // the moment is what is random here, nothing is waited for
	cmd.Process.Kill()
	cmd.Wait()
	close(gone)
	<-g.done
	return tallied(t, counts)
}

// tallied reads the words of a program's file.
func tallied(t testing.TB, file string) []int64 {
	t.Helper()
	mem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]int64, len(mem)/8)
	for i := range list {
		list[i] = int64(binary.NativeEndian.Uint64(mem[8*i:]))
	}
	return list
}

// waitWork waits until a program has counted a hundred operations: how long that takes is the machine's matter.
func waitWork(t *testing.T, file string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		sum := int64(0)
		for _, n := range tallied(t, file) {
			sum += n
		}
		if sum >= 100 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the program has counted no more than %d operations", sum)
		}
	}
}

func openPolicy(t *testing.T) sandbox.Policy {
	t.Helper()
	p, err := profile.Load("open")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return *policy
}

func setFloor(t *testing.T, path string, socket, request uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	mem, err := syscall.Mmap(int(f.Fd()), 0, sandbox.PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	sandbox.NewIDs(mem).SetFloor(socket, request)
}

func buildLoad(t *testing.T) string {
	t.Helper()
	if err := patched(); err != nil {
		t.Fatal(err)
	}
	tc, err := toolchain.Ensure(t.Context(), toolchain.Config{Dir: "."})
	if err != nil {
		t.Fatal(err)
	}
	defer tc.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module load\n\ngo 1.25\n", "main.go": loadSource} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tc.Go(), "build", "-o", "load", ".")
	cmd.Dir, cmd.Env = dir, tc.Env(os.Environ())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w\n%s", err, out))
	}
	return filepath.Join(dir, "load")
}

// answerAll serves a peer on loopback that answers each 64 bytes with one.
func answerAll(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64)
				for {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
					if _, err := c.Write(buf[:1]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
