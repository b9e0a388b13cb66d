package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// notInFile are flags of run that devserver.yaml does not say, and why.
var notInFile = map[string]string{
	"config":  "it names the file",
	"help":    "it is not about running",
	"no-keys": "it is about who sits at the terminal, not about the apps",
}

// TestEveryFlagHasAKey holds that devserver.yaml can say all that flags say.
func TestEveryFlagHasAKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "devserver.yaml")
	if err := os.WriteFile(file, []byte("zzzz: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"config", "--config", file}, nil, &stdout, &stderr); status != exitUsage {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	_, list, _ := strings.Cut(strings.TrimSpace(stderr.String()), "; it has ")
	keys := strings.Split(list, ", ")
	seen := 0
	newRun().Flags().VisitAll(func(f *pflag.Flag) {
		key := strings.ReplaceAll(strings.TrimPrefix(f.Name, "no-"), "-", "_")
		if notInFile[f.Name] == "" && !slices.Contains(keys, key) && !slices.Contains(keys, key+"s") {
			t.Errorf("--%s has no key in devserver.yaml, nor a reason in notInFile; the keys are %q", f.Name, keys)
		}
		seen++
	})
	if seen < 20 {
		t.Errorf("run has %d flags", seen)
	}
}
