package toolchain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
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
	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// stdEnv asks for Go's own tests: "all", or packages ("net net/http"). `make std-test` sets it; the tests take minutes.
const stdEnv = "DEVSERVER_STDTEST"

// stdPackages are those whose tests go through the hooks.
const stdPackages = "net net/http crypto/tls net/smtp net/rpc"

// TestStandardLibrary runs Go's own tests with the patched library: with the agent inert, and with the sandbox on in
// profile open, under which a program must not see any difference. Some of the tests send traffic elsewhere, so they
// run where there is nothing but a loopback interface.
func TestStandardLibrary(t *testing.T) {
	packages := strings.ReplaceAll(os.Getenv(stdEnv), "all", stdPackages)
	if packages == "" {
		t.Skip("takes minutes; " + stdEnv + "=all runs it")
	}
	alone := namespace(t)
	tc := realCopy(t, "")
	for _, tt := range []struct {
		name string
		env  []string
	}{
		{"inert", nil},
		{"open", []string{wire.Env + "=" + openConfig(t)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pkg := range strings.Fields(packages) {
				t.Run(pkg, func(t *testing.T) { stdTest(t, tc, alone, tt.env, pkg) })
			}
		})
	}
}

// TestEveryTarget compiles the patched library for every system and processor that the hooks tell apart.
func TestEveryTarget(t *testing.T) {
	if os.Getenv(stdEnv) == "" {
		t.Skip("takes minutes; " + stdEnv + "=all runs it")
	}
	for _, version := range []string{"", "go1.25.0", "go1.27.0"} {
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

// openConfig writes a configuration of the agent under which everything is let through and recorded.
func openConfig(t *testing.T) string {
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
		JournalDir: dir, IDs: ids, Usage: usage,
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

// stdTest runs the tests of one package. A test that fails with the user's own Go too says nothing about the patches.
func stdTest(t *testing.T, tc *Toolchain, alone, env []string, pkg string) {
	start := time.Now()
	failed, passed, output := goTest(t, tc, alone, env, pkg, "")
	t.Logf("%s: %d tests passed, %d failed in %v", pkg, passed, len(failed), time.Since(start).Round(time.Second))
	if passed == 0 {
		t.Fatalf("no test of %s passed:\n%s", pkg, output[""])
	}
	if len(failed) == 0 {
		return
	}
	own := &Toolchain{GOROOT: tc.Original}
	fails, _, _ := goTest(t, own, alone, nil, pkg, "^("+strings.Join(failed, "|")+")$")
	for _, name := range failed {
		if slices.Contains(fails, name) {
			t.Logf("%s fails with the unpatched Go as well", name)
		} else {
			t.Errorf("%s fails with the patched Go only:\n%s", name, output[name])
		}
	}
}

// goTest runs the package's tests in its own folder, where their files are. It returns the failed top-level tests,
// the number of passed ones, and what each printed; "" stands for the package.
func goTest(t *testing.T, tc *Toolchain, alone, env []string, pkg, only string) (failed []string, passed int, output map[string]string) {
	t.Helper()
	args := slices.Concat(alone, []string{tc.Go(), "test", "-short", "-count=1", "-timeout=10m", "-json"})
	if only != "" {
		args = append(args, "-run", only)
	}
	cmd := exec.Command(args[0], append(args[1:], ".")...)
	cmd.Dir = filepath.Join(tc.GOROOT, "src", filepath.FromSlash(pkg))
	cmd.Env = append(tc.Env(os.Environ()), env...)
	out, err := cmd.CombinedOutput() // its failure is told test by test
	output = make(map[string]string)
	state := make(map[string]string) // of each test; "run" when it never ended
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil { // the go command's own complaints
			e.Output = lines.Text() + "\n"
		}
		name, _, _ := strings.Cut(e.Test, "/")
		output[name] += e.Output
		switch {
		case e.Test != name || name == "":
		case slices.Contains([]string{"run", "pass", "fail", "skip"}, e.Action):
			state[name] = e.Action
		}
	}
	for _, name := range slices.Sorted(maps.Keys(state)) {
		if state[name] == "pass" {
			passed++
		} else if state[name] != "skip" {
			failed = append(failed, name)
		}
	}
	if err != nil && len(failed) == 0 && only == "" {
		t.Errorf("%s: %v:\n%s", pkg, err, output[""])
	}
	return failed, passed, output
}
