package agent

import "syscall"

// Numbers of linux/arm64.
const (
	sysAccept   = syscall.SYS_ACCEPT
	sysRecvmmsg = 243
)
