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
)

func main() {
	addr := "127.0.0.1:" + os.Getenv("PORT")
	l, err := net.Listen("tcp", addr)
	must(err)
	server := &http.Server{Handler: http.DefaultServeMux}
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	for _, path := range os.Args[1:] {
		if path == "pause" { // until the test says to go on
			fmt.Println(path)
			bufio.NewReader(os.Stdin).ReadString('\n')
			continue
		}
		fmt.Println(path, get(http.DefaultClient, "http://"+addr+path))
	}
	finish()
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
