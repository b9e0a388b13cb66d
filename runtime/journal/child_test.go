package journal

import (
	"os"
	"os/exec"
	"testing"
)

// childEnv names the part that the test binary plays when a test starts it again.
const childEnv = "JOURNAL_TEST_CHILD"

// children are the parts: each runs in a process of its own and returns what was wrong.
var children = map[string]func(dir string) error{
	"record":   recordUntilKilled,
	"parent":   recordWithChild,
	"sleeper":  sleepUntilEOF,
	"limited":  recordBeyondLimit,
	"fulldisk": recordOnFullDisk,
}

func TestMain(m *testing.M) {
	part, ok := children[os.Getenv(childEnv)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := part(os.Args[1]); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// child makes the command that plays a part in the folder dir.
func child(part, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), childEnv+"="+part)
	cmd.Stderr = os.Stderr
	return cmd
}
