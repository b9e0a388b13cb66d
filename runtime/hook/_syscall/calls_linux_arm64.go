package syscall

// Numbers of linux/arm64 that this package does not name.
const (
	devserverRecvmmsg = 243
	devserverSendmmsg = 269
	devserverDup2     = 1 << 30 // there is none
)
