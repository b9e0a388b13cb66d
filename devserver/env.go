package devserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/control"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
	"github.com/seed-d81df0db/devserver/runtime/wire"
)

// EnvOptions say under which rules a go command is put.
type EnvOptions struct {
	Dir       string // the app's folder; "": the current one
	Data      string // "": .devserver in Dir
	Profile   string
	Standins  []string
	NoBilling bool
	Config    string       // a devserver.yaml; "": the one found from Dir upwards
	Notify    func(Notice) // hears of the toolchain being made; nil: nobody does
}

// envPort is $PORT where no supervisor hands connections over: an ordinary listener on loopback.
const envPort = 8080

// Env returns the variables, KEY=VALUE, that put any go command, debugger or IDE under the rules: those of the patched
// Go, and the agent's. A program that runs with them records into the data directory; a devserver on it shows that
// at once, or brings it in when it starts.
func Env(ctx context.Context, o EnvOptions) ([]string, error) {
	run := Options{Dirs: []string{valueOr(o.Dir, ".")}, Profile: o.Profile, Standins: o.Standins, NoBilling: o.NoBilling, Config: o.Config}
	p, err := newPlan(ctx, &run)
	if err != nil {
		return nil, err
	}
	app := p.apps[0]
	notices := newNotifier(o.Notify)
	tool, err := toolchain.Ensure(ctx, toolchain.Config{Dir: app.project.Dir, Progress: func(step string, done, total int) {
		notices.tell(ToolchainProgress{Step: step, Done: done, Total: total})
	}})
	if err != nil {
		return nil, err
	}
	defer tool.Close()
	file, err := writeEnvConfig(app, valueOr(o.Data, p.data))
	if err != nil {
		return nil, err
	}
	vars := changedVars(os.Environ(), tool.Env(os.Environ()))
	return append(vars, "PORT="+fmt.Sprint(envPort), wire.Env+"="+file), nil
}

func valueOr(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// writeEnvConfig writes the agent's configuration. It stays: who knows when the variables are used.
func writeEnvConfig(app *plannedApp, data string) (string, error) {
	data, err := control.Prepare(data)
	if err != nil {
		return "", err
	}
	cfg := wire.Config{
		Version: wire.Version, App: app.name, Policy: *app.policy,
		JournalDir: filepath.Join(data, "journal"), JournalLimit: defaultJournalLimit, Port: envPort, Root: app.project.Module.Dir, UserPaths: app.project.UserPaths(),
	}
	if err := os.MkdirAll(cfg.JournalDir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	for _, s := range app.standins {
		if s.Local == "" {
			return "", usagef("stand-in for %s: %s is served by devserver run only; name an address on this machine", s.Production(), s.Label)
		}
	}
	if cfg.Standins, err = new(peers).standins(app.standins, nil); err != nil {
		return "", err
	}
	if cfg.IDs, err = touchPage(filepath.Join(data, "ids"), openIDs); err != nil {
		return "", err
	}
	if cfg.Usage, err = touchPage(filepath.Join(data, "usage-"+app.name), openUsage); err != nil {
		return "", err
	}
	file := filepath.Join(data, "env-"+app.name+".json")
	if err := control.WriteFile(file, cfg); err != nil {
		return "", fmt.Errorf("data directory: %w; choose another with --data", err)
	}
	return file, nil
}

// touchPage makes a page's file and returns its path.
func touchPage[P interface{ Close() error }](path string, open func(string) (P, error)) (string, error) {
	p, err := open(path)
	if err != nil {
		return "", err
	}
	return path, p.Close()
}

// changedVars are the variables of env that base does not have so.
func changedVars(base, env []string) []string {
	var vars []string
	for _, v := range env {
		if name, _, _ := strings.Cut(v, "="); !slices.Contains(base, v) || name == "PATH" {
			vars = append(vars, v)
		}
	}
	return vars
}
