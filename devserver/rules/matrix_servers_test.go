package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	builtin "github.com/seed-d81df0db/devserver/devserver/peer"
	"github.com/seed-d81df0db/devserver/devserver/porttest"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// installed returns the path of a server's program, which a package of Debian brings. Debian keeps servers in folders
// that are not in everyone's PATH.
func installed(t *testing.T, program, debian string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program, "/usr/lib/rabbitmq/bin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	hooktest.Missing(t, program+" is not installed; Debian's package "+debian+" brings it")
	return ""
}

// mariadb starts a MariaDB server, whose user root needs no password, and returns its address.
func mariadb(t *testing.T) string {
	t.Helper()
	bin, install := installed(t, "mariadbd", "mariadb-server"), installed(t, "mariadb-install-db", "mariadb-server")
	dir := t.TempDir()
	as := unprivileged(t, dir)
	data := "--datadir=" + filepath.Join(dir, "data")
	create := exec.Command(install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db")
	create.Dir, create.SysProcAttr = dir, as
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	port := strconv.Itoa(porttest.Keep(t))
	cmd := exec.Command(bin, "--no-defaults", data, "--bind-address=127.0.0.1", "--port="+port, "--skip-name-resolve",
		"--socket=socket", "--pid-file=pid", "--innodb-buffer-pool-size=8M") // both in data, so that the socket's path is short
	cmd.Dir, cmd.SysProcAttr = dir, as
	spawn(t, cmd, "ready for connections", os.Kill)
	return "127.0.0.1:" + port
}

// rabbitmq starts a RabbitMQ server and returns its address. Erlang's own name server, without which it does not start,
// and the port for other nodes are on loopback ports of this test's; names are looked up in a file.
func rabbitmq(t *testing.T) string {
	t.Helper()
	bin, epmd := installed(t, "rabbitmq-server", "rabbitmq-server"), installed(t, "epmd", "rabbitmq-server")
	if real, err := filepath.EvalSymlinks(bin); err == nil && filepath.Base(real) == "rabbitmq-script-wrapper" {
		bin = "/usr/lib/rabbitmq/bin/rabbitmq-server" // the wrapper changes the user
	}
	dir := t.TempDir()
	names := filepath.Join(dir, "names")
	if err := os.WriteFile(names, []byte(`{lookup, [file]}. {host, {127,0,0,1}, ["localhost"]}.`), 0o600); err != nil {
		t.Fatal(err)
	}
	mapper, port := strconv.Itoa(porttest.Keep(t)), strconv.Itoa(porttest.Keep(t))
	run := exec.Command(epmd, "-address", "127.0.0.1", "-port", mapper, "-d")
	spawn(t, run, "epmd running", os.Kill)
	cmd := exec.Command(bin)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "ERL_INETRC=" + names, "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT=" + mapper,
		"RABBITMQ_NODENAME=rabbit@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + port,
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(porttest.Keep(t)), "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_MNESIA_BASE=" + dir, "RABBITMQ_LOGS=-", "RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "plugins"),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "none"), "RABBITMQ_CONF_ENV_FILE=" + filepath.Join(dir, "none"),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a script, the server, and its helpers
	t.Cleanup(func() {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	spawn(t, cmd, "Server startup complete", os.Kill)
	return "127.0.0.1:" + port
}

// nats starts a NATS server and returns its address.
func nats(t *testing.T) string {
	t.Helper()
	port := strconv.Itoa(porttest.Keep(t))
	cmd := exec.Command(installed(t, "nats-server", "nats-server"), "--addr", "127.0.0.1", "--port", port)
	cmd.Dir = t.TempDir()
	spawn(t, cmd, "Server is ready", os.Kill)
	return "127.0.0.1:" + port
}

// nameserver starts a DNS server that knows one name and asks nobody, and returns its address.
func nameserver(t *testing.T) string {
	t.Helper()
	port := strconv.Itoa(porttest.Keep(t))
	cmd := exec.Command(installed(t, "dnsmasq", "dnsmasq-base"), "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
		"--listen-address=127.0.0.1", "--bind-interfaces", "--port="+port, "--host-record=www.example.com,93.184.216.34", "--local=/#/",
		"--user=", "--pid-file=", "--log-facility=-")
	cmd.Dir = t.TempDir()
	spawn(t, cmd, "started, version", os.Kill)
	return "127.0.0.1:" + port
}

// mailbox serves builtin:smtp and returns its address.
func mailbox(t *testing.T) string {
	t.Helper()
	s, err := builtin.Start("smtp", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.Addr()
}

// half starts the half of testdata/matrix that serves a protocol.
func half(protocol string) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		return other(t, build(t, "matrix"), "serve", protocol)
	}
}
