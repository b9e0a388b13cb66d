package reloadbench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	before = 20 // requests that are served before a save,
	after  = 60 // and after the first response of the new code
)

// TestBenchReload prints the comparison: make bench-reload. DEVSERVER_BENCH_RELOAD is the number of rounds; devserver
// gets 50 for each 20 of the others. It fails if a request to devserver does, and never for a time.
func TestBenchReload(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("DEVSERVER_BENCH_RELOAD"))
	if rounds <= 0 {
		t.Skip("takes minutes; make bench-reload runs it")
	}
	ours := devserver(t)
	plain, builds := byHand(t)
	all := append([]*contender{ours, plain}, reloaders(t)...)
	for n := range rounds {
		for i := range all {
			all[(n+i)%len(all)].reload(t, fmt.Sprint("v", n+1))
		}
	}
	t.Log("\n" + table(all, *builds))
	for n := range rounds + rounds/2 { // not in the table: their times stand beside no one else's
		ours.reload(t, fmt.Sprint("more", n))
	}
	if runtime.GOOS == "linux" {
		t.Logf("devserver has had %d MiB in memory at most", peak(t, ours.pid)>>20)
	}
	checkNoneLost(t, ours)
}

// TestSoakNoneLost saves 500 times under load, and no request fails: make soak.
func TestSoakNoneLost(t *testing.T) {
	if os.Getenv("DEVSERVER_SOAK") == "" {
		t.Skip("takes minutes; make soak runs it")
	}
	noneLost(t, 500)
}

// TestNoneLost does so a few times.
func TestNoneLost(t *testing.T) {
	t.Parallel()
	noneLost(t, 5)
}

// noneLost saves so often; nothing may be left of the versions before: descriptors of devserver, and files below .devserver.
func noneLost(t *testing.T, saves int) {
	c := devserver(t)
	const warm = 3
	var early holdings
	for n := range saves {
		if n == warm {
			early = held(t, c)
		}
		c.reload(t, fmt.Sprint("v", n+1))
	}
	checkNoneLost(t, c)
	t.Logf("%d requests were served in %d reloads", c.requests, saves)
	var late holdings
	tick := time.NewTicker(10 * time.Millisecond) // the last old version is let go of a moment later
	defer tick.Stop()
	for end := time.Now().Add(tooLong); time.Now().Before(end); <-tick.C {
		if late = held(t, c); !late.more(early) {
			break
		}
	}
	if late.more(early) {
		t.Errorf("after %d reloads devserver holds %+v, after %d it held %+v", saves, late, warm, early)
	}
	if runtime.GOOS == "linux" {
		t.Logf("devserver has had %d MiB in memory at most, and holds %+v", peak(t, c.pid)>>20, late)
	}
}

func checkNoneLost(t *testing.T, c *contender) {
	t.Helper()
	if c.lost > 0 {
		t.Errorf("%d of %d requests to devserver failed in %d reloads: %v\n%s", c.lost, c.requests, len(c.times), c.reasons(), c.said.end())
	}
}

// reloaders starts those that can be had.
func reloaders(t *testing.T) (all []*contender) {
	if bin := install(t, airVersion); bin != "" {
		for _, way := range []string{"default", "tuned", "proxy"} {
			all = append(all, air(t, bin, way))
		}
	}
	if bin := install(t, reflexVersion); bin != "" {
		all = append(all, reflex(t, bin))
	}
	return all
}

// reload saves a version under load and takes the time until its first response.
func (c *contender) reload(t *testing.T, version string) {
	t.Helper()
	l := startLoad(c.url)
	defer l.end()
	if err := l.more(before); err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, c.said.end())
	}
	start := time.Now()
	err := c.save(version)
	if err == nil && c.changed != nil {
		err = c.changed()
	}
	if err == nil {
		err = c.await(t, version)
	}
	took := time.Since(start)
	if err == nil {
		err = l.more(after)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, c.said.end())
	}
	l.end()
	c.times = append(c.times, took)
	c.requests += l.sent.Load()
	c.lost += l.failed.Load()
	l.why.Range(func(why, _ any) bool {
		c.why[why.(string)] = true
		return true
	})
}

// await waits for a version. A reloader may have lost the app for good, as air does when it starts the new process before
// the old one has let go of the port: then it gets another save, as a person would do, and that is counted.
func (c *contender) await(t *testing.T, version string) error {
	err := await(c.url, version, time.Minute)
	if err == nil || c.mustReload {
		return err
	}
	t.Logf("%s needs another save: %v", c.name, err)
	c.stuck++
	text, err := os.ReadFile(filepath.Join(c.dir, "main.go"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "main.go"), append(text, "\n// again\n"...), 0o644); err != nil {
		return err
	}
	return await(c.url, version, time.Minute)
}

// reasons are some of those for which requests failed.
func (c *contender) reasons() []string {
	var all []string
	for why := range c.why {
		all = append(all, why)
	}
	slices.Sort(all)
	return all[:min(len(all), 5)]
}

// table is the comparison for a person.
func table(all []*contender, builds []time.Duration) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', tabwriter.AlignRight)
	build := median(builds)
	row := func(name string, times []time.Duration, counts string) {
		fmt.Fprintf(w, "%s\t%d\t%d ms\t%.2f\t%s\t\n", name, len(times), median(times).Milliseconds(), float64(median(times))/float64(build), counts)
	}
	fmt.Fprintln(w, "save to first new response\treloads\tmedian\tof go build\trequests\tfailed a reload\tsaved again\t")
	row("go build alone", builds, "\t\t")
	for _, c := range all {
		row(c.name, c.times, fmt.Sprintf("%d\t%.1f\t%d", c.requests, float64(c.lost)/float64(len(c.times)), c.stuck))
	}
	w.Flush()
	return text.String()
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
