// Drivers is an app that uses Redis, PostgreSQL and gRPC through the libraries that apps use. It listens on $PORT,
// asks itself for each path among its arguments and prints the answers. A line that leads to a connection ends in a
// comment of one word.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	if os.Args[1] == "serve" {
		serve()
		return
	}
	addr := "127.0.0.1:" + os.Getenv("PORT")
	l, err := net.Listen("tcp", addr)
	must(err)
	end := open()
	server := &http.Server{Handler: http.DefaultServeMux}
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	for _, path := range os.Args[1:] {
		if reader, ok := strings.CutPrefix(path, "wait "); ok {
			waitOut(reader)
			continue
		}
		resp, err := http.Get("http://" + addr + path)
		must(err)
		body, err := io.ReadAll(resp.Body)
		must(err)
		resp.Body.Close()
		fmt.Println(path, string(body))
	}
	end()
	must(server.Shutdown(context.Background()))
	<-ended
}

// way serves a path with what f answers.
func way(name string, f func(ctx context.Context) (any, error)) {
	http.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r.Context())
		if err != nil {
			var op *net.OpError
			fmt.Fprintf(w, "error: OpError %t, EACCES %t", errors.As(err, &op), errors.Is(err, syscall.EACCES))
			return
		}
		fmt.Fprint(w, answer)
	})
}

// untilClosed waits for the end of standard input.
func untilClosed() { bufio.NewReader(os.Stdin).WriteTo(io.Discard) }

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}

// waitOut says so each time all goroutines in the function reader wait for the network, and goes on there when the test
// says so, until none is left. What the other end still had to say may have begun a new wait in between.
func waitOut(reader string) {
	in := bufio.NewReader(os.Stdin)
	for buf := make([]byte, 1<<20); ; runtime.Gosched() {
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, reader+"(") {
			fmt.Println("over")
			return
		}
		if waits(stacks, reader) {
			fmt.Println("waits")
			in.ReadString('\n')
		}
	}
}

// waits reports whether a dump of all stacks has goroutines in reader, and all of them wait for the network.
func waits(stacks, reader string) bool {
	found := false
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(stack, reader+"(") {
			found = true
			if state, _, _ := strings.Cut(stack, "\n"); !strings.Contains(state, "[IO wait") {
				return false
			}
		}
	}
	return found
}
