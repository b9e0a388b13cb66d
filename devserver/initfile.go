package devserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// ConfigSchema is the JSON schema of devserver.yaml.
func ConfigSchema() []byte { return project.Schema() }

// Init writes a devserver.yaml with every key, commented out, and the apps below dir ("" is the current folder). It
// returns its path and the folders of the apps. A file that is there is replaced only by force.
func Init(ctx context.Context, dir string, force bool) (file string, apps []string, err error) {
	if dir == "" {
		dir = "."
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(abs, project.ConfigName)
	if _, err := os.Lstat(file); err == nil && !force {
		return "", nil, fmt.Errorf("%s is there already; --force writes it anew, and what it says is lost", project.Position{File: file})
	}
	if apps, err = project.Programs(ctx, project.Go{Tool: "go"}, dir); err != nil {
		return "", nil, err
	}
	return file, apps, writeNew(file, project.Sample(abs, apps), force)
}

// writeNew writes a file in one step. Without force it takes the place of none, also of one that came a moment ago.
func writeNew(file, text string, force bool) error {
	temp, err := os.CreateTemp(filepath.Dir(file), ".devserver-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if force {
		return os.Rename(temp.Name(), file)
	}
	if err := os.Link(temp.Name(), file); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; --force writes it anew, and what it says is lost", project.Position{File: file})
	} else if err != nil {
		return err
	}
	return nil
}
