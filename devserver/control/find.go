package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// RegistryError says that the registry could not be written: only --data leads to this devserver.
type RegistryError struct{ Err error }

func (e *RegistryError) Error() string {
	return fmt.Sprintf("register in the user's cache directory: %v; other commands need --data to find this devserver", e.Err)
}

func (e *RegistryError) Unwrap() error { return e.Err }

// ErrNone says that no devserver runs, or none on the data directory asked for.
var ErrNone = errors.New("no devserver is running; start one with: devserver run DIR")

// Instance is a running devserver.
type Instance struct {
	Data string // its data directory
	File
}

// Find returns the devserver that owns the data directory; with "" the only one that this user runs. When there are
// several it lists them and asks for --data.
func Find(data, registry string) (*Instance, error) {
	if data != "" {
		return open(data)
	}
	all, err := Running(registry)
	if err != nil {
		return nil, err
	}
	switch len(all) {
	case 0:
		return nil, ErrNone
	case 1:
		return &all[0], nil
	}
	var list strings.Builder
	for _, i := range all {
		fmt.Fprintf(&list, "\n  --data %s (pid %d, %s)", i.Data, i.PID, i.Console)
	}
	return nil, fmt.Errorf("%d devservers are running; say which one is meant:%s", len(all), list.String())
}

// Running lists this user's devservers, ordered by data directory, and forgets registrations of dead ones.
func Running(registry string) ([]Instance, error) {
	files, err := filepath.Glob(filepath.Join(registry, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Instance
	for _, file := range files {
		var entry registration
		text, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(text, &entry) != nil {
			continue
		}
		i, err := open(entry.Data)
		if errors.Is(err, ErrNone) {
			os.Remove(file)
		}
		if err == nil {
			all = append(all, *i)
		}
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.Data, b.Data) })
	return all, nil
}

// open reads the control file of a data directory that somebody owns.
func open(data string) (*Instance, error) {
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	owned, err := owned(data)
	if err != nil {
		return nil, err
	}
	if !owned {
		return nil, fmt.Errorf("%s: %w", data, ErrNone)
	}
	f, err := read(data)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the devserver on %s is starting or stopping; try again in a moment", data)
	}
	if err != nil {
		return nil, err
	}
	return &Instance{Data: data, File: f}, nil
}

// owned tells whether a process holds the directory's lock.
func owned(data string) (bool, error) {
	f, err := os.Open(filepath.Join(data, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // lets the lock go, too
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// registration is a file in the registry.
type registration struct {
	Data string `json:"data"`
}

// register notes the data directory under a name made from its path.
func register(data, registry string) (string, error) {
	if err := os.MkdirAll(registry, 0o700); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(data))
	path := filepath.Join(registry, hex.EncodeToString(sum[:8])+".json")
	return path, WriteFile(path, registration{data})
}
