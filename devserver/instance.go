package devserver

import (
	"path/filepath"

	"github.com/seed-d81df0db/devserver/devserver/control"
	"github.com/seed-d81df0db/devserver/devserver/toolchain"
)

// Instance is a running devserver: what it serves, and the changes one can ask of it.
type Instance = control.Instance

// ClockState is the sandbox's clock, as it is or after a change.
type ClockState = control.ClockState

// The borders to which an Instance's AdvanceTo moves the clock.
const (
	ToMinute   = control.Minute
	ToMidnight = control.Midnight
)

// ErrNotRunning says that no devserver runs, or none on the data directory asked for.
var ErrNotRunning = control.ErrNone

// Find returns the devserver that owns a data directory; with "" the only one that this user runs. When there are
// several, the error lists them and asks for --data.
func Find(data string) (*Instance, error) {
	registry, err := registry()
	if err != nil && data == "" {
		return nil, err
	}
	return control.Find(data, registry)
}

// registry is the folder in which this user's running devservers are noted.
func registry() (string, error) {
	cache, err := toolchain.CacheDir()
	return filepath.Join(cache, "instances"), err
}
