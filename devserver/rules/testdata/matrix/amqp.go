package main

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"
)

type amqpChannel struct {
	conn    *amqp.Connection
	channel *amqp.Channel
	queue   string
}

func init() {
	drivers["amqp"] = new(amqpChannel)
	asked = append(asked, named{"amqp091.ErrClosed", amqp.ErrClosed})
}

func (d *amqpChannel) open(_ context.Context, addr string) (err error) {
	url := "amqp://guest:guest@" + addr + "/"
	if keepalive {
		url += "?heartbeat=1" // seconds
	}
	if d.conn, err = amqp.Dial(url); err != nil {
		return err
	}
	if d.channel, err = d.conn.Channel(); err != nil {
		return err
	}
	q, err := d.channel.QueueDeclare("", false, true, true, false, nil)
	d.queue = q.Name
	return err
}

func (d *amqpChannel) use(ctx context.Context) error {
	if err := d.channel.PublishWithContext(ctx, "", d.queue, false, false, amqp.Publishing{Body: []byte("hello")}); err != nil {
		return err
	}
	got, ok, err := d.channel.Get(d.queue, true) // one channel keeps the order: what was published is there
	if err != nil {
		return err
	}
	return wrong(string(got.Body), map[bool]string{true: "hello"}[ok])
}
