package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

func init() {
	// denied dials args[0] so often in eight goroutines, and says what that left behind.
	ways["denied"] = func(args []string) {
		before := len(descriptors())
		n, err := strconv.Atoi(args[1])
		must(err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range n / 8 {
					if _, err := net.Dial("tcp", args[0]); !errors.Is(err, syscall.EACCES) { // denied
						fmt.Println(err)
					}
				}
			})
		}
		all.Wait()
		fmt.Println("descriptors left", len(descriptors())-before)
	}
	// many holds so many connections at once.
	ways["many"] = func(args []string) {
		before := len(descriptors())
		n, err := strconv.Atoi(args[1])
		must(err)
		open := make([]net.Conn, n)
		var all sync.WaitGroup
		for part := range 8 {
			all.Go(func() {
				for i := part; i < n; i += 8 {
					open[i], err = net.Dial("tcp", args[0])
					must(err)
					fmt.Fprint(open[i], "x")
				}
			})
		}
		all.Wait()
		fmt.Println("descriptors open", len(descriptors())-before)
		for _, c := range open {
			must(c.Close())
		}
		fmt.Println("descriptors left", len(descriptors())-before)
	}
	// storm starts trees of goroutines whose stacks move, while the collector runs again and again. Each leaf dials.
	ways["storm"] = func(args []string) {
		rounds, err := strconv.Atoi(args[1])
		must(err)
		for range rounds {
			var all sync.WaitGroup
			tree(&all, args[0], 6)
			all.Wait()
			runtime.GC()
		}
		fmt.Println("over", runtime.NumGoroutine())
	}
}

func tree(all *sync.WaitGroup, addr string, depth int) {
	move(depth * 8)
	if depth == 0 {
		if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.EACCES) { // leaf
			fmt.Println(err)
		}
		return
	}
	for range 3 {
		all.Go(func() { tree(all, addr, depth-1) })
	}
}

// move makes the stack grow.
//
//go:noinline
func move(frames int) byte {
	var room [512]byte
	if frames > 0 {
		room[frames%len(room)] = move(frames - 1)
	}
	return room[0]
}
