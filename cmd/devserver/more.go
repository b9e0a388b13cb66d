package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-d81df0db/devserver/devserver"
)

// explainer finds the command that explains a denial. It asks the same judge as the command will, so what it names
// comes to the same rule: the connection itself where an address tells, else the rule by itself.
type explainer struct {
	judges map[devserver.JudgeOptions]*devserver.Judge // nil: the rules cannot be read any more
}

func newExplainer() *explainer {
	return &explainer{judges: map[devserver.JudgeOptions]*devserver.Judge{}}
}

// mostCopied is how long an address may be that one is to copy from the terminal.
const mostCopied = 120

func (x *explainer) command(n devserver.Denied) string {
	judge, known := x.judges[n.Under]
	if !known {
		judge, _ = devserver.NewJudge(n.Under) // what is wrong with a file that was right at the start, its user is told by the command
		x.judges[n.Under] = judge
	}
	if judge != nil && n.Destination != "" && len(n.Destination) <= mostCopied && n.Destination == clean(n.Destination) {
		if args := connection(judge, n); args != nil {
			return explainCommand(n.Under, args...)
		}
	}
	return explainCommand(n.Under, "--rule", n.Rule)
}

// connection is what explain is asked about the connection that was denied, nil when that does not lead to its rule.
func connection(judge *devserver.Judge, n devserver.Denied) []string {
	leads := func(answers []netip.Addr) bool {
		e := judge.Explain(n.Network, n.Destination, answers)
		return string(e.Rule) == n.Rule && e.Verdict != "allow"
	}
	if n.Rule == "unresolved" {
		if !leads([]netip.Addr{}) {
			return nil
		}
		return []string{n.Network, n.Destination, "--answers", ""}
	}
	if leads(nil) {
		return []string{n.Network, n.Destination}
	}
	a, err := netip.ParseAddr(n.Addr)
	if err != nil {
		return nil
	}
	if leads([]netip.Addr{a}) {
		return []string{n.Network, n.Destination, "--answers", n.Addr}
	}
	// The name may be excepted, and the address not: it was dialled without being looked up.
	_, port, _ := net.SplitHostPort(n.Destination)
	if n.Destination = net.JoinHostPort(n.Addr, port); leads(nil) {
		return []string{n.Network, n.Destination}
	}
	return nil
}

// explainCommand is a command line of explain, fit to be pasted into a shell.
func explainCommand(under devserver.JudgeOptions, args ...string) string {
	under.Profile, under.Config = fromHere(under.Profile), fromHere(under.Config)
	words := append([]string{"devserver", "explain"}, under.Flags()...)
	return shellWords(append(words, args...)...)
}

// fromHere is a file's path from the current folder, if the file lies in it or below. It still reads as a file's, and
// not as the name of a profile.
func fromHere(file string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(file) {
		return file
	}
	rel, err := filepath.Rel(here, file)
	if err != nil || !filepath.IsLocal(rel) {
		return file
	}
	if filepath.Ext(rel) == "" {
		rel = "." + string(filepath.Separator) + rel
	}
	return rel
}

// shellWords is a command line of these words.
func shellWords(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}
