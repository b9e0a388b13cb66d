package hook

import "slices"

// The table: all that is changed and expected in the standard library. The wrappers that take the old names stand
// in the folders _net, _net_http, _crypto_tls, _internal_poll, _os, _runtime and _syscall; each file says what its hooks are for.

var patches = slices.Concat(netSockets, netOperations, netOptions, netNames, httpRequests, tlsServers, tlsConns, output, goroutines, systemCalls)

// netSockets: every socket of package net is made in socket, or taken over in newFileFD.
var netSockets = []Patch{
	{Package: "net", Func: "socket", Name: "devserverSocket", Types: []string{
		"func(context.Context, string, int, int, int, bool, sockaddr, sockaddr, func(context.Context, string, string, syscall.RawConn) error) (*netFD, error)"}},
	{Package: "net", Func: "newFileFD", Name: "devserverNewFileFD", Types: []string{"func(*os.File) (*netFD, error)"}},
	{Package: "net", Func: "(*netFD).accept", Name: "devserverAccept", Types: []string{"func() (*netFD, error)"}},
	{Package: "net", Func: "(*netFD).dup", Name: "devserverDup", Types: []string{"func() (*os.File, error)"}},
	{Package: "net", Func: "(*ipStackCapabilities).probe", Name: "devserverProbe", Types: []string{"func()"}},
	{Package: "net", Func: "supportsMultipathTCP", Name: "devserverSupportsMultipathTCP", GOOS: "linux", Types: []string{"func() bool"}},
	{Package: "net", Func: "srcAddrs", Name: "devserverSrcAddrs", Types: []string{"func([]IPAddr) []netip.Addr"}},
}

// netOperations: what is done with a socket.
var netOperations = []Patch{
	{Package: "net", Func: "(*netFD).Read", Name: "devserverRead", Types: []string{"func([]byte) (int, error)"}},
	{Package: "net", Func: "(*netFD).Write", Name: "devserverWrite", Types: []string{"func([]byte) (int, error)"}},
	{Package: "net", Func: "(*netFD).writeBuffers", Name: "devserverWriteBuffers", Types: []string{"func(*Buffers) (int64, error)"}},
	{Package: "net", Func: "(*netFD).readFrom", Name: "devserverReadFrom", Types: []string{"func([]byte) (int, syscall.Sockaddr, error)"}},
	{Package: "net", Func: "(*netFD).readFromInet4", Name: "devserverReadFromInet4", Types: []string{"func([]byte, *syscall.SockaddrInet4) (int, error)"}},
	{Package: "net", Func: "(*netFD).readFromInet6", Name: "devserverReadFromInet6", Types: []string{"func([]byte, *syscall.SockaddrInet6) (int, error)"}},
	{Package: "net", Func: "(*netFD).readMsg", Name: "devserverReadMsg", Types: []string{"func([]byte, []byte, int) (int, int, int, syscall.Sockaddr, error)"}},
	{Package: "net", Func: "(*netFD).readMsgInet4", Name: "devserverReadMsgInet4", Types: []string{"func([]byte, []byte, int, *syscall.SockaddrInet4) (int, int, int, error)"}},
	{Package: "net", Func: "(*netFD).readMsgInet6", Name: "devserverReadMsgInet6", Types: []string{"func([]byte, []byte, int, *syscall.SockaddrInet6) (int, int, int, error)"}},
	{Package: "net", Func: "(*netFD).writeTo", Name: "devserverWriteTo", Types: []string{"func([]byte, syscall.Sockaddr) (int, error)"}},
	{Package: "net", Func: "(*netFD).writeToInet4", Name: "devserverWriteToInet4", Types: []string{"func([]byte, *syscall.SockaddrInet4) (int, error)"}},
	{Package: "net", Func: "(*netFD).writeToInet6", Name: "devserverWriteToInet6", Types: []string{"func([]byte, *syscall.SockaddrInet6) (int, error)"}},
	{Package: "net", Func: "(*netFD).writeMsg", Name: "devserverWriteMsg", Types: []string{"func([]byte, []byte, syscall.Sockaddr) (int, int, error)"}},
	{Package: "net", Func: "(*netFD).writeMsgInet4", Name: "devserverWriteMsgInet4", Types: []string{"func([]byte, []byte, *syscall.SockaddrInet4) (int, int, error)"}},
	{Package: "net", Func: "(*netFD).writeMsgInet6", Name: "devserverWriteMsgInet6", Types: []string{"func([]byte, []byte, *syscall.SockaddrInet6) (int, int, error)"}},
	{Package: "net", Func: "(*netFD).Close", Name: "devserverClose", Types: []string{"func() error"}},
	{Package: "net", Func: "(*netFD).shutdown", Name: "devserverShutdown", Types: []string{"func(int) error"}},
	{Package: "net", Func: "(*netFD).SetDeadline", Name: "devserverSetDeadline", Types: []string{"func(time.Time) error"}},
	{Package: "net", Func: "(*netFD).SetReadDeadline", Name: "devserverSetReadDeadline", Types: []string{"func(time.Time) error"}},
	{Package: "net", Func: "(*netFD).SetWriteDeadline", Name: "devserverSetWriteDeadline", Types: []string{"func(time.Time) error"}},
	{Package: "net", Func: "sendFile", Name: "devserverSendFile", Types: []string{"func(*netFD, io.Reader) (int64, error, bool)"}},
	{Package: "net", Func: "spliceFrom", Name: "devserverSpliceFrom", Types: []string{"func(*netFD, io.Reader) (int64, error, bool)"}},
	{Package: "net", Func: "spliceTo", Name: "devserverSpliceTo", Types: []string{"func(io.Writer, *netFD) (int64, error, bool)"}},
	{Package: "net", Func: "(*rawConn).Control", Name: "devserverControl", Types: []string{"func(func(uintptr)) error"}},
	{Package: "net", Func: "(*rawConn).Read", Name: "devserverRead", Types: []string{"func(func(uintptr) bool) error"}},
	{Package: "net", Func: "(*rawConn).Write", Name: "devserverWrite", Types: []string{"func(func(uintptr) bool) error"}},
	{Package: "net", Func: "(*rawConn).PollFD", Name: "devserverPollFD", Types: []string{"func() *poll.FD"}},
}

// netOptions: what is set on a socket.
var netOptions = []Patch{
	{Package: "net", Func: "setReadBuffer", Name: "devserverSetReadBuffer", Types: []string{"func(*netFD, int) error"}},
	{Package: "net", Func: "setWriteBuffer", Name: "devserverSetWriteBuffer", Types: []string{"func(*netFD, int) error"}},
	{Package: "net", Func: "setKeepAlive", Name: "devserverSetKeepAlive", Types: []string{"func(*netFD, bool) error"}},
	{Package: "net", Func: "setLinger", Name: "devserverSetLinger", Types: []string{"func(*netFD, int) error"}},
	{Package: "net", Func: "setNoDelay", Name: "devserverSetNoDelay", Types: []string{"func(*netFD, bool) error"}},
	{Package: "net", Func: "setKeepAliveIdle", Name: "devserverSetKeepAliveIdle", Types: []string{"func(*netFD, time.Duration) error"}},
	{Package: "net", Func: "setKeepAliveInterval", Name: "devserverSetKeepAliveInterval", Types: []string{"func(*netFD, time.Duration) error"}},
	{Package: "net", Func: "setKeepAliveCount", Name: "devserverSetKeepAliveCount", Types: []string{"func(*netFD, int) error"}},
	{Package: "net", Func: "joinIPv4Group", Name: "devserverJoinIPv4Group", Types: []string{"func(*netFD, *Interface, IP) error"}},
	{Package: "net", Func: "joinIPv6Group", Name: "devserverJoinIPv6Group", Types: []string{"func(*netFD, *Interface, IP) error"}},
	{Package: "net", Func: "newTCPConn", Name: "devserverNewTCPConn", Types: []string{"func(*netFD, time.Duration, KeepAliveConfig, func(*netFD), func(KeepAliveConfig)) *TCPConn"}},
}

// netNames: what is dialled, as text and as a name.
var netNames = []Patch{
	{Package: "net", Func: "(*Resolver).resolveAddrList", Name: "devserverResolveAddrList", Types: []string{"func(context.Context, string, string, string, Addr) (addrList, error)"}},
	{Package: "net", Func: "(*Resolver).lookupIPAddr", Name: "devserverLookupIPAddr", Types: []string{"func(context.Context, string, string) ([]IPAddr, error)"}},
	{Package: "net", Func: "(*Resolver).lookupHost", Name: "devserverLookupHost", Types: []string{"func(context.Context, string) ([]string, error)"}},
	{Package: "net", Func: "(*Resolver).dial", Name: "devserverDial", Types: []string{"func(context.Context, string, string) (Conn, error)"}},
	{Package: "net", Func: "(*sysDialer).dialSingle", Name: "devserverDialSingle", Types: []string{"func(context.Context, Addr) (Conn, error)"}},
}

// httpRequests: which request a goroutine and a connection work for.
var httpRequests = []Patch{
	{Package: "net/http", Func: "(serverHandler).ServeHTTP", Name: "devserverServeHTTP", Types: []string{"func(ResponseWriter, *Request)"}},
	{Package: "net/http", Func: "(*persistConn).roundTrip", Name: "devserverRoundTrip", Types: []string{"func(*transportRequest) (*Response, error)"}},
}

// tlsServers: who serves TLS.
var tlsServers = []Patch{
	{Package: "crypto/tls", Func: "NewListener", Name: "devserverNewListener", Types: []string{"func(net.Listener, *Config) net.Listener"}},
}

// tlsConns: the plaintext, and the keys.
var tlsConns = []Patch{
	{Package: "crypto/tls", Func: "(*Conn).Read", Name: "devserverRead", Types: []string{"func([]byte) (int, error)"}},
	{Package: "crypto/tls", Func: "(*Conn).Write", Name: "devserverWrite", Types: []string{"func([]byte) (int, error)"}},
	{Package: "crypto/tls", Func: "(*Config).writeKeyLog", Name: "devserverWriteKeyLog", Types: []string{"func(string, []byte, []byte) error"}},
}

// output: what the program says.
var output = []Patch{
	{Package: "os", Func: "(*File).Write", Name: "devserverWrite", Types: []string{"func([]byte) (int, error)"}},
}

// goroutines: where a goroutine comes from.
var goroutines = []Patch{
	{Package: "runtime", Func: "newproc1", Name: "devserverNewproc1", Types: []string{"func(*funcval, *g, uintptr, bool, waitReason) *g"}},
}

// systemCalls: what user code does below package net.
var systemCalls = []Patch{
	{Package: "syscall", Func: "Syscall", Name: "devserverSyscall", GOOS: "linux", Types: []string{"func(uintptr, uintptr, uintptr, uintptr) (uintptr, uintptr, Errno)"}},
	{Package: "syscall", Func: "Syscall6", Name: "devserverSyscall6", GOOS: "linux", Types: []string{"func(uintptr, uintptr, uintptr, uintptr, uintptr, uintptr, uintptr) (uintptr, uintptr, Errno)"}},
	{Package: "syscall", Func: "socketpair", Name: "devserverSocketpair", GOOS: "linux", Types: []string{"func(int, int, int, *[2]int32) error"}},
	{Package: "syscall", Func: "forkExec", Name: "devserverForkExec", Types: []string{"func(string, []string, *ProcAttr) (int, error)"}},
	{Package: "syscall", Func: "RawSyscall", Name: "devserverRawSyscall", GOOS: "linux", Types: []string{"func(uintptr, uintptr, uintptr, uintptr) (uintptr, uintptr, Errno)"}},
}

var fields = []Field{
	{Package: "net", Struct: "netFD", Decl: "devserver devserverFD"},
	{Package: "runtime", Struct: "g", Decl: "devserver devserverG"},
}

var needs = []Need{
	{Package: "net", Name: "newFD", Types: []string{"func(int, int, int, string) (*netFD, error)"}, Only: "<1.27"},
	{Package: "net", Name: "newFD", Types: []string{"func(int, int, int, string) *netFD"}, Only: ">=1.27"},
	{Package: "net", Name: "sysSocket", Types: []string{"func(int, int, int) (int, error)"}},
	{Package: "net", Name: "setDefaultSockopts", Types: []string{"func(int, int, int, bool) error"}},
	{Package: "net", Name: "listenerBacklog", Types: []string{"func() int"}},
	{Package: "net", Name: "(*netFD).init", Types: []string{"func() error"}},
	{Package: "net", Name: "(*netFD).dial", Types: []string{"func(context.Context, sockaddr, sockaddr, func(context.Context, string, string, syscall.RawConn) error) error"}},
	{Package: "net", Name: "(*netFD).listenStream", Types: []string{"func(context.Context, sockaddr, int, func(context.Context, string, string, syscall.RawConn) error) error"}},
	{Package: "net", Name: "(*netFD).listenDatagram", Types: []string{"func(context.Context, sockaddr, func(context.Context, string, string, syscall.RawConn) error) error"}},
	{Package: "net", Name: "(*netFD).setAddr", Types: []string{"func(Addr, Addr)"}},
	{Package: "net", Name: "(*netFD).ctrlNetwork", Types: []string{"func() string"}},
	{Package: "net", Name: "ipToSockaddr", Types: []string{"func(int, IP, int, string) (syscall.Sockaddr, error)"}},
	{Package: "net", Name: "wrapSyscallError", Types: []string{"func(string, error) error"}},
	{Package: "net", Name: "newUnixFile", Types: []string{"func(int, string) *os.File"}},
	{Package: "net", Name: "(*netFD).name", Types: []string{"func() string"}},
	{Package: "net", Name: "roundDurationUp", Types: []string{"func(time.Duration, time.Duration) time.Duration"}},
	{Package: "net", Name: "newRawConn", Types: []string{"func(*netFD) *rawConn"}},
	{Package: "net", Name: "netFD.pfd", Types: []string{"poll.FD"}},
	{Package: "internal/poll", Name: "(*fdMutex).increfAndClose", Types: []string{"func() bool"}},
	{Package: "internal/poll", Name: "(*pollDesc).evict", Types: []string{"func()"}},
	{Package: "internal/poll", Name: "(*FD).decref", Types: []string{"func() error"}},
	{Package: "internal/poll", Name: "errClosing", Types: []string{"func(bool) error"}},
	{Package: "internal/poll", Name: "FD.fdmu", Types: []string{"fdMutex"}},
	{Package: "internal/poll", Name: "FD.pd", Types: []string{"pollDesc"}},
	{Package: "internal/poll", Name: "FD.isFile", Types: []string{"bool"}},
	{Package: "crypto/tls", Name: "Conn.conn", Types: []string{"net.Conn"}},
	{Package: "net/http", Name: "response.status", Types: []string{"int"}},
	{Package: "net/http", Name: "response.written", Types: []string{"int64"}},
	{Package: "net/http", Name: "response.wroteHeader", Types: []string{"bool"}},
	{Package: "net/http", Name: "persistConn.conn", Types: []string{"net.Conn"}},
	{Package: "os", Name: "file.pfd", Types: []string{"poll.FD"}},
	{Package: "os", Name: "file.stdoutOrErr", Types: []string{"bool"}},
	{Package: "runtime", Name: "fpTracebackPCs", Types: []string{"func(unsafe.Pointer, []uintptr) int"}},
	{Package: "runtime", Name: "getfp", Types: []string{"func() uintptr"}},
	{Package: "runtime", Name: "callers", Types: []string{"func(int, []uintptr) int"}},
	{Package: "runtime", Name: "fpunwindExpand", Types: []string{"func([]uintptr, []uintptr) int"}},
	{Package: "runtime", Name: "gcallers", Types: []string{"func(*g, int, []uintptr) int"}},
	{Package: "runtime", Name: "tracefpunwindoff", Types: []string{"func() bool"}},
	{Package: "runtime", Name: "(*m).hasCgoOnStack", Types: []string{"func() bool"}},
	{Package: "syscall", Name: "runtime_entersyscall", Types: []string{"func()"}, GOOS: "linux"},
	{Package: "syscall", Name: "runtime_exitsyscall", Types: []string{"func()"}, GOOS: "linux"},
	{Package: "syscall", Name: "RawSyscall6", Types: []string{"func(uintptr, uintptr, uintptr, uintptr, uintptr, uintptr, uintptr) (uintptr, uintptr, Errno)"}, GOOS: "linux"},
	{Package: "syscall", Name: "runtimeUnsetenv", Types: []string{"func(string)"}},
	{Package: "syscall", Name: "envs"},
}
