// Package project reads what the user's folder says: devserver.yaml, app.yaml, and which app lies in it.
package project

import (
	"errors"
	"net/netip"
)

// ConfigName is the file that Find looks for.
const ConfigName = "devserver.yaml"

// Position is a place in a file. Line and Column count from 1.
type Position struct {
	File         string
	Line, Column int
}

// Config is a devserver.yaml. Its zero value is that of a project without one.
type Config struct {
	File     string // absolute; "" when there is none
	Standins []Standin
	Apps     []AppConfig
}

// AppConfig is one entry of apps.
type AppConfig struct {
	Name string            // "": the folder's base
	Path string            // absolute
	Addr string            // host:port; "" takes the flag's
	Env  map[string]string // added to the app's environment
}

// Standin is a local peer that serves a production address while developing.
type Standin struct {
	Host    string     // production's host name or literal address; "": Local may be reached as it is
	Port    uint16     // production's port; 0 with Host ""
	Address netip.Addr // what Host resolves to in production; invalid when not given
	Local   string     // loopback host:port; "" with Builtin
	Builtin string     // echo, whois or smtp: a peer that devserver serves itself
	Label   string     // what the recording says: 127.0.0.1:5432 or builtin:whois
}

// Locate reads the file that --config names or, when that is empty, the devserver.yaml nearest to dir, looked for
// in dir and in the folders above it up to the module's root. Without one it returns an empty Config.
func Locate(flag, dir string) (*Config, error) { return nil, errors.New("locate: being written") }

// Load reads a devserver.yaml.
func Load(file string) (*Config, error) { return nil, errors.New("load: being written") }

// ParseStandin reads a --standin flag: [PROD=]LOCAL.
func ParseStandin(s string) (Standin, error) { return Standin{}, errors.New("standin: being written") }

// MergeStandins returns those of the config with those of the flags, which win for the same production address.
func MergeStandins(config, flags []Standin) ([]Standin, error) {
	return nil, errors.New("standin: being written")
}
