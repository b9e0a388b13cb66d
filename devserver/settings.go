package devserver

import (
	"cmp"
	"time"
)

// The defaults of settings.
const (
	defaultWaitLimit = 30 * time.Second
	defaultDrain     = 30 * time.Second
)

// settings are how one app is built, served and swapped: those of Options, and what devserver.yaml says of the app.
type settings struct {
	buildFlags []string
	noReload   bool
	serveOld   bool          // requests that arrive during a build get the version before
	waitLimit  time.Duration // how long a request waits for a version
	drain      time.Duration // how long an old version may finish its requests
	liveReload bool          // browsers load pages again after a swap
	tls        bool          // the front proxy speaks HTTPS
	debug      string        // where Delve listens, HOST:PORT; "": no debugger
}

// settings are those that hold for every app.
func (o *Options) settings() settings {
	return settings{
		buildFlags: o.BuildFlags, noReload: o.NoReload, serveOld: o.OnBuild == "serve-old",
		waitLimit: cmp.Or(o.WaitLimit, defaultWaitLimit), drain: cmp.Or(o.Drain, defaultDrain),
		liveReload: o.LiveReload, tls: o.TLS, debug: o.Debug,
	}
}
