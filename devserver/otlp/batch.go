package otlp

import (
	"encoding/json"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// scopeName says who saw what is sent.
const scopeName = "devserver"

// What one request holds at most. Stores take 20 MB by default (the collector's max_request_body_size); a small one is
// sooner there, and less is sent again when it fails.
const (
	maxItems = 512
	maxBytes = 1 << 20
)

// batch gathers encoded spans or log records, by the run they belong to.
type batch struct {
	path   string
	groups []*group
	keys   []key
	items  int64
	bytes  int
}

type group struct {
	run   record.Run
	items []json.RawMessage
}

// key names the row that an item was made of.
type key struct {
	table table
	id    int64
}

// table says what a row is.
type table int

const (
	requests table = iota
	sockets
	lookups
	denials
	tables
)

// add encodes an item of a run.
func (b *batch) add(r record.Run, k key, item any) error {
	text, err := json.Marshal(item)
	if err != nil {
		return err
	}
	g := b.group(r)
	g.items = append(g.items, text)
	b.keys = append(b.keys, k)
	b.items++
	b.bytes += len(text)
	return nil
}

// group finds a run from behind: neighbours are of the same one.
func (b *batch) group(r record.Run) *group {
	for i := len(b.groups) - 1; i >= 0; i-- {
		if g := b.groups[i]; g.run.ID == r.ID && g.run.App == r.App {
			return g
		}
	}
	g := &group{run: r}
	b.groups = append(b.groups, g)
	return g
}

func (b *batch) full() bool { return b.items >= maxItems || b.bytes >= maxBytes }

func (b *batch) reset() { *b = batch{path: b.path} }

// body is the request.
func (b *batch) body() ([]byte, error) {
	of, scopes, items := "resourceSpans", "scopeSpans", "spans"
	if b.path == logsPath {
		of, scopes, items = "resourceLogs", "scopeLogs", "logRecords"
	}
	var all []map[string]any
	for _, g := range b.groups {
		all = append(all, map[string]any{
			"resource": resourceOf(g.run),
			scopes:     []map[string]any{{"scope": scope{scopeName}, items: g.items}},
		})
	}
	return json.Marshal(map[string]any{of: all})
}
