package delve

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrMissing says that there is no dlv.
var ErrMissing = errors.New("delve (dlv) is not installed; go install github.com/go-delve/delve/cmd/dlv@latest")

// Find returns the path of dlv: that in PATH, else the one that go install has put where PATH does not lead. The error is
// ErrMissing.
func Find(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("dlv"); err == nil {
		return filepath.Abs(path)
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		return "", ErrMissing
	}
	bin, paths, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	folders := []string{bin}
	for _, dir := range filepath.SplitList(paths) {
		folders = append(folders, filepath.Join(dir, "bin"))
	}
	for _, dir := range folders {
		if path, err := exec.LookPath(filepath.Join(dir, "dlv")); dir != "" && err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}
