package profile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// units are the suffixes of an amount of bytes.
var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// ParseAmount reads a limit: a count such as 4800 or 4_800, for bytes also a size such as 1MiB or 20 GB, or
// unlimited.
func ParseAmount(text string, bytes bool) (int64, error) {
	if text == "unlimited" {
		return sandbox.Unlimited, nil
	}
	number, unit := strings.ReplaceAll(text, "_", ""), int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(number, u.suffix); ok && bytes {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		example := "4800"
		if bytes {
			example = "1MiB, 20GB"
		}
		return 0, fmt.Errorf("%q is not an amount; write a number such as %s, or unlimited", text, example)
	}
	return n * unit, nil
}

// parseDuration reads a duration of a second or more; never, off and 0 are 0.
func parseDuration(text string) (time.Duration, error) {
	switch text {
	case "never", "off", "none", "0":
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 0 && d < time.Millisecond {
		return 0, fmt.Errorf("%q is not a duration; write one such as 120s, 2m or 10m, or never", text)
	}
	return d, nil
}
