package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// A goInfo is what the user's go command says of itself.
type goInfo struct {
	Command    string `json:"-"` // the go in PATH, which may have chosen another by go.mod
	GOROOT     string
	GOVERSION  string
	GOHOSTOS   string
	GOHOSTARCH string
	GOCACHE    string
}

// findGo asks the go command in PATH which Go it uses in dir. Inside of an environment that is already ours
// (a shell with `devserver env`) it is the Go that our copy was made from.
func findGo(ctx context.Context, dir string) (*goInfo, error) {
	command, err := exec.LookPath("go")
	if err != nil {
		return nil, errors.New("there is no go command in PATH; install Go 1.25 or newer (https://go.dev/dl), or add its bin folder to PATH")
	}
	g := &goInfo{Command: command}
	cmd := interruptible(exec.CommandContext(ctx, command, "env", "-json", "GOROOT", "GOVERSION", "GOHOSTOS", "GOHOSTARCH", "GOCACHE"))
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s env: %s", command, firstNonEmpty(strings.TrimSpace(stderr.String()), err.Error()))
	}
	if err := json.Unmarshal(out, g); err != nil || g.GOROOT == "" {
		return nil, fmt.Errorf("%s env: cannot read its answer %q (%v); is it Go's own go command?", command, out, err)
	}
	if m, err := readManifest(g.GOROOT); err == nil {
		g.GOROOT = m.GOROOT
	}
	return g, nil
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// interruptible lets a go command that is cancelled remove its temporary files. It is in a group of its own, so that a
// Ctrl-C on the terminal reaches it by its context alone: its failure is never taken for an error of the build.
func interruptible(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second // then it is killed
	return cmd
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// copyName names the copy of this Go for an agent version. Two Gos of one version in different folders have each
// their own, for the tools are links; and so has one that a package manager replaced where it stands.
func (g *goInfo) copyName(agent string) string {
	version, _, _ := strings.Cut(g.GOVERSION, " ")
	h := sha256.New()
	fmt.Fprintln(h, g.GOROOT)
	file := filepath.Join(g.GOROOT, "VERSION")
	if info, err := os.Stat(file); err == nil {
		fmt.Fprintln(h, info.ModTime().UnixNano())
	}
	text, _ := os.ReadFile(file) // absent in a Go built from source without one: nothing to tell apart then
	h.Write(text)
	return unsafeInName.ReplaceAllString(version, "_") + "-" + agent + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}
