package main

import (
	"context"
	"database/sql/driver"
	"os"
	"runtime"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func dsn(host string) string {
	if os.Getenv("POSTGRES") != "" {
		host = os.Getenv("POSTGRES")
	}
	return "postgres://app@" + host + "/postgres?sslmode=disable&connect_timeout=20"
}

const sum = "select 40 + 2"

func init() {
	way("pgx", func(ctx context.Context) (n any, err error) {
		conn, err := pgx.Connect(ctx, dsn("db.example.com:5432")) // pgx
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, sum).Scan(&n)
		return n, err
	})
	way("sql", func(ctx context.Context) (n any, err error) {
		err = db.QueryRowContext(ctx, sum).Scan(&n) // sql
		return n, err
	})
	way("opener", opened)
	way("pool", func(ctx context.Context) (n any, err error) {
		err = pool.QueryRow(ctx, sum).Scan(&n) // pool
		return n, err
	})
	way("warm", func(ctx context.Context) (n any, err error) {
		for warm.Stat().IdleConns() == 0 {
			runtime.Gosched()
		}
		err = warm.QueryRow(ctx, sum).Scan(&n)
		return n, err
	})
}

// opened has the one connection of the pool replaced while another goroutine waits for it, which is the opener's work.
func opened(ctx context.Context) (n any, err error) {
	conn, err := db.Conn(ctx) // held
	if err != nil {
		return nil, err
	}
	before := db.Stats().WaitCount
	done := make(chan error)
	go func() { done <- db.QueryRowContext(ctx, sum).Scan(&n) }()
	for db.Stats().WaitCount == before {
		runtime.Gosched()
	}
	conn.Raw(func(any) error { return driver.ErrBadConn })
	err = <-done
	return n, err
}
