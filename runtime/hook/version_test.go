package hook

import (
	"strings"
	"testing"
)

func TestSupported(t *testing.T) {
	for _, tt := range []struct {
		version string
		want    string // part of the error; "" supported
	}{
		{"go1.25", ""},
		{"go1.25.0", ""},
		{"go1.26.8", ""},
		{"go1.26.8-vendor", ""},
		{"go1.25.3 (Red Hat 1.25.3-1.el9)", ""},
		{"go1.27rc1", ""},
		{"go1.27.0 X:nodwarf5", ""},
		{"go1.24.13", "Go 1.24.13 is not supported"},
		{"go1.28rc1", "Go 1.28rc1 is not supported yet"},
		{"go1.30", "Go 1.30 is not supported yet"},
		{"go2.0", `"go2.0" is not a version of Go`},
		{"devel go1.27-abcdef Mon", "development version"},
		{"go1.27-devel_abcdef", "development version"},
		{"", `"" is not a version of Go`},
		{"1.26.8", `"1.26.8" is not a version of Go`},
	} {
		err := Supported(tt.version)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Supported(%q) = %v, want %q", tt.version, err, tt.want)
		}
		if err != nil && !strings.Contains(err.Error(), "1.25, 1.26 and 1.27") {
			t.Errorf("Supported(%q) = %v, which does not say what is supported", tt.version, err)
		}
	}
}

func TestHolds(t *testing.T) {
	for _, tt := range []struct {
		only  string
		minor int
		want  bool
	}{
		{"", 25, true},
		{">=1.27", 26, false},
		{">=1.27", 27, true},
		{"<1.27", 26, true},
		{"<1.27", 27, false},
		{">=1.26 <1.27", 25, false},
		{">=1.26 <1.27", 26, true},
		{">=1.26 <1.27", 27, false},
	} {
		if got, err := holds(tt.only, tt.minor); got != tt.want || err != nil {
			t.Errorf("holds(%q, %d) = %v, %v, want %v", tt.only, tt.minor, got, err, tt.want)
		}
	}
	for _, bad := range []string{"1.27", "=1.27", ">=go1.27", "<", ">= 1.27", "<1.27.1"} {
		if got, err := holds(bad, 26); err == nil {
			t.Errorf("holds(%q, 26) = %v without an error", bad, got)
		}
	}
}
