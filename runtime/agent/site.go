package agent

import (
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// sites tells which program counters lie in user code, and where. A program has few places that dial, so each is
// looked up once.
type sites struct {
	roots   []string // folders of the user's modules, each with a slash at its end; the main module's first
	modules []string // their paths, for builds with -trimpath

	mu   sync.RWMutex
	seen map[uintptr]string // guarded by mu; "" for code that is not the user's
}

func (s *sites) init(cfg wire.Config) {
	s.seen = make(map[uintptr]string)
	for _, dir := range append([]string{cfg.Root}, cfg.UserPaths...) {
		if dir != "" {
			s.roots = append(s.roots, strings.TrimSuffix(dir, "/")+"/")
		}
	}
	for _, m := range cfg.Modules {
		s.modules = append(s.modules, m+"/")
	}
}

// nearest returns the first place of pcs in user code, "" when none is.
func (s *sites) nearest(pcs []uintptr) string {
	for len(pcs) > 0 {
		site, n := s.known(pcs)
		if site != "" || n == len(pcs) {
			return site
		}
		if site = s.resolve(pcs[n]); site != "" {
			return site
		}
		pcs = pcs[n+1:]
	}
	return ""
}

// known returns the first place of pcs that is the user's, and how many were looked at: up to it, to the first that
// nobody has looked up yet, or all.
func (s *sites) known(pcs []uintptr) (site string, n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i, pc := range pcs {
		site, ok := s.seen[pc]
		if !ok || site != "" {
			return site, i
		}
	}
	return "", len(pcs)
}

func (s *sites) resolve(pc uintptr) string {
	site := ""
	var inlined [16]uintptr
	for _, pc := range inlined[:machine.expand(pc, inlined[:])] {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		if file, ok := s.user(frame.File); ok {
			site = file + ":" + strconv.Itoa(frame.Line)
			break
		}
	}
	s.mu.Lock()
	s.seen[pc] = site
	s.mu.Unlock()
	return site
}

// user returns the path of a user's file from its module's folder.
func (s *sites) user(file string) (string, bool) {
	if strings.Contains(file, "/"+wire.VirtualMain) || strings.Contains(file, "/vendor/") || strings.Contains(file, "/pkg/mod/") {
		return "", false
	}
	for _, root := range s.roots {
		if rest, ok := strings.CutPrefix(file, root); ok {
			return rest, true
		}
	}
	for _, m := range s.modules {
		if rest, ok := strings.CutPrefix(file, m); ok {
			return rest, true
		}
	}
	return "", false
}

// stacks are lent to whoever looks for a call site: as a local variable one would be made for each dial.
var stacks = sync.Pool{New: func() any { return new([64]uintptr) }}

// callSite names the user's line that led here: on this goroutine's stack, else on those of the go statements that
// led to it.
func (a *Agent) callSite() string {
	pcs := stacks.Get().(*[64]uintptr)
	defer stacks.Put(pcs)
	if site := a.sites.nearest(pcs[:machine.callers(pcs[:])]); site != "" {
		return site
	}
	for level := range 4 {
		n := machine.stack(level, pcs[:])
		if n == 0 {
			break
		}
		if site := a.sites.nearest(pcs[:n]); site != "" {
			return site
		}
	}
	return ""
}
