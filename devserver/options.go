package devserver

import (
	"fmt"
	"io"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/otlp"
)

// Options say what Run runs. They are the flags of `devserver run`.
type Options struct {
	Dirs       []string // the apps' folders; none: apps of devserver.yaml, else the current folder
	Addr       string   // where the first app answers; "": 127.0.0.1:8080
	Console    string   // where the console answers; "": 127.0.0.1:8000
	Profile    string   // a built-in profile's name or a file; "": devserver.yaml's, else appengine
	Data       string   // "": .devserver in the first app's folder
	Standins   []string // [PROD=]LOCAL
	NoBilling  bool
	OnBuild    string        // "wait" or "": requests wait for a running build; "serve-old"
	WaitLimit  time.Duration // how long a request waits for a version; 0: 30 s, or not at all where Set knows it
	Drain      time.Duration // how long an old version may finish its requests after a swap; 0: 30 s, or none where Set knows it
	NoReload   bool          // nothing is watched
	LiveReload bool          // browsers load pages again after a swap
	TLS        bool          // the apps answer HTTPS, by a local CA
	Debug      string        // Delve debugs the apps, the first one's listens here, HOST:PORT; "": no debugger
	dlv        string        // path of Delve; "": the one that is found
	BuildFlags []string
	Config     string // a devserver.yaml; "": the one found from the first app's folder upwards
	LogFormat  string // "text" or "": how whoever hears the notices writes them; "json". Run does not ask
	ReadyFile  string // written once every app accepts; "": none

	// JournalLimit is how much of what an app does may wait on disk to be recorded: a size, 512MiB, or unlimited. Beyond it
	// the app is slowed. "": 1GiB.
	JournalLimit string
	Keep         []string // how much of the recording is kept: sizes (2GiB), ages (14d), or "all"; none: 2 GiB

	OTLP        string   // a store that gets spans, denials and quotas over OTLP/HTTP while they are recorded; "": none
	OTLPHeaders []string // NAME=VALUE, sent with each request to it
	otlpConfig  otlp.TailConfig

	listenLimit time.Duration // until an app that has not accepted is said to be silent; 0: 5 s

	Capture      string   // which bytes of the sockets are recorded: "none" or "", "head", "full"
	CaptureLimit string   // of each socket, direction and layer, as 64KiB; "": 4KiB for head, 1MiB for full
	Redact       []string // names of headers whose values are masked, besides the usual ones; "none" drops those before it
	KeyLog       string   // file to which the keys of crypto/tls are added; "": none

	caDir string // of the local CA; "": the user's

	Set    func(flag string) bool // tells whether the user gave that flag, which then wins over devserver.yaml; nil: none was given
	Notify func(Notice)           // hears every notice, one at a time; nil: nobody does
	Stdout io.Writer              // the apps' standard output, line by line; nil: dropped
	Stderr io.Writer              // the apps' standard error
	// Label dresses the name that stands in front of an app's line when several run: the i-th app's, padded. nil: as it is.
	Label    func(name string, i int, stderr bool) string
	Commands <-chan Command // from whoever sits at the terminal; nil: none
}

// UsageError is a wrong flag, argument or configuration: exit status 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}
