package profile

import (
	"os"
	"testing"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		p, err := Load(name)
		if err != nil {
			t.Errorf("Load(%q): %v", name, err)
			continue
		}
		if p.Name != name || p.Summary == "" {
			t.Errorf("Load(%q) = %q %q, want its name and a summary", name, p.Name, p.Summary)
		}
	}
	_ = os.Args
}
