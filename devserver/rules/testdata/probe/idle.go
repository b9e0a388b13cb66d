package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
)

func init() {
	// idle holds a connection until standard input says to go on, and then uses it in the way that args[1] names.
	ways["idle"] = func(args []string) {
		c, err := net.Dial("tcp", args[0])
		must(err)
		fmt.Println("open")
		in := bufio.NewScanner(os.Stdin)
		if args[1] == "blocked" {
			_, err := c.Read(make([]byte, 1))
			say("read", err)
		}
		in.Scan()
		_, err = c.Write([]byte("x"))
		say("write", err)
		_, err = c.Read(make([]byte, 1))
		say("read", err)
		say("deadline", c.SetDeadline(time.Now().Add(time.Hour)))
		say("close", c.Close())
		say("close again", c.Close())
	}
}

func init() {
	// lost drops a connection without closing it, and collects what nobody needs.
	ways["lost"] = func(args []string) {
		dropped(args[0])
		for range 3 {
			runtime.GC()
		}
		fmt.Println("dropped")
		bufio.NewScanner(os.Stdin).Scan()
	}
}

func dropped(addr string) {
	_, err := net.Dial("tcp", addr)
	must(err)
}
