package toolchain

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sweep removes what nobody needs besides the copy called keep: what dead processes left half-made, and copies that
// are out of use; agent is the version in use. It is a courtesy: what cannot be removed now stays for the next time, and `devserver doctor` shows it.
func (c cache) sweep(keep, agent string, now time.Time) {
	for _, name := range c.names() {
		if name == keep {
			continue
		}
		use, err := tryLock(c.useLock(name), exclusive)
		if err != nil {
			continue // in use, being made or being removed
		}
		for _, dir := range c.leftovers(name) {
			_ = os.RemoveAll(dir)
		}
		if !c.outOfUse(name, agent, use, now) {
			use.close()
			continue
		}
		if c.remove(name) == nil {
			_ = os.Remove(c.makeLock(name)) // nobody waits for it: its waiters hold the use lock
			_ = use.remove()
		}
		use.close()
	}
}

// names returns the names of all copies, and of those that only a leftover or a lock is left of.
func (c cache) names() []string {
	entries, _ := os.ReadDir(c.dir)
	var names []string
	for _, e := range entries {
		name := e.Name()
		if rest, ok := strings.CutPrefix(name, tmpPrefix); ok {
			name = rest[:max(0, strings.LastIndex(rest, "-"))]
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".use"), ".make")
		if strings.HasPrefix(name, "go1.") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// outOfUse reports whether the copy has not been used for long and is of another agent version, or of a Go that is
// no longer there. use is its lock.
func (c cache) outOfUse(name, agent string, use *lock, now time.Time) bool {
	m, err := readManifest(c.path(name))
	if err != nil {
		return errors.Is(err, os.ErrNotExist) // only locks are left
	}
	info, err := use.f.Stat()
	if err != nil || now.Sub(info.ModTime()) < unusedFor {
		return false
	}
	_, gone := os.Stat(filepath.Join(m.GOROOT, "bin", "go"))
	return m.AgentVersion != agent || errors.Is(gone, os.ErrNotExist)
}

// remove takes the copy's name away first: what is half removed must not be found. The caller holds the use lock
// exclusively, or the make lock.
func (c cache) remove(name string) error {
	tmp, err := c.tmp(name)
	if err != nil {
		return err
	}
	err = os.Rename(c.path(name), filepath.Join(tmp, "go"))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(tmp))
}
