package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	keep "google.golang.org/grpc/keepalive"
)

type grpcChannel struct{ *grpc.ClientConn }

func init() {
	drivers["grpc"] = new(grpcChannel)
	serve["grpc"] = serveGRPC
}

// open asks for no service config: without that, grpc asks DNS for a TXT record of its own beside the name.
func (d *grpcChannel) open(_ context.Context, addr string) (err error) {
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableServiceConfig()}
	if keepalive {
		options = append(options, grpc.WithKeepaliveParams(keep.ClientParameters{Time: 10 * time.Second, PermitWithoutStream: true}))
	}
	d.ClientConn, err = grpc.NewClient(addr, options...)
	return err
}

func (d *grpcChannel) use(ctx context.Context) error {
	reply, err := grpc_health_v1.NewHealthClient(d).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	return wrong(reply.GetStatus(), grpc_health_v1.HealthCheckResponse_SERVING)
}

func serveGRPC() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keep.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	fmt.Println(l.Addr())
	go func() {
		untilClosed()
		server.Stop()
	}()
	must(server.Serve(l))
}
