// Command shop answers grpc-go's interop calls, and plain requests, through one of three servers that speak HTTP/2
// without TLS.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
)

const version = "one"

func main() {
	calls := grpc.NewServer(grpc.UnaryInterceptor(unary), grpc.StreamInterceptor(stream))
	testgrpc.RegisterTestServiceServer(calls, interop.NewTestServer())
	ln, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	switch os.Getenv("SERVER") {
	case "grpc":
		log.Fatal(calls.Serve(ln))
	case "xnet":
		log.Fatal(http.Serve(ln, h2c.NewHandler(either(calls), &http2.Server{})))
	case "std":
		p := new(http.Protocols)
		p.SetHTTP1(true)
		p.SetUnencryptedHTTP2(true)
		log.Fatal((&http.Server{Handler: either(calls), Protocols: p}).Serve(ln))
	}
	log.Fatal("SERVER is grpc, xnet or std")
}

func unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	fmt.Println("saw", info.FullMethod)
	return next(ctx, req)
}

// stream does not answer the case cancel_after_begin, the only one to upload with metadata, before the cancel has arrived. Its client ends
// what it uploads after it has given the call up, and would now and then take the answer to that, whether devserver is between them or not.
func stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	fmt.Println("saw", info.FullMethod)
	err := next(srv, s)
	if md, _ := metadata.FromIncomingContext(s.Context()); info.FullMethod == testgrpc.TestService_StreamingInputCall_FullMethodName && md["key1"] != nil {
		<-s.Context().Done()
	}
	return err
}

// either hands calls to grpc-go's handler and answers all else by itself.
func either(calls http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/exit":
			os.Exit(7)
		case strings.HasPrefix(r.URL.Path, "/grpc.testing."):
			calls.ServeHTTP(w, r)
		default:
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			fmt.Fprintf(w, "%s %s %d", version, r.Proto, len(body))
		}
	})
}
