package devserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-d81df0db/devserver/devserver/export"
	"github.com/seed-d81df0db/devserver/devserver/otlp"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// OTLPOptions say where a recording is sent, and which part of it.
type OTLPOptions struct {
	URL     string   // of a store that speaks OTLP/HTTP: http://localhost:4318
	Headers []string // NAME=VALUE
	export.Options
	Notify func(string) // hears, once each, of what stands in the way; nil: nobody does
}

// OTLPSummary counts what a store took: spans, log records and data points; and what it refused.
type OTLPSummary = otlp.Summary

// ExportOTLP sends a recording to a store. A wrong URL or header is a *UsageError. What was sent before an error stays sent;
// a second time everything has the same ids.
func ExportOTLP(ctx context.Context, r *Recording, o OTLPOptions) (OTLPSummary, error) {
	return exportOTLP(ctx, r, o, otlp.Config{})
}

func exportOTLP(ctx context.Context, r *Recording, o OTLPOptions, c otlp.Config) (OTLPSummary, error) {
	target, err := otlpTarget(o.URL, o.Headers)
	if err != nil {
		return OTLPSummary{}, err
	}
	if target == nil {
		return OTLPSummary{}, usagef("--otlp: the URL is empty; write it as in --otlp %s", otlp.Example)
	}
	c.Target = target
	c.Notify = func(t otlp.Trouble) {
		if text := otlpTrouble(t, target); o.Notify != nil {
			o.Notify(text)
		}
	}
	return otlp.Export(ctx, r, o.Options, c)
}

// otlpTarget reads --otlp and --otlp-header; nil when nothing is to be sent.
func otlpTarget(url string, headers []string) (*otlp.Target, error) {
	if url == "" {
		if len(headers) > 0 {
			return nil, usagef("--otlp-header: there is no store to send it to; name one with --otlp %s", otlp.Example)
		}
		return nil, nil
	}
	t, err := otlp.ParseTarget(url, headers)
	if err != nil {
		return nil, &UsageError{fmt.Errorf("--otlp: %w", err)}
	}
	return t, nil
}

// otlpOut sends what is recorded to a store while it is recorded. A nil one sends nothing.
type otlpOut struct {
	sup     *supervisor
	target  *otlp.Target
	tail    *otlp.Tail
	stop    context.CancelFunc
	running sync.WaitGroup
}

// openOTLP makes s.otlp, unless there is no target. What the recording holds already is not sent: devserver export does that.
func (s *supervisor) openOTLP(ctx context.Context, target *otlp.Target) error {
	if target == nil {
		return nil
	}
	var from otlp.Start
	var err error
	if from.Socket, from.Request, err = s.db.MaxIDs(ctx); err != nil {
		return err
	}
	newest, err := s.db.Events(ctx, record.EventFilter{Limit: 1})
	if err != nil {
		return err
	}
	if len(newest) > 0 {
		from.Event = newest[0].ID
	}
	o := &otlpOut{sup: s, target: target, stop: func() {}}
	c := s.opts.otlpConfig
	c.Target, c.Notify, c.Current = target, o.trouble, o.current
	c.Failed = func(err error) { s.notices.warnOnce("otlp: %v; it is tried again", err) }
	o.tail = otlp.NewTail(s.db, from, c)
	s.otlp = o
	return nil
}

// start begins to send; finish ends it.
func (o *otlpOut) start() {
	if o == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	o.running.Go(func() { o.tail.Run(ctx) })
}

// see hears of a batch that is in the recording. It does not wait for anything.
func (o *otlpOut) see(events []sandbox.Event) {
	if o == nil {
		return
	}
	var requests, sockets []int64
	news := false
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case sandbox.KindRequestEnd:
			requests = append(requests, int64(e.Request))
		case sandbox.KindConnect:
			if e.Error != "" {
				sockets = append(sockets, int64(e.Socket))
			}
		case sandbox.KindClose, sandbox.KindReclaim, sandbox.KindDeny:
			sockets = append(sockets, int64(e.Socket))
		case sandbox.KindResolve:
			news = true
		}
	}
	if news || len(requests)+len(sockets) > 0 {
		o.tail.Ended(requests, sockets)
	}
}

func (o *otlpOut) request(id uint64) {
	if o != nil {
		o.tail.Ended([]int64{int64(id)}, nil)
	}
}

// look asks to look for what has ended without an event of its own.
func (o *otlpOut) look() {
	if o != nil {
		o.tail.Look()
	}
}

// current: of windows that are over nothing counts any more.
func (o *otlpOut) current(u record.QuotaUsage) bool {
	q, ok := quotaAt(u, time.Unix(0, o.sup.fleet.clockNow()))
	return ok && q.LastStart == 0
}

// finishLimit is how long the end of devserver waits for a store.
const finishLimit = 5 * time.Second

// finish sends the rest, after all that was recorded is in the recording, and says what could not be sent.
func (o *otlpOut) finish() {
	if o == nil {
		return
	}
	o.stop()
	o.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), finishLimit)
	defer cancel()
	sum, left := o.tail.Finish(ctx)
	if left.Err != nil && left.Items > 0 {
		o.sup.notices.warnf("%s", o.leftText(left))
	}
	if sum.Refused > 0 {
		o.sup.notices.warnf("otlp: %s refused %d of %d", o.target, sum.Refused, sum.Refused+sum.Spans+sum.Records+sum.Points)
	}
}

func (o *otlpOut) leftText(l otlp.Left) string {
	n := fmt.Sprint(l.Items)
	if l.More {
		n = "more than " + n
	}
	since := time.Unix(0, l.Since).UTC().Format(time.RFC3339Nano)
	return fmt.Sprintf("otlp: not sent: %s spans and log records (%v); they are in the recording, and this sends them: devserver export --otlp %s --recording %s --since %s",
		n, l.Err, shellArg(o.target.String()), shellArg(o.sup.db.Path()), since)
}

func (o *otlpOut) trouble(t otlp.Trouble) {
	text := otlpTrouble(t, o.target)
	if t.Kind == otlp.Back {
		o.sup.notices.tell(Note{text})
		return
	}
	o.sup.notices.warnf("%s", text)
}

// otlpTrouble says what a store has done, and what to do.
func otlpTrouble(t otlp.Trouble, target *otlp.Target) string {
	switch t.Kind {
	case otlp.Away:
		return fmt.Sprintf("otlp: %v; it is tried again, and what is to be sent waits in the recording", t.Err)
	case otlp.Back:
		return fmt.Sprintf("otlp: %s answers again; what waited is being sent", target)
	case otlp.Refused:
		text := fmt.Sprintf("otlp: %v; the request is dropped with what it held (%d), and so are others that are answered so; ", t.Err, t.Items)
		var refused *otlp.RefusedError
		if errors.As(t.Err, &refused) && (refused.Code == 401 || refused.Code == 403) {
			return text + "give what it asks for with --otlp-header NAME=VALUE"
		}
		return text + "check the address given with --otlp"
	}
	return fmt.Sprintf("otlp: %s took a request but refused some of it (%d): %s; further ones are counted at the end", target, t.Items, t.Words)
}

// shellArg is an argument as a shell reads it.
func shellArg(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_./:@%+,=", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
