// Quota does what its arguments say, one step after the other, and prints what came of each. It is an ordinary program
// that knows nothing of quotas.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A program is what the steps work on.
type program struct {
	conn   net.Conn       // the newest connection
	packet net.PacketConn // the newest unconnected socket
	in     *bufio.Scanner
}

// steps are what an argument's first word may be; args are its other words.
var steps = map[string]func(p *program, args []string) (string, error){}

func main() {
	p := &program{in: bufio.NewScanner(os.Stdin)}
	for _, arg := range os.Args[1:] {
		words := strings.Fields(arg)
		step, ok := steps[words[0]]
		if !ok {
			fmt.Fprintln(os.Stderr, "no step", words[0])
			os.Exit(2)
		}
		what, err := step(p, words[1:])
		say(arg, what, err)
	}
}

// say prints what came of a step: what package net makes of an error, its text, and what a program can tell from it.
func say(step, what string, err error) {
	if err == nil {
		fmt.Println(step + ": " + strings.TrimSpace("ok "+what))
		return
	}
	shape := "no OpError"
	var op *net.OpError
	if errors.As(err, &op) {
		shape = fmt.Sprintf("OpError{%s %s %v %v}", op.Op, op.Net, op.Source, op.Addr)
	}
	var ne net.Error
	timeout := errors.As(err, &ne) && ne.Timeout()
	fmt.Printf("%s: %s[%v] %s, EDQUOT %t, EACCES %t, timeout %t\n", step, what, err, shape, errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EACCES), timeout)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	must(err)
	return n
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func init() {
	steps["dial"] = func(p *program, args []string) (string, error) {
		c, err := net.Dial(args[0], args[1])
		if err == nil {
			p.conn = c
		}
		return "", err
	}
	steps["dialfrom"] = func(p *program, args []string) (string, error) {
		var d net.Dialer
		if args[0] == "udp" {
			d.LocalAddr = &net.UDPAddr{}
		} else {
			d.LocalAddr = &net.TCPAddr{}
		}
		c, err := d.Dial(args[0], args[1])
		if err == nil {
			p.conn = c
		}
		return "", err
	}
	steps["listenpacket"] = func(p *program, args []string) (string, error) {
		c, err := net.ListenPacket("udp", args[0])
		if err == nil {
			p.packet = c
		}
		return "", err
	}
	steps["listen"] = func(_ *program, args []string) (string, error) {
		l, err := net.Listen("tcp", args[0])
		if err == nil {
			l.Close()
		}
		return "", err
	}
	steps["lookup"] = func(_ *program, args []string) (string, error) {
		addrs, err := net.LookupHost(args[0])
		return strings.Join(addrs, " "), err
	}
	steps["write"] = func(p *program, args []string) (string, error) {
		n, err := p.conn.Write(make([]byte, number(args[0])))
		return strconv.Itoa(n), err
	}
	steps["read"] = func(p *program, args []string) (string, error) {
		n, err := io.ReadFull(p.conn, make([]byte, number(args[0])))
		return strconv.Itoa(n), err
	}
	steps["writeto"] = func(p *program, args []string) (string, error) {
		to, err := net.ResolveUDPAddr("udp", args[0])
		must(err)
		n, err := p.packet.WriteTo(make([]byte, number(args[1])), to)
		return strconv.Itoa(n), err
	}
	steps["readfrom"] = func(p *program, args []string) (string, error) {
		n, _, err := p.packet.ReadFrom(make([]byte, 2000))
		return strconv.Itoa(n), err
	}
	steps["close"] = func(p *program, _ []string) (string, error) { return "", p.conn.Close() }
	// wait ends when there is a line on standard input.
	steps["wait"] = func(p *program, _ []string) (string, error) {
		p.in.Scan()
		return "", nil
	}
}
