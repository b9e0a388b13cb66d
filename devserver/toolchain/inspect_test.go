package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestInspect(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	look := func() Report {
		t.Helper()
		r, err := inspect(t.Context(), Config{Cache: f.cache}, fakePatches("agent2"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	r := look()
	if r.Copy != nil || r.Others != nil || r.Making || r.GoError != nil || r.CacheError != nil || r.GOROOT != f.goroot ||
		r.GoVersion != "go1.26.8" || r.Command != filepath.Join(f.goroot, "bin/go") || r.Cache != filepath.Join(f.cache, "go") {
		t.Errorf("before the first run: %+v", r)
	}
	if _, err := os.Stat(f.cache); err == nil {
		t.Error("looking made the cache")
	}

	old, tc := f.mustEnsure("agent1"), f.mustEnsure("agent2")
	old.Close()
	r = look()
	if r.Copy == nil || len(r.Others) != 1 {
		t.Fatalf("with two copies: %+v", r)
	}
	c, o := *r.Copy, r.Others[0]
	if c.Dir != tc.GOROOT || c.GoVersion != "go1.26.8" || c.AgentVersion != "agent2" || c.Original != f.goroot || c.Bytes < 30 ||
		time.Since(c.MadeAt) > time.Minute || time.Since(c.LastUsed) > time.Minute || !c.Held || !c.Whole || !c.Compiled || c.Stale {
		t.Errorf("the copy in use: %+v", c)
	}
	if o.Dir != old.GOROOT || o.Held || !o.Whole || !o.Stale {
		t.Errorf("the old copy: %+v", o)
	}

	tc.Close()
	f.write("stale", "false\ntrue\n")
	if err := os.Remove(filepath.Join(tc.GOROOT, "src/net/net.go")); err != nil {
		t.Fatal(err)
	}
	if c := look().Copy; c.Held || c.Whole || c.Compiled {
		t.Errorf("a damaged, unused copy: %+v", c)
	}
	if err := os.Remove(manifestPath(old.GOROOT)); err != nil {
		t.Fatal(err)
	}
	if o := look().Others[0]; o.Whole || !o.MadeAt.IsZero() {
		t.Errorf("a copy without a manifest: %+v", o)
	}
}

func TestInspectMaking(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	f.gate()
	maker := f.start()
	f.arrived()
	r, err := inspect(t.Context(), Config{Cache: f.cache}, fakePatches("agent1"))
	if err != nil || !r.Making || r.Copy != nil || r.Others != nil {
		t.Errorf("while it is made: %+v, %v", r, err)
	}
	f.open()
	maker.until("ready")
	maker.end()
}

func TestInspectProblems(t *testing.T) {
	f := newFakeGo(t)
	f.inPath()
	f.version("go1.30")
	f.write("file", "")
	r, err := Inspect(t.Context(), Config{Cache: filepath.Join(f.dir, "file")})
	if err != nil || r.GoError == nil || !strings.Contains(r.GoError.Error(), "not supported yet") ||
		r.CacheError == nil || !strings.Contains(r.CacheError.Error(), Env) {
		t.Errorf("got %+v, %v", r, err)
	}
	t.Setenv("PATH", t.TempDir())
	r, err = Inspect(t.Context(), Config{Cache: f.cache})
	if err != nil || r.Command != "" || r.GoError == nil || r.CacheError != nil {
		t.Errorf("without a go command: %+v, %v", r, err)
	}
}
