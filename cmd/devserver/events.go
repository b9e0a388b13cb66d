package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

// eventKinds are the words of events.kind.
var eventKinds = []string{
	"resolve", "create", "bind", "connect", "listen", "accept", "send", "receive",
	"option_get", "option_set", "shutdown", "close", "reclaim", "deny", "fault",
}

func newEvents() *cobra.Command {
	var (
		l      listing
		kinds  []string
		socket int64
	)
	c := &cobra.Command{
		Use:   "events [flags]",
		Short: "every single thing that happened to a socket",
		Long: `events lists what happened, operation by operation: resolve, create, bind, connect, listen,
accept, send, receive, option_get, option_set, shutdown, close, reclaim, deny, fault. The
newest stands last.

` + recordingHelp,
		Example: `  devserver events --kind connect --kind reclaim --since 5m
  devserver events --follow --json --host db.example.com`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := l.eventFilter()
			if err != nil {
				return err
			}
			filter.Kinds, filter.SocketID = kinds, socket
			for _, k := range kinds {
				if !slices.Contains(eventKinds, k) {
					return usagef("--kind: %q is none of %s", k, strings.Join(eventKinds, ", "))
				}
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			return list(c, &l, eventFeed(rec, filter, l.limit), eventHead, eventRow(newPalette(c.OutOrStdout())))
		},
	}
	l.flags(c)
	c.Flags().StringSliceVar(&kinds, "kind", nil, "only of this `KIND`; may be repeated")
	c.Flags().Int64Var(&socket, "socket", 0, "only of the socket with this `ID`")
	return c
}

// eventFilter is what the common flags select of the events.
func (l *listing) eventFilter() (devserver.EventFilter, error) {
	since, err := sinceTime(l.since, time.Now())
	return devserver.EventFilter{App: l.app, Rule: l.rule, Host: l.host, RequestID: l.request, RunID: l.run, Since: since}, err
}

// eventReader is the part of a recording that lists events.
type eventReader interface {
	Events(context.Context, devserver.EventFilter) ([]devserver.Event, error)
}

// eventFeed returns the newest events, then those with a higher id than any before.
func eventFeed(rec eventReader, filter devserver.EventFilter, limit int) feed[devserver.Event] {
	id := func(e devserver.Event) int64 { return e.ID }
	return newerFeed(limit, id, nil, func(ctx context.Context, after, before int64, n int) ([]devserver.Event, error) {
		f := filter
		f.After, f.Before, f.Limit = after, before, n
		return rec.Events(ctx, f)
	})
}

var eventHead = []string{"ID", "TIME", "SOCKET", "KIND", "NET", "ADDRESS", "BYTES", "TOOK", "RULE", "WHERE", "REQUEST", "ERROR", "DETAIL"}

func eventRow(p palette) func(devserver.Event) []cell {
	return func(e devserver.Event) []cell {
		kind := cell{text: e.Kind}
		switch e.Kind {
		case "deny":
			kind.style = p.bad
		case "reclaim":
			kind.style = p.cut
		}
		return []cell{
			{text: number(e.ID), right: true}, {text: clockTime(e.At)}, {text: number(e.SocketID), right: true}, kind, {text: e.Network}, {text: address(e.Host, e.RemoteAddr)},
			{text: number(e.Bytes), right: true}, {text: took(e.DurationNS), right: true}, {text: e.Rule}, {text: e.CallSite},
			{text: requestName(e.RequestID, e.Request)}, {text: e.Error}, {text: e.Detail},
		}
	}
}
