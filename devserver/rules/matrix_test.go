package rules

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write what the drivers did into docs/drivers.md")

// A library is a row of the matrix: what testdata/matrix uses by the name of word, and the server that it talks to.
type library struct {
	word   string
	title  string // in the document
	module string // in testdata/matrix/go.mod; "" for the standard library
	port   string // of production
	serve  func(t *testing.T) string
	server string // in the document
	denied string // the address that is denied; "" is the server's own, on loopback
	keep   string // network of the connection that the library keeps in use when it is told to; "" when it cannot
	every  bool   // with every change; the others with make soak
}

// libraries are all rows in the order of the document. Those of every change need no server that .ci/run does not
// install for other tests.
var libraries = []library{
	{word: "redis", title: "go-redis", module: "github.com/redis/go-redis/v9", port: "6379", serve: redis, server: "redis-server", every: true},
	{word: "pgxpool", title: "pgx: pgxpool", module: "github.com/jackc/pgx/v5", port: "5432", serve: postgres, server: "PostgreSQL", every: true},
	{word: "pgxsql", title: "pgx: database/sql", module: "github.com/jackc/pgx/v5", port: "5432", serve: postgres, server: "PostgreSQL", every: true},
	{word: "pgxconn", title: "pgx: one Conn", module: "github.com/jackc/pgx/v5", port: "5432", serve: postgres, server: "PostgreSQL", every: true},
	{word: "mysql", title: "go-sql-driver/mysql", module: "github.com/go-sql-driver/mysql", port: "3306", serve: mariadb, server: "MariaDB"},
	{word: "amqp", title: "amqp091-go", module: "github.com/rabbitmq/amqp091-go", port: "5672", serve: rabbitmq, server: "RabbitMQ", keep: "tcp"},
	{word: "nats", title: "nats.go", module: "github.com/nats-io/nats.go", port: "4222", serve: nats, server: "nats-server", keep: "tcp"},
	{word: "grpc", title: "grpc-go", module: "google.golang.org/grpc", port: "443", serve: half("grpc"), server: "its own server", keep: "tcp", every: true},
	{word: "websocket", title: "gorilla/websocket", module: "github.com/gorilla/websocket", port: "80", serve: half("websocket"), server: "its own server"},
	{word: "smtp", title: "net/smtp", port: "587", serve: mailbox, server: "builtin:smtp", denied: "app.example.com:25"},
	{word: "dns", title: "miekg/dns: Client", module: "github.com/miekg/dns", port: "53", serve: nameserver, server: "dnsmasq"},
	{word: "dnsconn", title: "miekg/dns: one Conn", module: "github.com/miekg/dns", port: "53", serve: nameserver, server: "dnsmasq"},
	{word: "quic", title: "quic-go", module: "github.com/quic-go/quic-go", port: "443", serve: half("quic"), server: "its own server", keep: "udp", every: true},
}

// TestMatrix runs the libraries that every change is tested with, unmodified, in each situation, and compares what
// they did with docs/drivers.md.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, l := range libraries {
		if l.every {
			t.Run(l.word, l.run)
		}
	}
}

// TestSoakMatrix runs them all: make soak.
func TestSoakMatrix(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("needs servers that few machines have; make soak runs it")
	}
	t.Parallel()
	for _, l := range libraries {
		t.Run(l.word, l.run)
	}
}
