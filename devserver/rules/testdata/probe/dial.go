package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// A socket opened before main: its judge must be there already.
var atInit = func() string {
	addr := os.Getenv("PROBE_INIT")
	if addr == "" {
		return ""
	}
	_, err := net.Dial("tcp", addr)
	return fmt.Sprint(err)
}()

func init() {
	ways["init"] = func([]string) { fmt.Println(atInit) }
	ways["dial"] = func(args []string) {
		for i := 0; i+1 < len(args); i += 2 {
			c, err := net.Dial(args[i], args[i+1])
			say(args[i]+" "+args[i+1], err)
			if err == nil {
				c.Close()
			}
		}
	}
	ways["listen"] = func(args []string) {
		l, err := net.Listen("tcp", args[0])
		say("listen", err)
		if err == nil {
			fmt.Println(l.Addr())
			l.Close()
		}
		p, err := net.ListenPacket("udp", args[0])
		say("listenpacket", err)
		if err == nil {
			p.Close()
		}
	}
	// echo talks over a connection to a peer that sends back what it gets.
	ways["echo"] = func(args []string) {
		c, err := net.Dial("tcp", args[0])
		must(err)
		fmt.Println("remote", c.RemoteAddr())
		fmt.Fprintf(c, "hello\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		fmt.Printf("got %q %v\n", line, err)
		c.Close()
	}
	// copy moves bytes in the ways that could pass Read and Write by.
	ways["copy"] = func(args []string) {
		c, err := net.Dial("tcp", args[0])
		must(err)
		f, err := os.CreateTemp("", "probe")
		must(err)
		defer os.Remove(f.Name())
		must(os.WriteFile(f.Name(), []byte(strings.Repeat("x", 100_000)), 0o600))
		n, err := io.Copy(c, f)
		fmt.Println("file to connection", n, err)
		back, err := os.CreateTemp("", "probe")
		must(err)
		defer os.Remove(back.Name())
		n, err = io.Copy(back, io.LimitReader(c, 100_000))
		fmt.Println("connection to file", n, err)
		bufs := net.Buffers{[]byte("one"), []byte("two"), []byte("three")}
		n, err = bufs.WriteTo(c)
		fmt.Println("buffers", n, err)
		_, err = io.ReadFull(c, make([]byte, 11))
		fmt.Println("back", err)
		d, err := net.Dial("tcp", args[0])
		must(err)
		fmt.Fprint(d, strings.Repeat("y", 5000))
		n, err = io.CopyN(c.(*net.TCPConn), d, 5000)
		fmt.Println("connection to connection", n, err)
		_, err = io.ReadFull(c, make([]byte, 5000))
		fmt.Println("back", err)
		c.Close()
		d.Close()
	}
}
