package devserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/worker"
	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// TestClockOfNewWorker: a worker that is told of a move which it has missed does not hear of it after a later one.
func TestClockOfNewWorker(t *testing.T) {
	t.Parallel()
	said := make(chan string, 10)
	w, err := worker.Start(worker.Config{ // it says what it is told
		Binary: "/bin/sh", Args: []string{"-c", "exec cat <&3"}, Dir: t.TempDir(), Env: os.Environ(),
		Agent: wire.Config{Version: wire.Version}, ConfigFile: filepath.Join(t.TempDir(), "agent.json"),
		Output: func(l worker.Line) { said <- l.Text },
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &version{Worker: w}
	defer v.helpers.Wait()
	defer w.Stop(t.Context(), 0)
	f := &fleet{changed: func() {}, offset: time.Minute}
	f.moving.Lock() // a second move is under way when the worker is added, which has missed the first
	f.add(v, 0)
	f.mu.Lock()
	f.offset = 2 * time.Minute
	f.mu.Unlock()
	f.moving.Unlock()
	select {
	case line := <-said:
		var m wire.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Offset != 2*time.Minute {
			t.Errorf("the worker is told %s, %v, want two minutes", line, err)
		}
	case <-time.After(patience):
		t.Error("the worker is told nothing")
	}
}
