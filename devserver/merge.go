package devserver

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver/project"
)

// Configured returns the options with what devserver.yaml says of devserver as a whole put under them. Run does that by
// itself; a command needs it that has to know how to write before anything runs.
func Configured(o Options) (Options, error) {
	c, err := locate(&o)
	if err != nil {
		return o, &UsageError{err}
	}
	return o, o.merge(c)
}

// keyOf is the key of devserver.yaml that says what a flag says.
func keyOf(flag string) string {
	switch flag {
	case "no-reload", "no-billing":
		return strings.TrimPrefix(flag, "no-")
	case "otlp-header", "standin":
		return strings.ReplaceAll(flag, "-", "_") + "s"
	}
	return strings.ReplaceAll(flag, "-", "_")
}

// has tells whether the user gave a flag. said tells it where nobody knows of flags: the option has a value.
func (o *Options) has(flag string, said bool) bool {
	if o.Set == nil {
		return said
	}
	return o.Set(flag)
}

// given is has for an option that is a text.
func (o *Options) given(flag, value string) bool { return o.has(flag, value != "") }

// merge puts what devserver.yaml says of devserver as a whole under the flags, and checks it. Its errors have a place.
func (o *Options) merge(c *project.Config) error {
	for _, x := range []struct {
		flag string
		to   *string
		said string
	}{
		{"console", &o.Console, c.Console}, {"data", &o.Data, c.Data}, {"log-format", &o.LogFormat, c.LogFormat},
		{"ready-file", &o.ReadyFile, c.ReadyFile}, {"journal-limit", &o.JournalLimit, c.JournalLimit}, {"capture", &o.Capture, c.Capture},
		{"capture-limit", &o.CaptureLimit, c.CaptureLimit}, {"keylog", &o.KeyLog, c.KeyLog}, {"otlp", &o.OTLP, c.OTLP},
	} {
		if !o.given(x.flag, *x.to) && x.said != "" {
			*x.to = x.said
		}
	}
	if !o.has("keep", len(o.Keep) > 0) && c.Has("keep") {
		o.Keep = c.Keep
	}
	if !o.has("redact", len(o.Redact) > 0) && c.Has("redact") {
		o.Redact = c.Redact
	}
	o.OTLPHeaders = mergeHeaders(c.OTLPHeaders, o.OTLPHeaders)
	return o.checkMerged(c)
}

// mergeHeaders are the headers of a file with those of flags, which win by name.
func mergeHeaders(file, flags []string) []string {
	given := map[string]bool{}
	for _, h := range flags {
		given[headerName(h)] = true
	}
	var all []string
	for _, h := range file {
		if !given[headerName(h)] {
			all = append(all, h)
		}
	}
	return append(all, flags...)
}

func headerName(h string) string {
	name, _, _ := strings.Cut(h, "=")
	return strings.ToLower(strings.TrimSpace(name))
}

// checkMerged checks what has a form of its own. What the file says wrongly is told with its place, all of it.
func (o *Options) checkMerged(c *project.Config) error {
	_, keep := parseKeep(o.Keep)
	_, limit := o.journalLimit()
	_, capture := newCapture(o)
	_, otlp := otlpTarget(o.OTLP, o.OTLPHeaders)
	return errors.Join(
		o.place(c, keep, "keep"), o.place(c, limit, "journal-limit"),
		o.place(c, capture, "capture", "capture-limit", "redact"), o.place(c, otlp, "otlp", "otlp-header"),
	)
}

// flagWord is a flag in an error's text.
var flagWord = regexp.MustCompile(`--[a-z][a-z-]*[a-z]`)

// place gives an error about the flags the place of the first of their keys that it names and that the file says; an
// error about what flags say stays as it is.
func (o *Options) place(c *project.Config, err error, flags ...string) error {
	if err == nil {
		return nil
	}
	for _, word := range flagWord.FindAllString(err.Error(), -1) {
		flag := strings.TrimPrefix(word, "--")
		key := keyOf(flag)
		if !slices.Contains(flags, flag) || !c.Has(key) || o.Set != nil && o.Set(flag) {
			continue
		}
		text := flagWord.ReplaceAllStringFunc(err.Error(), func(f string) string { return keyOf(strings.TrimPrefix(f, "--")) })
		return &UsageError{&project.FileError{Position: c.At(key), Message: text}}
	}
	return err
}
