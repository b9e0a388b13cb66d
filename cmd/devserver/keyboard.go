package main

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// keyboard hears single keys of a terminal, without Enter and without an echo. Lines go out as before and Ctrl-C is a
// signal as before: of the terminal's mode only ICANON and ECHO are taken away. They come back on every way out: close, a
// stop by Ctrl-Z, Ctrl-\, and a process that dies unasked, which a ttyGuard sees.
type keyboard struct {
	tty   *os.File
	saved unix.Termios
	guard *ttyGuard
	wake  *os.File // closed by close: ends reading
	awake *os.File // the other end of the pipe

	lines *screen        // whose progress must not be there while the terminal is somebody else's
	ended sync.WaitGroup // reading, and hearing signals

	closing sync.Once

	mu     sync.Mutex
	set    bool // the mode is ours; guarded by mu
	away   bool // the mode is not to be taken: stopped, about to be, or closed; guarded by mu
	closed bool // guarded by mu
}

// openKeyboard takes the terminal's mode and hears its keys, each read of them at once, until close. s is what is shown on
// the same terminal.
func openKeyboard(tty *os.File, s *screen, hear func(keys []byte)) (*keyboard, error) {
	saved, err := unix.IoctlGetTermios(int(tty.Fd()), getTermios)
	if err != nil {
		return nil, &os.PathError{Op: "tcgetattr", Path: tty.Name(), Err: err}
	}
	k := &keyboard{tty: tty, saved: *saved, lines: s}
	if k.awake, k.wake, err = os.Pipe(); err != nil {
		return nil, err
	}
	k.guard = startTTYGuard(tty)
	signals := make(chan os.Signal, 8)
	heard := []os.Signal{syscall.SIGCONT, syscall.SIGQUIT, syscall.SIGWINCH}
	if !signal.Ignored(syscall.SIGTSTP) { // else nobody could take it up again
		heard = append(heard, syscall.SIGTSTP)
	}
	signal.Notify(signals, heard...)
	done := make(chan struct{})
	k.ended.Go(func() { k.obey(signals, done) })
	k.take()
	k.ended.Go(func() {
		defer close(done)
		defer signal.Stop(signals)
		k.read(hear)
	})
	return k, nil
}

// close gives the terminal back and returns when no key is heard any more. It may be called again.
func (k *keyboard) close() {
	k.closing.Do(func() {
		k.give(true)
		k.wake.Close()
		k.ended.Wait()
		k.awake.Close()
		k.guard.dismiss()
	})
}

// foreground tells whether the terminal is ours: in the background, setting its mode or reading would stop the process.
func (k *keyboard) foreground() bool {
	group, err := unix.IoctlGetInt(int(k.tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// take sets the mode, unless the terminal is another's now, and tells whether it is ours.
func (k *keyboard) take() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return false
	}
	if !k.foreground() {
		k.set = false
		return false
	}
	mode := k.saved
	mode.Lflag &^= unix.ICANON | unix.ECHO
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	k.set = k.change(mode) == nil
	return k.set
}

// give puts the mode back, so that it stays: the signal that is the cause wakes the reader too, which would take it again.
// Not for good means until the process goes on.
func (k *keyboard) give(forGood bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away, k.closed = true, k.closed || forGood
	if k.set && k.foreground() {
		_ = k.change(k.saved) // it fails where the terminal is gone
	}
	k.set = false
}

// goOn takes the mode again after a stop.
func (k *keyboard) goOn() {
	k.mu.Lock()
	k.away = k.closed
	k.mu.Unlock()
	k.take()
}

func (k *keyboard) change(mode unix.Termios) error {
	for {
		if err := unix.IoctlSetTermios(int(k.tty.Fd()), setTermios, &mode); err != unix.EINTR {
			return err
		}
	}
}

// obey hears the signals that have to do with the terminal.
func (k *keyboard) obey(signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			switch s {
			case syscall.SIGWINCH:
				k.lines.Redraw()
			case syscall.SIGTSTP: // the terminal has sent it to all of the group; the shell waits for us to stop
				k.lines.Leave()
				k.give(false)
				_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			case syscall.SIGCONT:
				k.goOn()
				k.lines.Redraw()
			case syscall.SIGQUIT: // its user wants the goroutines, and the shell after them
				k.give(true)
				signal.Reset(syscall.SIGQUIT)
				_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
			}
		case <-done:
			return
		}
	}
}

// read passes keys on until close, or until the terminal is gone.
func (k *keyboard) read(hear func([]byte)) {
	buf := make([]byte, 256)
	for {
		// A shell takes the terminal away, and gives it back with a mode of its own, without a word.
		ours := k.take()
		some, over := k.wait(ours)
		switch {
		case over:
			return
		case !some, !k.foreground(): // what is typed there is for another
			continue
		}
		n, err := unix.Read(int(k.tty.Fd()), buf)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil || n == 0:
			return
		}
		hear(buf[:n])
	}
}

// mindTerminal is how often it is looked whether the terminal is ours again.
const mindTerminal = 250 * 1000 // microseconds

// wait returns when there is something to read, over after close. It does not read: from the background that would stop
// the process. While the terminal is not ours it returns after a moment.
func (k *keyboard) wait(ours bool) (some, over bool) {
	tty, awake := int(k.tty.Fd()), int(k.awake.Fd())
	var set unix.FdSet
	set.Set(awake)
	var limit *unix.Timeval
	if ours {
		set.Set(tty)
	} else {
		limit = &unix.Timeval{Usec: mindTerminal}
	}
	_, err := unix.Select(max(tty, awake)+1, &set, nil, nil, limit)
	switch {
	case errors.Is(err, unix.EINTR):
		return false, false
	case err != nil:
		return false, true
	}
	return ours && set.IsSet(tty), set.IsSet(awake)
}
