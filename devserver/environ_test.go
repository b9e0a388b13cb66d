package devserver

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// TestEnvFolder: a folder .env, as Python has its environments in, is no file with variables; one that env_file names is a mistake.
func TestEnvFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, dotEnv), 0o700); err != nil {
		t.Fatal(err)
	}
	found := &project.App{Dir: dir}
	named, env, _, err := environ([]string{"A=1"}, found, new(project.Config), new(project.Settings))
	if err != nil || len(named) != 0 || !slices.Equal(env, []string{"A=1"}) {
		t.Errorf("environ = %v, %v, %v, want that of the process", named, env, err)
	}
	config := filepath.Join(dir, project.ConfigName)
	if err := os.WriteFile(config, []byte("env_file: .env\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := project.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err = environ(nil, found, c, new(project.Settings)); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("with env_file: %v", err)
	}
}
