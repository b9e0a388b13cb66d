package main

import (
	"bufio"
	"io"
	"os"
)

// serve are the servers of protocols that no package of Debian serves, made of the same libraries. Each prints its
// address and ends with standard input.
var serve = map[string]func(){}

func untilClosed() { bufio.NewReader(os.Stdin).WriteTo(io.Discard) }
