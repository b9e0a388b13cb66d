package devserver

import (
	"context"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// Recording is a recording.db opened for reading.
type Recording struct{ db *storage.DB }

// OpenRecording opens a recording for reading; a devserver may be writing it.
func OpenRecording(file string) (*Recording, error) {
	db, err := storage.OpenReadOnly(file)
	if err != nil {
		return nil, err
	}
	return &Recording{db}, nil
}

// Sockets returns the sockets that the filter selects, newest first.
func (r *Recording) Sockets(ctx context.Context, f record.SocketFilter) ([]record.Socket, error) {
	return r.db.Sockets(ctx, f)
}

// Events returns the events that the filter selects.
func (r *Recording) Events(ctx context.Context, f record.EventFilter) ([]record.Event, error) {
	return r.db.Events(ctx, f)
}

// Denials returns the denials that the filter selects, counted by rule, call site and destination.
func (r *Recording) Denials(ctx context.Context, f record.EventFilter) ([]record.Denial, error) {
	return r.db.Denials(ctx, f)
}

// Requests returns the requests that the filter selects, newest first.
func (r *Recording) Requests(ctx context.Context, f record.RequestFilter) ([]record.Request, error) {
	return r.db.Requests(ctx, f)
}

// SearchRequests returns what it finds of them within a time, and where it stopped.
func (r *Recording) SearchRequests(ctx context.Context, f record.RequestFilter, within time.Duration) (record.Found[record.Request], error) {
	return r.db.SearchRequests(ctx, f, within)
}

// Request returns one request, or record.ErrNotFound.
func (r *Recording) Request(ctx context.Context, id int64) (record.Request, error) {
	return r.db.Request(ctx, id)
}

// Socket returns one socket, or record.ErrNotFound.
func (r *Recording) Socket(ctx context.Context, id int64) (record.Socket, error) {
	return r.db.Socket(ctx, id)
}

// Logs returns the lines of the app that the filter selects.
func (r *Recording) Logs(ctx context.Context, f record.LogFilter) ([]record.Log, error) {
	return r.db.Logs(ctx, f)
}

// SearchLogs returns what it finds of them within a time, and where it stopped.
func (r *Recording) SearchLogs(ctx context.Context, f record.LogFilter, within time.Duration) (record.Found[record.Log], error) {
	return r.db.SearchLogs(ctx, f, within)
}

// Builds returns the builds that the filter selects, newest first.
func (r *Recording) Builds(ctx context.Context, f record.BuildFilter) ([]record.Build, error) {
	return r.db.Builds(ctx, f)
}

// Payloads returns captured bytes, in the order in which they were recorded.
func (r *Recording) Payloads(ctx context.Context, f record.PayloadFilter) ([]record.Payload, error) {
	return r.db.Payloads(ctx, f)
}

// Gaps returns what could not be kept of a run, of all runs for 0.
func (r *Recording) Gaps(ctx context.Context, run int64) ([]record.Gap, error) {
	return r.db.Gaps(ctx, run)
}

// Runs returns the starts of workers, newest first.
func (r *Recording) Runs(ctx context.Context) ([]record.Run, error) { return r.db.Runs(ctx) }

// SelectRuns returns the starts of workers that the filter selects, newest first.
func (r *Recording) SelectRuns(ctx context.Context, f record.RunFilter) ([]record.Run, error) {
	return r.db.SelectRuns(ctx, f)
}

// RunCounts returns how many requests and sockets each run has.
func (r *Recording) RunCounts(ctx context.Context) (map[int64]record.RunCounts, error) {
	return r.db.RunCounts(ctx)
}

// Counts returns the numbers of the overview. No socket counts as idle: only a running devserver knows its clock.
func (r *Recording) Counts(ctx context.Context) (record.Counts, error) { return r.db.Counts(ctx, 0) }

// Usage returns what is used of the quotas of an app, of all apps for "".
func (r *Recording) Usage(ctx context.Context, app string) ([]record.QuotaUsage, error) {
	return r.db.Usage(ctx, app)
}

// Close closes the recording.
func (r *Recording) Close() error { return r.db.Close() }
