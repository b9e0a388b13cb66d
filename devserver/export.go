package devserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// ExportOptions say which part of a recording is exported. Its zero value is all of it.
type ExportOptions = export.Options

// ExportFormats are the words that Export knows.
var ExportFormats = []string{"ndjson", "har", "pcapng"}

// Snapshot returns the recording as it is now, whatever is written meanwhile. Close it soon, and before r: until then the
// recording's write-ahead log grows.
func (r *Recording) Snapshot(ctx context.Context) (*Recording, error) {
	db, err := r.db.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &Recording{db}, nil
}

// DenialRows returns the rows of the table denials that the filter selects.
func (r *Recording) DenialRows(ctx context.Context, f record.DenialFilter) ([]record.DenialRow, error) {
	return r.db.DenialRows(ctx, f)
}

// Export writes a moment of the recording to w in one of ExportFormats.
func (r *Recording) Export(ctx context.Context, format string, w io.Writer, o ExportOptions) error {
	snap, err := r.Snapshot(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	switch format {
	case "ndjson":
		err = export.NDJSON(ctx, out, snap, o)
	case "har":
		err = export.HAR(ctx, out, snap, o)
	case "pcapng":
		err = export.PCAPNG(ctx, out, snap, o)
	default:
		err = fmt.Errorf("there is no format %q", format)
	}
	if err == nil {
		err = out.Flush()
	}
	return errors.Join(err, snap.Close())
}

// ExportFile lets write fill the file at path, which appears when it is whole.
func ExportFile(path string, write func(io.Writer) error) error { return export.WriteFile(path, write) }

// ExplainExport says of an error of Export what happened to the target, by the name that a person knows it by.
func ExplainExport(target string, err error) error { return export.Explain(target, err) }

// Import makes a recording at path of an ndjson export. A file that is there already is refused and stays; after an
// error there is none. progress, when not nil, is told now and then how many rows are read.
func Import(ctx context.Context, r io.Reader, path string, progress func(rows int)) (rows int, err error) {
	in, err := storage.NewImport(path)
	if err != nil {
		return 0, fmt.Errorf("make recording: %w", err)
	}
	err = export.Read(ctx, r, func(ctx context.Context, row any) error {
		if rows++; progress != nil && rows%1000 == 0 {
			progress(rows)
		}
		return in.Add(ctx, row)
	})
	if err != nil {
		return rows, errors.Join(err, in.Abort())
	}
	return rows, in.Finish(ctx)
}
