package agent

import (
	"encoding/hex"
	"os"
	"sync"
	"syscall"
)

// keyLogFailed makes one failure of the key log be told, not one for each connection.
var keyLogFailed sync.Once

// Captures reports whether bytes of sockets are kept.
func (a *Agent) Captures() bool { return a.cfg.Capture.Limit > 0 }

// LogKey adds a line to the key log, in the format of NSS that SSLKEYLOGFILE has made common and Wireshark reads: label,
// client random, secret. A connection goes on without: a file that cannot be written is told once on standard error.
func (a *Agent) LogKey(label string, clientRandom, secret []byte) {
	if a.cfg.KeyLog == "" {
		return
	}
	line := label + " " + hex.EncodeToString(clientRandom) + " " + hex.EncodeToString(secret) + "\n"
	if err := appendLine(a.cfg.KeyLog, line); err != nil {
		keyLogFailed.Do(func() {
			os.Stderr.WriteString("devserver: key log " + a.cfg.KeyLog + ": " + err.Error() + "; keys are missing there; choose another file with --keylog\n")
		})
	}
}

// appendLine opens the file each time: the program must not find a descriptor that it has not opened, and may close or
// count those it has. O_APPEND and a single write keep lines of several processes whole.
func appendLine(path, line string) error {
	var fd int
	for {
		var err error
		fd, err = syscall.Open(path, syscall.O_WRONLY|syscall.O_APPEND|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return err
		}
	}
	defer syscall.Close(fd)
	for {
		n, err := syscall.Write(fd, []byte(line))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case n < len(line): // the disk is full
			return syscall.ENOSPC
		default:
			return nil
		}
	}
}
