package sandbox

import (
	"errors"
	"slices"
	"syscall"
	"testing"
)

// The options of App Engine's socket documents, exactly these eight.
func TestSupportedOptions(t *testing.T) {
	t.Parallel()
	var supported []string
	for _, k := range options {
		if k.class == optionSupported {
			supported = append(supported, k.text)
		}
	}
	slices.Sort(supported)
	want := []string{"SO_DEBUG", "SO_KEEPALIVE", "SO_LINGER", "SO_OOBINLINE", "SO_RCVBUF", "SO_REUSEADDR", "SO_SNDBUF", "TCP_NODELAY"}
	if !slices.Equal(supported, want) {
		t.Errorf("supported %q, want %q", supported, want)
	}
}

// optionBox is a box with one socket, whose events r gets.
func optionBox(t testing.TB, style string, r Recorder) *Socket {
	t.Helper()
	b, err := New(Config{Policy: &Policy{Billing: true, Options: style, Rules: map[Rule]RuleSetting{
		RuleOption: {Mode: ModeEnforce}, RuleMulticast: {Mode: ModeEnforce},
	}}, Recorder: r})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Socket("udp4", Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every option of every level has an answer, whatever the value: denied, answered or the system's affair, and one event.
func FuzzOption(f *testing.F) {
	f.Add(true, syscall.SOL_SOCKET, syscall.SO_SNDBUF, []byte{1, 0, 0, 0})
	f.Add(false, syscall.SOL_SOCKET, syscall.SO_LINGER, make([]byte, 8))
	f.Add(false, syscall.SOL_SOCKET, syscall.SO_LINGER, []byte{})
	f.Add(true, syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, []byte{224, 0, 0, 1})
	f.Add(false, -1, 1<<40, []byte("a value longer than any option has, which a filter may be"))
	f.Fuzz(func(t *testing.T, set bool, level, name int, value []byte) {
		for _, style := range optionStyles {
			var seen events
			s := optionBox(t, style, &seen)
			before := len(seen)
			c, err := s.BeginOption(set, level, name, value)
			if err == nil {
				s.EndOption(c, value, nil)
			}
			if err != nil && !errors.Is(err, syscall.EACCES) {
				t.Errorf("%s: %v, want EACCES", style, err)
			}
			if n := len(seen) - before; n != 1 {
				t.Errorf("%s: %d events, want 1: %+v", style, n, seen[before:])
			}
			if len(c.Value) > len(value) {
				t.Errorf("%s: answers %d bytes where there is room for %d", style, len(c.Value), len(value))
			}
			known := option{level, name}.known()
			if answered := known.class == optionSupported && style != OptionsReal; c.Answered != answered {
				t.Errorf("%s: answered %t, want %t", style, c.Answered, answered)
			}
			if err != nil && known.class == optionSupported {
				t.Errorf("%s: a supported option is denied: %v", style, err)
			}
		}
	})
}

type events []Event

func (e *events) Record(x Event) { *e = append(*e, x) }

func BenchmarkOption(b *testing.B) {
	s := optionBox(b, OptionsReal, nil)
	value := make([]byte, 8)
	b.ReportAllocs()
	for b.Loop() {
		c, err := s.BeginOption(true, syscall.SOL_SOCKET, syscall.SO_LINGER, value)
		if err != nil {
			b.Fatal(err)
		}
		s.EndOption(c, value, nil)
	}
}
