package sandbox

import (
	"encoding/binary"
	"errors"
	"strconv"
	"syscall"
)

// How a profile answers socket options, Policy.Options.
const (
	// OptionsReal lets a supported option reach the socket: App Engine's Java runtime since 2016 ("Sockets Java API
	// Overview", socket options may be got and set).
	OptionsReal = "real"
	// OptionsMock answers a get with a fixed value and ignores a set: App Engine's PHP runtime ("Sockets PHP API
	// overview"), and Java before ("mock data is returned", SDK 1.8.1).
	OptionsMock = "mock"
	// OptionsMockRaw is OptionsMock with the values that the published table of the Python SDK holds, byte for byte:
	// it mixes byte orders, so that a buffer of 8192 bytes reads as 2097152 on most machines.
	OptionsMockRaw = "mock-raw"
)

// optionStyles are the accepted values of Policy.Options, the default first.
var optionStyles = []string{OptionsReal, OptionsMock, OptionsMockRaw}

// An optionClass says what production does with an option.
type optionClass uint8

const (
	optionDenied    optionClass = iota // not one of the eight: an error, get and set
	optionSupported                    // one of the eight
	optionRead                         // SO_TYPE, SO_ERROR and their like: read only, answered truthfully
	optionJoin                         // joins a multicast group
	optionDatagram                     // never denied, only reported: see datagramOptions
)

// option is a socket option of this system.
type option struct{ level, name int }

// knownOption is what is known about an option.
type knownOption struct {
	text  string // its C name
	class optionClass
	mock  [8]byte // of a supported one, as OptionsMock answers it
	raw   [8]byte // the same as OptionsMockRaw answers it
}

// mockInt is a mock value of one number.
func mockInt(n uint32) (b [8]byte) {
	binary.NativeEndian.PutUint32(b[:], n)
	return b
}

// unknownOption is what is known about an option without a name.
var unknownOption knownOption

// known returns what is known about an option.
func (o option) known() *knownOption {
	if k := options[o]; k != nil {
		return k
	}
	return &unknownOption
}

// options are the options that have a name here. The eight supported ones, and the values of the mock table, are those
// of App Engine's documents and of the Python SDK (_remote_socket_stub.py, _MOCK_SOCKET_OPTIONS). Of SO_TYPE and
// SO_ERROR the SDK blocked the first, which broke TLS; production answered both.
var options = map[option]*knownOption{
	{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}:  {text: "SO_KEEPALIVE", class: optionSupported},
	{syscall.SOL_SOCKET, syscall.SO_DEBUG}:      {text: "SO_DEBUG", class: optionSupported, mock: mockInt(128), raw: [8]byte{0x80}},
	{syscall.IPPROTO_TCP, syscall.TCP_NODELAY}:  {text: "TCP_NODELAY", class: optionSupported},
	{syscall.SOL_SOCKET, syscall.SO_LINGER}:     {text: "SO_LINGER", class: optionSupported},
	{syscall.SOL_SOCKET, syscall.SO_OOBINLINE}:  {text: "SO_OOBINLINE", class: optionSupported},
	{syscall.SOL_SOCKET, syscall.SO_SNDBUF}:     {text: "SO_SNDBUF", class: optionSupported, mock: mockInt(8192), raw: [8]byte{2: 0x20}},
	{syscall.SOL_SOCKET, syscall.SO_RCVBUF}:     {text: "SO_RCVBUF", class: optionSupported, mock: mockInt(8192), raw: [8]byte{2: 0x20}},
	{syscall.SOL_SOCKET, syscall.SO_REUSEADDR}:  {text: "SO_REUSEADDR", class: optionSupported, mock: mockInt(1), raw: [8]byte{1}},
	{syscall.SOL_SOCKET, syscall.SO_TYPE}:       {text: "SO_TYPE", class: optionRead},
	{syscall.SOL_SOCKET, syscall.SO_ERROR}:      {text: "SO_ERROR", class: optionRead},
	{syscall.SOL_SOCKET, syscall.SO_BROADCAST}:  {text: "SO_BROADCAST"},
	{syscall.SOL_SOCKET, syscall.SO_DONTROUTE}:  {text: "SO_DONTROUTE"},
	{syscall.SOL_SOCKET, syscall.SO_RCVTIMEO}:   {text: "SO_RCVTIMEO"},
	{syscall.SOL_SOCKET, syscall.SO_SNDTIMEO}:   {text: "SO_SNDTIMEO"},
	{syscall.IPPROTO_TCP, syscall.TCP_MAXSEG}:   {text: "TCP_MAXSEG"},
	{syscall.IPPROTO_IP, syscall.IP_TOS}:        {text: "IP_TOS"},
	{syscall.IPPROTO_IP, syscall.IP_TTL}:        {text: "IP_TTL"},
	{syscall.IPPROTO_IP, syscall.IP_HDRINCL}:    {text: "IP_HDRINCL"},
	{syscall.IPPROTO_IP, syscall.IP_OPTIONS}:    {text: "IP_OPTIONS"},
	{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY}: {text: "IPV6_V6ONLY"},

	{syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF}:       {text: "IP_MULTICAST_IF"},
	{syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL}:      {text: "IP_MULTICAST_TTL"},
	{syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP}:     {text: "IP_MULTICAST_LOOP"},
	{syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP}:     {text: "IP_ADD_MEMBERSHIP", class: optionJoin},
	{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF}:   {text: "IPV6_MULTICAST_IF"},
	{syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS}:   {text: "IPV6_UNICAST_HOPS"},
	{syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP}:     {text: "IPV6_JOIN_GROUP", class: optionJoin},
	{syscall.IPPROTO_IP, syscall.IP_DROP_MEMBERSHIP}:    {text: "IP_DROP_MEMBERSHIP"},
	{syscall.IPPROTO_IPV6, syscall.IPV6_LEAVE_GROUP}:    {text: "IPV6_LEAVE_GROUP"},
	{syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_LOOP}: {text: "IPV6_MULTICAST_LOOP"},
}

func init() {
	for o, name := range systemOptions {
		options[o] = &knownOption{text: name}
	}
	for o, name := range systemReads {
		options[o] = &knownOption{text: name, class: optionRead}
	}
	for o, name := range systemJoins {
		options[o] = &knownOption{text: name, class: optionJoin}
	}
	for o, name := range datagramOptions {
		options[o] = &knownOption{text: name, class: optionDatagram}
	}
}

func (o option) String() string {
	if k := o.known(); k.text != "" {
		return k.text
	}
	return "option " + itoa(int64(o.name)) + " of level " + itoa(int64(o.level))
}

// An OptionCall is a get or set of a socket option that has begun.
type OptionCall struct {
	Answered bool   // the sandbox has answered: the call must not be made
	Value    []byte // of a get that is answered: what the program is told
	set      bool
	option   option
	known    *knownOption
	start    int64
	said     said
}

// BeginOption judges a getsockopt or setsockopt of the program on this socket. value is what is set; of a get its
// length says how much the program has room for. It counts as activity (the Python SDK renews the idle limit with each call that names
// a descriptor) and for no quota. It returns the program's error when the option is denied or the socket reclaimed.
func (s *Socket) BeginOption(set bool, level, name int, value []byte) (OptionCall, error) {
	b := s.box
	c := OptionCall{set: set, option: option{level, name}, start: b.clock.Now()}
	c.known = c.option.known()
	now := c.start + b.offset.Load()
	late := s.expire(now)
	kind := KindOptionGet
	if set {
		kind = KindOptionSet
	}
	if s.taken() {
		return c, s.pipe(Op{start: c.start, kind: kind})
	}
	s.touch(now)
	if s.exempt.Load() {
		return c, nil
	}
	d := b.judgeOption(set, c.known.class, s.network)
	if late {
		d = d.and(Decision{Verdict: Report, Rule: RuleReclaimed})
	}
	c.said.rule = d.spoken()
	if d.Verdict != Allow {
		c.said.why = b.optionReason(d, c, value)
	}
	if d.Denied() {
		err := b.texts.option(set)
		return c, b.deny(s.id, Origin{Request: s.request.Load()}, d, nil, err, c.said.why)
	}
	if c.known.class == optionSupported && b.options != OptionsReal {
		c.answer(b.options, len(value))
		s.tellOption(&c, value, nil)
	}
	return c, nil
}

// answer is what a mock profile says.
func (c *OptionCall) answer(style string, room int) {
	c.Answered = true
	if c.set {
		return
	}
	value := c.known.mock
	if style == OptionsMockRaw {
		value = c.known.raw
	}
	size := 4
	if c.known.text == "SO_LINGER" {
		size = 8
	}
	c.Value = append(c.Value, value[:min(size, room)]...)
}

// judgeOption asks the rules about an option of that class.
func (b *Box) judgeOption(set bool, class optionClass, network string) Decision {
	d := Decision{Verdict: Allow, Rule: RulePublic}
	switch class {
	case optionJoin:
		if b.judge.ask(&d, RuleMulticast) {
			return d
		}
		b.judge.ask(&d, RuleOption)
	case optionDenied:
		b.judge.ask(&d, RuleOption)
	case optionRead:
		if set {
			b.judge.ask(&d, RuleOption)
		}
	case optionDatagram:
		if b.judge.ask(&d, RuleOption) && transport(network) == udp {
			d.Verdict = Report
		}
	}
	return d
}

// EndOption says how the call went that BeginOption let through: the value that was set or got, and the error.
func (s *Socket) EndOption(c OptionCall, value []byte, err error) {
	if !c.Answered {
		s.tellOption(&c, value, err)
	}
}

func (s *Socket) tellOption(c *OptionCall, value []byte, err error) {
	e := Event{Kind: KindOptionGet, At: c.start, Socket: s.id, Request: s.request.Load(), Rule: c.said.rule}
	if c.set {
		e.Kind = KindOptionSet
	}
	var room [64]byte
	e.Detail = string(c.appendDetail(room[:0], value, err))
	if err != nil {
		e.Error = err.Error()
		if errno := syscall.Errno(0); errors.As(err, &errno) && c.said.rule == "" {
			e.Error = errno.Error()
		}
	}
	s.box.rec.Record(e)
}

// appendDetail appends what an event says of the call.
func (c *OptionCall) appendDetail(to, value []byte, err error) []byte {
	if c.known.text != "" {
		to = append(to, c.known.text...)
	} else {
		to = append(to, c.option.String()...)
	}
	if c.Answered && !c.set {
		value = c.Value
	}
	if c.set || err == nil {
		to = appendValue(append(to, " = "...), value)
	}
	switch {
	case c.Answered && c.set:
		to = append(to, " (ignored, as production does)"...)
	case c.Answered:
		to = append(to, " (production's fixed value)"...)
	}
	if c.said.why != "" {
		to = append(append(to, ". "...), c.said.why...)
	}
	return to
}

// appendValue writes a value for a person: numbers where it is one or two, bytes otherwise.
func appendValue(to, v []byte) []byte {
	number := func(to, v []byte) []byte {
		return strconv.AppendInt(to, int64(int32(binary.NativeEndian.Uint32(v))), 10)
	}
	switch len(v) {
	case 1:
		return strconv.AppendInt(to, int64(v[0]), 10)
	case 4:
		return number(to, v)
	case 8:
		return number(append(number(to, v), ", "...), v[4:])
	}
	const most, digits = 32, "0123456789abcdef"
	to = append(strconv.AppendInt(to, int64(len(v)), 10), " bytes"...)
	for i, b := range v[:min(len(v), most)] {
		if i == 0 {
			to = append(to, ' ')
		}
		to = append(to, digits[b>>4], digits[b&15])
	}
	return to
}

// What Go's net sets on most new sockets: on connections (newTCPConn), and on datagram sockets (setDefaultSockopts).
const (
	DefaultsTCP = "TCP_NODELAY = 1, SO_KEEPALIVE = 1, TCP_KEEPIDLE = 15, TCP_KEEPINTVL = 15, TCP_KEEPCNT = 9 (Go's defaults)"
	DefaultsUDP = "SO_BROADCAST = 1 (Go's default)"
)

// Phrases are details of events that come again and again. A recorder may keep them by their place here, so what
// stands here stays where it is; new ones come last.
var Phrases = []string{DefaultsTCP, DefaultsUDP}

// OptionDefaults records what Go's net sets on a new socket by itself, in one event: it is not the program's doing and never
// judged. what names options and values.
func (s *Socket) OptionDefaults(what string) {
	s.box.rec.Record(Event{
		Kind: KindOptionSet, At: s.box.clock.Now(), Socket: s.id, Request: s.request.Load(), Detail: what,
	})
}

// optionReason says why an option is refused.
func (b *Box) optionReason(d Decision, c OptionCall, value []byte) string {
	verb := "Getting "
	if c.set {
		verb = "Setting "
	}
	if d.Rule == RuleReclaimed {
		return b.judge.Reason(d, "", "")
	}
	if d.Rule == RuleMulticast {
		return verb + c.option.String() + " joins a multicast group; production has no multicast."
	}
	if c.known.class == optionDatagram && d.Verdict == Report {
		return verb + c.option.String() + " is not possible in production. It changes how this machine handles datagrams and QUIC libraries do not start without it, so it is only reported."
	}
	return verb + c.option.String() + " is not possible in production: it has SO_KEEPALIVE, SO_DEBUG, TCP_NODELAY, SO_LINGER, SO_OOBINLINE, SO_SNDBUF, SO_RCVBUF and SO_REUSEADDR."
}
