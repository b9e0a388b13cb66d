package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
)

func newDenials() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use:   "denials [flags]",
		Short: "what production refused, by rule and line of code",
		Long: `denials lists what production would not have let the app do, once for each rule, line of
your code and destination, with how often it happened. The newest stands last. Each single
one is listed by: devserver events --kind deny

` + recordingHelp,
		Example: `  devserver denials
  devserver denials --rule private --json`,
		Args: between(0, 0, "filters are flags, see --help"),
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := l.eventFilter()
			if err != nil {
				return err
			}
			rec, err := l.open()
			if err != nil {
				return err
			}
			defer rec.Close()
			return list(c, &l, denialFeed(rec, filter, l.limit), denialHead, denialRow(newPalette(c.OutOrStdout())))
		},
	}
	l.flags(c)
	return c
}

// denialReader is the part of a recording that lists denials.
type denialReader interface {
	Denials(context.Context, devserver.EventFilter) ([]devserver.Denial, error)
}

// denialFeed returns the newest denials, then each that is seen for the first time.
func denialFeed(rec denialReader, filter devserver.EventFilter, limit int) feed[devserver.Denial] {
	type key struct{ app, rule, site, address string }
	shown := map[key]bool{}
	filter.Limit = limit
	return func(ctx context.Context) ([]devserver.Denial, error) {
		rows, err := rec.Denials(ctx, filter)
		if err != nil {
			return nil, err
		}
		filter.Limit = -1
		var news []devserver.Denial
		for _, d := range slices.Backward(rows) {
			k := key{d.App, d.Rule, d.CallSite, address(d.Host, d.RemoteAddr)}
			if !shown[k] {
				shown[k], news = true, append(news, d)
			}
			filter.After = max(filter.After, d.ID)
		}
		return news, nil
	}
}

var denialHead = []string{"EVENT", "LAST", "TIMES", "RULE", "NET", "ADDRESS", "WHERE", "REQUEST", "WHY"}

func denialRow(p palette) func(devserver.Denial) []cell {
	return func(d devserver.Denial) []cell {
		return []cell{
			{text: number(d.ID), right: true}, {text: clockTime(d.At)}, {text: number(d.Count), right: true}, {text: d.Rule, style: p.bad}, {text: d.Network},
			{text: address(d.Host, d.RemoteAddr)}, {text: d.CallSite}, {text: requestName(d.RequestID, d.Request)}, {text: d.Detail},
		}
	}
}
