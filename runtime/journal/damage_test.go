package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// sample is an intact journal of two segments and what is in it.
type sample struct {
	lock   []byte
	files  [][]byte // the segments
	events []placed
}

// placed is an event and where its slots are.
type placed struct {
	sandbox.Event
	file     int
	from, to int
}

var intactSample = sync.OnceValues(func() (*sample, error) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w, err := Create(dir, "run-1", Options{App: "guestbook", Run: 3, Segment: firstSegment})
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var events []sandbox.Event
	for i := 0; w.current.Load().number < 2 || i%500 != 0; i++ {
		e := randomEvent(rng)
		e.Bytes = int64(i)
		w.Record(e)
		events = append(events, e)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return locate(dir, events)
})

// locate reads the journal back and notes where each event stands.
func locate(dir string, events []sandbox.Event) (*sample, error) {
	r, err := Open(dir, "run-1", Position{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := new(sample)
	for _, e := range events {
		if n, err := r.Next(make([]sandbox.Event, 1)); n != 1 {
			return nil, err
		}
		_, slots := measure(&e)
		to := int(r.pos.Offset)
		s.events = append(s.events, placed{e, int(r.pos.Segment) - 1, to - int(slots)*slotSize, to})
	}
	for n := range uint64(2) {
		b, err := os.ReadFile(segmentPath(dir, "run-1", n+1))
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, b)
	}
	s.lock, err = os.ReadFile(join(dir, "run-1"+lockSuffix))
	return s, err
}

func newSample(t testing.TB) *sample {
	t.Helper()
	s, err := intactSample()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write puts the journal into dir. A nil file is left out.
func (s *sample) write(t testing.TB, dir string, lock []byte, files [][]byte) {
	t.Helper()
	for i, b := range files {
		if b == nil {
			continue
		}
		if err := os.WriteFile(segmentPath(dir, "run-1", uint64(i+1)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(join(dir, "run-1"+lockSuffix), lock, 0o600); err != nil {
		t.Fatal(err)
	}
}

// An injury is what happens to a file: some of its bytes are changed, and it is cut.
type injury struct {
	file, at int
	bytes    []byte // exclusive-or'ed with those there
	cut      int    // bytes that stay; 0 is all
}

// injure returns the injured files, and which events are intact.
func (s *sample) injure(injuries []injury) (files [][]byte, intact []sandbox.Event) {
	for _, f := range s.files {
		files = append(files, append([]byte(nil), f...))
	}
	for _, in := range injuries {
		f := files[in.file]
		for i, b := range in.bytes {
			if in.at+i < len(f) {
				f[in.at+i] ^= b
			}
		}
		if in.cut > 0 && in.cut < len(f) {
			files[in.file] = f[:in.cut]
		}
	}
	for _, e := range s.events {
		was, is := s.files[e.file], files[e.file]
		if e.to <= len(is) && string(was[e.from:e.to]) == string(is[e.from:e.to]) {
			intact = append(intact, e.Event)
		}
	}
	return files, intact
}

// checkInjured reads an injured journal: all that is intact must come, in order, and nothing else.
func checkInjured(t *testing.T, injuries []injury) {
	t.Helper()
	s := newSample(t)
	files, intact := s.injure(injuries)
	dir := t.TempDir()
	s.write(t, dir, s.lock, files)
	r := openAt(t, dir, Position{})
	r.WriterGone()
	got := r.now(t)
	for i, e := range got {
		if i >= len(intact) || !reflect.DeepEqual(e, intact[i]) {
			t.Fatalf("injuries %v: event %d of %d is not the intact one due", injuries, i, len(intact))
		}
	}
	if len(got) != len(intact) {
		t.Fatalf("injuries %v: %d events, %d are intact", injuries, len(got), len(intact))
	}
	if lost := len(s.events) - len(got); lost > 0 && r.Damaged()+r.Torn() == 0 {
		t.Errorf("injuries %v: %d events lost, and nothing is reported", injuries, lost)
	}
	if _, err := r.Next(make([]sandbox.Event, 1)); err != io.EOF {
		t.Errorf("injuries %v: at the end: %v", injuries, err)
	}
	followInjured(t, dir, len(s.events))
}

// followInjured reads it as if its writer lived: the reader may wait forever, but each call must return.
func followInjured(t *testing.T, dir string, most int) {
	t.Helper()
	r := openAt(t, dir, Position{})
	if n := len(r.now(t)); n > most {
		t.Errorf("%d events of %d", n, most)
	}
	r.Close()
}

func TestDamage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	s := newSample(t)
	for range 50 {
		var injuries []injury
		for range 1 + rng.IntN(5) {
			in := injury{file: rng.IntN(2), at: rng.IntN(firstSegment), bytes: make([]byte, 1+rng.IntN(3))}
			if in.file == 1 { // where something is
				in.at = rng.IntN(s.events[len(s.events)-1].to)
			}
			for i := range in.bytes {
				in.bytes[i] = 1 << rng.IntN(8)
			}
			if rng.IntN(5) == 0 {
				in.cut = 1 + rng.IntN(firstSegment)
			}
			injuries = append(injuries, in)
		}
		checkInjured(t, injuries)
	}
}

func FuzzDamage(f *testing.F) {
	f.Add(uint32(0), []byte{1}, uint32(0), true)
	f.Add(uint32(headerSize), []byte{0xff, 0, 0xff}, uint32(0), false)
	f.Add(uint32(headerSize+4), []byte{markFirst ^ markPad}, uint32(0), false)
	f.Add(uint32(headerSize+6), []byte{0xff, 0xff}, uint32(9000), true)
	f.Add(uint32(firstSegment-60), []byte("anything"), uint32(1), false)
	f.Add(uint32(5000), make([]byte, 300), uint32(headerSize), true)
	f.Fuzz(func(t *testing.T, at uint32, flips []byte, cut uint32, second bool) {
		in := injury{at: int(at % firstSegment), bytes: flips, cut: int(cut % firstSegment)}
		if second {
			in.file = 1
		}
		checkInjured(t, []injury{in})
	})
}

// FuzzFile has anything as the file. Should an event be found, it is within the bounds of the format.
func FuzzFile(f *testing.F) {
	s, err := intactSample()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte(magic))
	f.Add(s.files[0][:headerSize])
	f.Add(s.files[0][:headerSize+10*slotSize])
	f.Add(make([]byte, headerSize+slotSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		s.write(t, dir, b, [][]byte{b})
		for _, gone := range []bool{true, false} {
			r, err := Open(dir, "run-1", Position{})
			if errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if gone {
				r.WriterGone()
			}
			if got := r.now(t); len(got) > len(b)/slotSize {
				t.Errorf("%d events in %d bytes", len(got), len(b))
			}
			r.Close()
		}
	})
}

// FuzzText has anything as the text of a record whose checksums are right, as after an error of ours.
func FuzzText(f *testing.F) {
	f.Add(uint16(1), []byte("\x05short"))
	f.Add(uint16(0xffff), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Add(uint16(hasInfo|1<<3), []byte("\x03tcp"))
	f.Add(uint16(hasReq), []byte("\xc8\x01\x01\x02"))
	f.Fuzz(func(t *testing.T, has uint16, text []byte) {
		record := make([]byte, (len(text)/moreText+2)*slotSize)
		put32(record[48:], uint32(has)<<16)
		(&pen{record, textAt}).text(string(text))
		var e sandbox.Event
		r := new(Reader)
		if !r.decode(record, &e) {
			return
		}
		for _, s := range texts(&e) {
			if s != nil && len(*s) > MaxString {
				t.Errorf("a string of %d bytes", len(*s))
			}
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	flip := func(at ...int) func([]byte) {
		return func(b []byte) {
			for _, i := range at {
				b[i] ^= 4
			}
		}
	}
	version := func(b []byte) {
		binary.LittleEndian.PutUint32(b[8:], Version+1)
		binary.LittleEndian.PutUint32(b[508:], crc32.Checksum(b[:508], crc32.MakeTable(crc32.Castagnoli)))
	}
	none := func([]byte) {}
	both := flip(20, headerCopy+20)
	for name, c := range map[string]struct {
		lock, first, second func([]byte)
		want                error
	}{
		"intact":              {none, none, none, nil},
		"one copy":            {flip(70), flip(40), none, nil},
		"only the lock's":     {none, both, both, nil},
		"only the second":     {flip(70), both, none, nil},
		"none":                {flip(70), both, both, ErrDamaged},
		"version":             {none, version, none, ErrVersion},
		"version of the lock": {func(b []byte) { version(b[lockHeader:]) }, none, none, ErrVersion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lock, files := bytes.Clone(s.lock), [][]byte{bytes.Clone(s.files[0]), bytes.Clone(s.files[1])}
			c.lock(lock)
			c.first(files[0])
			c.second(files[1])
			dir := t.TempDir()
			s.write(t, dir, lock, files)
			r, err := Open(dir, "run-1", Position{})
			if c.want != nil {
				if f := (*FormatError)(nil); !errors.Is(err, c.want) || !errors.As(err, &f) || !strings.HasPrefix(f.Path, dir) {
					t.Fatalf("%v, want %v with the file", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got := r.now(t); len(got) != len(s.events) {
				t.Errorf("%d events, want all %d", len(got), len(s.events))
			}
			if h := r.Header(); h.App != "guestbook" || h.Run != 3 || h.PID != os.Getpid() {
				t.Errorf("header %+v", h)
			}
		})
	}
}

// TestMissing deletes or empties whole segments, and asks for positions that are gone.
func TestMissing(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	inSecond := 0
	for _, e := range s.events {
		inSecond += e.file
	}
	for name, c := range map[string]struct {
		first   []byte
		from    Position
		want    int
		damaged int64
		err     error
	}{
		"released":              {nil, Position{}, inSecond, 0, nil},
		"deleted":               {nil, Position{1, headerSize}, inSecond, 1, nil},
		"emptied":               {[]byte{}, Position{}, inSecond, 1, nil},
		"shortened":             {s.files[0][:headerSize+1], Position{1, headerSize + 100*slotSize}, inSecond, 2, nil},
		"position in a slot":    {s.files[0], Position{1, headerSize + 1}, 0, 0, ErrPosition},
		"position in a header":  {s.files[0], Position{1, slotSize}, 0, 0, ErrPosition},
		"position below":        {s.files[0], Position{1, -slotSize}, 0, 0, ErrPosition},
		"position before it":    {s.files[0], Position{-1, -1}, len(s.events), 0, nil},
		"position behind a end": {s.files[0], Position{3, 0}, 0, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s.write(t, dir, s.lock, [][]byte{c.first, s.files[1]})
			r, err := Open(dir, "run-1", c.from)
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			defer r.Close()
			r.WriterGone()
			if got := r.now(t); len(got) != c.want || r.Damaged() != c.damaged {
				t.Errorf("%d events, %d damaged; want %d, %d", len(got), r.Damaged(), c.want, c.damaged)
			}
		})
	}
}
