package devserver

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/web"
)

// uses is source with an import of another package of its module.
func uses(pkg string) string {
	return strings.Replace(source, "import (", "import (\n\t_ \"example.com/shop/"+pkg+"\"", 1)
}

// TestEscapes builds an app that escapes nowhere, then one that starts curl, then one that enters the kernel in assembly
// too, and again the first.
func TestEscapes(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{
		"main.go":        source,
		"fetch/fetch.go": "package fetch\n\nimport \"os/exec\"\n\nfunc Get(url string) ([]byte, error) { return exec.Command(\"curl\", url).Output() }\n",
		"raw/raw.go":     "package raw\n\nimport _ \"example.com/shop/fetch\"\n\nfunc Call()\n",
		// What it would call is no call of the kernel's.
		"raw/raw_amd64.s": "#include \"textflag.h\"\n\nTEXT ·Call(SB), NOSPLIT, $0\n\tMOVQ $-1, AX\n\tSYSCALL\n\tRET\n",
		"raw/raw_arm64.s": "#include \"textflag.h\"\n\nTEXT ·Call(SB), NOSPLIT, $0\n\tMOVD $-1, R8\n\tSVC\n\tRET\n",
	})
	s.up()
	fetch := Escape{"example.com/shop/fetch", "child process", "It can start programs (os/exec); their sockets are not seen."}
	s.write("main.go", uses("fetch"))
	s.wantEscapes(fetch)
	s.write("main.go", uses("raw"))
	n := waitFor[Escapes](s, nil)
	if len(n.Packages) != 2 || n.Packages[0] != fetch || n.Packages[1].Package != "example.com/shop/raw" || n.Packages[1].Kind != "assembly" ||
		!strings.Contains(n.Packages[1].Text, "(Call in raw_") {
		t.Errorf("escapes %+v, want %+v and assembly", n.Packages, fetch)
	}
	s.wantShown(n.Packages)
	s.write("main.go", source)
	s.wantEscapes()
	s.wantShown(nil)
}

// TestEscapesOfCgo builds an app with C code.
func TestEscapesOfCgo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("cc"); err != nil {
		if _, err := exec.LookPath("gcc"); err != nil {
			hooktest.Missing(t, "there is no C compiler")
		}
	}
	s := newSite(t, map[string]string{
		"main.go": uses("native"),
		"native/native.go": `package native

// #include <sys/socket.h>
// static int one(void) { return socket(AF_INET, SOCK_STREAM, 0); }
import "C"

func Socket() int { return int(C.one()) }
`,
	})
	s.up()
	s.wantEscapes(Escape{"example.com/shop/native", "cgo", "It is built with code that is not Go (native.go); sockets of such code are not seen."})
}

// TestEscapesWithoutReload names what escapes where no file is watched.
func TestEscapesWithoutReload(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]string{"main.go": strings.Replace(source, "import (", "import (\n\t_ \"plugin\"", 1)})
	s.opts.NoReload = true
	s.up()
	if n := waitFor[Escapes](s, nil); len(n.Packages) != 1 || n.Packages[0].Kind != "plugin" {
		t.Errorf("escapes %+v, want a plugin", n.Packages)
	}
}

// wantEscapes waits for the next list that is told.
func (s *site) wantEscapes(want ...Escape) {
	s.t.Helper()
	if n := waitFor[Escapes](s, nil); n.App != "shop" || !reflect.DeepEqual(n.Packages, want) {
		s.t.Errorf("%s escapes by %+v, want %+v", n.App, n.Packages, want)
	}
}

// wantShown compares the list that the console has.
func (s *site) wantShown(want []Escape) {
	s.t.Helper()
	var state struct{ Apps []web.App }
	text := ask(s.t, "GET", s.ready.Console+"/api/v1/overview", "")
	if err := json.Unmarshal([]byte(text), &state); err != nil || len(state.Apps) != 1 {
		s.t.Fatalf("%v in %s", err, text)
	}
	var got []Escape
	for _, e := range state.Apps[0].Escapes {
		got = append(got, Escape(e))
	}
	if !reflect.DeepEqual(got, want) {
		s.t.Errorf("the console shows %+v, want %+v", got, want)
	}
}
