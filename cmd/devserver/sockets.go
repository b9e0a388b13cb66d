package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// socketStates are the words of sockets.state.
var socketStates = []string{"open", "closed", "reclaimed", "denied", "failed"}

func newSockets() *cobra.Command {
	var (
		l     listing
		state string
	)
	c := &cobra.Command{
		Use:   "sockets [flags]",
		Short: "the sockets that the app opened, or was denied",
		Long: `sockets lists what the app's sockets did: where to, from which line of your code, for which
request, how much went over them and how they ended. The newest stands last. With --follow
a socket is shown when it opens and again when its state changes.

` + recordingHelp,
		Example: `  devserver sockets --state reclaimed
  devserver sockets --follow --host db.example.com`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			if state != "" && !slices.Contains(socketStates, state) {
				return usagef("--state: %q is none of %s", state, strings.Join(socketStates, ", "))
			}
			since, err := sinceTime(l.since, time.Now())
			if err != nil {
				return err
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			filter := devserver.SocketFilter{App: l.app, State: state, Host: l.host, Rule: l.rule, RequestID: l.request, RunID: l.run, Since: since}
			next := socketFeed(rec, filter, l.limit)
			if !l.follow { // nothing is read but what is shown
				next = func(ctx context.Context) ([]devserver.Socket, error) { return newestSockets(ctx, rec, filter, l.limit) }
			}
			return list(c, &l, next, socketHead, socketRow(newPalette(c.OutOrStdout())))
		},
	}
	l.flags(c)
	c.Flags().StringVar(&state, "state", "", "only those in this `STATE`: "+strings.Join(socketStates, ", "))
	return c
}

// socketReader is the part of a recording that lists sockets.
type socketReader interface {
	Sockets(context.Context, devserver.SocketFilter) ([]devserver.Socket, error)
}

// lateness is by how much a row may reach the recording after a row of later time: each worker's journal is read
// on its own.
const lateness = 10 * time.Second

// socketFeed returns the newest sockets, then those that are new or whose state is another than when last shown.
func socketFeed(rec socketReader, filter devserver.SocketFilter, limit int) feed[devserver.Socket] {
	var shown map[int64]string             // id -> state, of the sockets that may be read again; nil before the first call
	since, begun := filter.Since, int64(0) // begun: what was opened before it may have been left out by the limit
	read := func(ctx context.Context, since int64, limit int) ([]devserver.Socket, error) {
		f := filter
		f.Since = since
		return newestSockets(ctx, rec, f, limit)
	}
	advance := func(rows []devserver.Socket) {
		for _, s := range rows {
			since = max(since, max(s.OpenedAt, s.ClosedAt, s.LastAt)-int64(lateness))
		}
	}
	return func(ctx context.Context) ([]devserver.Socket, error) {
		if shown == nil {
			rows, err := read(ctx, filter.Since, limit)
			if err != nil {
				return nil, err
			}
			advance(rows)
			if len(rows) == limit {
				begun = since
			}
			// What may be read again comes first: one that arrives between the questions is in the last answer, and shown.
			recent, err := read(ctx, since, everything)
			if err != nil {
				return nil, err
			}
			rows, err = read(ctx, filter.Since, limit)
			shown = map[int64]string{}
			for _, s := range append(recent, rows...) {
				shown[s.ID] = s.State
			}
			advance(rows)
			return rows, err
		}
		rows, err := read(ctx, since, everything)
		if err != nil {
			return nil, err
		}
		advance(rows)
		var news []devserver.Socket
		now := map[int64]string{}
		for _, s := range rows {
			was, known := shown[s.ID]
			old := !known && s.State == "open" && s.OpenedAt < begun // the limit left it out, and now it was used
			if was != s.State && !old {
				news = append(news, s)
			}
			now[s.ID] = s.State
		}
		for id, state := range shown {
			if _, ok := now[id]; !ok && state == "open" {
				now[id] = state // unused for a while; it is read again when something happens to it
			}
		}
		shown = now
		return news, nil
	}
}

// newestSockets returns the newest of the filter's sockets, oldest first.
func newestSockets(ctx context.Context, rec socketReader, f devserver.SocketFilter, limit int) ([]devserver.Socket, error) {
	page := func(before int64, n int) ([]devserver.Socket, error) {
		f.Before, f.Limit = before, n
		return rec.Sockets(ctx, f)
	}
	return newest(limit, page, func(s devserver.Socket) int64 { return s.ID }, func(devserver.Socket) bool { return true })
}

var socketHead = []string{"ID", "STATE", "NET", "ADDRESS", "STAND-IN", "OPENED", "WHERE", "REQUEST", "SENT", "RECEIVED", "ENDED BY"}

func socketRow(p palette) func(devserver.Socket) []cell {
	return func(s devserver.Socket) []cell {
		ended := s.CloseReason
		if s.Rule != "" {
			ended = "rule " + s.Rule
		}
		return []cell{
			{text: number(s.ID), right: true}, {text: s.State, style: p.state(s.State)}, {text: s.Network},
			{text: address(s.Host, s.RemoteAddr)}, {text: s.Standin}, {text: clockTime(s.OpenedAt)}, {text: s.CallSite}, {text: requestName(s.RequestID, s.Request)},
			{text: size(s.BytesSent), right: true}, {text: size(s.BytesReceived), right: true}, {text: ended},
		}
	}
}

// requestName shows a request with the id by which show knows it: r12 GET /orders/7; "" for none.
func requestName(id int64, request string) string {
	if id == 0 {
		return request
	}
	return strings.TrimSpace("r" + number(id) + " " + request)
}

// address shows a destination by its name where it has one: the name with the port of the address.
func address(host, remote string) string {
	if host == "" {
		return remote
	}
	if colon := strings.LastIndexByte(remote, ':'); colon >= 0 {
		return host + remote[colon:]
	}
	return host
}
