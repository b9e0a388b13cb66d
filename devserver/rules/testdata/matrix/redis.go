package main

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

type redisClient struct{ *redis.Client }

func init() { drivers["redis"] = new(redisClient) }

func (d *redisClient) open(_ context.Context, addr string) error {
	logging.Disable()
	d.Client = redis.NewClient(&redis.Options{Addr: addr})
	return nil
}

func (d *redisClient) use(ctx context.Context) error {
	if err := d.Set(ctx, "greeting", "hello", 0).Err(); err != nil {
		return err
	}
	got, err := d.Get(ctx, "greeting").Result()
	if err != nil {
		return err
	}
	return wrong(got, "hello")
}
