// Webapp opens connections in the ways in which handlers do. It listens on $PORT, asks itself for each path among its
// arguments and prints the answers. A line that opens a connection ends in a comment of one word, its way.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
)

func main() {
	addr := "127.0.0.1:" + os.Getenv("PORT")
	l, err := net.Listen("tcp", addr)
	must(err)
	server := &http.Server{Handler: http.DefaultServeMux}
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	for _, path := range os.Args[1:] {
		if reader, ok := strings.CutPrefix(path, "pause "); ok {
			pause(reader)
			continue
		}
		if function, ok := strings.CutPrefix(path, "gone "); ok { // until no goroutine is in it
			for strings.Contains(stacks(), function+"(") {
				runtime.Gosched()
			}
			continue
		}
		fmt.Println(path, get(http.DefaultClient, "http://"+addr+path))
	}
	finish()
	io.Copy(io.Discard, os.Stdin) // nothing, but where a test still gives commands
	must(server.Shutdown(context.Background()))
	if err := <-ended; err != http.ErrServerClosed {
		must(err)
	}
}

func get(client *http.Client, url string) string {
	resp, err := client.Get(url) // get
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pause says so once all goroutines in the function reader wait for the network, and goes on when the test says so.
func pause(reader string) {
	for !waits(stacks(), reader) {
		runtime.Gosched()
	}
	fmt.Println("pause")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// stacks is a dump of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
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
