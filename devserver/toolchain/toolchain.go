// Package toolchain gives an app the Go it is built with: a copy of the user's own Go whose standard library asks
// the sandbox. runtime/hook says what differs; this package makes the copy, keeps it and finds it again.
//
// A copy is made once for a Go and an agent version, in the user's cache directory:
//
//	<cache>/go/go1.26.8-<agent>-<goroot>/        the copy: GOROOT of every build; src is real, tools are links
//	<cache>/go/go1.26.8-<agent>-<goroot>.use     locked shared while a process uses the copy; its time is the last use
//	<cache>/go/go1.26.8-<agent>-<goroot>.make    locked while a process makes the copy
//	<cache>/go/.tmp-go1.26.8-<agent>-<goroot>-*  a copy being made or removed; without a lock's holder a leftover
//
// A copy gets its name by a rename after it was written, patched and compiled, and loses it by a rename before it is
// removed. So whatever bears the name is whole, at whatever moment a process was killed.
package toolchain

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/hook"
)

// Env names the variable that overrides where copies are kept. Unset it is devserver's folder in the user's
// cache directory (os.UserCacheDir: XDG_CACHE_HOME, else ~/.cache or ~/Library/Caches).
const Env = "DEVSERVER_CACHE"

// Config says for which Go, and where.
type Config struct {
	Dir   string // the app's folder: the go command there says which Go it uses; "" is the current folder
	Cache string // "" is $DEVSERVER_CACHE, else devserver's folder in the user's cache directory

	// Progress is told what takes time: a step for a person to read ("compiling the standard library") and how
	// much of it is done; total 0 means unknown. It is called by one goroutine at a time. nil is told nothing.
	Progress func(step string, done, total int)
}

// A Toolchain is a patched Go in use. Its methods may be called from several goroutines.
type Toolchain struct {
	GOROOT       string // of the copy
	Original     string // GOROOT of the user's own Go
	GoVersion    string // as `go env GOVERSION` prints it: go1.26.8
	AgentVersion string // hook.Version of the patches

	use *lock
}

// Ensure returns the patched copy of the Go that the app in cfg.Dir uses. It makes the copy when there is none,
// which takes 10 to 30 seconds; two processes that need the same one make it once. The caller closes the toolchain
// when no build needs it any more.
//
// The error is a [*hook.UnfitError] when this Go's standard library is not one that devserver knows.
func Ensure(ctx context.Context, cfg Config) (*Toolchain, error) {
	return ensure(ctx, cfg, hookPatches())
}

// patches are what is done to a copy.
type patches struct {
	version  string                          // of the agent
	packages func(goVersion string) []string // what must compile, import paths
	apply    func(goroot, goVersion string) error
}

func hookPatches() patches { return patches{hook.Version(), hook.Packages, hook.Apply} }

func ensure(ctx context.Context, cfg Config, p patches) (*Toolchain, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	g, err := findGo(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	return ensureGo(ctx, cfg, p, g)
}

// ensureGo is Ensure for a Go that has been found.
func ensureGo(ctx context.Context, cfg Config, p patches, g *goInfo) (*Toolchain, error) {
	if err := hook.Supported(g.GOVERSION); err != nil {
		return nil, err
	}
	c, err := openCache(cfg.Cache)
	if err != nil {
		return nil, err
	}
	name := g.copyName(p.version)
	use, err := waitLock(ctx, c.useLock(name), shared, nil) // waits for one that removes the copy
	if err != nil {
		return nil, c.explain(err)
	}
	if !c.has(name) {
		m := &maker{cache: c, name: name, from: g, patches: p, progress: cfg.Progress}
		if err := m.run(ctx); err != nil {
			use.close()
			return nil, c.explain(err)
		}
	}
	use.touch()
	c.sweep(name, p.version, time.Now())
	return &Toolchain{c.path(name), g.GOROOT, g.GOVERSION, p.version, use}, nil
}

// Close tells that this process no longer uses the copy. It may be called more than once.
func (t *Toolchain) Close() error {
	t.use.touch()
	return t.use.close()
}

// Go returns the path of the copy's go command. It works with [Toolchain.Env] only.
func (t *Toolchain) Go() string { return filepath.Join(t.GOROOT, "bin", "go") }

// Env returns base with what makes any go command build with the copy: GOROOT, GOTOOLCHAIN=local, since go.mod's
// toolchain line has been asked already, and the copy's go first in PATH, since an older go refuses a newer GOROOT.
func (t *Toolchain) Env(base []string) []string {
	path := filepath.Join(t.GOROOT, "bin")
	var env []string
	for _, kv := range base {
		switch name, value, _ := strings.Cut(kv, "="); name {
		case "GOROOT", "GOTOOLCHAIN":
		case "PATH":
			if value != "" {
				path = filepath.Join(t.GOROOT, "bin") + string(os.PathListSeparator) + value
			}
		default:
			env = append(env, kv)
		}
	}
	return append(env, "GOROOT="+t.GOROOT, "GOTOOLCHAIN=local", "PATH="+path)
}
