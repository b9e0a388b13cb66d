package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d81df0db/devserver/runtime/hook/hooktest"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

const oneSecond = int64(time.Second)

// talkNoon is when the test's recording begins.
var talkNoon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC).UnixNano()

// talk is the story of one socket of the test's recording.
type talk struct {
	info   sandbox.Info
	events []sandbox.Event // Socket and, for the first, Info are filled in
}

func ev(kind sandbox.Kind, at int64, bytes int64) sandbox.Event {
	return sandbox.Event{Kind: kind, At: talkNoon + at, Duration: 1000, Bytes: bytes}
}

func changed(e sandbox.Event, change func(*sandbox.Event)) sandbox.Event {
	change(&e)
	return e
}

// talks are sockets of all sorts, by id.
var talks = map[uint64]talk{
	1: {sandbox.Info{Network: "tcp", Host: "db.example.com", Remote: "93.184.216.34:5432", Local: "127.0.0.1:40001", Standin: "127.0.0.1:5432", CallSite: "store/db.go:42"}, []sandbox.Event{
		ev(sandbox.KindConnect, 10, 0), ev(sandbox.KindSend, 5000, 11), ev(sandbox.KindReceive, 9000, 7), ev(sandbox.KindSend, 12000, 200_000), ev(sandbox.KindReceive, 15000, 700_000),
		changed(ev(sandbox.KindClose, 20000, 0), func(e *sandbox.Event) { e.Reason = sandbox.ReasonApp }),
	}},
	2: {sandbox.Info{Network: "tcp", Remote: "[2001:db8:1::7]:443", Local: "[::1]:40002"}, []sandbox.Event{
		ev(sandbox.KindConnect, 100, 0), ev(sandbox.KindSend, 6000, 5),
		changed(ev(sandbox.KindReclaim, 121*oneSecond, 0), func(e *sandbox.Event) { e.Reason, e.Duration = sandbox.ReasonReclaimed, 120*time.Second }),
		changed(ev(sandbox.KindSend, 130*oneSecond, 0), func(e *sandbox.Event) { e.Error = "write: broken pipe" }),
	}},
	3: {sandbox.Info{Network: "tcp", Remote: "10.0.0.7:5432", CallSite: "main.go:9"}, []sandbox.Event{
		changed(ev(sandbox.KindDeny, 300, 0), func(e *sandbox.Event) {
			e.Rule, e.Error, e.Detail = sandbox.RulePrivate, "permission denied", "10.0.0.7 is private"
		}),
	}},
	4: {sandbox.Info{Network: "tcp", Remote: "93.184.216.35:81", Local: "127.0.0.1:40004"}, []sandbox.Event{
		changed(ev(sandbox.KindConnect, 400, 0), func(e *sandbox.Event) { e.Error = "connect: connection refused" }),
	}},
	5: {sandbox.Info{Network: "udp", Remote: "93.184.216.36:53", Local: "127.0.0.1:40005"}, []sandbox.Event{
		ev(sandbox.KindConnect, 500, 0), ev(sandbox.KindSend, 501, 30), ev(sandbox.KindReceive, 502, 300),
	}},
	6: {sandbox.Info{Network: "unix", Remote: "/run/x"}, []sandbox.Event{ev(sandbox.KindConnect, 600, 0), ev(sandbox.KindSend, 601, 30)}},
	7: {sandbox.Info{Network: "tcp", Host: "smtp.example.com", Remote: "smtp.example.com:25"}, []sandbox.Event{
		changed(ev(sandbox.KindDeny, 700, 0), func(e *sandbox.Event) { e.Rule = sandbox.RulePort25 }),
	}},
	8: {sandbox.Info{Network: "tcp", Remote: "127.0.0.1:50008", Local: "127.0.0.1:8443"}, []sandbox.Event{ // accepted
		ev(sandbox.KindCreate, 800, 0), ev(sandbox.KindReceive, 900, 1000), ev(sandbox.KindSend, 950, 2000),
		changed(ev(sandbox.KindClose, 21000, 0), func(e *sandbox.Event) { e.Reason = sandbox.ReasonPeer }),
	}},
	9: {sandbox.Info{Network: "tcp", Remote: "93.184.216.34:5432", Local: "127.0.0.1:40001"}, []sandbox.Event{ // the port of 1 again; left open
		ev(sandbox.KindConnect, 30000, 0), ev(sandbox.KindSend, 30001, 3),
	}},
	10: {sandbox.Info{Network: "tcp4", Remote: "93.184.216.34:80", Local: "127.0.0.1:40010"}, []sandbox.Event{
		// A receive that began first and ended last: it is recorded after the sends.
		ev(sandbox.KindConnect, 40000, 0), ev(sandbox.KindSend, 45000, 17), ev(sandbox.KindSend, 47000, 18),
		changed(ev(sandbox.KindReceive, 42000, 40), func(e *sandbox.Event) { e.Duration = 8000 }),
		changed(ev(sandbox.KindClose, 60000, 0), func(e *sandbox.Event) { e.Reason = sandbox.ReasonReset }),
	}},
	11: {sandbox.Info{Network: "tcp", Local: "127.0.0.1:8444"}, []sandbox.Event{ev(sandbox.KindCreate, 1, 0), ev(sandbox.KindListen, 2, 0)}},
	12: {sandbox.Info{Network: "tcp", Local: "0.0.0.0:80"}, []sandbox.Event{changed(ev(sandbox.KindDeny, 750, 0), func(e *sandbox.Event) { e.Rule = sandbox.RuleListen })}},
}

// talkRecording writes the talks into a recording; those with an even id are of the app mail.
func talkRecording(t testing.TB) *storage.DB {
	t.Helper()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	runs := map[string]int64{}
	for _, app := range []string{"shop", "mail"} {
		if runs[app], err = db.StartRun(record.Run{App: app, StartedAt: talkNoon}); err != nil {
			t.Fatal(err)
		}
	}
	begin := sandbox.Event{Kind: sandbox.KindRequestBegin, Request: 77, At: talkNoon, Req: &sandbox.RequestInfo{Method: "GET", URL: "/orders/7"}}
	if err := db.Write(t.Context(), storage.Batch{RunID: runs["shop"], App: "shop", Events: []sandbox.Event{begin}}); err != nil {
		t.Fatal(err)
	}
	for id := uint64(1); id <= uint64(len(talks)); id++ {
		app := []string{"mail", "shop"}[id%2]
		events := append([]sandbox.Event(nil), talks[id].events...)
		for i := range events {
			events[i].Socket = id
			if id == 1 {
				events[i].Request = 77
			}
		}
		info := talks[id].info
		events[0].Info = &info
		if err := db.Write(t.Context(), storage.Batch{RunID: runs[app], App: app, Events: events}); err != nil {
			t.Fatal(err)
		}
	}
	capturePayloads(t, db)
	return db
}

// capturePayloads adds the bytes of socket 1: all of its first operations, the beginning of the later ones.
func capturePayloads(t testing.TB, db *storage.DB) {
	t.Helper()
	events, err := db.Events(t.Context(), record.EventFilter{SocketID: 1, Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int64{}
	add := func(e record.Event, way string, data []byte, of int64) {
		err := db.AddPayload(record.Payload{SocketID: 1, EventID: e.ID, RequestID: 77, At: e.At, Direction: way, Layer: "wire", Place: place[way], Data: data})
		if err != nil {
			t.Fatal(err)
		}
		place[way] += of
	}
	add(events[1], "sent", []byte("hello"), 5)
	add(events[1], "sent", []byte(" world"), 6)
	add(events[2], "received", []byte("goodbye"), 7)
	add(events[3], "sent", bytes.Repeat([]byte("x"), 70_000), 200_000)
}

// tshark runs it on a capture and returns its lines.
func tshark(t *testing.T, capture []byte, args ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(file, capture, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("tshark", append([]string{"-n", "-r", file}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark %v: %v\n%s", args, err, &stderr)
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "Running as user") && strings.TrimSpace(line) != "" {
			t.Errorf("tshark %v says: %s", args, line)
		}
	}
	return strings.FieldsFunc(stdout.String(), func(r rune) bool { return r == '\n' })
}

func needTshark(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		hooktest.Missing(t, "tshark is missing: apt-get install tshark")
	}
}

// pcapng exports a recording.
func pcapng(t *testing.T, src Source, o Options) (capture []byte, notes []string) {
	t.Helper()
	var b bytes.Buffer
	o.Note = func(s string) { notes = append(notes, s) }
	if err := PCAPNG(t.Context(), &b, src, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), notes
}

// TestPCAPNGWithoutWarnings: tshark finds nothing to warn of but the resets, which are what happened, and all
// checksums right that can be.
func TestPCAPNGWithoutWarnings(t *testing.T) {
	t.Parallel()
	needTshark(t)
	capture, notes := pcapng(t, talkRecording(t), Options{})
	if want := []string{
		"left out of the packets: sockets, because " + noAddress + ": 1",
		"left out of the packets: sockets, because " + noNetwork + ": 1",
	}; fmt.Sprint(notes) != fmt.Sprint(want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	checks := []string{"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"}
	bad := tshark(t, capture, append(checks, "-Y", "_ws.expert.severity >= 0x600000 && !tcp.connection.rst && !(tcp.checksum == 0)")...)
	if len(bad) > 0 {
		t.Errorf("tshark warns of\n%s", strings.Join(bad, "\n"))
	}
	trouble := tshark(t, capture, "-Y", "tcp.analysis.flags && !tcp.analysis.reused_ports || _ws.malformed")
	if len(trouble) > 0 {
		t.Errorf("tshark's analysis finds\n%s", strings.Join(trouble, "\n"))
	}
	if resets := tshark(t, capture, "-Y", "tcp.connection.rst"); len(resets) != 5 { // reclaimed, two denied, refused, reset
		t.Errorf("%d resets, want 5:\n%s", len(resets), strings.Join(resets, "\n"))
	}
	whole := tshark(t, capture, append(checks, "-Y", "tcp.checksum.status == Good && tcp.len > 0", "-T", "fields", "-e", "tcp.len")...)
	if strings.Join(whole, " ") != "11 7 61440" { // what was captured whole, the first segment of what was captured in part
		t.Errorf("segments with a checksum that fits: %q", whole)
	}
}

// TestPCAPNGConversations: bytes and times are those of the recording.
func TestPCAPNGConversations(t *testing.T) {
	t.Parallel()
	needTshark(t)
	db := talkRecording(t)
	capture, _ := pcapng(t, db, Options{})
	type sums struct{ sent, received int64 }
	got := map[string]sums{}
	for _, line := range tshark(t, capture, "-T", "fields", "-e", "frame.interface_name", "-e", "ip.src", "-e", "ipv6.src", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tcp.len",
		"-e", "udp.srcport", "-e", "udp.dstport", "-e", "udp.length", "-e", "tcp.stream") {
		f := strings.Split(line, "\t")
		src, dst, n := f[3]+f[6], f[4]+f[7], wholeNumber(t, f[5])
		if f[8] != "" {
			n = wholeNumber(t, f[8]) - 8
		}
		key, back := f[0]+" "+src+" "+dst+" "+f[9], f[0]+" "+dst+" "+src+" "+f[9]
		if s, ok := got[back]; ok {
			s.received += n
			got[back] = s
			continue
		}
		s := got[key]
		s.sent += n
		got[key] = s
	}
	want := map[string]sums{}
	for _, s := range []struct {
		id  int64
		key string
	}{{3, "shop 49155 5432"}, {1, "shop 40001 5432"}, {2, "mail 40002 443"}, {4, "mail 40004 81"}, {8, "mail 50008 8443"}, {9, "shop 40001 5432"}, {7, "shop 49159 25"}, {10, "mail 40010 80"}, {5, "shop 40005 53"}} {
		row, err := db.Socket(t.Context(), s.id)
		if err != nil {
			t.Fatal(err)
		}
		sum := sums{row.BytesSent, row.BytesReceived}
		if s.id == 8 { // the peer came to us
			sum = sums{row.BytesReceived, row.BytesSent}
		}
		want[s.key+" "+fmt.Sprint(row.BytesSent)] = sum
	}
	for key, s := range got {
		n := s.sent
		if strings.HasPrefix(key, "mail 50008") {
			n = s.received
		}
		short := key[:strings.LastIndex(key, " ")+1] + fmt.Sprint(n)
		if w, ok := want[short]; !ok || w != s {
			t.Errorf("conversation %s: %+v, want %+v", key, s, w)
		}
		delete(want, short)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
	times := tshark(t, capture, "-Y", "tcp.srcport == 40010 && tcp.len > 0 || tcp.dstport == 40010 && tcp.len > 0", "-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.len")
	var exact []string
	for _, p := range []struct{ at, n int64 }{{45000, 17}, {47000, 18}, {50000, 40}} {
		exact = append(exact, fmt.Sprintf("%d.%09d\t%d", (talkNoon+p.at)/oneSecond, (talkNoon+p.at)%oneSecond, p.n))
	}
	if strings.Join(times, "\n") != strings.Join(exact, "\n") {
		t.Errorf("times and lengths of socket 10\n%q, want\n%q", times, exact)
	}
}

func wholeNumber(t *testing.T, s string) int64 {
	t.Helper()
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPCAPNGWords: interfaces, comments and captured bytes are where a reader looks for them.
func TestPCAPNGWords(t *testing.T) {
	t.Parallel()
	needTshark(t)
	capture, _ := pcapng(t, talkRecording(t), Options{})
	for _, tt := range []struct{ filter, field, want string }{
		{"tcp.flags.syn == 1 && tcp.dstport == 5432 && ip.dst == 93.184.216.34 && frame.comment contains \"db.go\"", "frame.comment", `socket 1 of run 1,call site: store/db\.go:42,host: db\.example\.com,stand-in: 127\.0\.0\.1:5432,request 77: GET /orders/7`},
		{"ip.dst == 10.0.0.7", "frame.comment", `rule: private,call site: main\.go:9,deny by rule private: permission denied: 10\.0\.0\.7 is private`},
		{"ip.dst == 0.0.0.0 && tcp.dstport == 25", "frame.comment", `rule: port25,host: smtp\.example\.com`},
		{"ipv6.src == 2001:db8:1::7 && tcp.flags.reset == 1", "frame.comment", `reclaim.*idle for 120\.000 s.*ended by: reclaimed`},
		{"tcp.srcport == 81", "tcp.flags.reset", `^1|True$`},
		{"tcp.port == 40004 && tcp.flags.syn == 1", "frame.comment", `connect: connect: connection refused`},
		{"tcp.len == 11", "tcp.payload", "68656c6c6f20776f726c64"},
		{"tcp.len == 7", "tcp.payload", "676f6f64627965"},
		{"udp && ip.src == 127.0.0.1", "frame.interface_name", "shop"},
		{"tcp.port == 8443 && tcp.flags.syn == 1 && tcp.flags.ack == 0", "tcp.srcport", "50008"},
	} {
		got := strings.Join(tshark(t, capture, "-Y", tt.filter, "-T", "fields", "-e", tt.field), "\n")
		if !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%s of %s is %q, want %s", tt.field, tt.filter, got, tt.want)
		}
	}
}

// TestPCAPNGManyWords: what a socket was refused before its first packet is told with that packet, as far as a block has room: Wireshark
// reads none above 16 MiB. How a connection ended is told all the same.
func TestPCAPNGManyWords(t *testing.T) {
	t.Parallel()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	info := sandbox.Info{Network: "udp", Remote: "93.184.216.36:53", Local: "127.0.0.1:40005"}
	events := []sandbox.Event{{Kind: sandbox.KindCreate, At: talkNoon, Socket: 1, Info: &info}}
	const refused = 5000
	for range refused {
		events = append(events, sandbox.Event{Kind: sandbox.KindDeny, At: talkNoon, Socket: 1, Rule: sandbox.RulePrivate, Detail: strings.Repeat("x", longest)})
	}
	events = append(events, sandbox.Event{Kind: sandbox.KindSend, At: talkNoon + 1, Socket: 1, Bytes: 5})
	tcp := sandbox.Info{Network: "tcp", Remote: "93.184.216.36:80", Local: "127.0.0.1:40006"}
	events = append(events, sandbox.Event{Kind: sandbox.KindCreate, At: talkNoon, Socket: 2, Info: &tcp}, sandbox.Event{Kind: sandbox.KindConnect, At: talkNoon, Socket: 2})
	for range refused {
		events = append(events, sandbox.Event{Kind: sandbox.KindDeny, At: talkNoon + 1, Socket: 2, Rule: sandbox.RulePrivate})
	}
	events = append(events, sandbox.Event{Kind: sandbox.KindClose, At: talkNoon + 2, Socket: 2, Reason: sandbox.ReasonPeer})
	if err := db.Write(t.Context(), storage.Batch{App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
	capture, _ := pcapng(t, db, Options{})
	for rest := capture; len(rest) > 0; {
		n := binary.LittleEndian.Uint32(rest[4:])
		if n > 1<<20 {
			t.Errorf("a block of type %d has %d bytes", binary.LittleEndian.Uint32(rest), n)
		}
		rest = rest[n:]
	}
	if want := fmt.Sprintf("and %d more", refused-mostComments); !bytes.Contains(capture, []byte(want)) {
		t.Errorf("the packet does not say %q", want)
	}
	if want := "ended by: peer"; !bytes.Contains(capture, []byte(want)) {
		t.Errorf("the last packet does not say %q", want)
	}
}

// TestPCAPNGPart: of an app, a run, a request, a time.
func TestPCAPNGPart(t *testing.T) {
	t.Parallel()
	needTshark(t)
	db := talkRecording(t)
	for _, tt := range []struct {
		o    Options
		want string // bytes of TCP and UDP that were sent and received
	}{
		{Options{RequestID: 77}, "11 7 200000 700000"}, {Options{App: "shop"}, "11 7 200000 700000 3 | 30 300"},
		{Options{RunID: 2}, "2000 1000 5 17 18 40"}, {Options{Since: talkNoon + 30000}, "3 17 18 40"}, {Options{App: "nobody"}, ""},
	} {
		capture, _ := pcapng(t, db, tt.o)
		var tcp, udp []string
		sum, last := int64(0), ""
		for _, line := range append(tshark(t, capture, "-Y", "tcp.len > 0", "-T", "fields", "-e", "tcp.len", "-e", "ip.src", "-e", "frame.time_epoch"), "0\t\t") {
			n, from, _ := strings.Cut(line, "\t")
			if from != last && sum > 0 {
				tcp, sum = append(tcp, fmt.Sprint(sum)), 0
			}
			sum, last = sum+wholeNumber(t, n), from
		}
		for _, n := range tshark(t, capture, "-Y", "udp", "-T", "fields", "-e", "udp.length") {
			udp = append(udp, fmt.Sprint(wholeNumber(t, n)-8))
		}
		got := strings.Join(tcp, " ")
		if len(udp) > 0 {
			got += " | " + strings.Join(udp, " ")
		}
		if got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.o, got, tt.want)
		}
		if bad := tshark(t, capture, "-Y", "tcp.analysis.flags && !tcp.analysis.reused_ports"); len(bad) > 0 {
			t.Errorf("%+v: %s", tt.o, strings.Join(bad, "\n"))
		}
	}
}

// shortFile is a file on a disk that has no room after some bytes.
type shortFile struct{ room int }

var errNoRoom = errors.New("no space left on device")

func (f *shortFile) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errNoRoom
	}
	return len(p), nil
}

func TestPCAPNGFails(t *testing.T) {
	t.Parallel()
	db := talkRecording(t)
	if err := PCAPNG(t.Context(), &shortFile{100}, db, Options{}); !errors.Is(err, errNoRoom) || !strings.HasPrefix(err.Error(), "pcapng: write: ") {
		t.Errorf("a full disk: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := PCAPNG(ctx, &shortFile{1 << 30}, db, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// writerFunc writes by a function.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestPCAPNGEndless: a single operation of more bytes than any disk holds ends with the disk, or when it is interrupted.
func TestPCAPNGEndless(t *testing.T) {
	t.Parallel()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	info := sandbox.Info{Network: "tcp", Remote: "93.184.216.36:80", Local: "127.0.0.1:40005"}
	events := []sandbox.Event{
		{Kind: sandbox.KindCreate, At: talkNoon, Socket: 1, Info: &info}, {Kind: sandbox.KindConnect, At: talkNoon + 1, Socket: 1},
		{Kind: sandbox.KindSend, At: talkNoon + 2, Socket: 1, Bytes: 1 << 60},
	}
	if err := db.Write(t.Context(), storage.Batch{App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
	if err := PCAPNG(t.Context(), &shortFile{1 << 20}, db, Options{}); !errors.Is(err, errNoRoom) {
		t.Errorf("a full disk: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	interrupting := writerFunc(func(p []byte) (int, error) {
		stop()
		return len(p), nil
	})
	if err := PCAPNG(ctx, interrupting, db, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestPCAPNGAtRandom: whatever sockets do at the same time, in whatever order it was recorded, tshark finds nothing wrong
// and no byte is missing.
func TestPCAPNGAtRandom(t *testing.T) {
	t.Parallel()
	needTshark(t)
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		want := randomEvents(t, db, rnd)
		capture, notes := pcapng(t, db, Options{})
		if len(notes) > 0 {
			t.Errorf("seed %d: %s", seed, notes)
		}
		if bad := tshark(t, capture, "-Y", "tcp.analysis.flags && !tcp.analysis.reused_ports || _ws.malformed || _ws.expert.severity >= 0x600000 && !tcp.connection.rst"); len(bad) > 0 {
			t.Errorf("seed %d: tshark finds\n%s", seed, strings.Join(bad, "\n"))
		}
		var got int64
		for _, n := range tshark(t, capture, "-Y", "tcp.len > 0", "-T", "fields", "-e", "tcp.len") {
			got += wholeNumber(t, n)
		}
		if got != want {
			t.Errorf("seed %d: %d bytes, want %d", seed, got, want)
		}
	}
}

// randomEvents writes operations of sockets, in the order in which they end, and returns how many bytes went over them.
func randomEvents(t *testing.T, db *storage.DB, rnd *rand.Rand) (bytes int64) {
	t.Helper()
	run, err := db.StartRun(record.Run{App: "shop", StartedAt: talkNoon})
	if err != nil {
		t.Fatal(err)
	}
	var events []sandbox.Event
	for id := uint64(1); id <= 60; id++ {
		at, ends := rnd.Int64N(1e9), int64(0)
		info := &sandbox.Info{Network: "tcp", Remote: fmt.Sprintf("93.184.216.%d:443", rnd.IntN(3)), Local: fmt.Sprintf("127.0.0.1:%d", 40000+id)}
		if rnd.IntN(3) > 0 {
			events = append(events, sandbox.Event{Kind: sandbox.KindConnect, Socket: id, At: talkNoon + at, Duration: 1000, Info: info})
			at += 1000
		} else {
			events = append(events, sandbox.Event{Kind: sandbox.KindCreate, Socket: id, At: talkNoon + at, Info: info})
		}
		for range rnd.IntN(40) {
			kind := []sandbox.Kind{sandbox.KindSend, sandbox.KindReceive}[rnd.IntN(2)]
			began, lasted, n := at+1+rnd.Int64N(1e8), 1+rnd.Int64N(1e8), rnd.Int64N([]int64{10, 1000, 200_000}[rnd.IntN(3)])
			events = append(events, sandbox.Event{Kind: kind, Socket: id, At: talkNoon + began, Duration: time.Duration(lasted), Bytes: n})
			bytes, ends = bytes+n, max(ends, began+lasted)
		}
		if rnd.IntN(4) > 0 { // not always after all else: a close cuts off what is under way
			reason := sandbox.CloseReason(1 + rnd.IntN(6))
			kind := sandbox.KindClose
			if reason == sandbox.ReasonReclaimed {
				kind = sandbox.KindReclaim
			}
			events = append(events, sandbox.Event{Kind: kind, Socket: id, At: talkNoon + ends - rnd.Int64N(2), Reason: reason})
		}
	}
	ended := func(e sandbox.Event) int64 { return e.At + int64(e.Duration) }
	slices.SortStableFunc(events, func(a, b sandbox.Event) int { return cmp.Compare(ended(a), ended(b)) })
	if err := db.Write(t.Context(), storage.Batch{RunID: run, App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
	return bytes
}
