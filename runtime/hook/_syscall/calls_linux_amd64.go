package syscall

// Numbers of linux/amd64 that this package does not name.
const (
	devserverRecvmmsg = 299
	devserverSendmmsg = 307
	devserverDup2     = SYS_DUP2
)
