//go:build unix

package syscall

import _ "unsafe" // for go:linkname

// devserverLeaving is asked about each descriptor that a child process is to inherit. A result other than 0 is the
// program's error in place of the child.
var devserverLeaving func(fd int) (errno uintptr)

//go:linkname devserver_installLeaving internal/devserver/agent.installLeaving
func devserver_installLeaving(f func(fd int) uintptr) { devserverLeaving = f }

// forkExec starts a child process.
func forkExec(argv0 string, argv []string, attr *ProcAttr) (pid int, err error) {
	if devserverLeaving != nil && attr != nil {
		for _, fd := range attr.Files {
			if e := devserverLeaving(int(fd)); e != 0 {
				return 0, Errno(e)
			}
		}
	}
	return devserverForkExec(argv0, argv, attr)
}
