// Package livereload lets open pages follow the app: they load again after a swap, take a new style sheet without that,
// and show a problem while there is one.
//
// A script tag goes into the pages that the front proxy passes on. It names the state that the page was made in; the script
// behind it hears of each newer state by server-sent events, and compares. So it does not matter what a page has missed: a
// connection that comes back brings the whole state, from another run of devserver too.
//
//	answer ─► Page: is it a page? ─► injector ─► browser ─► /_devserver/live.js
//	                                                             │ compares
//	Swapped, Changed, Show ─► state ─► /_devserver/live ─────────┘
package livereload

import (
	"crypto/rand"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Version is a version of the app, as pages name it; they are counted.
type Version int64

// Problem is why the newest code is not what is served.
type Problem struct {
	Title  string  `json:"title"`            // a sentence: "The app does not compile"
	Text   string  `json:"text,omitempty"`   // the compiler's words, the app's last lines
	Errors []Error `json:"errors,omitempty"` // shown instead of Text
	Advice string  `json:"advice,omitempty"` // what to do
}

// Error is a place in the code and what is wrong there. File may be "", Line and Column 0.
type Error struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// state is all that a page has to know.
type state struct {
	Run     string   `json:"run"`     // of devserver: numbers count anew in each
	Version Version  `json:"version"` // that serves; 0: none has yet
	Assets  int      `json:"assets"`  // how often files have changed that pages load, besides style sheets
	Styles  int      `json:"styles"`  // how often style sheets have
	Problem *Problem `json:"problem,omitempty"`
}

// Live is the state of an app and the pages that follow it. A nil Live is one that is switched off.
type Live struct {
	warn func(text string)

	mu      sync.Mutex
	state   state           // guarded by mu
	newest  Version         // given out by Next; guarded by mu
	changed chan struct{}   // closed and replaced when state changes; guarded by mu
	closed  bool            // guarded by mu
	warned  map[string]bool // guarded by mu
}

// New returns a Live without a version. warn is told, once for each reason, why a page does not follow; it may be called
// from any goroutine.
func New(warn func(text string)) *Live {
	return &Live{warn: warn, state: state{Run: strings.ToLower(rand.Text()[:8])}, changed: make(chan struct{}), warned: make(map[string]bool)}
}

// Next returns the number of the version that is about to serve. When nothing but style sheets has changed, it is that of
// the version before: pages stay.
func (l *Live) Next(stylesOnly bool) Version {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !stylesOnly || l.state.Version == 0 {
		l.newest = l.state.Version + 1
	}
	return l.newest
}

// Serving is the version that serves, 0 before the first.
func (l *Live) Serving() Version {
	s, _, _ := l.look()
	return s.Version
}

// Swapped says that v serves: no request goes to the version before any more. p is the problem that there is still, nil
// for none.
func (l *Live) Swapped(v Version, p *Problem) {
	l.change(func(s *state) {
		if s.Version == v {
			s.Styles++
		}
		s.Version, s.Problem = v, p
	})
}

// Changed says that files have changed that browsers load by themselves.
func (l *Live) Changed(files []string) {
	l.change(func(s *state) {
		if OnlyStyles(files) {
			s.Styles++
		} else {
			s.Assets++
		}
	})
}

// OnlyStyles tells whether files are style sheets, and there are some.
func OnlyStyles(files []string) bool {
	return len(files) > 0 && !slices.ContainsFunc(files, func(f string) bool { return !strings.EqualFold(path.Ext(f), ".css") })
}

// Show shows p over the pages; nil takes away what is shown.
func (l *Live) Show(p *Problem) {
	l.change(func(s *state) { s.Problem = p })
}

func (l *Live) change(do func(*state)) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	do(&l.state)
	close(l.changed)
	l.changed = make(chan struct{})
}

// look returns the state, a channel that is closed when there is another one, and whether there will be any.
func (l *Live) look() (s state, changed <-chan struct{}, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.changed, l.closed
}

// label is how a page of version v names the state that it was made in.
func (l *Live) label(v Version) string {
	s, _, _ := l.look()
	return fmt.Sprintf("%s.%d.%d.%d", s.Run, v, s.Assets, s.Styles)
}

// Close ends all streams.
func (l *Live) Close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.change(func(*state) {})
}

func (l *Live) warnOnce(text string) {
	l.mu.Lock()
	had := l.warned[text]
	l.warned[text] = true
	l.mu.Unlock()
	if !had {
		l.warn(text)
	}
}
