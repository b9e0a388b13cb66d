// Command client makes grpc-go's interop calls, one case after another, and prints the name of each that went well. A case that
// fails ends it. It makes all cases in turn until its standard input ends; then it finishes the round.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
)

func main() {
	ca := flag.String("ca", "", "the file of the CA whose server is called over TLS")
	fresh := flag.Bool("fresh", false, "each round has a connection of its own")
	flag.Parse()
	how := insecure.NewCredentials()
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			log.Fatalf("%s: %v", *ca, err)
		}
		how = credentials.NewTLS(&tls.Config{RootCAs: pool})
	}
	var enough atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		enough.Store(true)
	}()
	c := dial(flag.Arg(0), how)
	for {
		round(c)
		if enough.Load() {
			return
		}
		if *fresh {
			c.Close()
			c = dial(flag.Arg(0), how)
		}
	}
}

func dial(addr string, how credentials.TransportCredentials) *grpc.ClientConn {
	c, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(how), grpc.WithDisableServiceConfig())
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// round makes each case once.
func round(c *grpc.ClientConn) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	calls := testgrpc.NewTestServiceClient(c)
	for _, tt := range []struct {
		name string
		do   func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)
	}{
		{"empty_unary", interop.DoEmptyUnaryCall},
		{"large_unary", interop.DoLargeUnaryCall},
		{"client_streaming", interop.DoClientStreaming},
		{"server_streaming", interop.DoServerStreaming},
		{"ping_pong", interop.DoPingPong},
		{"empty_stream", interop.DoEmptyStream},
		{"timeout_on_sleeping_server", interop.DoTimeoutOnSleepingServer},
		{"cancel_after_begin", interop.DoCancelAfterBegin},
		{"cancel_after_first_response", interop.DoCancelAfterFirstResponse},
		{"custom_metadata", interop.DoCustomMetadata},
		{"status_code_and_message", interop.DoStatusCodeAndMessage},
		{"special_status_message", interop.DoSpecialStatusMessage},
	} {
		tt.do(ctx, calls)
		fmt.Println(tt.name)
	}
	interop.DoUnimplementedMethod(ctx, c)
	fmt.Println("unimplemented_method")
	interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(c))
	fmt.Println("unimplemented_service")
	fmt.Println("round")
}
