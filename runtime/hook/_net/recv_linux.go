package net

import "syscall"

// A handed descriptor must not reach the app's child processes.
const devserverRecvFlags = syscall.MSG_CMSG_CLOEXEC
