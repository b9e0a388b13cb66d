package toolchain

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBuildOutput(t *testing.T) {
	t.Parallel()
	const text = "internal/poll\nnet\n# net/http\nhttp/x.go:1:2: bad\nnet/textproto\nlast words"
	var counts []int
	o := &buildOutput{built: func(n int) { counts = append(counts, n) }}
	if _, err := io.Copy(o, iotest.OneByteReader(strings.NewReader(text))); err != nil { // lines come in pieces
		t.Fatal(err)
	}
	if want := "# net/http\nhttp/x.go:1:2: bad\nlast words"; o.complaints() != want {
		t.Errorf("complaints %q, want %q", o.complaints(), want)
	}
	if !slices.Equal(counts, []int{1, 2, 3}) {
		t.Errorf("counts %v", counts)
	}
}
