package web

// Backlog is what of an app is not in the recording yet: it waits in the journals of its workers.
type Backlog struct {
	App     string `json:"-"`                 // whose; for the one who fills it in
	Bytes   int64  `json:"bytes"`             // that wait
	Limit   int64  `json:"limit,omitempty"`   // of each journal; 0: none
	Slowed  bool   `json:"slowed,omitempty"`  // the app waits for the recording
	Stopped string `json:"stopped,omitempty"` // why nothing is recorded for the moment, "" when it is
}

// backlogShown is how many bytes wait before the console says so: less is written in a moment.
const backlogShown = 16 << 20

// Shown reports whether the console says anything about b.
func (b Backlog) Shown() bool { return b.Bytes >= backlogShown || b.Slowed || b.Stopped != "" }

// Title says in a few words how it stands.
func (b Backlog) Title() string {
	switch {
	case b.Stopped != "":
		return "Recording has stopped"
	case b.Slowed:
		return "The app waits for the recording"
	}
	return "The recording is behind"
}

// Text says how much waits, and what that means.
func (b Backlog) Text() string {
	text := binarySize(b.Bytes)
	if b.Limit > 0 {
		text += " of at most " + binarySize(b.Limit)
	}
	text += " wait to be written"
	switch {
	case b.Stopped != "":
		return b.Stopped + "; " + text
	case b.Slowed:
		return text + "; the app is slowed, and nothing is lost"
	}
	return text
}
