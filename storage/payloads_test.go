package storage

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// operation is what a journal holds of one operation whose bytes were captured in pieces.
func operation(k sandbox.Kind, socket uint64, at, place int64, pieces ...string) (all []sandbox.Event) {
	payload := sandbox.KindWireSent
	if k == sandbox.KindReceive {
		payload = sandbox.KindWireReceived
	}
	n := int64(0)
	for _, p := range pieces {
		all = append(all, sandbox.Event{Kind: payload, At: at, Socket: socket, Request: 5, Bytes: place + n, Detail: p})
		n += int64(len(p))
	}
	return append(all, sandbox.Event{Kind: k, At: at, Socket: socket, Request: 5, Bytes: n})
}

// TestPayloadsJoined: wherever a journal is cut into batches, each payload has the event of its own operation.
func TestPayloadsJoined(t *testing.T) {
	t.Parallel()
	var events []sandbox.Event
	// Two goroutines that began at the same time, one way each, and a third on another socket.
	sent, received, other := operation(sandbox.KindSend, 1, 10, 0, "ab", "c"), operation(sandbox.KindReceive, 1, 10, 0, "xyz"), operation(sandbox.KindSend, 2, 10, 0, "other")
	events = append(events, sent[0], received[0], other[0], sent[1], other[1], received[1], sent[2])
	events = append(events, sandbox.Event{Kind: sandbox.KindTLSSent, At: 20, Socket: 1, Bytes: 0, Detail: "plain"})
	events = append(events, sandbox.Event{Kind: sandbox.KindWireSent, At: 30, Socket: 2, Bytes: 5, Detail: "killed"})
	events = append(events, operation(sandbox.KindSend, 1, 40, 3, "d")...)
	for size := 1; size <= len(events); size++ {
		db := openTemp(t)
		run := startRun(t, db, "shop")
		for at := 0; at < len(events); at += size {
			end := min(at+size, len(events))
			err := db.Write(context.Background(), Batch{RunID: run, App: "shop", Journal: "j", Segment: 1, Offset: int64(end), Events: events[at:end]})
			if err != nil {
				t.Fatal(err)
			}
		}
		rows, err := db.Payloads(context.Background(), record.PayloadFilter{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range rows {
			kind, n := "none", int64(0)
			if p.EventID != 0 {
				if err := db.read.QueryRow(`SELECT kind, socket_id FROM events WHERE id = ? AND at = ?`, p.EventID, p.At).Scan(&kind, &n); err != nil {
					t.Fatalf("batches of %d: event %d: %v", size, p.EventID, err)
				}
			}
			got += fmt.Sprintf("%d %s %s %d %s: %s %d\n", p.SocketID, p.Layer, p.Direction, p.Place, p.Data, kind, n)
		}
		const want = `1 wire sent 0 ab: send 1
1 wire received 0 xyz: receive 1
2 wire sent 0 other: send 2
1 wire sent 2 c: send 1
1 tls sent 0 plain: none 0
2 wire sent 5 killed: none 0
1 wire sent 3 d: send 1
`
		if got != want {
			t.Errorf("batches of %d:\n%swant:\n%s", size, got, want)
		}
		if n := count1(t, db, `SELECT count(*) FROM events`); n != 4 {
			t.Errorf("batches of %d: %d events, want 4", size, n)
		}
	}
}

// TestPayloadsKept: text and binary data come back as they were, text is smaller in the file.
func TestPayloadsKept(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	rng := rand.New(rand.NewPCG(1, 2))
	binary := make([]byte, sandbox.PayloadSize)
	for i := range binary {
		binary[i] = byte(rng.Uint32())
	}
	text := bytes.Repeat([]byte("words that come again\n"), 300)
	var events []sandbox.Event
	for i, data := range [][]byte{binary, text, {0}} {
		events = append(events, sandbox.Event{Kind: sandbox.KindTLSReceived, At: 1, Socket: 9, Bytes: int64(i) << 20, Detail: string(data)})
	}
	if err := db.Write(context.Background(), Batch{App: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Payloads(context.Background(), record.PayloadFilter{SocketID: 9, Layer: sandbox.LayerTLS})
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range [][]byte{binary, text, {0}} {
		if !bytes.Equal(rows[i].Data, want) || rows[i].Place != int64(i)<<20 || rows[i].Direction != sandbox.DirectionReceived {
			t.Errorf("payload %d is %d bytes %s at %d", i, len(rows[i].Data), rows[i].Direction, rows[i].Place)
		}
	}
	if n := count1(t, db, `SELECT length(data) FROM payloads WHERE size = ?`, len(text)); n > int64(len(text))/5 {
		t.Errorf("%d bytes of text take %d", len(text), n)
	}
}

// TestPayloadSizes: bytes come out as they went in, however well they compress, and a row that somebody else has written is an error.
func TestPayloadSizes(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	for id, n := range []int{1, 100, 8 << 10, 4 << 20} {
		data := make([]byte, n)
		if err := db.AddPayload(record.Payload{SocketID: int64(id) + 1, Direction: "sent", Layer: "wire", Data: data}); err != nil {
			t.Fatal(err)
		}
		rows, err := db.Payloads(t.Context(), record.PayloadFilter{SocketID: int64(id) + 1})
		if err != nil || len(rows) != 1 || !bytes.Equal(rows[0].Data, data) {
			t.Errorf("%d bytes: %d rows, %v", n, len(rows), err)
		}
	}
	for _, size := range []int64{-1, math.MinInt64, 1 << 40, math.MaxInt64} {
		err := db.update("test", func(w *writer) error {
			_, err := w.exec(`UPDATE payloads SET size = ?`, size)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := db.Payloads(t.Context(), record.PayloadFilter{SocketID: 4}); err == nil {
			t.Errorf("size %d: %d rows and no error", size, len(rows))
		}
	}
}
