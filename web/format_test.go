package web

import (
	"testing"
	"time"
)

func TestLengths(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 s", 850: "850 ns", 85 * time.Microsecond: "85 µs", 1200 * time.Microsecond: "1.2 ms", 31 * time.Millisecond: "31 ms", 410 * time.Millisecond: "0.41 s",
		6100 * time.Millisecond: "6.1 s", 9990 * time.Millisecond: "10 s", 14 * time.Second: "14 s", 126 * time.Second: "2 min 6 s", 2 * time.Minute: "2 min", 200 * time.Minute: "3 h 20 min",
		52 * time.Hour: "2 d 4 h", 59*time.Second + 600*time.Millisecond: "1 min", -2 * time.Second: "−2 s", 1<<63 - 1: "106751 d 23 h", -1 << 63: "−106751 d 23 h",
	} {
		if got := length(d); got != want {
			t.Errorf("length(%v) = %q, want %q", d, got, want)
		}
	}
	if got := coarse(-time.Hour); got != "0 s" {
		t.Errorf("coarse(-1h) = %q", got)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 412: "412 B", 999: "999 B", 1000: "1.0 kB", 18_400: "18.4 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1 << 40: "1.1 TB", 1<<63 - 1: "9.2 EB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 3686400: "3,686,400", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, remote, want string }{
		{"", "10.0.0.7:443", "10.0.0.7:443"},
		{"db.example.com", "93.184.216.34:5432", "db.example.com:5432"},
		{"db.example.com:5432", "", "db.example.com:5432"},
		{"db.example.com", "", "db.example.com"},
		{"", "", ""},
		{"::1", "[::1]:80", "[::1]:80"},
	} {
		if got := destination(tt.host, tt.remote); got != tt.want {
			t.Errorf("destination(%q, %q) = %q, want %q", tt.host, tt.remote, got, tt.want)
		}
	}
}

func TestExplainCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		app                    App
		network, address, want string
	}{
		{App{Profile: "appengine"}, "tcp", "10.0.0.7:443", "devserver explain tcp 10.0.0.7:443"},
		{App{Profile: "./my profile.yaml"}, "udp", "[::1]:53", "devserver explain --profile './my profile.yaml' udp '[::1]:53'"},
		{App{}, "tcp", "$(rm -rf ~)'", `devserver explain tcp '$(rm -rf ~)'\'''`},
		{App{}, "unix", "", "devserver explain unix ''"},
		{App{}, "", "db:1", "devserver explain tcp db:1"},
		{App{}, "tcp", "-h", "devserver explain -- tcp -h"},
		{App{Profile: "mine", ExplainFlags: []string{"--config", "/a b/devserver.yaml", "--no-billing"}}, "tcp", "db:1", "devserver explain --config '/a b/devserver.yaml' --no-billing tcp db:1"},
		{App{Profile: "mine", ExplainFlags: []string{}}, "tcp", "db:1", "devserver explain tcp db:1"},
	} {
		if got := explainCommand(tt.app, tt.network, tt.address); got != tt.want {
			t.Errorf("explainCommand(%q, %q, %q) = %s, want %s", tt.app.Profile, tt.network, tt.address, got, tt.want)
		}
	}
}
