package delve

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"
)

// client speaks JSON-RPC to a Delve, as an IDE does.
type client struct {
	t       testing.TB
	conn    net.Conn
	answers *json.Decoder
	id      int
}

func connect(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t: t, conn: c, answers: json.NewDecoder(c)}
}

// call calls RPCServer.method and puts the result into out, where that is not nil.
func (c *client) call(method string, arg, out any) error {
	c.id++
	c.conn.SetDeadline(time.Now().Add(time.Minute))
	err := json.NewEncoder(c.conn).Encode(map[string]any{"method": "RPCServer." + method, "params": []any{arg}, "id": c.id})
	if err != nil {
		return err
	}
	var a struct {
		Result json.RawMessage
		Error  any
	}
	if err := c.answers.Decode(&a); err != nil {
		return err
	}
	if a.Error != nil {
		return fmt.Errorf("%s: %v", method, a.Error)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Result, out)
}

func (c *client) must(method string, arg, out any) {
	c.t.Helper()
	if err := c.call(method, arg, out); err != nil {
		c.t.Fatal(err)
	}
}
