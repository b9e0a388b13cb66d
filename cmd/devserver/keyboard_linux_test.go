package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY makes a terminal: the end of a person and the end of programs.
func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// plainMode tells whether a terminal has the mode in which a shell leaves it to programs.
func plainMode(t *testing.T, tty *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&(unix.ICANON|unix.ECHO) == unix.ICANON|unix.ECHO
}

// TestKeyboardIsGivenBack: a program that has stopped or ended has given the terminal's mode back, whoever took it in the
// same moment; after a stop it takes it again.
func TestKeyboardIsGivenBack(t *testing.T) {
	t.Parallel()
	person, program := openPTY(t)
	for range 6 {
		cmd := exec.Command("keyboard")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitTaken(t, program)
		for range 5 {
			if err := cmd.Process.Signal(syscall.SIGTSTP); err != nil {
				t.Fatal(err)
			}
			var state syscall.WaitStatus
			if _, err := syscall.Wait4(cmd.Process.Pid, &state, syscall.WUNTRACED, nil); err != nil || !state.Stopped() {
				t.Fatalf("asked to stop, it is in state %x: %v", state, err)
			}
			if !plainMode(t, program) {
				t.Fatal("it has stopped, and the terminal's mode is still its own")
			}
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			awaitTaken(t, program)
		}
		if _, err := person.WriteString("q"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if !plainMode(t, program) {
			t.Fatal("it has ended, and the terminal's mode is still its own")
		}
	}
}

func awaitTaken(t *testing.T, tty *os.File) {
	t.Helper()
	for end := time.Now().Add(patience); plainMode(t, tty); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it has not taken the terminal's mode")
		}
	}
}
