package agent

import "syscall"

// Numbers of linux/arm64.
const (
	sysAccept   = syscall.SYS_ACCEPT
	sysRecvmmsg = 243
	sysSendmmsg = 269
	sysDup2     = 1 << 30 // there is none
)
