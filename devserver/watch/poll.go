package watch

import (
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	pollEvery = 500 * time.Millisecond
	pollShare = 10              // at most one part in so many of the time goes into looking
	pollLast  = 5 * time.Second // but a busy machine, where a look takes long, must not put off the next for ever
)

// poller is a notifier that looks again and again: slower, but it works on every file system and without limits.
type poller struct {
	notices chan notice
	stop    chan struct{}
	ended   sync.WaitGroup

	mu   sync.Mutex
	dirs map[string]map[string]stamp // guarded by mu: folder, name; nil for a folder that cannot be read
}

// stamp is by what a change is seen; the content is judged by others.
type stamp struct {
	size, modified, changed int64
	inode                   uint64
	mode                    os.FileMode
}

// newPoller makes one that looks every so often. missed says that it takes the place of another, which may have had something
// to tell: then the first notice is that anything may have happened.
func newPoller(every time.Duration, missed bool) *poller {
	p := &poller{notices: make(chan notice), stop: make(chan struct{}), dirs: make(map[string]map[string]stamp)}
	p.ended.Go(func() { p.run(every, missed) })
	return p
}

func (p *poller) run(every time.Duration, missed bool) {
	if missed && !p.tell(notice{}) {
		return
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-timer.C:
		}
		start := time.Now()
		found := p.look()
		wait := max(every, min(pollShare*time.Since(start), pollLast))
		for _, n := range found {
			if !p.tell(n) {
				return
			}
		}
		timer.Reset(wait)
	}
}

// tell tells whether n could be told before the end.
func (p *poller) tell(n notice) bool {
	select {
	case p.notices <- n:
		return true
	case <-p.stop:
		return false
	}
}

// look compares all folders with what they were.
func (p *poller) look() []notice {
	p.mu.Lock()
	dirs := maps.Clone(p.dirs)
	p.mu.Unlock()
	var found []notice
	for dir, before := range dirs {
		now := stamps(dir)
		found = append(found, compare(dir, before, now)...)
		p.mu.Lock()
		if _, wanted := p.dirs[dir]; wanted {
			p.dirs[dir] = now
		}
		p.mu.Unlock()
	}
	return found
}

func compare(dir string, before, now map[string]stamp) []notice {
	if now == nil && before != nil {
		return []notice{{path: dir, removed: true}}
	}
	var found []notice
	for name, s := range now {
		old, had := before[name]
		if !had || old.mode.Type() != s.mode.Type() {
			found = append(found, notice{path: filepath.Join(dir, name), created: true})
		} else if old != s && !s.mode.IsDir() {
			found = append(found, notice{path: filepath.Join(dir, name)})
		}
	}
	for name := range before {
		if _, has := now[name]; !has {
			found = append(found, notice{path: filepath.Join(dir, name), removed: true})
		}
	}
	return found
}

func stampOf(info os.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime().UnixNano(), mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.changed, s.inode = changeTime(sys).UnixNano(), sys.Ino
	}
	return s
}

// stamps reads a folder, nil when it cannot be read.
func stamps(dir string) map[string]stamp {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	all := make(map[string]stamp, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			all[e.Name()] = stampOf(info)
		}
	}
	return all
}

func (p *poller) Add(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	now := stamps(dir)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirs[dir] = now
	return nil
}

func (p *poller) Remove(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dirs, dir)
}

func (p *poller) Notices() <-chan notice { return p.notices }

func (p *poller) Close() {
	close(p.stop)
	p.ended.Wait()
}
