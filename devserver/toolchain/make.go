package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A maker makes one copy. Its process holds the copy's use lock.
type maker struct {
	cache    cache
	name     string
	from     *goInfo
	patches  patches
	progress func(step string, done, total int)
}

// run makes the copy unless another process makes it meanwhile. Nothing is left behind when it fails.
func (m *maker) run(ctx context.Context) error {
	making, err := waitLock(ctx, m.cache.makeLock(m.name), exclusive, func() {
		m.progress("waiting for another devserver that makes the patched "+m.title(), 0, 0)
	})
	if err != nil {
		return err
	}
	defer making.close()
	if m.cache.has(m.name) {
		return nil
	}
	for _, dir := range m.cache.leftovers(m.name) { // their makers are dead: we hold the lock
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(m.cache.path(m.name)); err == nil { // not one of ours, or someone damaged it
		if err := m.cache.remove(m.name); err != nil {
			return err
		}
	}
	tmp, err := m.cache.tmp(m.name)
	if err != nil {
		return err
	}
	goroot := filepath.Join(tmp, "go")
	if err = m.build(ctx, goroot); err == nil {
		err = m.publish(goroot)
	}
	return errors.Join(err, os.RemoveAll(tmp))
}

// build writes, patches and compiles the copy.
func (m *maker) build(ctx context.Context, goroot string) error {
	c := &copier{from: m.from.GOROOT, to: goroot, progress: func(done, total int) { m.progress("copying "+m.title(), done, total) }}
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("copy %s: %w", m.from.GOROOT, err)
	}
	m.progress("patching the standard library", 0, 0)
	if err := m.patches.apply(goroot, m.from.GOVERSION); err != nil {
		return err
	}
	return m.compile(ctx, goroot)
}

// publish gives the finished copy its name. It is brought to the disk first: after a power failure a name must not
// stand for empty files.
func (m *maker) publish(goroot string) error {
	files, bytes, err := size(goroot)
	if err != nil {
		return err
	}
	err = manifest{m.from.GOROOT, m.from.GOVERSION, m.patches.version, time.Now().UTC(), files, bytes}.write(goroot)
	if err != nil {
		return err
	}
	if err := syncTree(goroot); err != nil {
		return err
	}
	return os.Rename(goroot, m.cache.path(m.name))
}

// title is the Go's name for a person: "Go 1.26.8".
func (m *maker) title() string { return "Go " + strings.TrimPrefix(m.from.GOVERSION, "go") }
