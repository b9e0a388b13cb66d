package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/seed-d81df0db/devserver/devserver"
)

// teller says to a person what happens while apps run: one line for what goes well, a small block for what
// does not. It is called from one goroutine at a time.
type teller struct {
	screen  *screen
	style   palette
	console string // told already
	explain *explainer
	hint    string // told once, when the first app is ready; "": nothing
	apps    []string
	work    workUnderWay
}

func newTeller(w io.Writer) *teller {
	s := &screen{w: w}
	if isTerminal(w) {
		s.width = func() int { return columns(w.(*os.File)) }
	}
	return &teller{screen: s, style: newPalette(w), explain: newExplainer()}
}

// columns is the terminal's width now; 80 when it does not say.
func columns(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// tell shows one notice. One of a kind that it does not know is shown as Go prints it, never dropped.
func (t *teller) tell(n devserver.Notice) {
	switch n := n.(type) {
	case devserver.ToolchainProgress:
		t.toolchain(n)
	case devserver.BuildStarted:
		t.building(n)
	case devserver.BuildFailed:
		t.broken(n)
	case devserver.Unchanged:
		t.over(n.App)
		t.say("%s is the same program as before%s (build %s)", t.style.ok.Render(n.App), filesOf(n.Files), seconds(n.Build))
	case devserver.AppReady:
		t.ready(n)
	case devserver.Denied:
		t.denied(n)
	case devserver.DrainEnded:
		t.say("%s reload %d: the version before had %s left after %v (--drain) and was ended", t.style.warn.Render(n.App), n.Reload, count(n.Requests, "request"), n.Limit)
	case devserver.WorkerExited:
		t.exited(n)
	case devserver.Escapes:
		t.escapes(n)
	case devserver.Recovered:
		t.recovered(n)
	case devserver.RecordingStopped:
		t.say("%s: %s; the app goes on", t.style.bad.Render("recording stopped"), clean(n.Reason))
	case devserver.RecordingResumed:
		t.say("recording goes on; %s", missing(n.Lost))
	case devserver.Slowed:
		t.say("%s: its journal holds %s that are not in the recording yet; a larger --journal-limit lets it run ahead", t.style.warn.Render(n.App+" is slowed"),
			devserver.SizeText(n.Limit))
	case devserver.Note:
		t.say("%s", n.Text)
	case devserver.Trimmed:
		t.say("the recording let go of its oldest, %s with %s; it keeps %s (--keep)", count(n.Runs, "run"), count(n.Events, "event"), n.Keep)
	case devserver.ClockMoved:
		t.say("the clock is %s ahead; %s reclaimed", exactly(n.Offset), count(n.Reclaimed, "idle socket"))
	case devserver.Warning:
		t.over(n.App)
		t.say("%s %s", t.style.warn.Render("warning:"), n.Text)
	case devserver.Stopped:
		t.stopped(n)
	default:
		t.say("%+v", n)
	}
}

// say prints a line with the program's name in front.
func (t *teller) say(format string, args ...any) {
	t.screen.Print(t.style.dim.Render("devserver:") + " " + fmt.Sprintf(format, args...))
}

// sayWait tells, when stopping takes more than a second, what is waited for. It returns what ends that.
func (t *teller) sayWait(stopping context.Context) (stopped func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-stopping.Done():
		case <-ended:
			return
		}
		select {
		case <-time.After(time.Second):
			t.say("waiting for what runs to end; another Ctrl-C kills it")
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

// more prints a line that belongs to the one above.
func (t *teller) more(label, text string) {
	if text == "" {
		return
	}
	indent := "\n" + strings.Repeat(" ", 11)
	t.screen.Print("  " + t.style.dim.Render(fmt.Sprintf("%-8s", label)) + " " + strings.ReplaceAll(text, "\n", indent))
}

// toolchain is progress: redrawn with its numbers on a terminal, one line a step elsewhere.
func (t *teller) toolchain(n devserver.ToolchainProgress) {
	text := "devserver: " + n.Step
	if t.screen.width != nil && n.Total > 0 {
		text = fmt.Sprintf("%s  %d of %d", text, n.Done, n.Total)
	}
	t.screen.Status(text)
}

// building is progress too. Where nothing can be redrawn only the first build is worth a line: a reload gets
// one when it is done.
func (t *teller) building(n devserver.BuildStarted) {
	if !slices.Contains(t.apps, n.App) {
		t.apps = append(t.apps, n.App)
	}
	switch {
	case t.screen.width != nil:
		t.work.begin(n.App, filesOf(n.Files))
		t.screen.Status(t.work.text())
	case n.First:
		t.screen.Status("devserver: building " + n.App)
	}
}

// over takes an app out of the progress.
func (t *teller) over(app string) {
	if app != "" {
		t.work.end(app)
		t.screen.Status(t.work.text())
	}
}

func (t *teller) broken(n devserver.BuildFailed) {
	t.over(n.App)
	what := "does not compile; it starts once it does"
	if n.Serving {
		what = "does not compile; the version before goes on serving"
	}
	t.say("%s %s", t.style.bad.Render(n.App), what)
	for _, e := range n.Errors {
		if e.File != "" && n.Root != "" && !filepath.IsAbs(e.File) {
			e.File = fromHere(filepath.Join(n.Root, e.File)) // so that a terminal can open it
		}
		t.screen.Print("  " + t.style.strong.Render(position(e)) + clean(e.Message))
	}
	if len(n.Errors) == 0 {
		t.screen.Print(indented(n.Output))
	}
}

// position is file:line:col with a colon and a space behind it, as far as it is known.
func position(e devserver.BuildError) string {
	switch {
	case e.File == "":
		return ""
	case e.Line == 0:
		return e.File + ": "
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: ", e.File, e.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
}

func (t *teller) ready(n devserver.AppReady) {
	t.over(n.App)
	app := t.style.ok.Render(n.App)
	switch {
	case n.First:
		t.say("%s is ready: %s (profile %s, built in %s)", app, t.style.strong.Render(n.URL), n.Profile, seconds(n.Build))
	case n.Restarted:
		t.say("%s runs again: %s", app, n.URL)
	default:
		t.say("%s reload %d%s (build %d ms, swap %d ms)", app, n.Reload, filesOf(n.Files), n.Build.Milliseconds(), n.Swap.Milliseconds())
	}
	if n.First && n.Debug != "" {
		t.say("%s waits for a debugger's client: dlv connect %s", app, n.Debug)
	}
	if n.Console != t.console {
		t.console = n.Console
		t.say("what its sockets do: %s", t.style.strong.Render(n.Console))
	}
	if t.hint != "" {
		t.say("%s", t.hint)
		t.hint = ""
	}
}

// filesOf names what was saved: ": main.go, mail.go and 4 more".
func filesOf(files []string) string {
	const shown = 3
	switch {
	case len(files) == 0:
		return ""
	case len(files) > shown:
		return fmt.Sprintf(": %s and %d more", clean(strings.Join(files[:shown], ", ")), len(files)-shown)
	}
	return ": " + clean(strings.Join(files, ", "))
}

// denied is the block that this program is for: the rule and the destination, the user's line, why, and what to do.
func (t *teller) denied(n devserver.Denied) {
	what := strings.TrimSpace(n.Network + " " + clean(n.Destination))
	if what != "" {
		what = ": " + what
	}
	switch {
	case n.Rule == "reclaimed" && !n.Report: // nothing was refused: the connection was there once, and is no more
		t.say("%s and then used%s", t.style.cut.Render("reclaimed while idle"), what)
	case n.Report:
		t.say("%s by rule %s%s", t.style.warn.Render("let through; production denies it"), t.style.strong.Render(n.Rule), what)
	default:
		t.say("%s by rule %s%s", t.style.bad.Render("denied"), t.style.strong.Render(n.Rule), what)
	}
	if len(t.apps) > 1 {
		t.more("app", n.App)
	}
	t.more("where", where(n))
	t.more("why", n.Reason)
	t.more("do", n.Advice)
	t.more("more", t.explain.command(n))
}

func where(n devserver.Denied) string {
	switch {
	case n.CallSite == "":
		return clean(n.Request)
	case n.Request == "":
		return clean(n.CallSite)
	}
	return clean(n.CallSite) + ", serving " + clean(n.Request)
}

// recovered says what an earlier devserver has left behind, and what of it is missing.
func (t *teller) recovered(n devserver.Recovered) {
	text := fmt.Sprintf("recovered %s of %s that had been killed", count(n.Events, "event"), count(n.Journals, "worker"))
	if n.Lost > 0 {
		text += "; " + missing(n.Lost) + ", for lack of room"
	}
	if n.Damaged > 0 {
		text += "; " + count(n.Damaged, "damaged piece") + " passed over"
	}
	t.say("%s", text)
}

// missing says how many events were lost.
func missing(n uint64) string {
	switch n {
	case 0:
		return "no event was lost"
	case 1:
		return "1 event is missing"
	}
	return count(int64(n), "event") + " are missing"
}

// rulesPage is where the console tells of what escapes.
func (t *teller) rulesPage() string {
	if t.console == "" { // before the first app is ready
		return "the console's page /rules"
	}
	return t.console + "/rules"
}

// escapes names the packages of a build whose sockets the rules do not see, and why.
func (t *teller) escapes(n devserver.Escapes) {
	const shown = 8
	if len(n.Packages) == 0 {
		t.say("%s has no package any more that can open sockets which the rules do not see", t.style.ok.Render(n.App))
		return
	}
	t.say("%s %s that can open sockets which the rules do not see:", t.style.warn.Render(n.App), "has "+count(len(n.Packages), "package"))
	for i, e := range n.Packages {
		if i == shown {
			t.screen.Print(fmt.Sprintf("  and %d more", len(n.Packages)-shown))
			break
		}
		t.screen.Print(fmt.Sprintf("  %s (%s): %s", t.style.strong.Render(clean(e.Package)), clean(e.Kind), clean(e.Text)))
	}
	t.more("means", "What they do over sockets of their own is not seen: no rule, no quota, no recording.")
	t.more("more", t.rulesPage())
}

func (t *teller) exited(n devserver.WorkerExited) {
	t.over(n.App)
	next := "it starts again after the next change"
	switch {
	case n.Serving:
		next = "the version before goes on serving"
	case n.RestartIn > 0:
		next = "it starts again in " + seconds(n.RestartIn)
	}
	if n.Again { // its last words stand above
		t.say("%s ended again (%s); %s", t.style.bad.Render(n.App), n.Exit, next)
		return
	}
	t.say("%s ended (%s); %s", t.style.bad.Render(n.App), n.Exit, next)
	for _, line := range n.LastLines {
		t.screen.Print("  " + t.style.dim.Render(clean(line)))
	}
}

func (t *teller) stopped(n devserver.Stopped) {
	t.work = workUnderWay{}
	t.screen.Status("")
	t.say("stopped after %s and %s; recorded in %s", count(n.Sockets, "socket"), count(n.Denials, "denial"), n.Recording)
}

// indented puts two spaces in front of each line.
func indented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = "  " + clean(line)
	}
	return strings.Join(lines, "\n")
}
