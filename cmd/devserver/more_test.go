package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver"
)

// shown returns the last line of a denial at the terminal, which is the command that tells more.
func shown(t *testing.T, n devserver.Denied) string {
	t.Helper()
	var b bytes.Buffer
	newTeller(&b).tell(n)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	command, ok := strings.CutPrefix(lines[len(lines)-1], "  more     ")
	if !ok {
		t.Fatalf("a denial by %s does not end with a command:\n%s", n.Rule, &b)
	}
	return command
}

// splitWords asks a real shell how it reads a command line.
func splitWords(t *testing.T, command string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+command).Output()
	if err != nil {
		t.Fatalf("the shell does not read %s: %v", command, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// explained runs a command line of explain and returns its status and the rule that it comes to.
func explained(t *testing.T, command string) (status int, rule, verdict string) {
	t.Helper()
	words := splitWords(t, command)
	if len(words) < 3 || words[0] != "devserver" || words[1] != "explain" {
		t.Fatalf("%s is no command of explain", command)
	}
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), append(words[1:], "--json"), nil, &stdout, &stderr)
	var said struct{ Rule, Verdict, Mode string }
	if err := json.Unmarshal(stdout.Bytes(), &said); err != nil {
		t.Fatalf("%s: status %d, %v: %s%s", command, status, err, &stdout, &stderr)
	}
	return status, said.Rule, said.Verdict
}

// denials are denials as a program brings them about: each rule, in the forms in which the terminal hears of it.
var denials = []struct {
	n    devserver.Denied
	want string // the command
}{
	{devserver.Denied{Rule: "billing", Network: "tcp", Destination: "db.example.com:5432", Under: devserver.JudgeOptions{NoBilling: true}}, "devserver explain --no-billing tcp db.example.com:5432"},
	{devserver.Denied{Rule: "billing", Network: "udp", Under: devserver.JudgeOptions{NoBilling: true}}, "devserver explain --no-billing --rule billing"},
	{devserver.Denied{Rule: "network", Network: "unix", Destination: "/run/it's here.sock"}, `devserver explain unix '/run/it'\''s here.sock'`},
	{devserver.Denied{Rule: "network", Network: "ip4:icmp", Destination: "10.0.0.1"}, "devserver explain ip4:icmp 10.0.0.1"},
	{devserver.Denied{Rule: "network", Network: "unix"}, "devserver explain --rule network"},
	{devserver.Denied{Rule: "listen", Network: "tcp", Destination: "0.0.0.0:9090"}, "devserver explain --rule listen"},
	{devserver.Denied{Rule: "listen", Network: "tcp"}, "devserver explain --rule listen"},
	{devserver.Denied{Rule: "bind", Network: "udp", Destination: "192.0.2.1:5353"}, "devserver explain --rule bind"},
	{devserver.Denied{Rule: "invalid", Network: "tcp", Destination: "127.1:80"}, "devserver explain tcp 127.1:80"},
	{devserver.Denied{Rule: "invalid", Network: "tcp", Destination: "it's\x1b[31m:80"}, "devserver explain --rule invalid"},
	{devserver.Denied{Rule: "invalid", Network: "tcp", Destination: strings.Repeat("a", 400)}, "devserver explain --rule invalid"},
	{devserver.Denied{Rule: "port25", Network: "tcp", Destination: "smtp.example.com:25"}, "devserver explain tcp smtp.example.com:25"},
	{devserver.Denied{Rule: "ftp", Network: "tcp", Destination: "93.184.216.34:21", Addr: "93.184.216.34"}, "devserver explain tcp 93.184.216.34:21"},
	{devserver.Denied{Rule: "unresolved", Network: "tcp", Destination: "nosuch.example:80"}, "devserver explain tcp nosuch.example:80 --answers ''"},
	{devserver.Denied{Rule: "unresolved"}, "devserver explain --rule unresolved"},
	{devserver.Denied{Rule: "unspecified", Network: "tcp", Destination: ":8080"}, "devserver explain tcp :8080"},
	{devserver.Denied{Rule: "loopback", Network: "udp", Destination: "[::1]:53", Addr: "::1"}, "devserver explain udp '[::1]:53'"},
	{devserver.Denied{Rule: "private", Network: "tcp", Destination: "10.0.0.1:443", Addr: "10.0.0.1"}, "devserver explain tcp 10.0.0.1:443"},
	{devserver.Denied{Rule: "private", Network: "tcp6", Destination: "db.example.com:5432", Addr: "fd00::7"}, "devserver explain tcp6 db.example.com:5432 --answers fd00::7"},
	{devserver.Denied{Rule: "private", Network: "tcp4", Destination: "db.example.com:5432", Addr: "fd00::7"}, "devserver explain --rule private"}, // a family that the network does not ask for
	{devserver.Denied{Rule: "linklocal", Network: "tcp", Destination: "metadata.example:80", Addr: "169.254.169.254"}, "devserver explain tcp metadata.example:80 --answers 169.254.169.254"},
	{devserver.Denied{Rule: "linklocal", Network: "tcp", Destination: "[fe80::1%eth0]:80", Addr: "fe80::1%eth0"}, "devserver explain tcp '[fe80::1%eth0]:80'"},
	{devserver.Denied{Rule: "multicast", Network: "udp", Destination: "224.0.0.251:5353", Addr: "224.0.0.251"}, "devserver explain udp 224.0.0.251:5353"},
	{devserver.Denied{Rule: "broadcast", Network: "udp", Destination: "255.255.255.255:9", Addr: "255.255.255.255"}, "devserver explain udp 255.255.255.255:9"},
	{devserver.Denied{Rule: "embedded", Network: "tcp", Destination: "[2002:a00:7::1]:443", Addr: "2002:a00:7::1"}, "devserver explain tcp '[2002:a00:7::1]:443'"},
	{devserver.Denied{Rule: "reserved", Network: "tcp", Destination: "192.0.2.1:443", Addr: "192.0.2.1"}, "devserver explain tcp 192.0.2.1:443"},
	{devserver.Denied{Rule: "google", Network: "tcp", Destination: "pop.gmail.com:465", Addr: "64.233.167.109"}, "devserver explain tcp pop.gmail.com:465 --answers 64.233.167.109"},
	{devserver.Denied{Rule: "google", Network: "tcp", Destination: "smtp.gmail.com:465", Addr: "64.233.167.109"}, "devserver explain tcp 64.233.167.109:465"}, // the name is allowed, the address was dialled
	{devserver.Denied{Rule: "quota", Network: "tcp", Destination: "93.184.216.34:443", Addr: "93.184.216.34"}, "devserver explain --rule quota"},
	{devserver.Denied{Rule: "descriptor", Network: "tcp", Destination: "93.184.216.34:443", Addr: "93.184.216.34"}, "devserver explain --rule descriptor"},
	{devserver.Denied{Rule: "option", Network: "tcp", Destination: "db.example.com:5432", Addr: "93.184.216.34"}, "devserver explain --rule option"},
	{devserver.Denied{Rule: "reclaimed", Network: "tcp", Destination: "db.example.com:5432", Addr: "93.184.216.34"}, "devserver explain --rule reclaimed"},
	{devserver.Denied{Rule: "deadline", Network: "tcp", Destination: "db.example.com:5432", Addr: "93.184.216.34", Report: true}, "devserver explain --rule deadline"},
}

// TestDenialsAreExplained holds that each denial ends with an explain command, and that this comes to the same rule.
func TestDenialsAreExplained(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tt := range denials {
		seen[tt.n.Rule] = true
		command := shown(t, tt.n)
		if command != tt.want {
			t.Errorf("%s %s by %s ends with %s, want %s", tt.n.Network, tt.n.Destination, tt.n.Rule, command, tt.want)
		}
		status, rule, verdict := explained(t, command)
		byItself := strings.Contains(command, "--rule")
		if rule != tt.n.Rule || byItself != (verdict == "") || !byItself && status != exitDenied || byItself && status != exitDone {
			t.Errorf("%s comes to %s (%s), status %d, want %s", command, rule, verdict, status, tt.n.Rule)
		}
	}
	for _, r := range devserver.Rules() {
		if !r.Allows() && !seen[string(r)] {
			t.Errorf("no denial by %s is looked at", r)
		}
	}
}

// TestDenialsUnderOwnRules holds that the command judges by the rules that the app ran under: a profile of the user's
// own, and a devserver.yaml.
func TestDenialsUnderOwnRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"my profile.yaml": "rules: {public: {source: none}, private: report}\n",
		"devserver.yaml":  "profile: my profile.yaml\nrules: {ftp: report}\nbilling: false\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	profile, config := filepath.Join(dir, "my profile.yaml"), filepath.Join(dir, "devserver.yaml")
	for _, tt := range []struct {
		n       devserver.Denied
		verdict string
	}{
		{devserver.Denied{Rule: "private", Report: true, Network: "tcp", Destination: "10.0.0.1:443", Under: devserver.JudgeOptions{Profile: profile}}, "report"},
		{devserver.Denied{Rule: "billing", Network: "tcp", Destination: "10.0.0.1:443", Under: devserver.JudgeOptions{Config: config}}, "deny"},
		{devserver.Denied{Rule: "quota", Network: "tcp", Under: devserver.JudgeOptions{Config: config, Profile: profile}}, ""},
	} {
		command := shown(t, tt.n)
		if _, rule, verdict := explained(t, command); rule != tt.n.Rule || verdict != tt.verdict {
			t.Errorf("%s comes to %s (%s), want %s (%s)", command, rule, verdict, tt.n.Rule, tt.verdict)
		}
	}
	gone := devserver.Denied{Rule: "private", Network: "tcp", Destination: "10.0.0.1:443", Under: devserver.JudgeOptions{Config: filepath.Join(dir, "gone.yaml")}}
	if command := shown(t, gone); !strings.HasSuffix(command, "gone.yaml --rule private") {
		t.Errorf("with a devserver.yaml that is gone: %s", command)
	}
}

func TestFromHere(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ in, want string }{
		{"appengine-php", "appengine-php"},
		{"mine.yaml", "mine.yaml"},
		{here + "/devserver.yaml", "devserver.yaml"},
		{here + "/profiles/mine", "./profiles/mine"},
		{here + "/mine", "./mine"}, // mine alone would be the name of a profile
		{filepath.Dir(here) + "/devserver.yaml", filepath.Dir(here) + "/devserver.yaml"},
	} {
		if got := fromHere(tt.in); got != tt.want {
			t.Errorf("fromHere(%s) = %s, want %s", tt.in, got, tt.want)
		}
	}
}
