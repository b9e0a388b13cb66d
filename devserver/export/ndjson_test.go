package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

func ndjson(t testing.TB, db *storage.DB, o export.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, export.NDJSON(t.Context(), &b, db, o))
	return b.Bytes()
}

// imported makes a recording of an export.
func imported(t testing.TB, data []byte) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "again.db")
	in, err := storage.NewImport(path)
	must(t, err)
	if err := export.Read(t.Context(), bytes.NewReader(data), in.Add); err != nil {
		return path, errors.Join(err, in.Abort())
	}
	return path, in.Finish(t.Context())
}

func open(t testing.TB, path string) *storage.DB {
	t.Helper()
	db, err := storage.OpenReadOnly(path)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// TestRoundTrip exports, imports and exports again: the two exports are the same, byte for byte, and so are the rows of
// each table and their sums.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	db := recorded(t, 250) // some thousand events: more than a page, and than a chunk of the import
	first := ndjson(t, db, export.Options{})
	path, err := imported(t, first)
	must(t, err)
	if again := ndjson(t, open(t, path), export.Options{}); !bytes.Equal(first, again) {
		a, b := bytes.Split(first, []byte("\n")), bytes.Split(again, []byte("\n"))
		for i := range min(len(a), len(b)) {
			if !bytes.Equal(a[i], b[i]) {
				t.Fatalf("line %d of the second export\n%s, want\n%s", i+1, b[i], a[i])
			}
		}
		t.Fatalf("the second export has %d lines, want %d", len(b), len(a))
	}
	for _, table := range []string{"runs", "builds", "requests", "sockets", "events", "logs", "payloads", "gaps", "quota_usage",
		"request_sockets", "denials", "activity", "totals", "sequence"} {
		q := "SELECT * FROM " + table + " ORDER BY 1, 2, 3"
		if table == "sequence" {
			q = "SELECT * FROM sequence"
		}
		got, want := dump(t, path, q), dump(t, db.Path(), q)
		if len(want) == 0 {
			t.Errorf("%s has no row, so that nothing is shown of it", table)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows differ from %d; first %v, want %v", table, len(got), len(want), got[:min(2, len(got))], want[:min(2, len(want))])
		}
	}
	lost := `SELECT id FROM events e WHERE NOT EXISTS (SELECT 1 FROM stretches WHERE id BETWEEN first_event AND last_event
		AND run_id = coalesce(e.run_id, 0) AND e.at BETWEEN min_at AND max_at)`
	if got := dump(t, path, lost); len(got) > 0 {
		t.Errorf("%d events are in no stretch: %v", len(got), got[0])
	}
}

// TestFilters has exports of a part hold that part only, and be recordings too.
func TestFilters(t *testing.T) {
	t.Parallel()
	db := recorded(t, 30)
	for _, tt := range []struct {
		what string
		o    export.Options
		keep func(line map[string]any) bool // of each line with such a field
	}{
		{"app", export.Options{App: "shop"}, func(l map[string]any) bool { return l["app"] == nil || l["app"] == "shop" }},
		{"run", export.Options{RunID: 2}, func(l map[string]any) bool { return l["run_id"] == nil || l["run_id"] == 2.0 }},
		{"request", export.Options{RequestID: 9}, func(l map[string]any) bool {
			return l["type"] != "event" && l["type"] != "request" || l["request_id"] == 9.0 || l["id"] == 9.0
		}},
		{"since", export.Options{Since: start + 3e9}, func(l map[string]any) bool { return l["at"] == nil || l["at"].(float64) >= float64(start)+3e9 }},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			data := ndjson(t, db, tt.o)
			count := map[string]int{}
			for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
				var l map[string]any
				must(t, json.Unmarshal(line, &l))
				if i == 0 {
					if l["partial"] != true {
						t.Errorf("the header %s does not say that it is a part", line)
					}
					continue
				}
				count[l["type"].(string)]++
				if !tt.keep(l) {
					t.Errorf("it holds %s", line)
				}
			}
			for _, kind := range []string{"run", "request", "socket", "event", "denial", "end"} {
				if count[kind] == 0 {
					t.Errorf("it holds no %s", kind)
				}
			}
			path, err := imported(t, data)
			must(t, err)
			if again := ndjson(t, open(t, path), export.Options{}); len(bytes.Split(again, []byte("\n"))) != len(bytes.Split(data, []byte("\n"))) {
				t.Error("its import holds other rows")
			}
		})
	}
	for _, o := range []export.Options{{RequestID: 99999}, {RunID: 99}} {
		if err := export.NDJSON(t.Context(), io.Discard, db, o); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("NDJSON(%+v) = %v, want ErrNotFound", o, err)
		}
	}
}

// TestSnapshot exports while batches are written: what is told of the sockets and the events is of one moment.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	db := recorded(t, 20)
	snap, err := db.Snapshot(t.Context())
	must(t, err)
	before := ndjson(t, snap, export.Options{})
	must(t, db.EndRun(2, start+200e9, "exit status 1"))
	must(t, second(db.AddLog(record.Log{App: "shop", At: start, Stream: "stdout", Text: "later"})))
	if during := ndjson(t, snap, export.Options{}); !bytes.Equal(before, during) {
		t.Error("a snapshot sees what is written after it was taken")
	}
	must(t, snap.Close())
	if after := ndjson(t, db, export.Options{}); bytes.Equal(before, after) {
		t.Error("the recording does not see what was written")
	}
	if _, err := snap.Runs(t.Context()); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("a closed snapshot answers with %v, want ErrClosed", err)
	}
}

const head = "{\"devserver\":\"recording\",\"version\":1}\n"

// TestBadLines names line and fault of each, and leaves nothing.
func TestBadLines(t *testing.T) {
	t.Parallel()
	const run = `{"type":"run","id":1,"app":"shop","started_at":1}` + "\n"
	const end = `{"type":"end"}` + "\n"
	for _, tt := range []struct{ text, want string }{
		{"", "line 1: the file ends here"},
		{"hello\n", "line 1: this is no export of devserver"},
		{`{"type":"run"}` + "\n", "line 1: this is no export"},
		{"{\"devserver\":\"recording\",\"version\":2}\n", "line 1: a newer devserver wrote this file (version 2, this one knows 1)"},
		{"{\"devserver\":\"recording\",\"version\":0}\n", "no version 0"},
		{head + run, "line 3: the file ends here"},
		{head + run[:20], "line 2: the line has no end: the file is cut off"},
		{head + strings.TrimSpace(run), "line 2: the line has no end"},
		{head + run[:20] + "\n", "line 2: JSON: unexpected EOF"},
		{head + run + run + end, "line 3: there are two of type run with id 1"},
		{head + strings.Replace(run, ":1,", ":9,", 1) + run + end, "line 3: id 1 stands behind id 9"},
		{head + strings.Replace(run, ":1,", ":0,", 1), "line 2: id 0 is out of range"},
		{head + strings.Replace(run, ":1,", ":-4,", 1), "line 2: id -4 is out of range"},
		{head + strings.Replace(run, ":1,", ":9223372036854775807,", 1), "out of range"},
		{head + strings.Replace(run, ":1,", ":9223372036854775808,", 1), "line 2: JSON: json: cannot unmarshal number 9223372036854775808"},
		{head + strings.Replace(run, `"app"`, `"apple"`, 1), `line 2: JSON: json: unknown field "apple"`},
		{head + strings.Replace(run, `shop`, ``, 1), "line 2: the line names no app"},
		{head + strings.TrimSpace(run) + "{}\n", "line 2: JSON: there is more than one value"},
		{head + `{"type":"walk"}` + "\n", `line 2: there is no type "walk"; the types are run, build`},
		{head + `{"id":7}` + "\n", "line 2: the line has no type"},
		{head + "7\n", "line 2: JSON: "},
		{head + "\n", "line 2: JSON: "},
		{head + `{"type":"event","id":1,"at":1,"kind":"send"}` + "\n" + run, "line 3: a run stands behind a event"},
		{head + `{"type":"event","id":1,"at":1,"kind":"sned"}` + "\n", `line 2: add row: event 1: there is no kind "sned"`},
		{head + `{"type":"event","id":1,"at":1,"kind":"send","bytes":-1}` + "\n", "line 2: bytes -1 is below 0"},
		{head + `{"type":"socket","id":1,"app":"a","state":"dead"}` + "\n", `line 2: state is "dead", none of open`},
		{head + `{"type":"log","id":1,"app":"a","stream":"stdin"}` + "\n", `line 2: stream is "stdin"`},
		{head + `{"type":"payload","id":1,"socket_id":1,"direction":"sent","layer":"wire","data":"!"}` + "\n", "line 2: JSON: illegal base64"},
		{head + `{"type":"payload","id":1,"socket_id":1,"direction":"sent","layer":"wire"}` + "\n" +
			`{"type":"payload","id":2,"socket_id":1,"direction":"sent","layer":"wire"}` + "\n", "line 3: add row: constraint failed"},
		{head + end + run, "line 3: there is a line behind the last one"},
	} {
		path, err := imported(t, []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("import of %q: %v, want %s", tt.text, err, tt.want)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
			t.Errorf("import of %q left %v", tt.text, left)
		}
	}
	if path, err := imported(t, []byte(head+run+end)); err != nil {
		t.Errorf("import of one run: %v", err)
	} else if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("a good import left %v, want one file", left)
	}
}

// TestImportReplacesNothing keeps a file that is there, also one that came while the import was under way.
func TestImportReplacesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.db")
	in, err := storage.NewImport(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	if err := in.Finish(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Finish onto a file that came meanwhile = %v, want ErrExist", err)
	}
	if _, err := storage.NewImport(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "name another file") {
		t.Errorf("NewImport onto a file = %v, want ErrExist and the way out", err)
	}
	text, err := os.ReadFile(path)
	if string(text) != "precious" || err != nil {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

func TestImportInterrupted(t *testing.T) {
	t.Parallel()
	data := ndjson(t, recorded(t, 200), export.Options{})
	path := filepath.Join(t.TempDir(), "again.db")
	in, err := storage.NewImport(path)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	rows := 0
	err = export.Read(ctx, bytes.NewReader(data), func(ctx context.Context, row any) error {
		if rows++; rows == 500 {
			cancel()
		}
		return in.Add(ctx, row)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want context.Canceled", err)
	}
	must(t, in.Abort())
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// FuzzRead reads anything: it must not panic, and what it takes must be written as it was read.
func FuzzRead(f *testing.F) {
	for line := range bytes.Lines(ndjson(f, recorded(f, 1), export.Options{})) {
		f.Add([]byte(head + string(line) + "{\"type\":\"end\"}\n"))
	}
	f.Add([]byte(head + `{"type":"log","id":1,"app":{"base64":"/w=="},"at":1,"stream":"stdout","text":{"base64":null}}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows := 0
		err := export.Read(t.Context(), bytes.NewReader(data), func(context.Context, any) error { rows++; return nil })
		var line *export.LineError
		if err != nil && !errors.As(err, &line) {
			t.Errorf("Read(%q) = %v, which names no line", data, err)
		}
		if lines := bytes.Count(data, []byte("\n")); rows > lines {
			t.Errorf("Read(%q): %d rows of %d lines", data, rows, lines)
		}
	})
}
