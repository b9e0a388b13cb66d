// Gnet serves with github.com/panjf2000/gnet, which makes its listener by system calls.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/panjf2000/gnet/v2"
)

type server struct{ gnet.BuiltinEventEngine }

func (*server) OnTraffic(c gnet.Conn) gnet.Action {
	c.Next(-1)
	text := "gnet for " + c.RemoteAddr().String()
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	return gnet.None
}

func main() { log.Fatal(gnet.Run(&server{}, "tcp://:"+os.Getenv("PORT"), gnet.WithMulticore(true))) }
