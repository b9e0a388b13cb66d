// Package control is how a command finds a running devserver and speaks to it.
//
// A data directory has one owner at a time: the devserver that holds a lock on <data>/lock. The owner writes
// <data>/control.json (see File) once its console answers, and registers the directory in the user's cache, so that
// a command without --data finds it. Changes travel over the console's own HTTP API with the token of that file.
//
//	command ── Find ──► <registry>/*.json ──► <data>/control.json ──► POST /api/v1/…  (Client)
//
// A control.json whose directory nobody locks was left behind by a devserver that was killed; it is not believed.
package control

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The names of the files of this package below a data directory.
const (
	fileName = "control.json"
	lockName = "lock"
)

// File is the content of <data>/control.json and, without the token, of a --ready-file.
type File struct {
	PID       int    `json:"pid"`
	Console   string `json:"console"`         // URL of the console, without a slash at its end
	Token     string `json:"token,omitempty"` // what a change must carry as "Authorization: Bearer"
	Recording string `json:"recording"`       // absolute path of recording.db
	Apps      []App  `json:"apps"`
}

// App is where an app answers.
type App struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Debug is where Delve listens for an IDE, HOST:PORT; "": the app is not debugged.
	Debug string `json:"debug,omitempty"`
}

// NewToken returns a token for a File: 128 random bits or more.
func NewToken() string { return rand.Text() }

// HeldError says that another devserver owns the data directory.
type HeldError struct {
	Data    string
	PID     int    // 0: unknown
	Console string // "": unknown, or not up yet
}

func (e *HeldError) Error() string {
	who := "another devserver"
	if e.PID != 0 {
		who += fmt.Sprintf(" (pid %d", e.PID)
		if e.Console != "" {
			who += ", console " + e.Console
		}
		who += ")"
	}
	return fmt.Sprintf("%s uses the data directory %s; stop it, or give this one a directory of its own with --data", who, e.Data)
}

// An Owner holds a data directory until Close.
type Owner struct {
	Data     string // absolute, symbolic links resolved
	lock     *os.File
	registry string // the file that registers Data, "" when it is not registered
}

// Own makes data a private directory which git ignores, and locks it. It fails with a *HeldError when another
// devserver has it.
func Own(data string) (*Owner, error) {
	data, err := Prepare(data)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(data, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	if err := lockExclusive(lock); err != nil {
		defer lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, held(data, lock)
		}
		return nil, fmt.Errorf("lock %s: %w; choose another directory with --data", lock.Name(), err)
	}
	o := &Owner{Data: data, lock: lock}
	if err := o.sign(); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Prepare makes data a private directory which git ignores, and returns its real path.
func Prepare(data string) (string, error) {
	real, err := prepare(data)
	if err != nil {
		return "", fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	return real, nil
}

func prepare(data string) (string, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	if data, err = filepath.EvalSymlinks(data); err != nil {
		return "", err
	}
	ignore := filepath.Join(data, ".gitignore")
	if _, err := os.Lstat(ignore); errors.Is(err, os.ErrNotExist) {
		return data, os.WriteFile(ignore, []byte("*\n"), 0o600)
	}
	return data, nil
}

// lockExclusive takes the lock. It tries for a moment: Find, asking whether a directory is owned, holds it shared
// for some microseconds.
func lockExclusive(f *os.File) error {
	for deadline := time.Now().Add(200 * time.Millisecond); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(deadline) {
			return err
		}
	}
}

// held tells who holds the lock: its process id stands in the lock file, its console in control.json.
func held(data string, lock *os.File) error {
	e := &HeldError{Data: data}
	var owner struct{ PID int }
	if json.NewDecoder(lock).Decode(&owner) == nil {
		e.PID = owner.PID
	}
	if f, err := read(data); err == nil && f.PID == e.PID {
		e.Console = f.Console
	}
	return e
}

// sign writes this process's id into the lock file and removes a control.json left behind.
func (o *Owner) sign() error {
	if err := o.lock.Truncate(0); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if _, err := fmt.Fprintf(o.lock, "{\"pid\":%d}\n", os.Getpid()); err != nil {
		return fmt.Errorf("data directory: %w; free some space, or choose another with --data", err)
	}
	if err := remove(filepath.Join(o.Data, fileName)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// Publish writes control.json and registers the data directory in the registry. A *RegistryError leaves a devserver
// that is found with --data only.
func (o *Owner) Publish(f File, registry string) error {
	if err := WriteFile(filepath.Join(o.Data, fileName), f); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	path, err := register(o.Data, registry)
	if err != nil {
		return &RegistryError{err}
	}
	o.registry = path
	return nil
}

// Close removes control.json and the registration, and lets the directory go.
func (o *Owner) Close() error {
	err := remove(filepath.Join(o.Data, fileName))
	if o.registry != "" {
		err = errors.Join(err, remove(o.registry))
	}
	return errors.Join(err, o.lock.Close())
}

// remove removes a file that somebody else may have removed already.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// WriteFile writes v as JSON with mode 0600 in one step: a reader sees all of it or nothing.
func WriteFile(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// read returns the control file of a data directory.
func read(data string) (File, error) {
	var f File
	text, err := os.ReadFile(filepath.Join(data, fileName))
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%s: %w", filepath.Join(data, fileName), err)
	}
	if !strings.HasPrefix(f.Console, "http") {
		return f, fmt.Errorf("%s: no console in it", filepath.Join(data, fileName))
	}
	return f, nil
}
