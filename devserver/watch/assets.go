package watch

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Action is what a changed file asks for that is no code.
type Action string

// The actions.
const (
	ActRestart Action = "restart" // the program starts again
	ActReload  Action = "reload"  // the program reads it by itself: only browsers load their page again
	ActIgnore  Action = "ignore"
)

// kind is a's kind; false: none.
func (a Action) kind() (Kind, bool) {
	if a == ActReload {
		return Reload, true
	}
	return Restart, a == ActRestart
}

func (a Action) check(key string) error {
	switch a {
	case "", ActRestart, ActReload, ActIgnore:
		return nil
	}
	return fmt.Errorf("%s: %q is neither restart, reload nor ignore", key, string(a))
}

// Assets say which files besides the code matter, and what a change of one asks for. Code that is compiled, files that
// are embedded and settings always count. A pattern is a path from the app's folder, with * ? and [a-z] within one
// element (path.Match) and ** for any number of folders; one that fits a folder takes in all that is below.
type Assets struct {
	Templates Action   // "": restart, since many programs parse them once
	Static    Action   // "": reload
	Extra     []string // patterns of further files; one that is neither template nor static by its name asks for a restart
	Ignore    []string // patterns of files that do not count, Extra or not
}

// Check returns an error that names the key of devserver.yaml, the value and what is wrong with it.
func (a Assets) Check() error {
	if err := a.Templates.check("assets.templates"); err != nil {
		return err
	}
	if err := a.Static.check("assets.static"); err != nil {
		return err
	}
	for key, patterns := range map[string][]string{"watch.extra": a.Extra, "watch.ignore": a.Ignore} {
		for _, p := range patterns {
			if err := checkGlob(p); err != nil {
				return fmt.Errorf("%s: %q: %w", key, p, err)
			}
		}
	}
	return nil
}

// assets are Assets of an app, ready to be asked.
type assets struct {
	said          Assets
	of            map[class]Action
	extra, ignore globs
}

func newAssets(a Assets, dir string) *assets {
	s := &assets{said: a, of: map[class]Action{template: ActRestart, static: ActReload, other: ActRestart}}
	if a.Templates != "" {
		s.of[template] = a.Templates
	}
	if a.Static != "" {
		s.of[static] = a.Static
	}
	s.extra, s.ignore = newGlobs(a.Extra, dir), newGlobs(a.Ignore, dir)
	return s
}

// kind says what a change of file asks for. rel is its path from the app's folder, "" when it does not lie there or
// in a folder that is left out.
func (s *assets) kind(file, rel string) (Kind, bool) {
	if temporary(filepath.Base(file)) || s.ignore.fit(file) {
		return 0, false
	}
	c := none
	if rel != "" {
		c = assetClass(rel)
	}
	if c == none && s.extra.fit(file) {
		c = max(nameClass(file), other)
	}
	if c == none {
		return 0, false
	}
	return s.of[c].kind()
}

// Same tells whether a and b say the same.
func (a Assets) Same(b Assets) bool {
	return a.Templates == b.Templates && a.Static == b.Static && slices.Equal(a.Extra, b.Extra) && slices.Equal(a.Ignore, b.Ignore)
}

// With returns f with what a says of the files besides the code; Assets.Check must have found it good.
func (f *Files) With(a Assets) *Files {
	with := *f
	with.assets = newAssets(a, f.app.Dir)
	return &with
}
