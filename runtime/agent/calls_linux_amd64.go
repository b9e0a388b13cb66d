package agent

import "syscall"

// Numbers of linux/amd64.
const (
	sysAccept   = syscall.SYS_ACCEPT
	sysRecvmmsg = 299
	sysSendmmsg = 307
	sysDup2     = syscall.SYS_DUP2
)
