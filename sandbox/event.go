package sandbox

import (
	"strconv"
	"time"
)

// Kind says what happened. Its text is events.kind of a recording.
type Kind uint8

// The kinds of the table events, and the two that open and close a row of the table requests.
const (
	KindNone Kind = iota
	KindResolve
	KindCreate
	KindBind
	KindConnect
	KindListen
	KindAccept
	KindSend
	KindReceive
	KindOptionGet
	KindOptionSet
	KindShutdown
	KindClose
	KindReclaim
	KindDeny
	KindFault
	KindRequestBegin // Request and Req are set: a row of requests, no event
	KindRequestEnd   // the same row, finished
	KindStdout       // what the program wrote on standard output: Detail holds it; rows of logs, no event
	KindStderr       // the same on standard error
	KindWireSent     // bytes of an operation: Detail holds them, Bytes their place in the stream; rows of payloads, no event
	KindWireReceived // the same the other way
	KindTLSSent      // what crypto/tls took from the program
	KindTLSReceived  // what crypto/tls gave the program
	kindEnd
)

var kindNames = [kindEnd]string{
	KindNone: "none", KindResolve: "resolve", KindCreate: "create", KindBind: "bind", KindConnect: "connect",
	KindListen: "listen", KindAccept: "accept", KindSend: "send", KindReceive: "receive",
	KindOptionGet: "option_get", KindOptionSet: "option_set", KindShutdown: "shutdown", KindClose: "close",
	KindReclaim: "reclaim", KindDeny: "deny", KindFault: "fault",
	KindRequestBegin: "request_begin", KindRequestEnd: "request_end",
	KindStdout: "stdout", KindStderr: "stderr",
	KindWireSent: "wire_sent", KindWireReceived: "wire_received", KindTLSSent: "tls_sent", KindTLSReceived: "tls_received",
}

// String returns the word that the recording holds.
func (k Kind) String() string {
	if k < kindEnd {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Payload returns payloads.layer and payloads.direction of a kind that carries captured bytes; false for other kinds.
// At is the operation's start, as in its own event, which follows: the one of that socket and direction with that At.
func (k Kind) Payload() (layer, direction string, ok bool) {
	switch k {
	case KindWireSent:
		return LayerWire, DirectionSent, true
	case KindWireReceived:
		return LayerWire, DirectionReceived, true
	case KindTLSSent:
		return LayerTLS, DirectionSent, true
	case KindTLSReceived:
		return LayerTLS, DirectionReceived, true
	}
	return "", "", false
}

// What payloads.layer and payloads.direction hold.
const (
	LayerWire         = "wire" // what went over the socket
	LayerTLS          = "tls"  // what crypto/tls took from the program or gave it
	DirectionSent     = "sent"
	DirectionReceived = "received"
)

// CloseReason says who ended a socket. Its text is sockets.close_reason of a recording.
type CloseReason uint8

// The reasons for which a socket ends.
const (
	ReasonNone       CloseReason = iota
	ReasonApp                    // the program closed it
	ReasonPeer                   // the peer had closed its end before
	ReasonReset                  // the peer reset the connection
	ReasonReclaimed              // idle for longer than the profile allows
	ReasonWorkerExit             // the worker ended with the socket open
	ReasonConsole                // closed by hand, from the console or the CLI
	reasonEnd
)

var reasonNames = [reasonEnd]string{"", "app", "peer", "reset", "reclaimed", "worker-exit", "console"}

// String returns the word that the recording holds, "" for none.
func (r CloseReason) String() string {
	if r < reasonEnd {
		return reasonNames[r]
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}

// An Event is one thing that happened to a socket, a name or a request.
type Event struct {
	Kind     Kind
	At       int64         // the operation's start, nanoseconds since 1970 UTC by the machine's clock, never the moved one
	Duration time.Duration // how long it took; 0 for what takes no time; of KindReclaim how long it was idle
	Socket   uint64        // 0 when no socket is concerned; unique in a data directory
	Request  uint64        // the request that led here; 0 when none did; unique in a data directory
	Bytes    int64         // sent or received
	Rule     Rule          // the rule that spoke; "" when none did
	Reason   CloseReason   // of KindClose and KindReclaim
	Error    string        // what the program was told; "" on success
	Detail   string        // a sentence for a person: why it was denied, which answers a look-up had, ...
	Info     *Info         // what became known about the socket with this event; nil when nothing did
	Req      *RequestInfo  // of KindRequestBegin and KindRequestEnd
}

// Info is what is known about a socket. An empty field means unknown, or unchanged since an earlier event.
type Info struct {
	Network  string // as the program asked: tcp, udp4, unix, ...
	Host     string // the name that was dialled; "" for an address
	Remote   string // production's address, host:port with the host a literal
	Local    string // the address on this machine
	Standin  string // what serves the production address here: 127.0.0.1:5432, builtin:whois
	CallSite string // path/from/module.go:42 in the user's code
}

// RequestInfo is what is known about a request to the app. Begin sets the first four fields, End the others.
type RequestInfo struct {
	Method, URL, RemoteAddr string
	Proto                   string
	Status                  int
	BytesIn, BytesOut       int64
}

// A Recorder is told of every event in the order it happened, per goroutine.
// Record must not block: it runs inside the program's own socket calls.
type Recorder interface {
	Record(Event)
}
