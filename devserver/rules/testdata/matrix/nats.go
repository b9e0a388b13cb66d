package main

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

type natsConn struct {
	*nats.Conn
	subject string // nobody else's
	sub     *nats.Subscription
}

func init() { drivers["nats"] = new(natsConn) }

func (d *natsConn) open(_ context.Context, addr string) (err error) {
	options := []nats.Option{nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})} // the default one prints
	if keepalive {
		options = append(options, nats.PingInterval(time.Second))
	}
	d.Conn, err = nats.Connect("nats://"+addr, options...)
	if err != nil {
		return err
	}
	d.subject = nats.NewInbox()
	d.sub, err = d.SubscribeSync(d.subject)
	return err
}

func (d *natsConn) use(ctx context.Context) error {
	if err := d.Publish(d.subject, []byte("hello")); err != nil {
		return err
	}
	got, err := d.sub.NextMsgWithContext(ctx)
	if err != nil {
		return err
	}
	return wrong(string(got.Data), "hello")
}
