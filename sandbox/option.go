package sandbox

import "syscall"

// Option records that the program got or set a socket option, and how that went. It counts as activity. Which
// options production has is judged with the next issue; err is returned as it is.
func (s *Socket) Option(set bool, level, opt int, value int, err error) error {
	b := s.box
	if now := b.now(); !s.taken() {
		s.expire(now)
		s.touch(now)
	}
	e := Event{Kind: KindOptionGet, Detail: optionName(level, opt)}
	if set {
		e.Kind, e.Detail = KindOptionSet, e.Detail+" = "+itoa(int64(value))
	}
	if err != nil {
		e.Error = err.Error()
	}
	s.record(e)
	return err
}

type option struct{ level, opt int }

var optionNames = map[option]string{
	{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}: "SO_KEEPALIVE",
	{syscall.SOL_SOCKET, syscall.SO_REUSEADDR}: "SO_REUSEADDR",
	{syscall.SOL_SOCKET, syscall.SO_BROADCAST}: "SO_BROADCAST",
	{syscall.SOL_SOCKET, syscall.SO_LINGER}:    "SO_LINGER",
	{syscall.SOL_SOCKET, syscall.SO_RCVBUF}:    "SO_RCVBUF",
	{syscall.SOL_SOCKET, syscall.SO_SNDBUF}:    "SO_SNDBUF",
	{syscall.SOL_SOCKET, syscall.SO_ERROR}:     "SO_ERROR",
	{syscall.SOL_SOCKET, syscall.SO_TYPE}:      "SO_TYPE",
	{syscall.SOL_SOCKET, syscall.SO_DEBUG}:     "SO_DEBUG",
	{syscall.SOL_SOCKET, syscall.SO_OOBINLINE}: "SO_OOBINLINE",
	{syscall.SOL_SOCKET, syscall.SO_DONTROUTE}: "SO_DONTROUTE",
	{syscall.IPPROTO_TCP, syscall.TCP_NODELAY}: "TCP_NODELAY",
	{syscall.IPPROTO_IP, syscall.IP_TOS}:       "IP_TOS",
	{syscall.IPPROTO_IP, syscall.IP_TTL}:       "IP_TTL",
}

func optionName(level, opt int) string {
	if n, ok := optionNames[option{level, opt}]; ok {
		return n
	}
	return "level " + itoa(int64(level)) + " option " + itoa(int64(opt))
}
