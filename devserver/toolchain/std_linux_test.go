package toolchain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/runtime/agent"
	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/runtime/journal"
	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// stdEnv asks for Go's own tests: "all" runs them with every supported Go, as `make std-test` does; a list of packages
// ("net net/http") those of the go in PATH. They take minutes.
const stdEnv = "DEVSERVER_STDTEST"

// stdPackages are those whose tests go through the hooks.
const stdPackages = "net net/http crypto/tls net/smtp net/rpc"

// stdAsked returns the packages and the versions of Go to test.
func stdAsked(t *testing.T) (packages, versions []string) {
	t.Helper()
	switch asked := os.Getenv(stdEnv); asked {
	case "":
		t.Skip("takes minutes; " + stdEnv + "=all runs it")
	case "all":
		return strings.Fields(stdPackages), append([]string{""}, hooktest.Versions...)
	default:
		return strings.Fields(asked), []string{""}
	}
	return nil, nil
}

// TestStandardLibrary runs Go's own tests with the patched library: with the agent inert, and with the sandbox on in
// profile open, without capture and with it, under which a program must not see any difference. Some of the tests send
// traffic elsewhere, so they run where there is nothing but a loopback interface.
func TestStandardLibrary(t *testing.T) {
	packages, versions := stdAsked(t)
	alone := namespace(t)
	for _, version := range versions {
		tc := realCopy(t, version)
		for _, pkg := range packages {
			name := tc.GoVersion + "/" + pkg
			t.Run(name+"/inert", func(t *testing.T) { stdTest(t, tc, alone, nil, pkg, "") })
			for _, mode := range []struct {
				name    string
				capture sandbox.Capture
				skip    string
			}{{"open", sandbox.Capture{}, ""}, {"captured", sandbox.Capture{Limit: 1 << 20, Redact: []string{"cookie"}}, notCaptured}} {
				t.Run(name+"/"+mode.name, func(t *testing.T) {
					config := openConfig(t, mode.capture)
					stdTest(t, tc, alone, []string{wire.Env + "=" + config}, pkg, mode.skip)
					checkJournals(t, filepath.Dir(config))
				})
			}
		}
	}
}

// notCaptured are tests of what capture gives up: the kernel copies nothing past it, and each payload is a copy of its
// own.
const notCaptured = "^(Test.*Allocs|Test.*Sendfile.*|TestSplice.*)$"

// checkJournals makes sure that the sandbox was really on: it saw the tests' sockets, and denied nothing.
func checkJournals(t *testing.T, dir string) {
	t.Helper()
	names, err := journal.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[sandbox.Kind]int)
	for _, name := range names {
		r, err := journal.Open(dir, name, journal.Position{})
		if err != nil {
			t.Fatal(err)
		}
		r.WriterGone()
		batch := make([]sandbox.Event, 1000)
		for err == nil {
			var n int
			n, err = r.Next(batch)
			for _, e := range batch[:n] {
				seen[e.Kind]++
				if e.Kind == sandbox.KindDeny {
					t.Errorf("denied: %+v", e)
				}
			}
		}
		if err != io.EOF || r.Damaged() != 0 || r.Dropped() != 0 {
			t.Errorf("journal %s: %v, %d damaged, %d dropped", name, err, r.Damaged(), r.Dropped())
		}
		r.Close()
	}
	t.Logf("%d journals: %v", len(names), seen)
	for _, k := range []sandbox.Kind{sandbox.KindConnect, sandbox.KindSend, sandbox.KindReceive, sandbox.KindClose} {
		if seen[k] == 0 {
			t.Errorf("no %v event was recorded", k)
		}
	}
}

// TestEveryTarget compiles the patched library for every system and processor that the hooks tell apart.
func TestEveryTarget(t *testing.T) {
	_, versions := stdAsked(t)
	for _, version := range versions {
		tc, dir := realCopy(t, version), realAppDir(t)
		for _, target := range []string{"linux/amd64", "linux/arm64", "linux/386", "linux/riscv64", "darwin/arm64", "darwin/amd64"} {
			goos, goarch, _ := strings.Cut(target, "/")
			run(t, tc, dir, []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}, "go", "build", "-o", os.DevNull, ".")
		}
	}
}

// namespace returns the command that runs another one with a loopback interface only. Without the right to make
// such a place the test says so and skips.
func namespace(t *testing.T) []string {
	t.Helper()
	const up = `ip link set lo up && exec "$0" "$@"`
	var last error
	for _, flags := range []string{"-n", "-Urn"} { // root, or anyone whom the kernel lets be root of a namespace
		command := []string{"unshare", flags, "sh", "-c", up}
		out, err := exec.Command(command[0], append(command[1:], "true")...).CombinedOutput()
		if err == nil {
			return command
		}
		last = errors.New(err.Error() + ": " + strings.TrimSpace(string(out)))
	}
	t.Skipf("no right to make a network namespace, and without one these tests would send traffic elsewhere: %v", last)
	return nil
}

// openConfig writes a configuration of the agent under which everything is let through and recorded, and captured as
// capture says.
func openConfig(t *testing.T, capture sandbox.Capture) string {
	t.Helper()
	dir := t.TempDir()
	p, err := profile.Load("open")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := p.Policy()
	if err != nil {
		t.Fatal(err)
	}
	ids, usage := filepath.Join(dir, "ids"), filepath.Join(dir, "usage")
	for _, name := range []string{ids, usage} {
		if err := os.WriteFile(name, make([]byte, agent.SharedSize), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(wire.Config{
		Version: wire.Version, App: "std", Run: 1, Policy: *policy, Root: dir,
		JournalDir: dir, IDs: ids, Usage: usage, Capture: capture,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "agent.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stdTest runs the tests of one package: what passes with the user's own Go must pass. (One that is skipped now would
// be as bad as one that fails: net turns IPv6 off without a word when its probe is denied.) Some of them depend on how
// quickly the machine goes on, so that those that do not pass may try once more, by themselves.
func stdTest(t *testing.T, tc *Toolchain, alone, env []string, pkg, skip string) {
	own := &Toolchain{GOROOT: tc.Original}
	want, _ := goTest(t, own, alone, nil, pkg, ".", skip)
	start := time.Now()
	env = append(env, "GOFLAGS=-count=1") // what the agent read is unknown to the test cache
	got, output := goTest(t, tc, alone, env, pkg, ".", skip)
	if failed := failures(want, got); len(failed) > 0 {
		these := "."
		if names := slices.DeleteFunc(failed, func(name string) bool { return name == "" }); len(names) > 0 {
			these = "^(" + strings.Join(names, "|") + ")$"
		}
		again, said := goTest(t, tc, alone, env, pkg, these, skip)
		for _, name := range failures(want, got) {
			t.Logf("%s: %s: %q at first, then %q:\n%s", pkg, name, got[name], again[name], output[name])
			got[name], output[name] = again[name], said[name]
		}
	}
	for _, name := range failures(want, got) {
		t.Errorf("%s: %s: %q with the patched Go, while it passes with the user's:\n%s", pkg, name, got[name], output[name])
	}
	passed := 0
	for name := range want {
		if name != "" && got[name] == "pass" {
			passed++
		}
	}
	t.Logf("%s: %d tests passed, of %d that are there, in %v", pkg, passed, len(want), time.Since(start).Round(time.Second))
	if passed == 0 {
		t.Errorf("%s as a whole: %q:\n%s", pkg, got[""], output[""])
	}
}

// failures are the tests that passed and do not pass now, and "" for the package.
func failures(want, got map[string]string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if want[name] == "pass" && got[name] != "pass" {
			names = append(names, name)
		}
	}
	return names
}

// goTest runs those of the package's tests that match these and not skip, in its own folder, where their files are. It
// returns how each top-level test ended (pass, fail, skip, or run when it did not end) and what it printed; "" stands for
// the package.
func goTest(t *testing.T, tc *Toolchain, alone, env []string, pkg, these, skip string) (ended, output map[string]string) {
	t.Helper()
	args := slices.Concat(alone, []string{tc.Go(), "test", "-short", "-timeout=10m", "-json", "-run=" + these, "-skip=" + skip, "."})
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Join(tc.GOROOT, "src", filepath.FromSlash(pkg))
	cmd.Env = append(tc.Env(os.Environ()), env...)
	out, _ := cmd.CombinedOutput() // the lines tell how it ended
	ended, output = make(map[string]string), make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil { // the go command's own complaints
			e.Output = lines.Text() + "\n"
		}
		name, _, _ := strings.Cut(e.Test, "/")
		output[name] += e.Output
		if e.Test == name && slices.Contains([]string{"run", "pass", "fail", "skip"}, e.Action) {
			ended[name] = e.Action
		}
	}
	return ended, output
}
