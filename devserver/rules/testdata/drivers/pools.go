package main

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
)

// The pools of the app, opened before it serves.
var (
	cache   *redis.Client
	db      *sql.DB
	pool    *pgxpool.Pool
	warm    *pgxpool.Pool
	channel *grpc.ClientConn
)

// open makes the pools and returns what closes them.
func open() (end func()) {
	var err error
	cache = newRedis()
	db, err = sql.Open("pgx", dsn("sql.example.com:5432")) // opener
	must(err)
	db.SetMaxOpenConns(1)
	pool, err = pgxpool.New(context.Background(), dsn("pool.example.com:5432"))
	must(err)
	warm, err = pgxpool.New(context.Background(), dsn("warm.example.com:5432")+"&pool_min_conns=1") // warm
	must(err)
	channel = newChannel()
	return func() {
		channel.Close()
		pool.Close()
		warm.Close()
		db.Close()
		cache.Close()
	}
}
