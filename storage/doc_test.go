package storage

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// document is the text for users, whose tables and queries these tests hold against a recording.
func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/recording.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentedTables compares the document's tables and columns with the schema's, both ways.
func TestDocumentedTables(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	documented := map[string][]string{}
	table := ""
	heading, row := regexp.MustCompile("^### `(.*)`$"), regexp.MustCompile("^\\| `(.*?)` \\|")
	for line := range strings.Lines(document(t)) {
		if m := heading.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			table = m[1]
		} else if m := row.FindStringSubmatch(line); m != nil {
			documented[table] = append(documented[table], m[1])
		}
	}
	rows, err := db.read.Query(`SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schema := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		schema[table] = append(schema[table], column)
	}
	for table, columns := range schema {
		if !slices.Equal(documented[table], columns) {
			t.Errorf("table %s\ndocument %v\n  schema %v", table, documented[table], columns)
		}
		delete(documented, table)
	}
	for table := range documented {
		t.Errorf("the document has a table %s that the schema has not", table)
	}
}

// TestDocumentedQueries runs every query of the document on a recording in which each has something to find.
func TestDocumentedQueries(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	run := startRun(t, db, "shop")
	on := func(socket uint64, e sandbox.Event) sandbox.Event {
		e.Socket, e.Request, e.At = socket, 1, int64(socket)*second
		return e
	}
	write(t, db, run,
		sandbox.Event{Kind: sandbox.KindRequestBegin, Request: 1, At: 1, Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}},
		on(0, resolve), on(1, create), on(1, connect), on(1, send), on(1, reclaim), on(1, broken), on(2, create), on(3, denied),
		sandbox.Event{Kind: sandbox.KindRequestEnd, Request: 1, At: 1, Req: &sandbox.RequestInfo{Status: 500}})
	if err := db.EndRun(run, 9*second, "exit status 2"); err != nil {
		t.Fatal(err)
	}
	write(t, db, startRun(t, db, "shop"), on(4, create))
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(document(t), -1)
	if len(queries) < 10 {
		t.Fatalf("the document has %d queries, want ten", len(queries))
	}
	ro, err := OpenReadOnly(db.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	for _, q := range queries {
		rows, err := ro.read.QueryContext(context.Background(), q[1])
		if err != nil {
			t.Errorf("%v in\n%s", err, q[1])
			continue
		}
		if !rows.Next() {
			t.Errorf("no row (%v) from\n%s", rows.Err(), q[1])
		}
		rows.Close()
	}
}
