// Nbio serves with github.com/lesismal/nbio, whose connections live in an event loop.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/lesismal/nbio/nbhttp"
)

func main() {
	e := nbhttp.NewEngine(nbhttp.Config{Network: "tcp", Addrs: []string{":" + os.Getenv("PORT")}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "nbio for ", r.RemoteAddr)
	})})
	if err := e.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
