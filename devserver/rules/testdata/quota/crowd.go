package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
)

func init() {
	// crowd dials from 16 goroutines, so often each, and counts what it is granted.
	steps["crowd"] = func(_ *program, args []string) (string, error) {
		var granted, refused atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range number(args[1]) {
					c, err := net.Dial("tcp", args[0])
					if errors.Is(err, syscall.EDQUOT) {
						refused.Add(1)
						continue
					}
					must(err)
					granted.Add(1)
					c.Close()
				}
			})
		}
		wg.Wait()
		return fmt.Sprintf("granted %d refused %d", granted.Load(), refused.Load()), nil
	}
	steps["get"] = func(_ *program, args []string) (string, error) {
		resp, err := http.Get(args[0])
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	// serve talks to itself over a listener of its own, where the rules let it.
	steps["serve"] = func(_ *program, args []string) (string, error) {
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			return "", err
		}
		defer l.Close()
		out, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return "", err
		}
		defer out.Close()
		in, err := l.Accept()
		if err != nil {
			return "", err
		}
		defer in.Close()
		if _, err := out.Write([]byte("hello")); err != nil {
			return "", err
		}
		_, err = io.ReadFull(in, make([]byte, 5))
		return "", err
	}
}
