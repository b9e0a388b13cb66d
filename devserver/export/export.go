// Package export writes a recording in forms that other tools read.
//
//	Source (a recording) ─► NDJSON   everything, to be kept, searched or imported again
//	                     ├► HAR      the requests, for browsers' developer tools
//	                     └► PCAPNG   the sockets, for Wireshark
//
// Each reads the recording page by page and writes as it reads, so that the size of a recording does not matter.
package export

import (
	"context"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Source is what is exported. Its methods are those of a recording; each returns at most the Limit of its filter.
type Source interface {
	SelectRuns(context.Context, record.RunFilter) ([]record.Run, error)
	Builds(context.Context, record.BuildFilter) ([]record.Build, error)
	Requests(context.Context, record.RequestFilter) ([]record.Request, error)
	Request(ctx context.Context, id int64) (record.Request, error) // record.ErrNotFound
	Sockets(context.Context, record.SocketFilter) ([]record.Socket, error)
	Socket(ctx context.Context, id int64) (record.Socket, error) // record.ErrNotFound
	Events(context.Context, record.EventFilter) ([]record.Event, error)
	Logs(context.Context, record.LogFilter) ([]record.Log, error)
	Payloads(context.Context, record.PayloadFilter) ([]record.Payload, error)
	Usage(ctx context.Context, app string) ([]record.QuotaUsage, error)
	Gaps(ctx context.Context, run int64) ([]record.Gap, error)
}

// Options say which part of a recording is exported. Its zero value is all of it.
type Options struct {
	App       string
	RunID     int64
	RequestID int64             // with the sockets that it used
	Since     int64             // nanoseconds since 1970 UTC
	Progress  func(done, n int) // told how many of n rows are written; n is 0 while it is not known; nil: nobody
	Note      func(string)      // told, once at the end, what was left out and why; nil: nobody
}
