package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
)

// core are the tests that every version of Go must pass: each hook is used by one of them.
const core = "^(TestVersionInUse|TestDenied|TestBeforeMain|TestStandin|TestStandinOfOtherFamily|TestUDP|TestEveryByteIsSeen|TestListen|TestNothingLeaks|TestReclaim|" +
	"TestSystemCalls|TestLentDescriptor|TestCallSites|TestBatch|TestUnixStream|TestUnixDatagram|TestMovingStack|TestStorm|TestManySockets|" +
	"TestOptions|TestTruthfulOptions|TestMulticastJoin|TestDeadlineCutsOff|TestDeadlineCutsWrites|TestDescriptors|TestDescriptorsReported|TestInherited|TestReceivedDescriptor|TestRows|TestOutput|" +
	"TestKeyLogDecrypts|TestCaptureHTTP|TestCaptureTLS|TestKeyLog|TestCaptureLimit|TestCapturePieces|TestCaptureTogether)$" +
	"/^(plain|trimpath|unoptimised|pooled|blocked|real|mock|tcp|udpown|errno|classic|http1|http2|)$"

// TestVersions runs the core again with the other releases of Go that are supported.
func TestVersions(t *testing.T) {
	if os.Getenv("RULES_VERSION") != "" {
		t.Skip("is what runs this")
	}
	t.Parallel()
	for _, version := range hooktest.Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			goroot, _ := hooktest.Goroot(t, version)
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "-test.run="+core, "-test.timeout=5m")
			cmd.Env = append(os.Environ(), "RULES_VERSION="+version, "GOTOOLCHAIN=local", "PATH="+filepath.Join(goroot, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestVersionInUse fails when a run for a version is one of another.
func TestVersionInUse(t *testing.T) {
	t.Parallel()
	tc, err := patched()
	if err != nil {
		t.Fatal(err)
	}
	if want := os.Getenv("RULES_VERSION"); want != "" && tc.GoVersion != want {
		t.Errorf("programs are built with %s, want %s", tc.GoVersion, want)
	}
}
