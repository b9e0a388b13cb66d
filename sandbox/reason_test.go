package sandbox

import (
	"testing"
	"time"
)

func TestPlainSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		2 * time.Minute: "2m", 90 * time.Second: "1m30s", time.Hour: "1h", 70 * time.Minute: "1h10m",
		time.Hour + 30*time.Second: "1h0m30s", 10 * time.Second: "10s", 0: "0s", 1500 * time.Millisecond: "1.5s",
	} {
		if got := plainSpan(d); got != want {
			t.Errorf("plainSpan(%v) = %s, want %s", d, got, want)
		}
	}
}
