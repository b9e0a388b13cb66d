package hook

import (
	"go/build/constraint"
	"testing"
)

func TestBuildRule(t *testing.T) {
	for _, tt := range []struct {
		name, line    string
		linux, darwin bool // can be compiled there at all
		plain         bool // is compiled for linux/amd64 with cgo and no further tag
	}{
		{"fd.go", "", true, true, true},
		{"fd_linux.go", "", true, false, true},
		{"fd_darwin.go", "", false, true, false},
		{"fd_windows.go", "", false, false, false},
		{"fd_linux_arm64.go", "", true, false, false},
		{"fd_arm64.go", "", true, true, false},
		{"linux.go", "", true, true, true},
		{"fd_unix.go", "", true, true, true}, // unix is no suffix
		{"fd_unix.go", "//go:build unix || windows", true, true, true},
		{"a.go", "//go:build windows || plan9", false, false, false},
		{"a.go", "//go:build !linux", false, true, false},
		{"a.go", "//go:build cgo && !netgo && unix", true, true, true},
		{"a.go", "//go:build netgo", true, true, false},
		{"a.go", "//go:build !cgo || netgo", true, true, false},
		{"a.go", "//go:build darwin && !ios", false, true, false},
		{"a.go", "//go:build go1.27", false, false, false},
		{"a.go", "//go:build !go1.27", true, true, true},
		{"a.go", "//go:build linux && (386 || arm)", true, false, false},
		{"a.go", "//go:build goexperiment.x && linux", true, false, false},
		{"a.go", "//go:build ignore", false, false, false},
	} {
		var expr constraint.Expr
		if tt.line != "" {
			var err error
			if expr, err = constraint.Parse(tt.line); err != nil {
				t.Fatal(err)
			}
		}
		r := newBuildRule(tt.name, expr, 26)
		if linux, darwin, plain := r.can("linux"), r.can("darwin"), r.in(platforms[0]); linux != tt.linux || darwin != tt.darwin || plain != tt.plain {
			t.Errorf("%s %q: linux %v, darwin %v, plain %v; want %v, %v, %v", tt.name, tt.line, linux, darwin, plain, tt.linux, tt.darwin, tt.plain)
		}
	}
}
