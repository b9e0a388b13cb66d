package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newShow() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "show ID [flags]",
		Short: "one request, socket, run or event, with all that belongs to it",
		Long: `show tells of one thing all that the recording holds. What the ID is of, its letter or a word
before it says:

  show r12, show request 12   a request: what it did on its sockets, on a line of time
  show s7, show socket 7      a socket: its story, operation by operation
  show e99, show event 99     an event, with those before and after it on its socket
  show run 3                  a start of the app: its build, how it ended, its last words
  show 7                      the request or the socket 7; where there are both, it says so

With --json it is one object: the thing itself, and beside it what belongs to it.

` + recordingHelp,
		Example: `  devserver show r12
  devserver show socket 7 --json`,
		Args: between(1, 2, "one ID is wanted, such as: r12, s7, e99, or run 3"),
		RunE: func(c *cobra.Command, args []string) error {
			what, id, err := readID(args)
			if err != nil {
				return err
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			if what == "" {
				if what, err = meant(c.Context(), rec, id); err != nil {
					return err
				}
			}
			s, err := look(c.Context(), rec, what, id, max(l.limit, 2))
			if errors.Is(err, devserver.ErrNotFound) {
				return fmt.Errorf("the recording holds no %s %d; \"devserver %ss\" lists those it holds", what, id, what)
			}
			if err != nil {
				return err
			}
			if l.json {
				return json.NewEncoder(c.OutOrStdout()).Encode(s)
			}
			return s.tell(c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&l.json, "json", false, "write one JSON object")
	f.IntVar(&l.limit, "limit", 400, "at most `N` events: the first and the last ones")
	l.placeFlags(c)
	return c
}

// things are the words of show, by their letters.
var things = map[byte]string{'r': "request", 's': "socket", 'e': "event"}

// readID reads what is to be shown: "12" (what is ""), "r12", or "request" and "12".
func readID(args []string) (what string, id int64, err error) {
	text := args[len(args)-1]
	if len(args) == 2 {
		switch what = args[0]; what {
		case "request", "socket", "event", "run":
		default:
			return "", 0, usagef("show: %q is none of request, socket, event, run", what)
		}
	} else if text != "" && things[text[0]] != "" {
		what, text = things[text[0]], text[1:]
	}
	id, err = strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return "", 0, usagef("show: %q is no ID; write r12, s7, e99, or run 3, as the lists show them", strings.Join(args, " "))
	}
	return what, id, nil
}

// meant finds out whether a number alone is a request or a socket. Events and runs are numbered from 1, so that nearly
// every number is one of those too: they are shown by name only.
func meant(ctx context.Context, rec *devserver.Recording, id int64) (string, error) {
	r, noRequest := rec.Request(ctx, id)
	s, noSocket := rec.Socket(ctx, id)
	for _, err := range []error{noRequest, noSocket} {
		if err != nil && !errors.Is(err, devserver.ErrNotFound) {
			return "", err
		}
	}
	switch {
	case noRequest == nil && noSocket == nil:
		return "", usagef("show: %d is a request (%s %s) and a socket (%s %s); write r%d or s%d",
			id, clean(r.Method), clean(r.URL), clean(s.Network), clean(address(s.Host, s.RemoteAddr)), id, id)
	case noRequest == nil:
		return "request", nil
	case noSocket == nil:
		return "socket", nil
	}
	return "", fmt.Errorf("the recording holds no request and no socket %d; of an event write e%d, of a start of the app: run %d", id, id, id)
}

// story is a thing with all that belongs to it: it can be encoded as JSON, and told to a person.
type story interface{ tell(io.Writer) error }

// look reads a thing, or returns ErrNotFound. limit is how many events are read at most.
func look(ctx context.Context, rec *devserver.Recording, what string, id int64, limit int) (story, error) {
	switch what {
	case "request":
		return lookRequest(ctx, rec, id, limit)
	case "socket":
		return lookSocket(ctx, rec, id, limit)
	case "event":
		return lookEvent(ctx, rec, id)
	}
	return lookRun(ctx, rec, id)
}

// bothEnds reads the first and the last events that a filter selects, limit at most, and whether there are more between.
func bothEnds(ctx context.Context, rec *devserver.Recording, f devserver.EventFilter, limit int) (events []devserver.Event, cut bool, err error) {
	f.Ascending, f.Limit = true, limit+1
	events, err = rec.Events(ctx, f)
	if err != nil || len(events) <= limit {
		return events, false, err
	}
	events = events[:limit/2]
	f.Ascending, f.After, f.Limit = false, events[len(events)-1].ID, limit-limit/2
	last, err := rec.Events(ctx, f)
	for i := len(last) - 1; i >= 0; i-- {
		events = append(events, last[i])
	}
	return events, true, err
}

// advised adds what the rules that spoke are about, and what one can do.
func advised(s *sheet, rules ...string) {
	told := map[string]bool{"": true}
	for _, name := range rules {
		r := devserver.Rule(name)
		if told[name] || !r.Known() {
			continue
		}
		told[name] = true
		s.row("rule", name+": "+r.Title())
		s.row("advice", r.Advice())
		s.row("more", "devserver explain --rule "+name)
	}
}

// runName says in which run of an app something happened.
func runName(app string, run int64) string {
	if run == 0 {
		return app
	}
	return fmt.Sprintf("%s, run %d", app, run)
}

// both joins two texts by a separator where both are there.
func both(a, sep, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + sep + b
}

// since writes how long after start a time is: +1.2ms. Of two workers' clocks one may be before it.
func since(start, at int64) string {
	switch d := at - start; {
	case d == 0:
		return "0"
	case d < 0:
		return "-" + took(-d)
	default:
		return "+" + took(d)
	}
}
