package agent

import "syscall"

// Numbers of linux/amd64.
const (
	sysAccept   = syscall.SYS_ACCEPT
	sysRecvmmsg = 299
)
