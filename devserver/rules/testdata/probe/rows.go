package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// row prints one denial: its error, the errno below it, and what a program can ask of it.
func row(name string, err error) {
	var errno syscall.Errno
	var op *net.OpError
	var ne net.Error
	errors.As(err, &errno)
	fmt.Printf("%s: %v | errno %d OpError %t ErrPermission %t timeout %t\n", name, err, int(errno), errors.As(err, &op),
		errors.Is(err, os.ErrPermission), errors.As(err, &ne) && ne.Timeout())
}

func dial(network, addr string) error {
	c, err := net.Dial(network, addr)
	if err == nil {
		c.Close()
	}
	return err
}

func init() {
	// rows is refused in each way that a program needs nobody's help for. args[0] is reachable.
	ways["rows"] = func(args []string) {
		row("range", dial("tcp", "10.1.2.3:443"))
		row("port25", dial("tcp", "smtp.example.com:25"))
		row("network", dial("unix", "/nowhere"))
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7}}
		_, err := from.Dial("tcp", args[0])
		row("bind", err)
		_, err = net.ListenPacket("udp", "127.0.0.1:7")
		row("bind udp", err)
		_, err = net.Listen("tcp", ":7")
		row("listen", err)
		c, err := net.Dial("tcp", args[0])
		must(err)
		row("option", c.(*net.TCPConn).SetKeepAlivePeriod(time.Minute))
		c.SetReadDeadline(time.Now().Add(-time.Second))
		_, err = c.Read(make([]byte, 1))
		row("own timeout", err)
		row("refused", dial("tcp", args[1]))
		nowhere := net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: noNames}}
		_, err = nowhere.Dial("tcp", "nothing.example.com.:443")
		row("unknown host", err)
	}
	// dialrow dials once.
	ways["dialrow"] = func(args []string) { row(args[0], dial("tcp", args[1])) }
	// laterow reads, or writes, once the test has moved the clock.
	ways["laterow"] = func(args []string) {
		c, err := net.Dial("tcp", args[1])
		must(err)
		fmt.Println("open")
		bufio.NewScanner(os.Stdin).Scan()
		_, err = c.Read(make([]byte, 1))
		row(args[0]+" read", err)
		_, err = c.Write([]byte("x"))
		row(args[0]+" write", err)
	}
}

// noNames is a connection to a name server that knows no name.
func noNames(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for {
			var size [2]byte
			if _, err := io.ReadFull(theirs, size[:]); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(theirs, query); err != nil {
				return
			}
			query[2], query[3] = 0x81, 0x83 // an answer: there is no such name
			query[11] = 0                   // without the question's further records
			query = query[:questionEnd(query)]
			theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...))
		}
	}()
	return ours, nil
}

// questionEnd is where the one question of a DNS message ends.
func questionEnd(msg []byte) int {
	at := 12
	for msg[at] != 0 {
		at += int(msg[at]) + 1
	}
	return at + 5
}
