package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
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
