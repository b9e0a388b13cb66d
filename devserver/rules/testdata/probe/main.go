// Probe does what programs do with sockets, one way for each first argument, and prints what came of it. It is an
// ordinary program: what it prints without the rules is what the machine says.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

var ways = map[string]func(args []string){}

func main() {
	way, ok := ways[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "no way", os.Args[1])
		os.Exit(2)
	}
	way(os.Args[2:])
}

// say prints a step and how it ended: its error's text and the errno below it.
func say(step string, err error) {
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case err == nil:
		fmt.Println(step + ": ok")
	case errors.As(err, &errno):
		fmt.Printf("%s: %v [errno %d, OpError %t]\n", step, err, int(errno), errors.As(err, &op))
	default:
		fmt.Printf("%s: %v\n", step, err)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
