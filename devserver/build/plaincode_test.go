package build

import (
	"os/exec"
	"strings"
	"testing"
)

const inlined = `
-- go.mod --
module example.com/m

go 1.25

require example.com/lib v0.0.0

replace example.com/lib => ./lib
-- app/main.go --
package main

import (
	"example.com/lib"
	"example.com/m/part"
)

func small() int { return 1 }

func main() { println(small(), lib.Small(), part.Small()) }
-- part/part.go --
package part

func Small() int { return 2 }
-- lib/go.mod --
module example.com/lib

go 1.25
-- lib/lib.go --
package lib

func Small() int { return 3 }
`

// TestPlainCode: for a debugger each call in the user's modules is a call, which one could step into; else the small ones are gone.
func TestPlainCode(t *testing.T) {
	t.Parallel()
	for _, debug := range []bool{false, true} {
		r := request(t, inlined, "app")
		r.Debug = debug
		r.Go.Flags = []string{"-ldflags=-s=false"} // nm reads symbols
		out, err := exec.Command("go", "tool", "nm", build(t, r).Binary).CombinedOutput()
		if err != nil {
			t.Fatalf("go tool nm: %v\n%s", err, out)
		}
		for _, name := range []string{" main.small", " example.com/m/part.Small", " example.com/lib.Small"} {
			if got := strings.Contains(string(out), name+"\n"); got != debug {
				t.Errorf("with Debug %v%s is in the program: %v", debug, name, got)
			}
		}
	}
}
