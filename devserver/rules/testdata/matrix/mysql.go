package main

import (
	"io"
	"log"

	"github.com/go-sql-driver/mysql"
)

func init() {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	drivers["mysql"] = &database{driver: "mysql", dsn: func(addr string) string { return "root@tcp(" + addr + ")/mysql" }}
}
