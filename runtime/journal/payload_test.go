package journal

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestPayloadWhole: a payload is no text, so it is never shortened, whatever its bytes are.
func TestPayloadWhole(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	w := create(t, dir, Options{})
	var want []string
	for _, n := range []int{1, 12, 13, 64, 65, sandbox.PayloadSize - 1, sandbox.PayloadSize} {
		for range 20 {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			want = append(want, string(b))
			w.Record(sandbox.Event{Kind: sandbox.KindTLSReceived, At: 1, Socket: 2, Bytes: 3, Detail: string(b)})
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := openAt(t, dir, Position{}).now(t)
	if len(got) != len(want) {
		t.Fatalf("%d payloads, want %d", len(got), len(want))
	}
	for i, e := range got {
		if e.Detail != want[i] || e.Kind != sandbox.KindTLSReceived || e.Bytes != 3 {
			t.Errorf("payload %d of %d bytes came back as %v of %d", i, len(want[i]), e.Kind, len(e.Detail))
		}
	}
}
