package delvetest

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"
)

// A Client speaks JSON-RPC to a Delve, as an IDE does.
type Client struct {
	t       testing.TB
	conn    net.Conn
	answers *json.Decoder
	id      int
}

// Connect connects to a Delve, or ends the test. The connection is closed with the test.
func Connect(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Client{t: t, conn: c, answers: json.NewDecoder(c)}
}

// Call calls RPCServer.method and puts the result into out, where that is not nil.
func (c *Client) Call(method string, arg, out any) error {
	c.id++
	c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
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

// Must calls, and ends the test where that fails.
func (c *Client) Must(method string, arg, out any) {
	c.t.Helper()
	if err := c.Call(method, arg, out); err != nil {
		c.t.Fatal(err)
	}
}

// Halt stops the program.
func (c *Client) Halt() {
	c.t.Helper()
	c.Must("Command", map[string]any{"name": "halt"}, nil)
}

// Continue lets it go on until it stops, and returns the line where it does.
func (c *Client) Continue() (line int, err error) {
	var stopped struct {
		State struct {
			CurrentThread struct {
				Line int `json:"line"`
			} `json:"currentThread"`
		}
	}
	err = c.Call("Command", map[string]any{"name": "continue"}, &stopped)
	return stopped.State.CurrentThread.Line, err
}

// Break stops the program and sets a breakpoint.
func (c *Client) Break(file string, line int) {
	c.t.Helper()
	c.Halt()
	c.Must("CreateBreakpoint", map[string]any{"Breakpoint": map[string]any{"file": file, "line": line}}, nil)
}
