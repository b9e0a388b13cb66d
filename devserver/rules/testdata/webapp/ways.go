package main

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"
)

func init() {
	way("plain", func(w io.Writer, r *http.Request) {
		c, err := net.Dial("tcp", "plain.example.com:7") // plain
		talk(w, c, err)
	})
	way("goroutine", func(w io.Writer, r *http.Request) {
		done := make(chan bool)
		go func() {
			c, err := net.Dial("tcp", "goroutine.example.com:7") // goroutine
			talk(w, c, err)
			close(done)
		}()
		<-done
	})
	way("labels", func(w io.Writer, r *http.Request) {
		pprof.Do(r.Context(), pprof.Labels("request", "7"), func(context.Context) {
			done := make(chan bool)
			go func() {
				c, err := net.Dial("tcp", "labels.example.com:7") // labels
				talk(w, c, err)
				close(done)
			}()
			<-done
		})
	})
	// A transport dials in a goroutine of its own and keeps the connection for the next request.
	client := &http.Client{Transport: &http.Transport{}}
	way("first", func(w io.Writer, r *http.Request) {
		io.WriteString(w, get(client, "http://reused.example.com/"))
	})
	way("second", func(w io.Writer, r *http.Request) {
		io.WriteString(w, get(client, "http://reused.example.com/"))
	})
	way("slow", func(w io.Writer, r *http.Request) {
		const reader = "net/http.(*persistConn).readLoop"
		go func() { // says so once all connections wait: to this app, to the page, and the slow one
			for r.Context().Err() == nil {
				if s := stacks(); strings.Count(s, reader+"(") == 3 && waits(s, reader) {
					fmt.Println("slow waits")
					return
				}
				runtime.Gosched()
			}
		}()
		fmt.Println("handler:", get(client, "http://slow.example.com/"))
	})
	way("timer", func(w io.Writer, r *http.Request) {
		done := make(chan bool)
		time.AfterFunc(time.Nanosecond, func() {
			c, err := net.Dial("tcp", "timer.example.com:7") // timer
			talk(w, c, err)
			close(done)
		})
		<-done
	})
	way("deep", deep)
	way("late", late)
	way("worker", func(w io.Writer, r *http.Request) {
		done := make(chan bool)
		jobs <- func() {
			c, err := net.Dial("tcp", "worker.example.com:7") // worker
			talk(w, c, err)
			close(done)
		}
		<-done
	})
}

// way serves a path.
func way(name string, handle func(w io.Writer, r *http.Request)) {
	http.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { handle(w, r) })
}

// talk says hello to an echo over the connection, if there is one.
func talk(w io.Writer, c net.Conn, err error) {
	if err != nil {
		fmt.Fprint(w, err)
		return
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	buf := make([]byte, 5)
	_, err = io.ReadFull(c, buf)
	fmt.Fprint(w, string(buf), " ", err)
}

// deep reaches its go statement through many frames that are not the user's: templates within templates.
func deep(w io.Writer, r *http.Request) {
	const levels = 4
	var text strings.Builder
	for i := range levels {
		fmt.Fprintf(&text, `{{define "%d"}}{{template "%d" .}}{{end}}`, i, i+1)
	}
	fmt.Fprintf(&text, `{{define "%d"}}{{(.Get "http://deep.example.com/").Status}}{{end}}`, levels)
	t := template.Must(template.New("").Parse(text.String()))
	if err := t.ExecuteTemplate(w, strconv.Itoa(0), &http.Client{Transport: &http.Transport{}}); err != nil { // deep
		fmt.Fprint(w, err)
	}
}

// jobs are done by a goroutine that was there before any request.
var jobs = make(chan func())

func init() {
	go func() {
		for f := range jobs {
			f()
		}
	}()
}

// What a handler leaves behind works on after its request has ended.
var (
	answered = make(chan bool)
	leftover sync.WaitGroup
)

func late(w io.Writer, r *http.Request) {
	leftover.Go(func() {
		<-answered
		c, err := net.Dial("tcp", "late.example.com:7") // late
		talk(io.Discard, c, err)
	})
	io.WriteString(w, "later")
}

func finish() {
	close(answered)
	leftover.Wait()
}
