package devserver

import (
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/project"
	"github.com/seed-d81df0db/devserver/devserver/watch"
)

// said returns who of devserver.yaml says a key for an app: the app itself, else the top; nil when neither does, or when
// the user gave the flag.
func (o *Options) said(flag string, given bool, c *project.Config, a *project.Settings) *project.Settings {
	if flag != "" && o.has(flag, given) {
		return nil
	}
	return saysKey(keyOf(flag), c, a)
}

func saysKey(key string, c *project.Config, a *project.Settings) *project.Settings {
	for _, s := range []*project.Settings{a, &c.Settings} {
		if s.Has(key) {
			return s
		}
	}
	return nil
}

// settingsOf are how an app is built, served and swapped: flags win over what devserver.yaml says of the app, and that
// wins over what it says of all apps.
func (o *Options) settingsOf(c *project.Config, a *project.Settings) (settings, error) {
	s := o.settings()
	if by := o.said("build-flags", len(o.BuildFlags) > 0, c, a); by != nil {
		s.buildFlags = by.BuildFlags
	}
	if by := o.said("on-build", o.OnBuild != "", c, a); by != nil {
		s.serveOld = by.OnBuild == "serve-old"
	}
	if by := o.said("debug", o.Debug != "", c, a); by != nil {
		s.debug = by.Debug
	}
	limit := func(flag string, given time.Duration, of func(*project.Settings) *time.Duration, to *time.Duration) {
		if by := o.said(flag, given != 0, c, a); by != nil {
			*to = *of(by)
		}
	}
	limit("wait-limit", o.WaitLimit, func(s *project.Settings) *time.Duration { return s.WaitLimit }, &s.waitLimit)
	limit("drain", o.Drain, func(s *project.Settings) *time.Duration { return s.Drain }, &s.drain)
	if by := o.said("no-reload", o.NoReload, c, a); by != nil {
		s.noReload = !*by.Reload
	}
	if by := o.said("live-reload", o.LiveReload, c, a); by != nil {
		s.liveReload = *by.LiveReload
	}
	if by := o.said("tls", o.TLS, c, a); by != nil {
		s.tls = *by.TLS
	}
	var err error
	s.assets, err = assetsOf(c, a)
	return s, err
}

// assetsOf are the keys assets and watch.
func assetsOf(c *project.Config, a *project.Settings) (watch.Assets, error) {
	var all watch.Assets
	if by := saysKey("assets.templates", c, a); by != nil {
		all.Templates = watch.Action(by.Templates)
	}
	if by := saysKey("assets.static", c, a); by != nil {
		all.Static = watch.Action(by.Static)
	}
	if by := saysKey("watch.extra", c, a); by != nil {
		all.Extra = by.Extra
	}
	if by := saysKey("watch.ignore", c, a); by != nil {
		all.Ignore = by.Ignore
	}
	err := all.Check()
	if err == nil {
		return all, nil
	}
	key, _, _ := strings.Cut(err.Error(), ":")
	if by := saysKey(key, c, a); by != nil {
		err = &project.FileError{Position: by.At(key), Message: err.Error()}
	}
	return all, err
}
