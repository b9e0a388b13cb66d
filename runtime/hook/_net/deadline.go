//go:build unix

package net

import (
	"errors"
	"internal/devserver/sandbox"
	"internal/poll"
	"sync"
	"time"
)

// devserverTimes are the deadlines of a descriptor where production's own deadline is enforced. To cut an operation off
// the sandbox sets a deadline that has passed; the program's own comes back afterwards.
type devserverTimes struct {
	mu          sync.Mutex
	read, write devserverTime // guarded by mu
}

// devserverTime is the deadline of one direction.
type devserverTime struct {
	own time.Time // the program's
	cut bool      // another one is in force, to wake what waits
}

// devserverCut wakes the operations of a kind, or lets operations wait again.
func (fd *netFD) devserverCut(k sandbox.Kind, wake bool) {
	t := fd.devserver.times
	t.mu.Lock()
	defer t.mu.Unlock()
	way, set := &t.read, fd.pfd.SetReadDeadline
	if k == sandbox.KindSend {
		way, set = &t.write, fd.pfd.SetWriteDeadline
	}
	switch {
	case wake:
		way.cut = true
		set(aLongTimeAgo)
	case way.cut:
		way.cut = false
		set(way.own)
	}
}

// devserverSetOwn sets the program's own deadlines. One whose direction is cut off waits until that is over.
func (fd *netFD) devserverSetOwn(t time.Time, read, write bool) error {
	all := fd.devserver.times
	all.mu.Lock()
	defer all.mu.Unlock()
	var err error
	if read {
		all.read.own = t
		if !all.read.cut {
			err = fd.devserverSetReadDeadline(t)
		}
	}
	if write && err == nil {
		all.write.own = t
		if !all.write.cut {
			err = fd.devserverSetWriteDeadline(t)
		}
	}
	return err
}

func (fd *netFD) SetDeadline(t time.Time) error {
	if fd.devserver.times != nil {
		return fd.devserverAfterReclaim(fd.devserverSetOwn(t, true, true))
	}
	return fd.devserverAfterReclaim(fd.devserverSetDeadline(t))
}

func (fd *netFD) SetReadDeadline(t time.Time) error {
	if fd.devserver.times != nil {
		return fd.devserverAfterReclaim(fd.devserverSetOwn(t, true, false))
	}
	return fd.devserverAfterReclaim(fd.devserverSetReadDeadline(t))
}

func (fd *netFD) SetWriteDeadline(t time.Time) error {
	if fd.devserver.times != nil {
		return fd.devserverAfterReclaim(fd.devserverSetOwn(t, false, true))
	}
	return fd.devserverAfterReclaim(fd.devserverSetWriteDeadline(t))
}

// devserverAfterReclaim hides that the sandbox has closed the descriptor: deadlines are only stored in production.
func (fd *netFD) devserverAfterReclaim(err error) error {
	if s := fd.devserver.sock; err != nil && s != nil && s.Reclaimed() && errors.Is(err, poll.ErrNetClosing) {
		return nil
	}
	return err
}
