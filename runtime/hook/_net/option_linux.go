package net

import "syscall"

// What setKeepAliveIdle and its relatives set.
const (
	devserverKeepIdle  = syscall.TCP_KEEPIDLE
	devserverKeepIntvl = syscall.TCP_KEEPINTVL
	devserverKeepCnt   = syscall.TCP_KEEPCNT
)
