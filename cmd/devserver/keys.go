package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/seed-d81df0db/devserver/devserver"
)

// keyStep is how far the key t moves the clock: production's idle minutes.
const keyStep = 2 * time.Minute

// mostKeys is how many keys may come at once. More are a paste, which is not meant for devserver.
const mostKeys = 8

// keys does what single keys ask for while apps run. hear, tell and open are called from different goroutines.
type keys struct {
	teller   *teller
	commands chan devserver.Command
	quit     context.CancelFunc
	open     func(url string, failed func(error)) error

	mu      sync.Mutex
	console string  // URL, "" until an app is ready; guarded by mu, as are the next
	apps    []place // in the order in which they were ready
	asking  bool    // the next key is the number of an app
}

// place is where an app answers.
type place struct{ name, url string }

func newKeys(t *teller, quit context.CancelFunc) *keys {
	return &keys{teller: t, commands: make(chan devserver.Command, 8), quit: quit, open: openBrowser}
}

// keyTerminal is the terminal whose keys are heard: where a person sits, who sees what is told, and could press one.
func keyTerminal(stdin io.Reader, stderr io.Writer) *os.File {
	f, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !isTerminal(stderr) {
		return nil
	}
	return f
}

// tell learns from a notice where things are, and passes it on.
func (k *keys) tell(n devserver.Notice) {
	if n, ok := n.(devserver.AppReady); ok {
		k.learn(n)
	}
	k.teller.tell(n)
}

func (k *keys) learn(n devserver.AppReady) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.console = n.Console
	for i, a := range k.apps {
		if a.name == n.App {
			k.apps[i].url = n.URL
			return
		}
	}
	k.apps = append(k.apps, place{n.App, n.URL})
}

// hear does what the keys of one read say.
func (k *keys) hear(pressed []byte) {
	pressed = plainKeys(pressed)
	if len(pressed) > mostKeys {
		return
	}
	for _, key := range pressed {
		k.press(key)
	}
}

// plainKeys are the keys without arrows, function keys and the like, which come as an Escape and what belongs to it.
func plainKeys(pressed []byte) (plain []byte) {
	for i := 0; i < len(pressed); i++ {
		switch {
		case pressed[i] != '\x1b':
			plain = append(plain, pressed[i])
		case i+1 < len(pressed) && pressed[i+1] == '[': // to the first byte that is none of its parameters
			for i += 2; i < len(pressed) && pressed[i] < '@'; i++ {
			}
		case i+1 < len(pressed) && pressed[i+1] == 'O':
			i += 2
		default: // Alt and a key
			i++
		}
	}
	return plain
}

func (k *keys) press(key byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asking {
		k.asking = false
		if n, err := strconv.Atoi(string(key)); err == nil && n >= 1 && n <= len(k.apps) {
			k.show(k.apps[n-1].name, k.apps[n-1].url)
			return
		}
	}
	switch key {
	case 'r':
		k.command(devserver.Rebuild{})
	case 't':
		k.command(devserver.AdvanceClock{By: keyStep})
	case 'c':
		k.show("the console", k.console)
	case 'o':
		k.chooseApp()
	case 'q':
		k.quit()
	case '?':
		k.help()
	case '\r', '\n':
		k.teller.screen.Print("") // room between what was and what comes
	}
}

// command hands a command over. One that finds no room has been asked for often enough.
func (k *keys) command(c devserver.Command) {
	select {
	case k.commands <- c:
	default:
	}
}

// chooseApp opens the only app, or asks for which.
func (k *keys) chooseApp() {
	switch len(k.apps) {
	case 0:
		k.show("the app", "")
		return
	case 1:
		k.show(k.apps[0].name, k.apps[0].url)
		return
	}
	k.asking = true
	k.teller.say("open which? press its number")
	for i, a := range k.apps {
		k.line(strconv.Itoa(i+1), a.name, a.url)
	}
}

// show opens a page, or says where it is.
func (k *keys) show(what, url string) {
	if url == "" {
		k.teller.say("%s is not ready yet", what)
		return
	}
	failed := func(err error) {
		k.teller.say("%s is at %s (%v)", what, k.teller.style.strong.Render(url), err)
	}
	if err := k.open(url, failed); err != nil {
		failed(err)
		return
	}
	k.teller.say("opening %s: %s", what, url)
}

func (k *keys) help() {
	k.teller.say("keys")
	k.line("r", "rebuild", "builds and starts anew, changed or not")
	k.line("c", "console", k.console)
	switch len(k.apps) {
	case 0:
		k.line("o", "open", "")
	case 1:
		k.line("o", "open", k.apps[0].url)
	default:
		k.line("o", "open", "one of the apps")
	}
	k.line("t", "time", "moves the sandbox's clock two minutes forward")
	k.line("q", "quit", "as Ctrl-C does")
}

// line is a line of help or of a choice.
func (k *keys) line(key, what, more string) {
	k.teller.screen.Print(fmt.Sprintf("  %s  %-8s  %s", k.teller.style.strong.Render(key), what, k.teller.style.dim.Render(more)))
}
