package devserver

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// configFiles reads the settings files again for the loops of all apps, and says once what is wrong with them.
type configFiles struct {
	given   Options // the flags alone
	start   *plan   // what the files said at the start
	notices *notifier

	mu    sync.Mutex
	waits string // what was told last to wait for another start; guarded by mu
	wrong string // what was told last to be wrong; guarded by mu
}

// read reads devserver.yaml. What cannot change while devserver runs is said by name.
func (f *configFiles) read() (*Options, *project.Config, error) {
	o := f.given
	config, err := locate(&o)
	if err == nil {
		err = o.merge(config)
	}
	if err != nil {
		return nil, nil, err
	}
	f.tell(&f.waits, f.fixed(&o, config))
	return &o, config, nil
}

// broken says what is wrong with the settings; "" that nothing is.
func (f *configFiles) broken(text string) { f.tell(&f.wrong, text) }

// tell says a warning unless it is the last one of its kind that was said; "" says that all is well.
func (f *configFiles) tell(last *string, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if text != "" && text != *last {
		f.notices.warnf("%s", text)
	}
	*last = text
}

// fixed says which settings of devserver as a whole have another value than at the start.
func (f *configFiles) fixed(o *Options, c *project.Config) string {
	was := &f.start.options
	var keys []string
	note := func(key string, same bool) {
		if !same {
			keys = append(keys, key)
		}
	}
	note("console", o.Console == was.Console)
	note("data", o.Data == was.Data)
	note("log_format", o.LogFormat == was.LogFormat)
	note("ready_file", o.ReadyFile == was.ReadyFile)
	note("keep", slices.Equal(o.Keep, was.Keep))
	note("journal_limit", o.JournalLimit == was.JournalLimit)
	note("keylog", o.KeyLog == was.KeyLog)
	note("otlp", o.OTLP == was.OTLP)
	note("otlp_headers", slices.Equal(o.OTLPHeaders, was.OTLPHeaders))
	now, err := wantedApps(o, c)
	note("apps", err == nil && sameApps(now, f.start.apps))
	note("addr", err != nil || sameAddrs(now, f.start.apps))
	if len(keys) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: start devserver again to apply what has changed of %s", shownFile(c, f.start.config), strings.Join(keys, ", "))
}

// shownFile is a devserver.yaml as it is shown: the one that is there now, else the one that was.
func shownFile(now, was *project.Config) string {
	for _, c := range []*project.Config{now, was} {
		if c.File != "" {
			return project.Position{File: c.File}.String()
		}
	}
	return project.ConfigName
}

// sameApps tells whether the same apps are wanted, under the same names.
func sameApps(now []project.AppConfig, was []*plannedApp) bool {
	return slices.EqualFunc(now, was, func(n project.AppConfig, w *plannedApp) bool {
		return sameFolder(n.Path, w.files.Path) && n.Name == w.files.Name
	})
}

// sameFolder tells whether two names are of one folder: devserver.yaml's are absolute, and those of the command line may not be.
func sameFolder(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return a == b || errA == nil && errB == nil && absA == absB
}

// sameAddrs tells whether those that are wanted still answer at the same addresses.
func sameAddrs(now []project.AppConfig, was []*plannedApp) bool {
	for i := range min(len(now), len(was)) {
		if sameFolder(now[i].Path, was[i].files.Path) && now[i].Addr != was[i].addr {
			return false
		}
	}
	return true
}
