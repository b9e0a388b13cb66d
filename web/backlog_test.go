package web

import (
	"strings"
	"testing"
)

// TestBacklog: the overview has a line on the journal only while there is something to say.
func TestBacklog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		b    Backlog
		want string
	}{
		{"quiet", Backlog{Bytes: backlogShown - 1, Limit: 1 << 30}, ""},
		{"behind", Backlog{Bytes: 50 << 20, Limit: 1 << 30}, "The recording is behind <small>50 MiB of at most 1 GiB wait to be written</small>"},
		{"unlimited", Backlog{Bytes: 50 << 20}, "The recording is behind <small>50 MiB wait to be written</small>"},
		{"slowed", Backlog{Bytes: 1 << 20, Limit: 1 << 20, Slowed: true}, "The app waits for the recording <small>1 MiB of at most 1 MiB wait to be written; the app is slowed, and nothing is lost</small>"},
		{"stopped", Backlog{Slowed: true, Stopped: "no room left on the disk of a<b; free some space"}, "Recording has stopped <small>no room left on the disk of a<b; free some space; 0 B wait to be written</small>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state := func() State {
				s := full()
				s.Apps[0].Backlog = tt.b
				return s
			}
			handler := newConsole(t, lively(noon), state, nil)
			body := get(handler, "/").Body.String()
			if shown := strings.Contains(body, `id="backlog-`); shown != (tt.want != "") || !strings.Contains(unescape(body), tt.want) {
				t.Errorf("shown %v, want %q", shown, tt.want)
			}
			for _, wrong := range checkHTML(body) {
				t.Error(wrong)
			}
			if tt.name == "slowed" {
				golden(t, "overview-slowed", body)
			}
		})
	}
}
