//go:build unix

package net

import (
	"internal/devserver/agent"
	"internal/devserver/sandbox"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// Options that the program sets through the methods of package net. What net sets by itself, on a new connection, is told
// in one event and never denied.

// devserverOption judges a set option and makes the call, unless the sandbox has answered it.
func (fd *netFD) devserverOption(level, name int, value []byte, set func() error) error {
	s := fd.devserver.sock
	c, err := s.BeginOption(true, level, name, value)
	if err != nil || c.Answered {
		return err
	}
	agent.Trust()
	err = set()
	agent.Distrust()
	s.EndOption(c, value, err)
	return err
}

// devserverOptions reports whether options of fd are judged: not within package net's own work.
func (fd *netFD) devserverOptions() bool { return fd.devserver.sock != nil && !agent.Trusted() }

// devserverInts writes numbers as the system takes them.
func devserverInts(n ...int32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(n))), 4*len(n))
}

func setReadBuffer(fd *netFD, bytes int) error {
	if !fd.devserverOptions() {
		return devserverSetReadBuffer(fd, bytes)
	}
	return fd.devserverOption(syscall.SOL_SOCKET, syscall.SO_RCVBUF, devserverInts(int32(bytes)), func() error { return devserverSetReadBuffer(fd, bytes) })
}

func setWriteBuffer(fd *netFD, bytes int) error {
	if !fd.devserverOptions() {
		return devserverSetWriteBuffer(fd, bytes)
	}
	return fd.devserverOption(syscall.SOL_SOCKET, syscall.SO_SNDBUF, devserverInts(int32(bytes)), func() error { return devserverSetWriteBuffer(fd, bytes) })
}

func setKeepAlive(fd *netFD, keepalive bool) error {
	if !fd.devserverOptions() {
		return devserverSetKeepAlive(fd, keepalive)
	}
	return fd.devserverOption(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, devserverInts(int32(boolint(keepalive))), func() error { return devserverSetKeepAlive(fd, keepalive) })
}

func setLinger(fd *netFD, sec int) error {
	if !fd.devserverOptions() {
		return devserverSetLinger(fd, sec)
	}
	value := devserverInts(1, int32(sec))
	if sec < 0 {
		value = devserverInts(0, 0)
	}
	return fd.devserverOption(syscall.SOL_SOCKET, syscall.SO_LINGER, value, func() error { return devserverSetLinger(fd, sec) })
}

func setNoDelay(fd *netFD, noDelay bool) error {
	if !fd.devserverOptions() {
		return devserverSetNoDelay(fd, noDelay)
	}
	return fd.devserverOption(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, devserverInts(int32(boolint(noDelay))), func() error { return devserverSetNoDelay(fd, noDelay) })
}

// The three that follow leave the choice to Go when they are 0, and the system as it is below.

func setKeepAliveIdle(fd *netFD, d time.Duration) error {
	if d <= 0 || !fd.devserverOptions() {
		return devserverSetKeepAliveIdle(fd, d)
	}
	return fd.devserverOption(syscall.IPPROTO_TCP, devserverKeepIdle, devserverSeconds(d), func() error { return devserverSetKeepAliveIdle(fd, d) })
}

func setKeepAliveInterval(fd *netFD, d time.Duration) error {
	if d <= 0 || !fd.devserverOptions() {
		return devserverSetKeepAliveInterval(fd, d)
	}
	return fd.devserverOption(syscall.IPPROTO_TCP, devserverKeepIntvl, devserverSeconds(d), func() error { return devserverSetKeepAliveInterval(fd, d) })
}

func setKeepAliveCount(fd *netFD, n int) error {
	if n <= 0 || !fd.devserverOptions() {
		return devserverSetKeepAliveCount(fd, n)
	}
	return fd.devserverOption(syscall.IPPROTO_TCP, devserverKeepCnt, devserverInts(int32(n)), func() error { return devserverSetKeepAliveCount(fd, n) })
}

func devserverSeconds(d time.Duration) []byte {
	return devserverInts(int32(roundDurationUp(d, time.Second)))
}

func joinIPv4Group(fd *netFD, ifi *Interface, ip IP) error {
	if !fd.devserverOptions() {
		return devserverJoinIPv4Group(fd, ifi, ip)
	}
	return fd.devserverOption(syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, ip.To4(), func() error { return devserverJoinIPv4Group(fd, ifi, ip) })
}

func joinIPv6Group(fd *netFD, ifi *Interface, ip IP) error {
	if !fd.devserverOptions() {
		return devserverJoinIPv6Group(fd, ifi, ip)
	}
	return fd.devserverOption(syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, ip.To16(), func() error { return devserverJoinIPv6Group(fd, ifi, ip) })
}

// newTCPConn sets what Go thinks a connection needs. Nothing of that is the program's doing.
func newTCPConn(fd *netFD, keepAliveIdle time.Duration, keepAliveCfg KeepAliveConfig, preKeepAliveHook func(*netFD), keepAliveHook func(KeepAliveConfig)) *TCPConn {
	s := fd.devserver.sock
	if s == nil {
		return devserverNewTCPConn(fd, keepAliveIdle, keepAliveCfg, preKeepAliveHook, keepAliveHook)
	}
	agent.Trust()
	defer agent.Distrust()
	s.OptionDefaults(devserverDefaults(keepAliveIdle, keepAliveCfg))
	return devserverNewTCPConn(fd, keepAliveIdle, keepAliveCfg, preKeepAliveHook, keepAliveHook)
}

// devserverDefaults names what newTCPConn sets.
func devserverDefaults(idle time.Duration, cfg KeepAliveConfig) string {
	const noDelay = "TCP_NODELAY = 1"
	switch {
	case cfg == (KeepAliveConfig{}) && idle == 0:
		return sandbox.DefaultsTCP
	case !cfg.Enable && idle < 0:
		return noDelay + " (Go's default)"
	case !cfg.Enable:
		cfg = KeepAliveConfig{Enable: true, Idle: idle}
	}
	text := noDelay + ", SO_KEEPALIVE = 1"
	for _, o := range []struct {
		name          string
		value, normal int
	}{
		{"TCP_KEEPIDLE", int(roundDurationUp(cfg.Idle, time.Second)), int(defaultTCPKeepAliveIdle / time.Second)},
		{"TCP_KEEPINTVL", int(roundDurationUp(cfg.Interval, time.Second)), int(defaultTCPKeepAliveInterval / time.Second)},
		{"TCP_KEEPCNT", cfg.Count, defaultTCPKeepAliveCount},
	} {
		if o.value == 0 {
			o.value = o.normal
		}
		if o.value > 0 {
			text += ", " + o.name + " = " + strconv.Itoa(o.value)
		}
	}
	return text + " (as the program's Dialer has Go set them)"
}
