package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// An Import makes a recording from rows of another one. It writes into a file beside the one that is to be, which gets
// its name with Finish: until then nothing stands there. Rows keep their ids; what sums them is made anew. It is for one
// goroutine.
type Import struct {
	path, part string
	db         *DB
	apps       map[int64]string   // of the runs
	totals     map[string]*totals // of the sockets, by app
	chunk      *ingest            // events of one run on their way into the tables; nil: none
	last       int64              // the newest event
	pending    int                // rows since the last commit
}

// rowsPerCommit bounds the write-ahead log, and eventsPerChunk what is summed in memory.
const (
	rowsPerCommit  = 50_000
	eventsPerChunk = 8192
)

// NewImport begins a recording at path. One that is there already is an error that is fs.ErrExist, and stays.
func NewImport(path string) (*Import, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if exists(path + suffix) {
			return nil, fmt.Errorf("%s: %w; name another file, or move this one away", path+suffix, fs.ErrExist)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // 0600
	if err != nil {
		return nil, err
	}
	in := &Import{path: path, part: f.Name(), apps: map[int64]string{}, totals: map[string]*totals{}}
	if err = f.Close(); err == nil {
		in.db, err = Open(in.part, Options{})
	}
	if err == nil {
		err = in.begin()
	}
	if err != nil {
		return nil, errors.Join(err, in.Abort())
	}
	return in, nil
}

// Add adds a row: a record.Run, Build, Request, Socket, Event, DenialRow, Log, Payload, Gap or QuotaUsage, by value.
// Events come in the order of their ids, behind runs, requests and sockets. After an error only Abort has a meaning.
func (in *Import) Add(ctx context.Context, row any) error {
	if in.pending++; in.pending >= rowsPerCommit {
		if err := in.commit(ctx); err != nil {
			return err
		}
	}
	return in.db.explain("add row", in.add(row))
}

func (in *Import) add(row any) error {
	w := in.db.w
	var err error
	switch r := row.(type) {
	case record.Run:
		in.apps[r.ID] = r.App
		_, err = w.exec(`INSERT INTO runs (id, app, started_at, ended_at, pid, go_version, revision, build_ms, profile, exit, build_id, ready_at, last_words)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.App, r.StartedAt, number(r.EndedAt), number(int64(r.PID)), text(r.GoVersion), text(r.Revision),
			number(r.BuildMS), text(r.Profile), text(r.Exit), number(r.BuildID), number(r.ReadyAt), text(r.LastWords))
	case record.Build:
		_, err = w.exec(`INSERT INTO builds (id, app, started_at, duration_ns, outcome, files, errors) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.App, r.StartedAt, r.DurationNS, r.Outcome, text(strings.Join(r.Files, "\n")), text(strings.Join(r.Errors, "\n")))
	case record.Request:
		err = in.request(r)
	case record.Socket:
		err = in.socket(r)
	case record.Event:
		err = in.event(r)
	case record.DenialRow:
		_, err = w.exec(`INSERT INTO denials (id, run_id, app, rule, call_site, destination, network, host, remote_addr, count, first_at, last_at, last_event)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.RunID, r.App, r.Rule, r.CallSite, r.Destination, r.Network, r.Host, r.RemoteAddr,
			r.Count, r.FirstAt, r.LastAt, r.LastEvent)
	case record.Log:
		_, err = w.exec(`INSERT INTO logs (id, run_id, app, at, stream, request_id, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.ID, number(r.RunID), r.App, r.At, r.Stream, number(r.RequestID), r.Text)
	case record.Payload:
		_, err = w.exec(`INSERT INTO payloads (id, socket_id, event_id, request_id, at, direction, layer, place, size, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ID, r.SocketID, number(r.EventID), number(r.RequestID), r.At, r.Direction, r.Layer, r.Place, len(r.Data), append([]byte{}, deflate(r.Data)...))
	case record.Gap:
		_, err = w.exec(`INSERT INTO gaps (id, run_id, app, at, events, reason) VALUES (?, ?, ?, ?, ?, ?)`, r.ID, number(r.RunID), r.App, r.At, r.Events, r.Reason)
	case record.QuotaUsage:
		_, err = w.exec(`INSERT INTO quota_usage (app, resource, "window", window_start, used, "limit") VALUES (?, ?, ?, ?, ?, ?)`,
			r.App, r.Resource, r.Window, r.WindowStart, r.Used, r.Limit)
	default:
		err = fmt.Errorf("no table has rows of type %T", row)
	}
	return err
}

// request adds a request. One without duration, status and error is still served: its duration is unknown, not 0.
func (in *Import) request(r record.Request) error {
	var took any
	if r.DurationNS != 0 || r.Status != 0 || r.Error != "" {
		took = r.DurationNS
	}
	_, err := in.db.w.exec(`INSERT INTO requests (id, run_id, app, started_at, duration_ns, method, url, status, bytes_in, bytes_out, remote_addr, error, proto)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, number(r.RunID), r.App, r.StartedAt, took, text(r.Method), text(r.URL), number(int64(r.Status)),
		r.BytesIn, r.BytesOut, text(r.RemoteAddr), text(r.Error), text(r.Proto))
	return err
}

func (in *Import) socket(s record.Socket) error {
	t := in.totals[s.App]
	if t == nil {
		t = &totals{}
		in.totals[s.App] = t
	}
	t.moved("", s.State)
	_, err := in.db.w.exec(`INSERT INTO sockets (id, run_id, app, request_id, network, host, remote_addr, local_addr, standin,
		opened_at, closed_at, state, close_reason, bytes_sent, bytes_received, sends, receives, call_site, last_at, rule,
		first_event, last_event, used_event, uses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, number(s.RunID), s.App, number(s.RequestID), text(s.Network), text(s.Host), text(s.RemoteAddr), text(s.LocalAddr), text(s.Standin),
		s.OpenedAt, number(s.ClosedAt), s.State, text(s.CloseReason), s.BytesSent, s.BytesReceived, s.Sends, s.Receives, text(s.CallSite), s.LastAt, text(s.Rule),
		number(s.FirstEvent), number(s.LastEvent), number(s.UsedEvent), s.Uses)
	return err
}

// Finish gives the recording its name. The Import is over, also when it fails: then nothing is left of it.
func (in *Import) Finish(ctx context.Context) error {
	err := in.end()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = in.db.Close() // writes the log back: from here on the recording is one file
	}
	if err == nil {
		err = place(in.part, in.path)
	}
	return errors.Join(err, in.Abort())
}

// place gives a file its name, which must be free. A link replaces nothing; where there are none, a rename must do.
func place(part, path string) error {
	err := os.Link(part, path)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		if exists(path) {
			return fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		return os.Rename(part, path)
	}
	return err
}

// end writes what was gathered.
func (in *Import) end() error {
	if err := in.flush(); err != nil {
		return in.db.explain("events", err)
	}
	for app, t := range in.totals {
		if err := t.save(in.db.w, app); err != nil {
			return in.db.explain("totals", err)
		}
	}
	if _, err := in.db.w.exec(`UPDATE sequence SET last_event = ?`, in.last); err != nil {
		return in.db.explain("last event", err)
	}
	_, err := in.db.w.exec("COMMIT")
	return in.db.explain("commit", err)
}

func (in *Import) begin() error {
	_, err := in.db.w.exec("BEGIN IMMEDIATE")
	return in.db.explain("begin", err)
}

func (in *Import) commit(ctx context.Context) error {
	in.pending = 0
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := in.flush(); err != nil {
		return in.db.explain("events", err)
	}
	if _, err := in.db.w.exec("COMMIT"); err != nil {
		return in.db.explain("commit", err)
	}
	return in.begin()
}

// Abort ends the import and removes what there is of it.
func (in *Import) Abort() error {
	if in.db != nil {
		in.db.Close() // of a file that is to go no error matters
	}
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(in.part + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// kinds are the words of events.kind.
var kinds = func() map[string]sandbox.Kind {
	m := map[string]sandbox.Kind{}
	for k := sandbox.KindResolve; k < sandbox.KindRequestBegin; k++ {
		m[k.String()] = k
	}
	return m
}()
