package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// A copier copies a GOROOT: the sources really, without src/cmd, for they are patched and the go command indexes
// only real files; everything else as links to the user's.
type copier struct {
	from, to string
	progress func(done, total int)
	mu       sync.Mutex // guards the calls of progress
}

func (c *copier) run(ctx context.Context) error {
	src, err := filepath.EvalSymlinks(filepath.Join(c.from, "src")) // a link in Debian's packages
	if err != nil {
		return fmt.Errorf("%w: this Go has no sources; install its source package, or Go from https://go.dev/dl", err)
	}
	if err := c.linkTop(); err != nil {
		return err
	}
	files, err := c.makeDirs(src)
	if err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(src, "cmd"), filepath.Join(c.to, "src", "cmd")); err != nil {
		return err
	}
	return c.copyAll(ctx, src, files)
}

// linkTop links what is not src: folders like bin and lib, and what is in pkg. Files are small, and copied.
func (c *copier) linkTop() error {
	if err := os.MkdirAll(filepath.Join(c.to, "pkg"), 0o755); err != nil {
		return err
	}
	for _, dir := range []string{"", "pkg"} {
		entries, err := os.ReadDir(filepath.Join(c.from, dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := c.linkEntry(dir, e.Name()); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(filepath.Join(c.to, "bin", "go")); err != nil {
		return fmt.Errorf("%w: this GOROOT has no go command", err)
	}
	return nil
}

func (c *copier) linkEntry(dir, name string) error {
	from, to := filepath.Join(c.from, dir, name), filepath.Join(c.to, dir, name)
	skip := strings.HasPrefix(name, ".") || // .git
		dir == "" && (name == "src" || name == "pkg") ||
		dir == "pkg" && strings.Contains(name, "_") // linux_amd64: installed packages, of the unpatched library
	if skip {
		return nil
	}
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a dangling link
	} else if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		return copyFile(from, to)
	}
	return os.Symlink(from, to)
}

// makeDirs makes src's folders in the copy and returns the files to copy, as paths below src.
func (c *copier) makeDirs(src string) (files []string, err error) {
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		switch {
		case rel == "cmd" && d.IsDir():
			return fs.SkipDir
		case rel == "cmd":
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(c.to, "src", rel), 0o755)
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() { // a link to a folder stays one
			return os.Symlink(path, filepath.Join(c.to, "src", rel))
		}
		files = append(files, rel)
		return nil
	})
	return files, err
}

// copyAll copies the files with a few workers: it is waiting for the disk more than work.
func (c *copier) copyAll(ctx context.Context, src string, files []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				if err := copyFile(filepath.Join(src, files[i]), filepath.Join(c.to, "src", files[i])); err != nil {
					cancel(err)
					return
				}
				if n := int(done.Add(1)); n%100 == 0 || n == len(files) {
					c.report(n, len(files))
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func (c *copier) report(done, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress(done, total)
}

// copyFile copies one file with its time, which the go command's index goes by, and makes it writable: in the
// module cache nothing is. Where the file system can share the blocks, io.Copy lets it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|info.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// size counts the regular files below dir and their bytes.
func size(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || path == manifestPath(dir) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}
