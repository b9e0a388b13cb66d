package devserver

import "github.com/seed-d81df0db/devserver/devserver/control"

// Instance is a running devserver: what it serves, and the changes one can ask of it.
type Instance = control.Instance

// ClockState is the sandbox's clock after a change.
type ClockState = control.ClockState

// ErrNotRunning says that no devserver runs, or none on the data directory asked for.
var ErrNotRunning = control.ErrNone

// Find returns the devserver that owns a data directory; with "" the only one that this user runs. When there are
// several, the error lists them and asks for --data.
func Find(data string) (*Instance, error) { return control.Find(data) }
