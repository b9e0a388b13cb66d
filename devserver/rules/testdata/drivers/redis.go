package main

import (
	"context"
	"os"

	"github.com/redis/go-redis/v9"
)

// newRedis makes a client that gives up at the first error, so that a test need not wait for its retries.
func newRedis() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS"), MaxRetries: -1, DialerRetries: 1})
}

func init() {
	way("redis", func(ctx context.Context) (any, error) {
		if err := cache.Set(ctx, "greeting", "hello", 0).Err(); err != nil { // redis
			return nil, err
		}
		return cache.Get(ctx, "greeting").Result()
	})
}
