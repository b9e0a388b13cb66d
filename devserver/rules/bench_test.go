package rules

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d81df0db/devserver/runtime/wire"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// The same program built plainly and under the rules, in turns, so that a noisy machine disturbs both. What is
// reported is the median of the rounds' ratios: ns/op sandboxed to plain (of stream, bytes per second). Where toxiproxy can
// be fetched, the plain program runs through it too: what the same insight cost before.
// Sandboxed means every rule asked and every event in the journal; quotas are off, or a benchmark would use them up, and
// the rule against loopback, so that the dial is an ordinary one.

func BenchmarkRoundTrip64(b *testing.B) { compare(b, "roundtrip", 40_000, discardNothing) }
func BenchmarkStream64KiB(b *testing.B) { compare(b, "stream", 20_000, discardAll) }
func BenchmarkDial(b *testing.B)        { compare(b, "dial", 10_000, discardNothing) }

// BenchmarkLogLine is a line of package log into a pipe that is read.
func BenchmarkLogLine(b *testing.B) { compare(b, "logline", 100_000, discardNothing) }

// With all bytes captured, and looked through for secrets.
func BenchmarkRoundTrip64Captured(b *testing.B) {
	compare(b, "roundtrip", 40_000, discardNothing, capturing(sandbox.Capture{Limit: 1 << 40, Redact: redacted}))
}
func BenchmarkStream64KiBCaptured(b *testing.B) {
	compare(b, "stream", 2_000, discardAll, capturing(sandbox.Capture{Limit: 1 << 40, Redact: redacted}))
}

func discardNothing(c net.Conn) { io.Copy(c, struct{ io.Reader }{c}) }
func discardAll(c net.Conn)     { io.Copy(io.Discard, c) }

func compare(b *testing.B, op string, n int, s service, config ...func(*wire.Config)) {
	addr := serve(b, s)
	plain, sandboxed := buildPlainly(b, "bench"), build(b, "bench")
	r := run{Config: output, Change: func(p *sandbox.Policy) {
		p.Quotas = nil
		p.Rules[sandbox.RuleLoopback] = sandbox.RuleSetting{Mode: sandbox.ModeOff} // the peer counts as a public address
	}}
	if len(config) > 0 {
		r.Config = config[0]
	}
	time := func(bin, addr string, n int, env ...string) float64 {
		cmd := exec.Command(bin, op, addr, strconv.Itoa(n))
		cmd.Env = append(os.Environ(), env...)
		cmd.Stderr = os.Stderr
		if op == "logline" {
			cmd.Stderr = struct{ io.Writer }{io.Discard} // a pipe, and a reader of it
		}
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		return ns
	}
	proxied := ""
	if op != "logline" && len(config) == 0 {
		proxied = toxiproxy(b, addr)
	}
	var ratios, ours, theirs, through []float64
	for b.Loop() {
		for range 11 {
			cfg := configure(b, r)
			x, y := time(plain, addr, n), time(sandboxed, addr, n, wire.Env+"="+writeConfig(b, cfg))
			os.RemoveAll(cfg.JournalDir)
			if proxied != "" {
				through = append(through, time(plain, proxied, n/5)/x)
			}
			theirs, ours, ratios = append(theirs, x), append(ours, y), append(ratios, y/x)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(theirs), "plain-ns")
	b.ReportMetric(median(ours), "sandboxed-ns")
	if op == "stream" {
		b.ReportMetric(1/median(ratios), "of-plain-rate")
		if proxied != "" {
			b.ReportMetric(1/median(through), "toxiproxy-of-plain-rate")
		}
		return
	}
	b.ReportMetric(median(ratios), "x-plain")
	if proxied != "" {
		b.ReportMetric(median(through), "toxiproxy-x-plain")
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func buildPlainly(tb testing.TB, name string) string {
	bin := filepath.Join(tb.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join("testdata", name)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	return bin
}
