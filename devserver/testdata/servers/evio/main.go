// Evio serves with github.com/tidwall/evio, which accepts on the duplicate of a listener.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/tidwall/evio"
)

func main() {
	log.Fatal(evio.Serve(evio.Events{
		NumLoops: 2,
		Data: func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
			text := "evio for " + c.RemoteAddr().String()
			return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text), evio.None
		},
	}, "tcp://:"+os.Getenv("PORT")))
}
