package rules

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestDrivers runs an app that uses go-redis, pgx and grpc, unmodified, against a Redis, a PostgreSQL and a gRPC server.
func TestDrivers(t *testing.T) {
	t.Parallel()
	cache, db, channel := redis(t), postgres(t), grpc(t)
	t.Run("standins", func(t *testing.T) {
		t.Parallel()
		driversServed(t, cache, db, channel)
	})
	t.Run("denied", func(t *testing.T) {
		t.Parallel()
		driversDenied(t, cache, db, channel)
	})
}

// grpc starts the other half of drivers, which answers health checks, and returns its address.
func grpc(t *testing.T) string {
	t.Helper()
	return other(t, build(t, "drivers"), "serve")
}

// other runs the half of a program that serves, until the test's end, and returns the address that it prints.
func other(t *testing.T, bin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(bin, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func driversServed(t *testing.T, cache, db, channel string) {
	r := run{Env: []string{"REDIS=cache.example.com:6379", "GRPC=grpc.example.com:443"}}
	r.Standins = append(standin("cache.example.com:6379", cache), standin("grpc.example.com:443", channel)...)
	for _, name := range []string{"db", "sql", "pool", "warm"} {
		r.Standins = append(r.Standins, standin(name+".example.com:5432", db)...)
	}
	got := ask(t, "drivers", r, "/redis", "/pgx", "/sql", "/opener", "/pool", "/warm", "/grpc")
	wantLines(t, got, "/redis hello", "/pgx 42", "/sql 42", "/opener 42", "/pool 42", "/warm 42", "/grpc SERVING")
	hosts := got.opened()
	at := func(file, mark string) string { return marked(t, "drivers/"+file, mark) }
	wantOpened(t, hosts["cache.example.com"], "Redis", opened{Path: "/redis", Site: at("redis.go", "redis")})
	wantOpened(t, hosts["db.example.com"], "pgx", opened{Path: "/pgx", Site: at("postgres.go", "pgx")})
	wantOpened(t, hosts["pool.example.com"], "pgxpool", opened{Path: "/pool", Site: at("postgres.go", "pool")})
	// What a pool opens for itself belongs to no request, and the line that made the pool led to it.
	wantOpened(t, hosts["sql.example.com"], "database/sql", opened{Path: "/sql", Site: at("postgres.go", "sql")},
		opened{Site: at("pools.go", "opener")})
	wantOpened(t, hosts["warm.example.com"], "a pool that opens by itself", opened{Site: at("pools.go", "warm")})
	wantOpened(t, hosts["grpc.example.com"], "grpc", opened{Site: at("grpc.go", "channel")})
	for _, e := range got.of(sandbox.KindDeny) {
		// grpc shows options of its connections on a page of its own (channelz) and goes on without those it cannot get.
		if e.Rule != sandbox.RuleOption || !strings.Contains(e.Detail, "Getting ") {
			t.Errorf("denial %+v, want none", e)
		}
	}
	for host, sockets := range hosts {
		for _, s := range sockets {
			if s.sends == 0 {
				t.Errorf("nothing was sent to %s over socket %d", host, s.id)
			}
		}
	}
}

// driversDenied tells the same app the addresses of the servers themselves.
func driversDenied(t *testing.T, cache, db, channel string) {
	got := ask(t, "drivers", run{Env: []string{"REDIS=" + cache, "POSTGRES=" + db, "GRPC=" + channel}}, "/redis", "/pgx", "/sql", "/pool")
	const no = " error: OpError true, EACCES true"
	wantLines(t, got, "/redis"+no, "/pgx"+no, "/sql"+no, "/pool"+no)
	denied := map[string]bool{}
	for _, sockets := range got.opened() {
		for _, s := range sockets {
			if s.denied > 0 {
				denied[s.Path+" "+s.Site] = true
			}
		}
	}
	for _, want := range []string{
		"/redis " + marked(t, "drivers/redis.go", "redis"), "/pgx " + marked(t, "drivers/postgres.go", "pgx"),
		"/sql " + marked(t, "drivers/postgres.go", "sql"), "/pool " + marked(t, "drivers/postgres.go", "pool"),
	} {
		if !denied[want] {
			t.Errorf("no denial of %s among %v", want, denied)
		}
	}
	for _, e := range got.Events {
		switch {
		case e.Kind == sandbox.KindDeny && e.Rule != sandbox.RuleLoopback:
			t.Errorf("denied by %s, want loopback: %+v", e.Rule, e)
		case e.Info != nil && e.Kind == sandbox.KindConnect && (e.Info.Remote == cache || e.Info.Remote == db):
			t.Errorf("reached %s", e.Info.Remote)
		}
	}
}
