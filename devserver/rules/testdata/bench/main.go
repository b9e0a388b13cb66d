// Bench times one operation many times over, against an echo on loopback, and prints nanoseconds per operation.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"time"
)

func main() {
	addr, n := os.Args[2], number(os.Args[3])
	ops := map[string]func(addr string, n int) error{"roundtrip": roundTrip, "stream": stream, "dial": dial, "logline": logLine}
	op := ops[os.Args[1]]
	check(op(addr, n/2)) // warm
	start := time.Now()
	check(op(addr, n))
	fmt.Println(float64(time.Since(start)) / float64(n))
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func roundTrip(addr string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 64)
	for range n {
		if _, err := c.Write(buf); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			return err
		}
	}
	return nil
}

func stream(addr string, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	go io.Copy(io.Discard, c)
	buf := make([]byte, 64<<10)
	for range n {
		if _, err := c.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// logLine writes on standard error, as package log does.
func logLine(_ string, n int) error {
	log.SetFlags(log.LstdFlags)
	for i := range n {
		log.Printf("order %d of 1000000 is on its way to the customer", i)
	}
	return nil
}

func dial(addr string, n int) error {
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		c.(*net.TCPConn).SetLinger(0) // no ports in TIME_WAIT
		c.Close()
	}
	return nil
}
