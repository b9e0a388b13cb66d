package main

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func init() {
	drivers["pgxpool"] = new(pgxPool)
	drivers["pgxconn"] = new(pgxConn)
	drivers["pgxsql"] = &database{driver: "pgx", dsn: postgresURL}
}

func postgresURL(addr string) string { return "postgres://app@" + addr + "/postgres?sslmode=disable" }

const sum = "select 40 + 2"

// A querier is a pool or a connection of pgx.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func query(ctx context.Context, q querier) error {
	var n int
	if err := q.QueryRow(ctx, sum).Scan(&n); err != nil {
		return err
	}
	return wrong(n, 42)
}

// pgxPool is pgx's own pool.
type pgxPool struct{ *pgxpool.Pool }

func (d *pgxPool) open(ctx context.Context, addr string) (err error) {
	d.Pool, err = pgxpool.New(ctx, postgresURL(addr))
	return err
}

func (d *pgxPool) use(ctx context.Context) error { return query(ctx, d) }

// pgxConn is one connection that the app holds.
type pgxConn struct{ *pgx.Conn }

func (d *pgxConn) open(ctx context.Context, addr string) (err error) {
	d.Conn, err = pgx.Connect(ctx, postgresURL(addr))
	return err
}

func (d *pgxConn) use(ctx context.Context) error { return query(ctx, d) }

// database is a driver of database/sql.
type database struct {
	driver string
	dsn    func(addr string) string
	*sql.DB
}

func (d *database) open(_ context.Context, addr string) (err error) {
	d.DB, err = sql.Open(d.driver, d.dsn(addr))
	return err
}

func (d *database) use(ctx context.Context) error {
	var n int
	if err := d.QueryRowContext(ctx, sum).Scan(&n); err != nil {
		return err
	}
	return wrong(n, 42)
}
