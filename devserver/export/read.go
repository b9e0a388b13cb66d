package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// LineError says which line of a file is no line of the ndjson format, and why.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// longestLine bounds what is held of a file that is something else: no operation's bytes come near it.
const longestLine = 64 << 20

// largestID leaves room for a devserver to go on counting.
const largestID = 1 << 62

// endType is the type of the last line, without which a file is cut off.
const endType = "end"

// types are the words of the lines in the order in which they stand.
var types = []string{"run", "build", "request", "socket", "event", "denial", "log", "payload", "gap", "quota_usage", endType}

// Read reads what NDJSON wrote and hands each row to add, as a record.Run, Build, Request, Socket, Event, DenialRow, Log,
// Payload, Gap or QuotaUsage. What is wrong with a line, add's complaint too, is a *LineError.
func Read(ctx context.Context, r io.Reader, add func(context.Context, any) error) error {
	in := &reader{r: bufio.NewReaderSize(r, 64<<10)}
	for {
		err := in.next()
		if in.n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			var row any
			if row, err = in.row(); err == nil && row != nil {
				err = add(ctx, row)
			}
		}
		switch {
		case errors.Is(err, io.EOF) && in.ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return &LineError{in.n, errors.New("the file ends here, before its last line {\"type\":\"end\"}: it is cut off; export it again")}
		case err != nil:
			return &LineError{in.n, err}
		}
	}
}

type reader struct {
	r     *bufio.Reader
	n     int // lines read
	line  []byte
	ended bool
	table int   // index in types of the newest line
	last  int64 // its id
}

// next reads a line. io.EOF is the end of the file.
func (in *reader) next() error {
	in.line = in.line[:0]
	in.n++
	for {
		part, err := in.r.ReadSlice('\n')
		in.line = append(in.line, part...)
		switch {
		case err == nil:
			in.line = in.line[:len(in.line)-1]
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			if len(in.line) > longestLine {
				return fmt.Errorf("it is longer than %d bytes: this is no export of devserver", longestLine)
			}
		case errors.Is(err, io.EOF) && len(in.line) > 0:
			return errors.New("the line has no end: the file is cut off; export it again")
		default:
			return err
		}
	}
}

// row makes a row of the line; nil for the first and the last.
func (in *reader) row() (any, error) {
	switch {
	case in.n == 1:
		return nil, in.header()
	case in.ended:
		return nil, errors.New("there is a line behind the last one, {\"type\":\"end\"}; import one export at a time")
	}
	name, err := in.typeName()
	if err != nil {
		return nil, err
	}
	table := slices.Index(types, name)
	switch {
	case table < 0:
		return nil, fmt.Errorf("there is no type %q; the types are %s", name, strings.Join(types, ", "))
	case table < in.table:
		return nil, fmt.Errorf("a %s stands behind a %s; the order is %s", name, types[in.table], strings.Join(types, ", "))
	case table > in.table:
		in.table, in.last = table, 0
	}
	if name == endType {
		in.ended = true
		return nil, nil
	}
	row, c := in.parse(name)
	if c.err != nil || c.id == noID {
		return row, c.err
	}
	switch {
	case c.id < 1 || c.id > largestID:
		return nil, fmt.Errorf("id %d is out of range, 1 to %d", c.id, int64(largestID))
	case c.id == in.last:
		return nil, fmt.Errorf("there are two of type %s with id %d", name, c.id)
	case c.id < in.last:
		return nil, fmt.Errorf("id %d stands behind id %d; lines of a type stand in the order of their ids", c.id, in.last)
	}
	in.last = c.id
	return row, nil
}

func (in *reader) header() error {
	var h header
	if err := json.Unmarshal(in.line, &h); err != nil || h.Devserver != "recording" {
		return errors.New("this is no export of devserver: its first line is not {\"devserver\":\"recording\",\"version\":1}")
	}
	if h.Version > Version {
		return fmt.Errorf("a newer devserver wrote this file (version %d, this one knows %d); update devserver", h.Version, Version)
	}
	if h.Version < 1 {
		return fmt.Errorf("there is no version %d of the format", h.Version)
	}
	return nil
}

// typeName is the line's type. That it stands in front, as NDJSON writes it, saves a second reading.
func (in *reader) typeName() (string, error) {
	if rest, ok := bytes.CutPrefix(in.line, []byte(`{"type":"`)); ok {
		if name, _, ok := bytes.Cut(rest, []byte{'"'}); ok {
			return string(name), nil
		}
	}
	var l struct{ Type *string }
	if err := json.Unmarshal(in.line, &l); err != nil {
		return "", fmt.Errorf("JSON: %w", err)
	}
	if l.Type == nil {
		return "", errors.New("the line has no type")
	}
	return *l.Type, nil
}

// strict decodes a line and refuses fields that it has no place for: they would be lost.
func strict(line []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("JSON: there is more than one value on the line")
	}
	return nil
}

// checks are what is wrong with a row, the first of it.
type checks struct {
	id  int64
	err error
}

// noID is checks.id of a type without ids.
const noID = -1 << 63

func (c *checks) atLeast0(name string, values ...int64) {
	for _, v := range values {
		if v < 0 && c.err == nil {
			c.err = fmt.Errorf("%s %d is below 0", name, v)
		}
	}
}

func (c *checks) oneOf(name, value string, words ...string) {
	if c.err == nil && !slices.Contains(words, value) {
		c.err = fmt.Errorf("%s is %q, none of %s", name, value, strings.Join(words, ", "))
	}
}

func (c *checks) app(name text) {
	if c.err == nil && name == "" {
		c.err = errors.New("the line names no app")
	}
}

// parse decodes a line of the type and looks at its values.
func (in *reader) parse(name string) (row any, c checks) {
	switch name {
	case "run":
		return in.run()
	case "build":
		var l buildLine
		c.err = strict(in.line, &l)
		c.app(l.App)
		c.oneOf("outcome", l.Outcome, "ok", "failed", "canceled", "unchanged")
		return record.Build{ID: l.ID, App: string(l.App), StartedAt: l.StartedAt, DurationNS: l.DurationNS, Outcome: l.Outcome,
			Files: texts[string](l.Files), Errors: texts[string](l.Errors)}, checks{l.ID, c.err}
	case "request":
		return in.request()
	case "socket":
		return in.socket()
	case "event":
		return in.event()
	case "denial":
		return in.denial()
	case "log":
		var l logLine
		c.err = strict(in.line, &l)
		c.app(l.App)
		c.oneOf("stream", l.Stream, "stdout", "stderr")
		c.atLeast0("id", l.RunID, l.RequestID)
		return record.Log{ID: l.ID, RunID: l.RunID, App: string(l.App), At: l.At, Stream: l.Stream, RequestID: l.RequestID, Text: string(l.Text)}, checks{l.ID, c.err}
	case "payload":
		return in.payload()
	case "gap":
		var l gapLine
		c.err = strict(in.line, &l)
		c.app(l.App)
		c.atLeast0("events", l.Events)
		return record.Gap{ID: l.ID, RunID: l.RunID, App: string(l.App), At: l.At, Events: l.Events, Reason: string(l.Reason)}, checks{l.ID, c.err}
	}
	var l usageLine
	c.err = strict(in.line, &l)
	c.app(l.App)
	c.oneOf("window", l.Window, "minute", "day")
	return record.QuotaUsage{App: string(l.App), Resource: l.Resource, Window: l.Window, WindowStart: l.WindowStart, Used: l.Used, Limit: l.Limit}, checks{noID, c.err}
}

func (in *reader) run() (any, checks) {
	var l runLine
	c := checks{err: strict(in.line, &l)}
	c.app(l.App)
	return record.Run{ID: l.ID, App: string(l.App), StartedAt: l.StartedAt, EndedAt: l.EndedAt, PID: l.PID, GoVersion: string(l.GoVersion),
		Revision: string(l.Revision), BuildMS: l.BuildMS, Profile: string(l.Profile), Exit: string(l.Exit), BuildID: l.BuildID, ReadyAt: l.ReadyAt,
		LastWords: string(l.LastWords)}, checks{l.ID, c.err}
}

func (in *reader) request() (any, checks) {
	var l requestLine
	c := checks{err: strict(in.line, &l)}
	c.app(l.App)
	c.atLeast0("run_id", l.RunID)
	c.atLeast0("a number", l.DurationNS, l.BytesIn, l.BytesOut)
	return record.Request{ID: l.ID, RunID: l.RunID, App: string(l.App), StartedAt: l.StartedAt, DurationNS: l.DurationNS, Method: string(l.Method),
		URL: string(l.URL), Status: l.Status, BytesIn: l.BytesIn, BytesOut: l.BytesOut, RemoteAddr: string(l.RemoteAddr), Error: string(l.Error),
		Proto: string(l.Proto)}, checks{l.ID, c.err}
}

func (in *reader) socket() (any, checks) {
	var l socketLine
	c := checks{err: strict(in.line, &l)}
	c.app(l.App)
	c.oneOf("state", l.State, "open", "closed", "reclaimed", "denied", "failed")
	c.atLeast0("an id", l.RunID, l.RequestID, l.FirstEvent, l.LastEvent, l.UsedEvent)
	c.atLeast0("a count", l.BytesSent, l.BytesReceived, l.Sends, l.Receives, l.Uses)
	return record.Socket{ID: l.ID, RunID: l.RunID, App: string(l.App), RequestID: l.RequestID, Network: string(l.Network), Host: string(l.Host),
		RemoteAddr: string(l.RemoteAddr), LocalAddr: string(l.LocalAddr), Standin: string(l.Standin), OpenedAt: l.OpenedAt, ClosedAt: l.ClosedAt,
		State: l.State, CloseReason: l.CloseReason, BytesSent: l.BytesSent, BytesReceived: l.BytesReceived, Sends: l.Sends, Receives: l.Receives,
		CallSite: string(l.CallSite), LastAt: l.LastAt, Rule: l.Rule, FirstEvent: l.FirstEvent, LastEvent: l.LastEvent, UsedEvent: l.UsedEvent,
		Uses: l.Uses}, checks{l.ID, c.err}
}

func (in *reader) event() (any, checks) {
	var l eventLine
	c := checks{err: strict(in.line, &l)}
	c.atLeast0("an id", l.RunID, l.SocketID, l.RequestID)
	c.atLeast0("bytes", l.Bytes)
	c.atLeast0("duration_ns", l.DurationNS)
	return record.Event{ID: l.ID, RunID: l.RunID, SocketID: l.SocketID, RequestID: l.RequestID, At: l.At, Kind: l.Kind, Bytes: l.Bytes,
		DurationNS: l.DurationNS, Rule: l.Rule, Error: string(l.Error), Detail: string(l.Detail)}, checks{l.ID, c.err}
}

func (in *reader) denial() (any, checks) {
	var l denialLine
	c := checks{err: strict(in.line, &l)}
	c.atLeast0("an id", l.RunID, l.LastEvent)
	c.atLeast0("count", l.Count)
	return record.DenialRow{ID: l.ID, RunID: l.RunID, App: string(l.App), Rule: l.Rule, CallSite: string(l.CallSite), Destination: string(l.Destination),
		Network: string(l.Network), Host: string(l.Host), RemoteAddr: string(l.RemoteAddr), Count: l.Count, FirstAt: l.FirstAt, LastAt: l.LastAt,
		LastEvent: l.LastEvent}, checks{l.ID, c.err}
}

func (in *reader) payload() (any, checks) {
	var l payloadLine
	c := checks{err: strict(in.line, &l)}
	c.oneOf("direction", l.Direction, "sent", "received")
	c.oneOf("layer", l.Layer, "wire", "tls")
	c.atLeast0("an id", l.EventID, l.RequestID)
	c.atLeast0("place", l.Place)
	if c.err == nil && l.SocketID < 1 {
		c.err = fmt.Errorf("socket_id %d is out of range; ids begin at 1", l.SocketID)
	}
	return record.Payload{ID: l.ID, SocketID: l.SocketID, EventID: l.EventID, RequestID: l.RequestID, At: l.At, Direction: l.Direction, Layer: l.Layer,
		Place: l.Place, Data: l.Data}, checks{l.ID, c.err}
}
