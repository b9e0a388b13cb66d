package peer

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"strings"
	"unicode"
)

// maxQuery is the longest line that a whois client or a mail client may send.
const maxQuery = 4 << 10

// whois answers one query a connection, as RFC 3912 has it, with a record made up from the query alone: the same
// question has the same answer, on every machine.
func whois(_ *Server, c net.Conn) {
	p := patient{c}
	line, err := bufio.NewReader(io.LimitReader(p, maxQuery)).ReadString('\n')
	if err != nil { // too long, or cut off: closing with something unread would reset the connection
		io.Copy(io.Discard, p)
		return
	}
	io.WriteString(p, whoisRecord(strings.TrimSpace(line)))
}

func whoisRecord(query string) string {
	query = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, query)
	if query == "" {
		return "% no question\r\n"
	}
	h := fnv.New32a()
	io.WriteString(h, strings.ToLower(query))
	n := h.Sum32()
	var b strings.Builder
	fmt.Fprintf(&b, "%% builtin:whois of devserver; nothing of this is real\r\n")
	fmt.Fprintf(&b, "domain:       %s\r\n", strings.ToLower(query))
	fmt.Fprintf(&b, "handle:       DS-%08X\r\n", n)
	fmt.Fprintf(&b, "registered:   %04d-%02d-%02d\r\n", 1990+n%30, 1+n>>8%12, 1+n>>16%28)
	fmt.Fprintf(&b, "status:       active\r\n")
	return b.String()
}
