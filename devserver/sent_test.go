package devserver

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/proxy"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
	"github.com/seed-d81df0db/devserver/storage"
)

// sentBook is what a worker was sent, with a recording of its own.
func sentBook(t *testing.T) (*sentRequests, *requestLog) {
	t.Helper()
	db, err := storage.Open(filepath.Join(t.TempDir(), "recording.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	run, err := db.StartRun(record.Run{App: "shop", StartedAt: time.Now().UnixNano()})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := openIDs(filepath.Join(t.TempDir(), "ids"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ids.Close() })
	log := newRequestLog(db, ids, func(format string, args ...any) { t.Errorf(format, args...) }, func(uint64) {})
	t.Cleanup(log.Close)
	return newSentRequests(log, run, "shop"), log
}

// TestSent: of what the proxy sent, that is recorded which the journal does not tell of, each once.
func TestSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// s: a request is sent, a: it is answered, e: it ends, u: no app saw it (each with the request's URL behind it);
		// j: the journal tells of its beginning; q: nothing new is in the journal; w: six seconds pass;
		// t: the journal tells of something that began now; d, b: the worker is dead and its journal read, or broken
		steps string
		want  string // URL and outcome
		gap   int64
		left  int // that are not settled
	}{
		{"the agent's", "s1 j1 a1 e1 q q q", "", 0, 0},
		{"journal late", "s1 a1 e1 q q j1 q q", "", 0, 0},
		{"another server's", "s1 a1 e1 q q q", "1 whole", 0, 0},
		{"too early to tell", "s1 q a1 e1 q q", "", 0, 1},
		{"a stream under way", "s1 a1 q q q", "1 open", 0, 0},
		{"a stream that ends later", "s1 a1 q q q e1", "1 whole", 0, 0},
		{"not answered yet", "s1 q q q w q q q", "", 0, 1},
		{"canceled, told of late", "s1 e1 q q q j1 w q q q", "", 0, 0},
		{"canceled and never told of", "s1 e1 q q w q q q", "1 whole", 0, 0},
		{"one of two alike", "s1 s1 j1 a1 e1 a1 e1 q q q", "1 whole", 0, 0},
		{"others", "s1 s2 s3 j2 a3 a2 a1 e1 e2 e3 q q q", "1 whole, 3 whole", 0, 0},
		{"unseen", "s1 u1 s1 j1 a1 e1 q q q", "", 0, 0},
		{"journal busy", "s1 a1 e1 w t", "1 whole", 0, 0},
		{"journal busy and behind", "s1 w a1 e1 t", "", 0, 1},
		{"dead", "s1 a1 e1 s2 s3 j3 d e2 e3", "1 whole, 2 whole", 0, 0},
		{"dead while it streams", "s1 a1 q q q d e1", "1 whole", 0, 0},
		{"journal broken", "s1 a1 e1 s2 a2 b e2", "", 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				book, log := sentBook(t)
				walk(book, tt.steps)
				log.Close()
				rows, err := log.db.Requests(t.Context(), record.RequestFilter{Ascending: true})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, r := range rows {
					how := "open"
					if r.DurationNS > 0 {
						how = "whole"
					}
					got = append(got, r.URL+" "+how)
					if r.RunID != book.run || r.App != "shop" || r.Method != "POST" || r.Proto != "HTTP/2.0" || how == "whole" && (r.Status != 200 || r.BytesIn != 3 || r.BytesOut != 5) {
						t.Errorf("recorded %+v", r)
					}
				}
				slices.Sort(got)
				if all := strings.Join(got, ", "); all != tt.want {
					t.Errorf("%s recorded %q, want %q", tt.steps, all, tt.want)
				}
				gaps, err := log.db.Gaps(t.Context(), 0)
				var missing int64
				for _, g := range gaps {
					missing += g.Events
				}
				if err != nil || missing != tt.gap {
					t.Errorf("gaps %+v, %v; want %d requests", gaps, err, tt.gap)
				}
				if len(book.pending) != tt.left {
					t.Errorf("%d are remembered, want %d", len(book.pending), tt.left)
				}
			})
		})
	}
}

// walk takes the steps of a line of TestSent, a millisecond each.
func walk(book *sentRequests, steps string) {
	flying := map[string][]proxy.Follower{}
	answered := map[string]int{}
	for step := range strings.FieldsSeq(steps) {
		time.Sleep(time.Millisecond) // of the bubble
		url := step[1:]
		begin := sandbox.Event{Kind: sandbox.KindRequestBegin, At: time.Now().UnixNano(), Req: &sandbox.RequestInfo{Method: "POST", URL: url, RemoteAddr: "192.0.2.1:7"}}
		switch step[0] {
		case 's':
			sent := proxy.Sent{At: time.Now(), Method: "POST", URL: url, RemoteAddr: "192.0.2.1:7", Proto: "HTTP/2.0"}
			flying[url] = append(flying[url], book.add(sent))
		case 'u':
			flying[url][0].Unseen()
			flying[url] = flying[url][1:]
		case 'a':
			flying[url][answered[url]].Answered()
			answered[url]++
		case 'e':
			flying[url][0].Ended(proxy.Answer{At: time.Now(), Status: 200, BytesIn: 3, BytesOut: 5})
			flying[url] = flying[url][1:]
			answered[url] = max(answered[url]-1, 0)
		case 'j':
			book.journaled([]sandbox.Event{begin})
		case 't':
			book.journaled([]sandbox.Event{{Kind: sandbox.KindSend, At: time.Now().UnixNano()}})
		case 'q':
			book.quiet()
		case 'w':
			time.Sleep(6 * time.Second)
		case 'd', 'b':
			book.end(step == "d")
		default:
			panic(fmt.Sprint("no such step ", step))
		}
	}
}

// TestSentBound: what waits for too long is given up, and a gap tells of it unless all requests are the agent's.
func TestSentBound(t *testing.T) {
	t.Parallel()
	for _, agents := range []bool{false, true} {
		book, log := sentBook(t)
		sent := proxy.Sent{Method: "POST", URL: "/same", RemoteAddr: "192.0.2.1:7"}
		extra := int64(10)
		want := extra
		if agents {
			book.add(sent)
			book.journaled([]sandbox.Event{{Kind: sandbox.KindRequestBegin, Req: &sandbox.RequestInfo{Method: sent.Method, URL: sent.URL, RemoteAddr: sent.RemoteAddr}}})
			want = 0
		}
		for range maxUnsettled + extra {
			book.add(sent).Answered()
		}
		book.quiet()
		gaps, err := log.db.Gaps(t.Context(), 0)
		var missing int64
		for _, g := range gaps {
			missing += g.Events
		}
		if err != nil || missing != want || len(book.answered) != maxUnsettled {
			t.Errorf("agents %v: gaps %+v, %v, and %d are kept; want %d missing", agents, gaps, err, len(book.answered), want)
		}
	}
}
