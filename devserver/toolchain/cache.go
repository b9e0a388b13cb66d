package toolchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// unusedFor is how long a copy of another agent version is kept after its last use.
const unusedFor = 7 * 24 * time.Hour

// tmpPrefix begins the names of folders in which a copy is made or removed.
const tmpPrefix = ".tmp-"

// A cache is the folder that holds the copies.
type cache struct{ dir string }

// CacheDir returns devserver's folder in the user's cache directory, or what $DEVSERVER_CACHE says. It need not exist.
func CacheDir() (string, error) {
	if dir := os.Getenv(Env); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory: %w; name one with %s", err, Env)
	}
	return filepath.Join(dir, "devserver"), nil
}

// findCache says where copies are kept; configured is Config.Cache.
func findCache(configured string) (cache, error) {
	dir, err := configured, error(nil)
	if dir == "" {
		dir, err = CacheDir()
	} else {
		dir, err = filepath.Abs(dir)
	}
	return cache{filepath.Join(dir, "go")}, err
}

// openCache makes the folder.
func openCache(configured string) (cache, error) {
	c, err := findCache(configured)
	if err != nil {
		return c, err
	}
	return c, c.explain(os.MkdirAll(c.dir, 0o700))
}

// explain adds the way out to errors that the folder's place is to blame for.
func (c cache) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: a patched Go takes about 100 MB in %s; free some space, or name another folder with %s", err, c.dir, Env)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w: devserver keeps a patched Go in %s and cannot write there; name another folder with %s", err, c.dir, Env)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOTSUP):
		return fmt.Errorf("%w: the file system of %s has no locks; name a folder on another one with %s", err, c.dir, Env)
	}
	return err
}

func (c cache) path(name string) string     { return filepath.Join(c.dir, name) }
func (c cache) useLock(name string) string  { return filepath.Join(c.dir, name+".use") }
func (c cache) makeLock(name string) string { return filepath.Join(c.dir, name+".make") }

// has reports whether the copy exists. It is whole then: see the package's comment.
func (c cache) has(name string) bool {
	_, err := readManifest(c.path(name))
	return err == nil
}

// tmp makes a folder for a copy that does not bear its name yet or any more.
func (c cache) tmp(name string) (string, error) {
	return os.MkdirTemp(c.dir, tmpPrefix+name+"-")
}

// leftovers returns the temporary folders of a name.
func (c cache) leftovers(name string) []string {
	var dirs []string
	entries, _ := os.ReadDir(c.dir) // unreadable: nothing to clean
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tmpPrefix+name+"-") {
			dirs = append(dirs, c.path(e.Name()))
		}
	}
	return dirs
}

// A manifest lies in each copy and says where it comes from.
type manifest struct {
	GOROOT       string    `json:"goroot"` // of the user's Go
	GoVersion    string    `json:"go_version"`
	AgentVersion string    `json:"agent_version"`
	MadeAt       time.Time `json:"made_at"`
	Files        int       `json:"files"` // regular files in the copy, this one not counted
	Bytes        int64     `json:"bytes"` // of these
}

func manifestPath(goroot string) string { return filepath.Join(goroot, "devserver.json") }

func readManifest(goroot string) (m manifest, err error) {
	text, err := os.ReadFile(manifestPath(goroot))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

func (m manifest) write(goroot string) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(manifestPath(goroot), append(text, '\n'), 0o644)
}
