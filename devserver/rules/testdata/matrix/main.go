// Matrix is an app that uses one library to talk to one server, in the way that the library's own documents show and
// with its defaults. It does what standard input says, a line each, and prints how that went:
//
//	use     have the server answer once; the first time opens the pool or the connection, and no later time does
//	rest    let more than a second pass by the machine's clock, which is the drivers' own
//
// A line is "ok", or the names of the errors that errors.Is finds, "|", and the error's text.
package main

import (
	"bufio"
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/status"
)

// patience is how long a use may take: an app's own deadline, longer than any driver's default retries.
const patience = 10 * time.Second

// A driver is a library as an app uses it: it is opened once and used from time to time. It is not closed, for an app
// of a server is ended without that.
type driver interface {
	open(ctx context.Context, addr string) error
	use(ctx context.Context) error
}

// keepalive says that a library that can keep its connection in use by itself is told to, as often as it lets one.
var keepalive = os.Getenv("KEEPALIVE") != ""

// drivers are all of them by the word that names one in the arguments.
var drivers = map[string]driver{}

func main() {
	log.SetOutput(io.Discard) // drivers tell there what the app is told anyway
	args := os.Args[1:]
	if len(args) == 2 && args[0] == "serve" && serve[args[1]] != nil {
		serve[args[1]]()
		return
	}
	if len(args) != 2 || drivers[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: matrix DRIVER ADDRESS | matrix serve PROTOCOL")
		os.Exit(2)
	}
	app := &app{driver: drivers[args[0]], addr: args[1]}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println(say(app.do(in.Text())))
	}
}

type app struct {
	driver driver
	addr   string
	opened bool
}

func (a *app) do(command string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch command {
	case "use":
		if !a.opened {
			if err := a.driver.open(ctx, a.addr); err != nil {
				return err
			}
			a.opened = true
		}
		return a.driver.use(ctx)
	case "rest":
		time.Sleep(1100 * time.Millisecond) // pgxpool pings a connection that was idle for more than a second
		return nil
	}
	return fmt.Errorf("%q is neither use nor rest", command)
}

// A named error is one that apps ask for; a library adds its own.
type named struct {
	name string
	err  error
}

var asked = []named{
	{"EACCES", syscall.EACCES}, {"EDQUOT", syscall.EDQUOT}, {"EPIPE", syscall.EPIPE}, {"io.EOF", io.EOF}, {"net.ErrClosed", net.ErrClosed},
	{"context.DeadlineExceeded", context.DeadlineExceeded}, {"driver.ErrBadConn", sqldriver.ErrBadConn},
}

func say(err error) string {
	if err == nil {
		return "ok"
	}
	var is []string
	for _, n := range asked {
		if errors.Is(err, n.err) {
			is = append(is, n.name)
		}
	}
	if s, ok := status.FromError(err); ok {
		is = append(is, "codes."+s.Code().String()) // what apps of gRPC ask instead
	}
	return strings.Join(is, ", ") + "|" + strings.Join(strings.Fields(err.Error()), " ")
}

// wrong is the error of a use whose answer is not the server's.
func wrong(got, want any) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("the server answered %v, want %v", got, want)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}
