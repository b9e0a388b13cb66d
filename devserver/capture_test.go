package devserver

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

func TestNewCapture(t *testing.T) {
	t.Parallel()
	mine := append(slices.Clone(redacted), "x-mine")
	for _, tt := range []struct {
		o    Options
		want sandbox.Capture
		err  string
	}{
		{Options{}, sandbox.Capture{}, ""},
		{Options{Capture: "none"}, sandbox.Capture{}, ""},
		{Options{Capture: "head"}, sandbox.Capture{Limit: 4096, Head: 512, Redact: redacted}, ""},
		{Options{Capture: "full"}, sandbox.Capture{Limit: 1 << 20, Redact: redacted}, ""},
		{Options{Capture: "full", CaptureLimit: "64KiB"}, sandbox.Capture{Limit: 64 << 10, Redact: redacted}, ""},
		{Options{Capture: "head", CaptureLimit: "unlimited"}, sandbox.Capture{Limit: math.MaxInt64, Head: 512, Redact: redacted}, ""},
		{Options{Capture: "full", Redact: []string{"X-Mine", "cookie"}}, sandbox.Capture{Limit: 1 << 20, Redact: mine}, ""},
		{Options{Capture: "full", Redact: []string{"none"}}, sandbox.Capture{Limit: 1 << 20}, ""},
		{Options{Capture: "full", Redact: []string{"a", "none", "b"}}, sandbox.Capture{Limit: 1 << 20, Redact: []string{"b"}}, ""},
		{Options{Capture: "all"}, sandbox.Capture{}, `"all" is not none, head or full`},
		{Options{Capture: "full", CaptureLimit: "much"}, sandbox.Capture{}, `"much" is not a size; write one such as 64KiB`},
		{Options{Capture: "full", CaptureLimit: "-1"}, sandbox.Capture{}, `"-1" is not a size`},
		{Options{CaptureLimit: "1MiB"}, sandbox.Capture{}, "add --capture head or --capture full"},
		{Options{Redact: []string{"a"}}, sandbox.Capture{}, "add --capture head or --capture full"},
		{Options{Capture: "full", Redact: []string{""}}, sandbox.Capture{}, `"" is not the name of a header`},
		{Options{Capture: "full", Redact: []string{"a: b"}}, sandbox.Capture{}, `"a: b" is not the name of a header`},
		{Options{Capture: "full", Redact: []string{"ä"}}, sandbox.Capture{}, `"ä" is not the name of a header`},
	} {
		got, err := newCapture(&tt.o)
		if tt.err == "" && err == nil && reflect.DeepEqual(got, tt.want) {
			continue
		}
		var usage *UsageError
		if tt.err == "" || err == nil || !strings.Contains(err.Error(), tt.err) || !errors.As(err, &usage) {
			t.Errorf("%+v: %+v, %v; want %+v, %s", tt.o, got, err, tt.want, tt.err)
		}
	}
}

func TestNewKeyLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	for range 2 { // it is added to
		if path, err := newKeyLog(file); path != file || err != nil {
			t.Errorf("newKeyLog(%s) = %s, %v", file, path, err)
		}
		if text, err := os.ReadFile(file); err == nil && len(text) == 0 {
			os.WriteFile(file, []byte("a line\n"), 0)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "a line\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", st.Mode(), err)
	}
	if _, err := newKeyLog(dir); err == nil || !strings.HasSuffix(err.Error(), "choose another file with --keylog") {
		t.Errorf("a folder: %v", err)
	}
}
