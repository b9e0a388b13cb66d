package devserver

import (
	"cmp"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// The defaults of settings.
const (
	defaultWaitLimit   = 30 * time.Second
	defaultDrain       = 30 * time.Second
	defaultListenLimit = 5 * time.Second
)

// settings are how one app is built, served and swapped: those of Options, and what devserver.yaml says of the app.
type settings struct {
	buildFlags  []string
	noReload    bool
	serveOld    bool          // requests that arrive during a build get the version before
	waitLimit   time.Duration // how long a request waits for a version; 0: not at all
	drain       time.Duration // how long an old version may finish its requests; 0: it is ended at once
	liveReload  bool          // browsers load pages again after a swap
	tls         bool          // the front proxy speaks HTTPS
	debug       string        // where delve listens, HOST:PORT; "": no debugger
	assets      watch.Assets  // which files besides the code matter, and what a change of one asks for
	listenLimit time.Duration // until an app that has not accepted is said to be silent
}

// settings are those that hold for every app.
func (o *Options) settings() settings {
	return settings{
		buildFlags: o.BuildFlags, noReload: o.NoReload, serveOld: o.OnBuild == "serve-old",
		waitLimit: o.limit("wait-limit", o.WaitLimit, defaultWaitLimit), drain: o.limit("drain", o.Drain, defaultDrain),
		listenLimit: cmp.Or(o.listenLimit, defaultListenLimit), liveReload: o.LiveReload, tls: o.TLS, debug: o.Debug,
	}
}

// limit is what a flag says, or its default. A zero that the user wrote means none at all.
func (o *Options) limit(flag string, value, standard time.Duration) time.Duration {
	if value == 0 && (o.Set == nil || !o.Set(flag)) {
		return standard
	}
	return value
}
