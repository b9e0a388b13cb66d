package watch

import (
	"errors"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// notice says that something happened to path. With an empty path, anything may have happened anywhere.
type notice struct {
	path    string
	created bool // or moved here
	removed bool // or moved away
}

// notifier tells what happens in folders. Not safe for concurrent use.
type notifier interface {
	Add(dir string) error
	Remove(dir string)
	Notices() <-chan notice // the same channel always; never closed
	Close()                 // returns when it has ended
}

// system is the operating system's notifier.
type system struct {
	*fsnotify.Watcher
	notices chan notice
	stop    chan struct{}
	ended   chan struct{}
}

func openSystem() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	s := &system{w, make(chan notice), make(chan struct{}), make(chan struct{})}
	go s.forward()
	return s, nil
}

// forward ends when Close has closed fsnotify's channels.
func (s *system) forward() {
	defer close(s.ended)
	for {
		var n notice
		select {
		case e, ok := <-s.Watcher.Events:
			if !ok {
				return
			}
			if e.Op == fsnotify.Chmod {
				continue // touch, chmod, an indexer: no content
			}
			n = notice{e.Name, e.Has(fsnotify.Create), e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)}
		case _, ok := <-s.Watcher.Errors:
			if !ok {
				return
			}
			// An overflow, or a read error: what happened is lost, so that all has to be looked at.
		}
		select {
		case s.notices <- n:
		case <-s.stop:
		}
	}
}

func (s *system) Notices() <-chan notice { return s.notices }

func (s *system) Remove(dir string) { _ = s.Watcher.Remove(dir) } // an error says that it is gone already

func (s *system) Close() {
	close(s.stop)
	s.Watcher.Close()
	<-s.ended
}

// limit tells whether err says that the system watches no more, and what a user can do about it.
func limit(err error) (advice string, ok bool) {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the limit of watched folders is reached; raise it with: sudo sysctl fs.inotify.max_user_watches=524288", true
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "the limit of open files or watchers is reached; raise it with: ulimit -n 65536, on Linux also: " +
			"sudo sysctl fs.inotify.max_user_instances=1024", true
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENOSYS):
		return "the system cannot watch folders: " + err.Error(), true
	}
	return "", false
}
