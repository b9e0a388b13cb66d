package toolchain

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweep(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name  string
		agent string        // of the copy that is looked at; agent2 is in use
		age   time.Duration // since its last use
		goGone,
		held bool
		kept bool
	}{
		{name: "an older agent's, unused for long", agent: "agent1", age: 8 * day, kept: false},
		{name: "used lately", agent: "agent1", age: 6 * day, kept: true},
		{name: "in use", agent: "agent1", age: 8 * day, held: true, kept: true},
		{name: "of the same agent", agent: "agent2", age: 800 * day, kept: true},
		{name: "of the same agent, but its Go is gone", agent: "agent2", age: 8 * day, goGone: true, kept: false},
		{name: "its Go is gone, used lately", agent: "agent2", age: 6 * day, goGone: true, kept: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, old := newFakeGo(t), newFakeGo(t)
			old.cache = f.cache
			old.inPath()
			tc := old.mustEnsure(tt.agent)
			if !tt.held {
				if err := tc.Close(); err != nil {
					t.Fatal(err)
				}
			}
			then := time.Now().Add(-tt.age)
			if err := os.Chtimes(tc.GOROOT+".use", then, then); err != nil {
				t.Fatal(err)
			}
			if tt.goGone {
				if err := os.RemoveAll(old.goroot); err != nil {
					t.Fatal(err)
				}
			}
			f.inPath()
			now := f.mustEnsure("agent2")
			_, err := os.Stat(tc.GOROOT)
			if kept := err == nil; kept != tt.kept {
				t.Errorf("kept: %v, want %v", kept, tt.kept)
			}
			if locks, _ := filepath.Glob(tc.GOROOT + ".*"); (len(locks) == 2) != tt.kept {
				t.Errorf("locks %q", locks)
			}
			if _, err := os.Stat(now.GOROOT); err != nil {
				t.Error(err)
			}
			if _, tmp := f.left(); len(tmp) != 0 {
				t.Errorf("left %q", tmp)
			}
		})
	}
}

// What a dead process left of another version goes too; what a living one makes stays.
func TestSweepLeftovers(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	f.mustEnsure("agent2").Close()
	c := cache{filepath.Join(f.cache, "go")}
	dead, err := c.tmp("go1.25.0-agent1-00000000")
	if err != nil {
		t.Fatal(err)
	}
	f.gate()
	maker := f.start() // makes agent1's
	f.arrived()
	f.mustEnsure("agent2")
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead process's leftover stayed")
	}
	if _, tmp := f.left(); len(tmp) != 1 {
		t.Errorf("besides: %q, want the living process's", tmp)
	}
	f.open()
	maker.until("ready")
	maker.end()
}

func TestNames(t *testing.T) {
	c := cache{t.TempDir()}
	for _, name := range []string{".tmp-go1.25.0-a-b-123", "go1.26.8-a-b.use", "go1.26.8-a-b.make", "go1.26.8-a-b", "notes.txt", ".tmp-", ".tmp-x"} {
		if err := os.Mkdir(c.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got := c.names()
	if len(got) != 2 || got[0] != "go1.25.0-a-b" || got[1] != "go1.26.8-a-b" {
		t.Errorf("names %q", got)
	}
}
