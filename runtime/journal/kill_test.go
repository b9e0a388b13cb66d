package journal

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-d81df0db/devserver/sandbox"
)

const (
	killedWriters = 6
	killedEvents  = 8_000 // of each goroutine: a kill that does not come must not fill the disk
	killedTick    = 50    // after so many events a goroutine tells the test that it is still at work
)

// counters is a mapped file in which each goroutine of a writer counts the calls of Record that have returned.
type counters [killedWriters]atomic.Uint64

func mapCounters(dir string) (*counters, error) {
	f, err := os.OpenFile(filepath.Join(dir, "counters"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := allocate(int(f.Fd()), 4096); err != nil {
		return nil, err
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*counters)(unsafe.Pointer(&mem[0])), nil
}

// killEvent is the event number i of goroutine g, of one slot or several.
func killEvent(g int, i uint64) sandbox.Event {
	e := sandbox.Event{Kind: sandbox.KindSend, Socket: uint64(g), Bytes: int64(i)}
	if i%5 == 0 {
		e.Kind, e.Detail = sandbox.KindDeny, strings.Repeat("word ", int(i%100))
	}
	return e
}

func recordUntilKilled(dir string) error {
	done, err := mapCounters(dir)
	if err != nil {
		return err
	}
	w, err := Create(dir, "run-1", Options{Segment: firstSegment, unmapped: os.Getenv("UNMAPPED") != ""})
	if err != nil {
		return err
	}
	for g := range done {
		go func() {
			for i := range uint64(killedEvents) {
				w.Record(killEvent(g, i))
				done[g].Store(i + 1)
				if i%killedTick == 0 {
					os.Stdout.Write([]byte{'.'})
				}
			}
		}()
	}
	_, err = io.Copy(io.Discard, os.Stdin) // ends with the test
	return err
}

// TestKill kills a writer at 50 random moments. Whatever it had counted is found, nothing twice, in order.
func TestKill(t *testing.T) {
	t.Parallel()
	torn := int64(0)
	for i := range 50 {
		torn += kill(t, i)
	}
	t.Logf("%d torn slots in all", torn)
}

func kill(t *testing.T, round int) (torn int64) {
	dir := t.TempDir()
	done, err := mapCounters(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := child("record", dir)
	if round%10 == 9 {
		cmd.Env = append(cmd.Env, "UNMAPPED=1")
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	ticks, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := checker{t: t}
	moment := rand.IntN(killedWriters * killedEvents / killedTick) // the load itself says when
	for range moment {
		if _, err := io.ReadFull(ticks, make([]byte, 1)); err != nil {
			t.Fatal("the writer ended by itself: ", err)
		}
		if round%2 == 0 {
			c.follow(dir, 1)
		}
	}
	if alive, err := Alive(dir, "run-1"); moment > 0 && (!alive || err != nil) {
		t.Errorf("alive %v, %v before the kill", alive, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if alive, err := Alive(dir, "run-1"); alive || err != nil {
		t.Errorf("alive %v, %v after the kill", alive, err)
	}
	return c.rest(dir, done)
}

// checker reads a journal, while it is written and after, and checks the order of each goroutine.
type checker struct {
	t    *testing.T
	r    *Reader
	next [killedWriters]uint64
}

// follow reads so many batches, as long as there is something.
func (c *checker) follow(dir string, batches int) {
	if c.r == nil {
		r, err := Open(dir, "run-1", Position{})
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil {
			c.t.Fatal(err)
		}
		c.r = r
	}
	batch := make([]sandbox.Event, 1000)
	for range batches {
		n, err := c.r.Next(batch)
		for _, e := range batch[:n] {
			c.check(e)
		}
		if err != nil && err != io.EOF {
			c.t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
}

func (c *checker) check(e sandbox.Event) {
	if want := killEvent(int(e.Socket), c.next[e.Socket]); e != want {
		c.t.Fatalf("goroutine %d: event %+v comes where %+v is due", e.Socket, e, want)
	}
	c.next[e.Socket]++
}

func (c *checker) rest(dir string, done *counters) int64 {
	c.follow(dir, math.MaxInt)
	if c.r == nil {
		for g := range done {
			if n := done[g].Load(); n > 0 {
				c.t.Errorf("goroutine %d recorded %d events, and there is no journal", g, n)
			}
		}
		return 0
	}
	defer c.r.Close()
	c.r.WriterGone()
	c.follow(dir, math.MaxInt)
	for g, n := range c.next {
		if counted := done[g].Load(); n != counted && n != counted+1 {
			c.t.Errorf("goroutine %d: %d events found, %d had returned", g, n, counted)
		}
	}
	if c.r.Damaged() != 0 {
		c.t.Errorf("%d damaged", c.r.Damaged())
	}
	if err := Remove(dir, "run-1"); err != nil {
		c.t.Error(err)
	}
	return c.r.Torn()
}

func recordWithChild(dir string) error {
	w, err := Create(dir, "run-1", Options{})
	if err != nil {
		return err
	}
	w.Record(sandbox.Event{Socket: 1})
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), childEnv+"=sleeper")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Wait()
}

func sleepUntilEOF(string) error {
	os.Stdout.WriteString("here\n")
	_, err := io.Copy(io.Discard, os.Stdin)
	os.Stdout.WriteString("gone\n")
	return err
}

// TestKillWithChild kills a writer whose own child lives on: the lock must not live on in it.
func TestKillWithChild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := child("parent", dir)
	stdin, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = stdin, stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	stdout.Close()
	word := make([]byte, 5)
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "here\n" {
		t.Fatalf("the writer's child says %q, %v", word, err)
	}
	if alive, err := Alive(dir, "run-1"); !alive || err != nil {
		t.Errorf("alive %v, %v before the kill", alive, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if alive, err := Alive(dir, "run-1"); alive || err != nil {
		t.Errorf("alive %v, %v though only the writer's child lives", alive, err)
	}
	hold.Close()
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "gone\n" {
		t.Errorf("the writer's child says %q, %v: was it alive?", word, err)
	}
}
