// Talk writes on its standard streams in the ways that there are.
package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

func main() {
	switch os.Args[1] {
	case "ways":
		ways()
	case "killed":
		fmt.Fprintln(os.Stderr, "the last words")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "stuck": // nobody reads what it writes
		os.Stdout.WriteString(strings.Repeat("x", 1<<20) + "\n")
	case "child":
		fmt.Println("of a child")
	}
}

func ways() {
	fmt.Println("fmt")
	log.SetFlags(0)
	log.Print("log")
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	slog.Info("slog")
	io.WriteString(os.Stdout, "pie")
	fmt.Print("ces\n")
	fmt.Println(strings.Repeat("x", 20_000))
	os.Stdout.Write(nil)
	println("print")
	syscall.Write(1, []byte("system call\n"))
	child := exec.Command(os.Args[0], "child")
	child.Stdout = os.Stdout
	check(child.Run())
	elsewhere, err := os.CreateTemp("", "talk-")
	check(err)
	defer os.Remove(elsewhere.Name())
	fmt.Fprintln(elsewhere, "a file")
	(*os.File)(nil).Write([]byte("no file\n"))
	requests()
}

// requests serves two requests; each writes from its handler, and from a goroutine that the handler starts.
func requests() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("handler of", r.URL.Path)
		var wg sync.WaitGroup
		wg.Go(func() { fmt.Println("goroutine of", r.URL.Path) })
		wg.Wait()
	}))
	defer s.Close()
	for _, path := range []string{"/a", "/b"} {
		res, err := http.Get(s.URL + path)
		check(err)
		res.Body.Close()
	}
	fmt.Println("no request")
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
