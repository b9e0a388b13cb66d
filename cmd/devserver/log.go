package main

import (
	"bytes"
	"io"
	"log/slog"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

// logger writes notices as JSON, one object a line, for --log-format json. Messages are constant, what differs
// is in the attributes; durations are milliseconds.
type logger struct {
	log     *slog.Logger
	explain *explainer
}

func newLogger(w io.Writer) *logger {
	return &logger{slog.New(slog.NewJSONHandler(w, nil)), newExplainer()}
}

func ms(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d.Microseconds())/1000)
}

func (l *logger) tell(n devserver.Notice) {
	switch n := n.(type) {
	case devserver.ToolchainProgress:
		l.log.Info("toolchain", "step", n.Step, "done", n.Done, "total", n.Total)
	case devserver.BuildStarted:
		l.log.Info("build", "app", n.App, "files", n.Files, "first", n.First)
	case devserver.BuildFailed:
		l.log.Error("build failed", "app", n.App, "errors", entries(n.Errors, func(e devserver.BuildError) buildError { return buildError(e) }), "output", n.Output, ms("ms", n.Duration), "serving", n.Serving)
	case devserver.Unchanged:
		l.log.Info("unchanged", "app", n.App, "files", n.Files, ms("build_ms", n.Build))
	case devserver.AppReady:
		facts := []any{"app", n.App, "url", n.URL, "console", n.Console, "profile", n.Profile, "reload", n.Reload,
			"files", n.Files, ms("build_ms", n.Build), ms("swap_ms", n.Swap), "first", n.First}
		if n.Debug != "" {
			facts = append(facts, "debug", n.Debug)
		}
		l.log.Info("ready", facts...)
	case devserver.Denied:
		l.log.Warn("denied", "app", n.App, "rule", n.Rule, "network", n.Network, "destination", n.Destination, "call_site", n.CallSite,
			"reason", n.Reason, "advice", n.Advice, "request", n.Request, "report", n.Report, "explain", l.explain.command(n))
	case devserver.WorkerExited:
		l.log.Error("worker exited", "app", n.App, "exit", n.Exit, "last_lines", n.LastLines, ms("restart_in_ms", n.RestartIn), "serving", n.Serving)
	case devserver.DrainEnded:
		l.log.Warn("drain ended", "app", n.App, "reload", n.Reload, "requests", n.Requests, ms("limit_ms", n.Limit))
	case devserver.Escapes:
		l.log.Warn("escapes", "app", n.App, "packages", entries(n.Packages, func(e devserver.Escape) escapeEntry { return escapeEntry(e) }))
	case devserver.Recovered:
		l.log.Info("recovered", "journals", n.Journals, "events", n.Events, "lost", n.Lost, "damaged", n.Damaged)
	case devserver.RecordingStopped:
		l.log.Error("recording stopped", "reason", n.Reason)
	case devserver.RecordingResumed:
		l.log.Info("recording goes on", "lost", n.Lost)
	case devserver.Slowed:
		l.log.Warn("slowed", "app", n.App, "journal_limit", n.Limit)
	case devserver.Note:
		l.log.Info("note", "text", n.Text)
	case devserver.Trimmed:
		l.log.Info("trimmed", "runs", n.Runs, "events", n.Events, "keep", n.Keep)
	case devserver.Warning:
		log := l.log
		if n.App != "" {
			log = log.With("app", n.App)
		}
		log.Warn("warning", "text", n.Text)
	case devserver.ClockMoved:
		l.log.Info("clock", ms("offset_ms", n.Offset), "reclaimed", n.Reclaimed)
	case devserver.Stopped:
		l.log.Info("stopped", "sockets", n.Sockets, "denials", n.Denials, "recording", n.Recording)
	default:
		l.log.Info("notice", "notice", n)
	}
}

// buildError is a complaint of the compiler as an object of the log.
type buildError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// escapeEntry is a package that can open sockets unseen as an object of the log.
type escapeEntry struct {
	Package string `json:"package"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
}

// entries are values as objects of the log; none are [] and not null.
func entries[V, E any](all []V, entry func(V) E) []E {
	out := make([]E, 0, len(all))
	for _, v := range all {
		out = append(out, entry(v))
	}
	return out
}

// fail logs the error that ended the command.
func (l *logger) fail(err error) { l.log.Error("failed", "error", err.Error()) }

// output returns a writer for what the apps write to a stream of theirs that shares the log's: each line of it
// becomes an object, since a line that is none would break whoever reads the log.
func (l *logger) output(stream string) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		for line := range bytes.Lines(p) {
			l.log.Info("output", "stream", stream, "line", string(bytes.TrimRight(line, "\r\n")))
		}
		return len(p), nil
	})
}
