package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

// The ways in which bytes could pass Read and Write by.
func init() {
	steps["file"] = func(p *program, args []string) (string, error) {
		f := file(number(args[0]))
		defer os.Remove(f.Name())
		n, err := io.Copy(p.conn, f)
		return strconv.FormatInt(n, 10), err
	}
	steps["tofile"] = func(p *program, args []string) (string, error) {
		f := file(0)
		defer os.Remove(f.Name())
		n, err := io.Copy(f, io.LimitReader(p.conn, int64(number(args[0]))))
		return strconv.FormatInt(n, 10), err
	}
	// splice asks a peer that sends back for bytes, and copies them on.
	steps["splice"] = func(p *program, args []string) (string, error) {
		from, err := net.Dial("tcp", args[0])
		must(err)
		fmt.Fprint(from, strings.Repeat("y", number(args[1])))
		n, err := io.CopyN(p.conn.(*net.TCPConn), from, int64(number(args[1])))
		return strconv.FormatInt(n, 10), err
	}
	// spliceto is splice by the other's WriteTo.
	steps["spliceto"] = func(p *program, args []string) (string, error) {
		from, err := net.Dial("tcp", args[0])
		must(err)
		fmt.Fprint(from, strings.Repeat("y", number(args[1])))
		must(from.(*net.TCPConn).CloseWrite())
		n, err := from.(*net.TCPConn).WriteTo(p.conn)
		return strconv.FormatInt(n, 10), err
	}
	steps["buffers"] = func(p *program, args []string) (string, error) {
		bufs := make(net.Buffers, number(args[0])) // more than a call of the system takes
		for i := range bufs {
			bufs[i] = []byte("abc")
		}
		n, err := bufs.WriteTo(p.conn)
		return strconv.FormatInt(n, 10), err
	}
	// reader is a copy that the kernel cannot make.
	steps["reader"] = func(p *program, args []string) (string, error) {
		r := io.LimitReader(strings.NewReader(strings.Repeat("z", number(args[0]))), 1<<20)
		n, err := p.conn.(*net.TCPConn).ReadFrom(r)
		return strconv.FormatInt(n, 10), err
	}
	steps["fileofconn"] = func(p *program, _ []string) (string, error) {
		_, err := p.conn.(*net.TCPConn).File()
		return "", err
	}
	steps["shutdown"] = func(p *program, _ []string) (string, error) { return "", p.conn.(*net.TCPConn).CloseWrite() }
}

// file makes a file of n bytes.
func file(n int) *os.File {
	f, err := os.CreateTemp("", "quota")
	must(err)
	_, err = f.Write(make([]byte, n))
	must(err)
	_, err = f.Seek(0, io.SeekStart)
	must(err)
	return f
}
