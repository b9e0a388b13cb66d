package devserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/delve/delvetest"
)

// TestEnvDelve: with the variables of Env, dlv debug and dlv test build a program by the patched Go, stop it at a
// breakpoint, and its sockets are judged.
func TestEnvDelve(t *testing.T) {
	t.Parallel()
	dlv := delvetest.Dlv(t)
	s := newSite(t, map[string]string{
		"main.go": "package main\n\nimport (\n\t\"fmt\"\n\t\"net\"\n)\n\nfunc main() {\n\terr := dial()\n\tfmt.Println(err)\n}\n\n" +
			"func dial() error {\n\t_, err := net.Dial(\"tcp\", \"10.0.0.1:80\")\n\treturn err\n}\n",
		"main_test.go": "package main\n\nimport \"testing\"\n\nfunc TestDial(t *testing.T) {\n\terr := dial()\n\tt.Fatal(err)\n}\n",
		"debug":        "break main.go:10\ncontinue\nlocals\ncontinue\nexit\n",
		"test":         "break main_test.go:7\ncontinue\nlocals\ncontinue\nexit\n",
	})
	vars, err := Env(t.Context(), EnvOptions{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"debug", "test"} {
		cmd := exec.Command(dlv, how, "--allow-non-terminal-interactive=true", "--init", filepath.Join(s.dir, how), "--output", filepath.Join(t.TempDir(), "program"), ".")
		cmd.Dir, cmd.Env = s.dir, append(os.Environ(), vars...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("dlv %s: %v\n%s", how, err, out)
		}
		for _, want := range []string{"=>", "err = error(*net.OpError)", "dial tcp 10.0.0.1:80: connect: permission denied"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("dlv %s does not say %q:\n%s", how, want, out)
			}
		}
	}
}
