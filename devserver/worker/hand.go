package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// Hand gives the program's listener a connection whose RemoteAddr and LocalAddr will be the given ones, and returns
// its other end once the program has accepted it. ErrGone means that the program ended first and never saw the
// connection: it may be handed to another worker.
func (w *Worker) Hand(ctx context.Context, remote, local net.Addr) (net.Conn, error) {
	ours, theirs, err := tcpPair()
	if err != nil {
		return nil, fmt.Errorf("connection to the app: %w", err)
	}
	// Kept until it is taken: a descriptor in flight whose last copy is closed does not live on everywhere.
	defer theirs.Close()
	taken, id := w.expect()
	defer w.unexpect(id)
	if err := w.send(theirs, wire.Conn{ID: id, Remote: remote.String(), Local: local.String()}); err != nil {
		ours.Close()
		return nil, err
	}
	select {
	case <-taken:
		return ours, nil
	case <-w.gone:
		err = ErrGone
	case <-ctx.Done():
		err = ctx.Err()
	}
	ours.Close()
	return nil, err
}

func (w *Worker) expect() (taken chan struct{}, id uint64) {
	taken = make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastID++
	w.handed[w.lastID] = taken
	return taken, w.lastID
}

func (w *Worker) unexpect(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.handed, id)
}

// send sends c together with theirs. It blocks while the program's queue is full; the process's end ends that.
func (w *Worker) send(theirs *net.TCPConn, c wire.Conn) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	raw, err := theirs.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		sent = w.sendRights(text, unix.UnixRights(int(fd)))
	})
	return errors.Join(err, sent)
}

func (w *Worker) sendRights(text, rights []byte) error {
	for {
		_, _, err := w.conns.WriteMsgUnix(text, rights, nil)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.ENOBUFS) && !errors.Is(err, syscall.ETOOMANYREFS) {
			return ErrGone
		}
		select { // darwin answers ENOBUFS instead of blocking; Linux limits the descriptors in flight
		case <-w.gone:
			return ErrGone
		case <-time.After(time.Millisecond):
		}
	}
}

// hearTaken reads what comes back over the connection socket until the process has closed its end.
func (w *Worker) hearTaken() {
	buf := make([]byte, 4096)
	for {
		n, err := w.conns.Read(buf)
		if err != nil || n == 0 {
			return
		}
		var taken wire.ConnTaken
		if json.Unmarshal(buf[:n], &taken) != nil {
			continue
		}
		w.mu.Lock()
		if c := w.handed[taken.ID]; c != nil {
			delete(w.handed, taken.ID)
			close(c)
		}
		w.mu.Unlock()
	}
}

// tcpPair makes both ends of a TCP connection on loopback. Another program may dial the port while it is open; it is
// not the peer that was dialled from, and is closed.
func tcpPair() (ours, theirs *net.TCPConn, err error) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	ours, err = net.DialTCP("tcp4", nil, ln.Addr().(*net.TCPAddr))
	if err != nil {
		return nil, nil, err
	}
	ln.SetDeadline(time.Now().Add(5 * time.Second))
	for {
		theirs, err = ln.AcceptTCP()
		if err != nil {
			ours.Close()
			return nil, nil, err
		}
		if theirs.RemoteAddr().String() == ours.LocalAddr().String() {
			return ours, theirs, nil
		}
		theirs.Close()
	}
}
