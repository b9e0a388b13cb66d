//go:build withc

package main

/*
#include <stdlib.h>
extern void fromC(void);
static void callBack(void) { fromC(); }
*/
import "C"

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"unsafe"
)

var called = make(chan string)

// fromC starts a goroutine below frames of C.
//
//export fromC
func fromC() {
	go func() {
		c, err := net.Dial("tcp", "callback.example.com:7") // callback
		called <- fmt.Sprint(c != nil, err)
	}()
}

func init() {
	way("callback", func(w io.Writer, r *http.Request) {
		name := C.CString("DEVSERVER_AGENT")
		defer C.free(unsafe.Pointer(name))
		go C.callBack()
		fmt.Fprint(w, <-called, " ", C.getenv(name) == nil)
	})
}
