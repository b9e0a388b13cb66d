package toolchain

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/hook"
)

// A Report says how things stand; `devserver doctor` shows it.
type Report struct {
	Command   string // the go command in PATH; "" when there is none
	GOROOT    string // of the Go that it uses in the app's folder
	GoVersion string
	GoError   error // why that Go cannot be used, and the way out; nil when it can

	Cache      string // the folder of the copies
	CacheError error  // why none can be made there, and the way out; nil when one can
	Making     bool   // another devserver makes the copy at this moment

	Copy   *Copy  // of the Go in use; nil when there is none yet: the first run makes it
	Others []Copy // all other copies in the cache
}

// A Copy is a patched Go in the cache.
type Copy struct {
	Dir          string
	GoVersion    string
	AgentVersion string
	Original     string    // the GOROOT it was made from
	MadeAt       time.Time // zero when its manifest cannot be read
	LastUsed     time.Time
	Bytes        int64 // on the disk, links not followed
	Held         bool  // a process uses it now
	Whole        bool  // all its files are there; if not, remove Dir: the next run makes it again
	Compiled     bool  // of Report.Copy: its standard library is in the build cache, so that a build takes no longer than a plain one
	Stale        bool  // of another agent version than this devserver's: removed 7 days after its last use
}

// Inspect reports on the Go of cfg.Dir, its copy and the cache. It changes nothing; the error is ctx's.
func Inspect(ctx context.Context, cfg Config) (Report, error) {
	return inspect(ctx, cfg, hookPatches())
}

func inspect(ctx context.Context, cfg Config, p patches) (r Report, err error) {
	c, err := findCache(cfg.Cache)
	r.Cache, r.CacheError = c.dir, err
	if err == nil {
		r.CacheError = c.explain(writable(c.dir))
	}
	g, err := findGo(ctx, cfg.Dir)
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	name := ""
	if r.Command, _ = exec.LookPath("go"); err != nil {
		r.GoError = err
	} else {
		r.GOROOT, r.GoVersion, r.GoError = g.GOROOT, g.GOVERSION, hook.Supported(g.GOVERSION)
		name = g.copyName(p.version)
		r.Making = held(c.makeLock(name))
	}
	for _, n := range c.names() {
		if _, err := os.Stat(c.path(n)); err != nil {
			continue // only a lock or a leftover
		}
		switch cp := c.inspect(n, p.version); {
		case n == name:
			cp.Compiled = isCompiled(ctx, g, cp.Dir, p)
			r.Copy = &cp
		default:
			r.Others = append(r.Others, cp)
		}
	}
	return r, ctx.Err()
}

// inspect looks at one copy.
func (c cache) inspect(name, agent string) Copy {
	dir := c.path(name)
	m, manifestErr := readManifest(dir)
	files, bytes, err := size(dir)
	cp := Copy{
		Dir: dir, GoVersion: m.GoVersion, AgentVersion: m.AgentVersion, Original: m.GOROOT, MadeAt: m.MadeAt,
		Bytes: bytes, Held: held(c.useLock(name)), Stale: m.AgentVersion != agent,
		Whole: err == nil && manifestErr == nil && files == m.Files && bytes == m.Bytes,
	}
	if info, err := os.Stat(c.useLock(name)); err == nil {
		cp.LastUsed = info.ModTime()
	}
	return cp
}

// held reports whether a process holds the lock. It makes no file.
func held(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	l, err := tryLock(path, exclusive)
	if err == nil {
		l.close()
	}
	return errors.Is(err, errLocked)
}

// isCompiled asks the go command whether it would have to compile anything.
func isCompiled(ctx context.Context, g *goInfo, goroot string, p patches) bool {
	t := &Toolchain{GOROOT: goroot}
	cmd := interruptible(exec.CommandContext(ctx, t.Go(), append([]string{"list", "-f", "{{.Stale}}"}, p.compiled(g.GOVERSION)...)...))
	cmd.Dir, cmd.Env = filepath.Join(goroot, "src"), g.plainEnv(t)
	out, err := cmd.Output()
	return err == nil && !strings.Contains(string(out), "true")
}

// writable reports why no file can be made in dir, or in the nearest folder above it that exists.
func writable(dir string) error {
	for {
		f, err := os.CreateTemp(dir, tmpPrefix)
		if err == nil {
			return errors.Join(f.Close(), os.Remove(f.Name()))
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return err
		}
		dir = parent
	}
}
