package net

import "syscall"

// What setKeepAliveIdle and its relatives set. Package syscall does not name the last two.
const (
	devserverKeepIdle  = syscall.TCP_KEEPALIVE
	devserverKeepIntvl = 0x101
	devserverKeepCnt   = 0x102
)
