package devserver

import (
	"fmt"
	"testing"

	"github.com/seed-d81df0db/devserver/devserver/porttest"
)

// reserved is an address on loopback that nobody else is given until the test's end.
func reserved(t testing.TB) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", porttest.Keep(t))
}
