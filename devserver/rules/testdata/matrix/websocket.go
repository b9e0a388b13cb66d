package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

type webSocket struct{ *websocket.Conn }

func init() {
	drivers["websocket"] = new(webSocket)
	serve["websocket"] = serveWebSocket
}

func (d *webSocket) open(ctx context.Context, addr string) (err error) {
	d.Conn, _, err = websocket.DefaultDialer.DialContext(ctx, "ws://"+addr+"/", nil)
	return err
}

func (d *webSocket) use(ctx context.Context) error {
	until, _ := ctx.Deadline()
	d.SetReadDeadline(until)
	if err := d.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		return err
	}
	_, got, err := d.ReadMessage()
	if err != nil {
		return err
	}
	return wrong(string(got), "hello")
}

func serveWebSocket() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(l.Addr())
	go func() {
		untilClosed()
		l.Close()
	}()
	http.Serve(l, http.HandlerFunc(echoMessages))
}

func echoMessages(w http.ResponseWriter, r *http.Request) {
	var upgrader websocket.Upgrader
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, text, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, text) != nil {
			return
		}
	}
}
