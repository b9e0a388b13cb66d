package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/devserver"
)

// TestKeys presses keys and sees what is said, opened, asked for and ended.
func TestKeys(t *testing.T) {
	t.Parallel()
	ready := func(app, url string) devserver.Notice {
		return devserver.AppReady{App: app, URL: url, Console: "http://c", First: true}
	}
	one := []devserver.Notice{ready("orders", "http://o")}
	two := append(slices.Clone(one), ready("billing", "http://b"))
	for _, tt := range []struct {
		notices             []devserver.Notice
		pressed             []string // each a read
		said, opened, asked string
		quit                bool
	}{
		{one, []string{"c"}, "devserver: opening the console: http://c\n", "http://c", "", false},
		{one, []string{"o"}, "devserver: opening orders: http://o\n", "http://o", "", false},
		{two, []string{"o", "2"}, "devserver: open which? press its number\n  1  orders    http://o\n  2  billing   http://b\ndevserver: opening billing: http://b\n", "http://b", "", false},
		{two, []string{"o", "3"}, "devserver: open which? press its number\n  1  orders    http://o\n  2  billing   http://b\n", "", "", false},
		{two, []string{"o", "c", "1"}, "devserver: open which? press its number\n  1  orders    http://o\n  2  billing   http://b\ndevserver: opening the console: http://c\n", "http://c", "", false},
		{nil, []string{"oc"}, "devserver: the app is not ready yet\ndevserver: the console is not ready yet\n", "", "", false},
		{one, []string{"rt"}, "", "", "{} {2m0s}", false},
		{one, []string{"\x1b[15~\x1b[A\x1bOAt"}, "", "", "{2m0s}", false},
		{one, []string{"q"}, "", "", "", true},
		{one, []string{"\n"}, "\n", "", "", false},
		{one, []string{"\x1b[C", "\x1bOq\x1b[15~\x1bq", "\x1b", "\x1b[", "\x1b[1;5", "\x1bO", "\x00\x04\xffQRz12"}, "", "", "", false},
		{one, []string{"a paste with q and r"}, "", "", "", false},
		{nil, []string{"?"}, "devserver: keys\n  r  rebuild   builds and starts anew, changed or not\n  c  console   \n  o  open      \n  t  time      moves the sandbox's clock two minutes forward\n  q  quit      as Ctrl-C does\n", "", "", false},
	} {
		var said bytes.Buffer
		var opened string
		quit := false
		k := newKeys(newTeller(&said), func() { quit = true })
		k.open = func(url string, _ func(error)) error { opened += url; return nil }
		for _, n := range tt.notices {
			k.tell(n)
		}
		said.Reset()
		for _, p := range tt.pressed {
			k.hear([]byte(p))
		}
		close(k.commands)
		var asked []string
		for c := range k.commands {
			switch c := c.(type) {
			case devserver.Rebuild:
				asked = append(asked, "{}")
			case devserver.AdvanceClock:
				asked = append(asked, "{"+c.By.String()+"}")
			}
		}
		if said.String() != tt.said || opened != tt.opened || strings.Join(asked, " ") != tt.asked || quit != tt.quit {
			t.Errorf("keys %q: said %q, opened %q, asked %q, quit %v; want %q, %q, %q, %v", tt.pressed, &said, opened, asked, quit, tt.said, tt.opened, tt.asked, tt.quit)
		}
	}
}

// TestKeysWithoutBrowser: where no browser opens, the address is said, at once or once the browser has failed.
func TestKeysWithoutBrowser(t *testing.T) {
	t.Parallel()
	for _, later := range []bool{false, true} {
		var said bytes.Buffer
		k := newKeys(newTeller(&said), func() {})
		k.open = func(_ string, failed func(error)) error {
			if !later {
				return errNoBrowser
			}
			failed(errors.New("exit status 3"))
			return nil
		}
		k.learn(devserver.AppReady{App: "orders", URL: "http://o", Console: "http://c"})
		k.hear([]byte("c"))
		if want := "devserver: the console is at http://c ("; !strings.HasPrefix(said.String(), want) {
			t.Errorf("said %q, want %q", &said, want)
		}
	}
}

// TestCommandsDoNotPileUp: keys that are pressed while nothing takes them are not kept without end, and block nobody.
func TestCommandsDoNotPileUp(t *testing.T) {
	t.Parallel()
	k := newKeys(newTeller(new(bytes.Buffer)), func() {})
	for range 1000 {
		k.hear([]byte("r"))
	}
	if n := len(k.commands); n == 0 || n > 10 {
		t.Errorf("%d commands wait", n)
	}
}

func TestBrowserCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", nil, ""},
		{"linux", map[string]string{"DISPLAY": ":0"}, "xdg-open http://c"},
		{"linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open http://c"},
		{"darwin", nil, "open http://c"},
		{"darwin", map[string]string{"BROWSER": "firefox"}, "firefox http://c"},
		{"linux", map[string]string{"BROWSER": "  chromium --new-window  "}, "chromium --new-window http://c"},
		{"linux", map[string]string{"BROWSER": "sh -c %s;x"}, "sh -c http://c;x"},
		{"linux", map[string]string{"BROWSER": " "}, ""},
	} {
		words, err := browserCommand("http://c", tt.goos, func(name string) string { return tt.env[name] })
		if got := strings.Join(words, " "); got != tt.want || (err == nil) == (tt.want == "") {
			t.Errorf("on %s with %v: %q, %v; want %q", tt.goos, tt.env, got, err, tt.want)
		}
	}
}

// TestKeysOnATerminalOnly: no key is read from a pipe or a file, nor while what is told goes to one.
func TestKeysOnATerminalOnly(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if f := keyTerminal(r, w); f != nil {
		t.Error("a pipe is taken for a terminal")
	}
	if f := keyTerminal(new(bytes.Buffer), w); f != nil {
		t.Error("a buffer is taken for a terminal")
	}
	if keyStep != 2*time.Minute {
		t.Errorf("t moves the clock by %v", keyStep)
	}
}

// FuzzKeys: whatever a terminal sends, nothing panics, and what is plain is kept.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{"r", "\x1b[15~q", "\x1bOA", "\x1b", "\x1b[", "o1", "\xff\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, pressed []byte) {
		k := newKeys(newTeller(new(bytes.Buffer)), func() {})
		k.open = func(string, func(error)) error { return nil }
		k.learn(devserver.AppReady{App: "orders", URL: "http://o", Console: "http://c"})
		k.hear(pressed)
		if plain := plainKeys(pressed); !bytes.Contains(pressed, []byte{'\x1b'}) && !bytes.Equal(plain, pressed) {
			t.Errorf("plainKeys(%q) = %q", pressed, plain)
		}
	})
}
