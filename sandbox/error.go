package sandbox

import (
	"os"
	"syscall"
)

// billingText is what production says to an app without billing.
const billingText = "The Socket API will be enabled for this application once billing has been enabled in the admin console."

// A CallError is production's answer to a call of its socket service, in its words. It unwraps to an errno, so that
// programs take the path that they take for a real system's error.
type CallError struct {
	Text  string
	Errno syscall.Errno
}

func (e *CallError) Error() string { return e.Text }

// Unwrap returns the errno.
func (e *CallError) Unwrap() error { return e.Errno }

// Timeout reports whether the call was cancelled at its deadline.
func (e *CallError) Timeout() bool { return e.Errno.Timeout() }

// Temporary is what net.Error asks for.
func (e *CallError) Temporary() bool { return e.Errno.Temporary() }

// denied returns the error of a denied call; call is the system call that refuses.
func denied(r Rule, call string) error {
	if r == RuleBilling {
		return &CallError{billingText, syscall.EACCES}
	}
	return os.NewSyscallError(call, syscall.EACCES)
}

func overQuota(method string) error {
	return &CallError{"The API call remote_socket." + method + "() required more quota than is available.", syscall.EDQUOT}
}

func pastDeadline(method string) error {
	return &CallError{"The API call remote_socket." + method + "() took too long to respond and was cancelled.", syscall.ETIMEDOUT}
}

// calls are the names of an operation: the system call's, and that of production's socket service.
var calls = [kindEnd]struct{ system, method string }{
	KindCreate: {"socket", "CreateSocket"}, KindBind: {"bind", "Bind"}, KindConnect: {"connect", "Connect"},
	KindListen: {"listen", "Listen"}, KindAccept: {"accept", "Accept"}, KindSend: {"write", "Send"},
	KindReceive: {"read", "Receive"}, KindOptionGet: {"getsockopt", "GetSocketOptions"},
	KindOptionSet: {"setsockopt", "SetSocketOptions"}, KindShutdown: {"shutdown", "ShutDown"}, KindClose: {"close", "Close"},
	KindResolve: {"lookup", "Resolve"},
}

// brokenPipe is what an operation of a reclaimed socket returns.
func brokenPipe(k Kind) error { return os.NewSyscallError(calls[k].system, syscall.EPIPE) }
