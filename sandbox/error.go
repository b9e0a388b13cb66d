package sandbox

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The sets of error texts that a policy can ask for, Policy.Errors.
const (
	// ErrorsErrno gives an errno as the system names it, and production's own words where no errno has them.
	ErrorsErrno = "errno"
	// ErrorsClassic gives the words of App Engine's classic Go runtime (package appengine/socket over API calls).
	ErrorsClassic = "classic"
)

// billingText is what production says to an app without billing.
const billingText = "The Socket API will be enabled for this application once billing has been enabled in the admin console."

// A CallError is production's answer to a call of its socket service, in its words. It unwraps to an errno, so that
// programs take the path that they take for a real system's error.
type CallError struct {
	Text  string
	Errno syscall.Errno
	cause error // the system's own error, whose kind this one is too; nil when there is none
}

func (e *CallError) Error() string { return e.Text }

// Unwrap returns the errno.
func (e *CallError) Unwrap() error { return e.Errno }

// Is reports whether the system's own error, of which this one is production's reading, is target.
func (e *CallError) Is(target error) bool { return e.cause != nil && errors.Is(e.cause, target) }

// Timeout reports whether the call was cancelled at its deadline.
func (e *CallError) Timeout() bool { return e.Errno.Timeout() }

// Temporary is what net.Error asks for.
func (e *CallError) Temporary() bool { return e.Errno.Temporary() }

// texts are the words in which a program is told of an error.
type texts struct{ classic bool }

// The codes of production's socket service (socket_service.proto), and of the layer that all its services are called
// through (remote_api.proto).
const (
	serviceSystemError      = 1
	servicePermissionDenied = 5
	serviceSocketClosed     = 7
	callFeatureDisabled     = 7
	callDeadlineExceeded    = 12
)

var serviceCodes = map[int]string{
	serviceSystemError: "SYSTEM_ERROR", servicePermissionDenied: "PERMISSION_DENIED", serviceSocketClosed: "SOCKET_CLOSED",
}

// apiError is how the classic Go runtime wrote an error of the service (golang/appengine, internal.APIError).
func apiError(code int, detail string, errno syscall.Errno) *CallError {
	text := "API error " + strconv.Itoa(code) + " (remote_socket: " + serviceCodes[code] + ")"
	if detail != "" {
		text += ": " + detail
	}
	return &CallError{Text: text, Errno: errno}
}

// systemError is how it wrote an errno of the machine that carries the socket.
func systemError(errno syscall.Errno, cause error) *CallError {
	words := errno.Error()
	words = strings.ToUpper(words[:1]) + words[1:] // Go writes C's words with a small letter
	e := apiError(serviceSystemError, "system_error:"+strconv.Itoa(int(errno))+` error_detail:"`+words+`"`, errno)
	e.cause = cause
	return e
}

// denied returns the error of a denied call of that kind by rule r.
func (t texts) denied(r Rule, k Kind) error {
	switch {
	case r == RuleBilling && t.classic:
		return &CallError{Text: "Call error " + strconv.Itoa(callFeatureDisabled) + ": " + billingText, Errno: syscall.EACCES}
	case r == RuleBilling:
		return &CallError{Text: billingText, Errno: syscall.EACCES}
	case !t.classic:
		return os.NewSyscallError(deniedCall(r, k), syscall.EACCES)
	}
	switch r {
	case RuleNetwork, RuleListen:
		// The classic runtime's net had no sockets at all: what its documents promise is os.ErrPermission.
		return &CallError{Text: syscall.EACCES.Error(), Errno: syscall.EACCES}
	case RuleBind:
		return apiError(servicePermissionDenied, "Attempt to bind port without permission.", syscall.EACCES)
	}
	return apiError(servicePermissionDenied, "Attempt to access a blocked recipient without permission.", syscall.EACCES)
}

// deniedCall is the system call that is said to refuse.
func deniedCall(r Rule, k Kind) string {
	switch r {
	case RuleBind:
		return "bind"
	case RuleDescriptor:
		return "dup"
	}
	return calls[k].system
}

// option returns the error of a denied option. The words are those of the Python SDK's stub.
func (t texts) option(set bool) error {
	call, words := "getsockopt", "Attempt to get blocked socket option."
	if set {
		call, words = "setsockopt", "Attempt to set blocked socket option."
	}
	if t.classic {
		return apiError(servicePermissionDenied, words, syscall.EACCES)
	}
	return os.NewSyscallError(call, syscall.EACCES)
}

func (t texts) overQuota(method string) error {
	text := "The API call remote_socket." + method + "() required more quota than is available."
	if t.classic {
		text = "Over quota: " + text
	}
	return &CallError{Text: text, Errno: syscall.EDQUOT}
}

func (t texts) pastDeadline(k Kind) error {
	text := "The API call remote_socket." + calls[k].method + "() took too long to respond and was cancelled."
	if t.classic {
		text = "Call error " + strconv.Itoa(callDeadlineExceeded) + ": " + text + " (timeout)"
	}
	return &CallError{Text: text, Errno: syscall.ETIMEDOUT}
}

// brokenPipe is what an operation of a reclaimed socket returns.
func (t texts) brokenPipe(k Kind) error {
	if t.classic {
		return apiError(serviceSocketClosed, "", syscall.EPIPE)
	}
	return os.NewSyscallError(calls[k].system, syscall.EPIPE)
}

// refused is what a stand-in's host answers on a port that no stand-in serves: it never leaves the machine.
func (t texts) refused(call string) error {
	return t.system(os.NewSyscallError(call, syscall.ECONNREFUSED))
}

// system returns the machine's own error as production would have written it. What is no errno stays as it is.
func (t texts) system(err error) error {
	if !t.classic || err == nil {
		return err
	}
	var said *CallError
	if errors.As(err, &said) {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // the program's own timeout: the service answered EAGAIN
		return systemError(syscall.EAGAIN, err)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != 0 {
		return systemError(errno, err)
	}
	return err
}

// NameText is what production says of a name without an address, in place of the resolver's own words; "" leaves them.
func (b *Box) NameText() string {
	if !b.texts.classic {
		return ""
	}
	return `API error 2 (remote_socket: GAI_ERROR): system_error:-2 error_detail:"Name or service not known"`
}

// calls are the names of an operation: the system call's, and that of production's socket service.
var calls = [kindEnd]struct{ system, method string }{
	KindCreate: {"socket", "CreateSocket"}, KindBind: {"bind", "Bind"}, KindConnect: {"connect", "Connect"},
	KindListen: {"listen", "Listen"}, KindAccept: {"accept", "Accept"}, KindSend: {"write", "Send"},
	KindReceive: {"read", "Receive"}, KindOptionGet: {"getsockopt", "GetSocketOptions"},
	KindOptionSet: {"setsockopt", "SetSocketOptions"}, KindShutdown: {"shutdown", "ShutDown"}, KindClose: {"close", "Close"},
	KindResolve: {"lookup", "Resolve"},
}
