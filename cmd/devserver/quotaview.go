package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"github.com/seed-d81df0db/devserver/devserver"
)

// quotaLines writes each window as a JSON object, later only those that have changed.
func quotaLines(w io.Writer) func(devserver.Quotas, time.Duration) error {
	var last []devserver.Quota
	enc := lineWriter(w)
	return func(q devserver.Quotas, _ time.Duration) error {
		for _, row := range q.Rows {
			if slices.Contains(last, row) {
				continue
			}
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		last = q.Rows
		return nil
	}
}

// quotaView shows quotas to a person: a table, and below it when they are refilled and what they cost.
type quotaView struct {
	w     io.Writer
	width func() int // columns of the terminal, on which what was shown before is drawn over; nil: not a terminal
	drawn int        // rows of the terminal that were drawn
	last  []devserver.Quota
}

// show writes the quotas; again only when they have changed, or on a terminal, where the time left changes too.
func (v *quotaView) show(q devserver.Quotas, ahead time.Duration) error {
	again := v.last != nil
	if again && v.width == nil && slices.Equal(v.last, q.Rows) {
		return nil
	}
	v.last = append([]devserver.Quota{}, q.Rows...)
	var b strings.Builder
	if err := quotaTable(&b, newPalette(v.w), q); err != nil {
		return err
	}
	s := sheet{p: newPalette(v.w)}
	quotaNotes(&s, q, ahead)
	b.WriteString(s.b.String())
	text := b.String()
	switch {
	case again && v.width != nil:
		text = fmt.Sprintf("\x1b[%dA\x1b[J", v.drawn) + text
	case again:
		text = "\n" + text
	}
	if v.width != nil {
		v.drawn = rows(b.String(), v.width())
	}
	_, err := io.WriteString(v.w, text)
	return err
}

// rows is how many rows of a terminal the lines of a text take: one that is too wide goes on in the next.
func rows(text string, width int) (n int) {
	for line := range strings.Lines(text) {
		n += max(1, (lipgloss.Width(line)+width-1)/width)
	}
	return n
}

// quotaTable writes a row for each resource; the app's name stands in front when there are several.
func quotaTable(w io.Writer, p palette, q devserver.Quotas) error {
	several := len(q.Rows) > 0 && q.Rows[0].App != q.Rows[len(q.Rows)-1].App
	head := []string{"RESOURCE", "THIS MINUTE", "STATE", "TODAY", "STATE"}
	if several {
		head = append([]string{"APP"}, head...)
	}
	t := newTable(w, head...)
	t.style = p
	for i, row := range q.Rows {
		if i > 0 && q.Rows[i-1].App == row.App && q.Rows[i-1].Resource == row.Resource {
			continue // shown with the window before
		}
		var minute, day devserver.Quota
		for _, r := range q.Rows[i:min(i+2, len(q.Rows))] {
			switch {
			case r.App != row.App || r.Resource != row.Resource:
			case r.Window == "minute":
				minute = r
			default:
				day = r
			}
		}
		cells := []cell{{text: row.Resource}, usedOf(minute), {text: spent(minute, "Limited"), style: p.bad}, usedOf(day), {text: spent(day, "used up"), style: p.bad}}
		if several {
			cells = append([]cell{{text: row.App}}, cells...)
		}
		t.add(cells...)
	}
	return t.flush()
}

// usedOf is "4,800 of 864,000", empty for a window that the recording does not hold.
func usedOf(q devserver.Quota) cell {
	c := cell{right: true}
	switch {
	case q.Resource == "":
	case q.Limit < 0:
		c.text = devserver.AmountText(q.Resource, q.Used) + ", unlimited"
	default:
		c.text = devserver.AmountText(q.Resource, q.Used) + " of " + devserver.AmountText(q.Resource, q.Limit)
	}
	return c
}

// spent is the word for a window that is used up; of a minute it is production's own.
func spent(q devserver.Quota, word string) string {
	if q.UsedUp && q.Resource != "" {
		return word
	}
	return ""
}

// quotaNotes say what holds for all rows.
func quotaNotes(s *sheet, q devserver.Quotas, ahead time.Duration) {
	minute, midnight := devserver.Borders(q.At)
	s.row("minute", fmt.Sprintf("refilled in %s, at %s", left(minute.Sub(q.At)), minute.Local().Format(time.TimeOnly)))
	s.row("day", fmt.Sprintf("refilled in %s, at midnight Pacific time (%s here)", left(midnight.Sub(q.At)), midnight.Local().Format("Jan 2, 15:04")))
	for _, row := range q.Rows {
		if row.Resource == "bytes_sent" && row.Window == "day" {
			s.row("cost", fmt.Sprintf("%s sent %s today: %s in production, at %.2f US$ a GB",
				row.App, size(row.Used), dollars(devserver.SentCost(row.Used)), devserver.OutgoingPrice))
		}
	}
	if ahead != 0 {
		s.row("clock", left(ahead)+" ahead of the machine's; devserver clock reset sets it back")
	}
	s.row("as of", asOf(q))
}

// asOf says of when the numbers are, "" when they are of now.
func asOf(q devserver.Quotas) string {
	minute := q.Last.Local().Format("2006-01-02 15:04")
	switch late := q.At.Sub(q.Last); {
	case q.Last.IsZero():
		return ""
	case late < 0:
		return "the recording's newest numbers are of " + minute + ", to which the sandbox's clock had been moved; they do not count now"
	case late > time.Minute+writtenLate:
		return "the recording's newest numbers are of " + minute + "; what was used in windows that are over does not count now"
	}
	return ""
}

// writtenLate is how much later than its time the first row of a minute may be in the recording.
const writtenLate = 5 * time.Second

// left writes how long something takes still, in whole seconds.
func left(d time.Duration) string { return d.Round(time.Second).String() }

// dollars writes an amount of money in whole cents; one that is less has no cents to show.
func dollars(d float64) string {
	if d > 0 && d < 0.005 {
		return "less than 0.01 US$"
	}
	return fmt.Sprintf("%.2f US$", d)
}
