package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

func init() {
	// idle holds a connection until standard input says to go on, and then uses it in the way that args[1] names.
	ways["idle"] = func(args []string) {
		c, err := net.Dial("tcp", args[0])
		must(err)
		in := bufio.NewScanner(os.Stdin)
		if args[1] == "blocked" {
			waiting(func() { _, err = c.Read(make([]byte, 1)) })
			say("read", err)
		} else {
			fmt.Println("open")
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

// waiting calls f, says so once f waits for the network, and returns when f has.
func waiting(f func()) {
	done := make(chan bool)
	go func() {
		f()
		close(done)
	}()
	for buf := make([]byte, 1<<16); !strings.Contains(string(buf[:runtime.Stack(buf, true)]), " [IO wait"); {
		runtime.Gosched()
	}
	fmt.Println("open")
	<-done
}
