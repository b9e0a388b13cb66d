//go:build unix

package poll

// DevserverClose is Close that does not wait until the descriptor is closed: user code may hold it for long, and may be
// what has the sandbox end the socket.
func (fd *FD) DevserverClose() error {
	if !fd.fdmu.increfAndClose() {
		return errClosing(fd.isFile)
	}
	fd.pd.evict()
	return fd.decref()
}
