package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// maxAdvance is the longest step of the clock; two days show every quota window and limit there is.
const maxAdvance = 366 * day

// advance moves the sandbox's clock: {"duration": "2m1s"}, or {"to": "minute"} or "midnight", or a form's fields.
func (c *console) advance(w http.ResponseWriter, r *http.Request) error {
	if c.Controls == nil {
		return errNoControls
	}
	fields, err := bodyFields(r, "duration", "to")
	if err != nil {
		return err
	}
	clock, err := c.advanceBy(r.Context(), fields["duration"], fields["to"])
	if err != nil {
		return notDone(err)
	}
	return done(w, r, fields, clock)
}

// advanceBy moves the clock by a duration or to a border, whichever is given.
func (c *console) advanceBy(ctx context.Context, duration, to string) (ClockState, error) {
	switch border := Border(to); {
	case to != "" && duration != "":
		return ClockState{}, problemf(http.StatusBadRequest, "By, or to", `There are both "duration" and "to"; give one of them.`)
	case border == BorderMinute || border == BorderMidnight:
		return c.Controls.AdvanceTo(ctx, border)
	case to != "":
		return ClockState{}, problemf(http.StatusBadRequest, "No such time", `"to" is %q; it is "minute" or "midnight".`, to)
	}
	d, err := time.ParseDuration(strings.TrimSpace(duration))
	if err != nil || d <= 0 || d > maxAdvance {
		return ClockState{}, problemf(http.StatusBadRequest, "Not a length of time",
			`"duration" is %q; a length of time above zero and of at most a year is expected, as in {"duration": "2m1s"}.`, duration)
	}
	return c.Controls.Advance(ctx, d)
}

func (c *console) resetClock(w http.ResponseWriter, r *http.Request) error {
	if c.Controls == nil {
		return errNoControls
	}
	fields, err := bodyFields(r)
	if err != nil {
		return err
	}
	clock, err := c.Controls.ResetClock(r.Context())
	if err != nil {
		return notDone(err)
	}
	return done(w, r, fields, clock)
}

func (c *console) closeSocket(w http.ResponseWriter, r *http.Request) error {
	if c.Controls == nil {
		return errNoControls
	}
	id, err := pathID(r, "socket")
	if err != nil {
		return err
	}
	fields, err := bodyFields(r)
	if err != nil {
		return err
	}
	err = c.Controls.CloseSocket(r.Context(), id)
	if errors.Is(err, record.ErrNotFound) {
		return problemf(http.StatusNotFound, "Not open", "Socket %d is not open: it has ended, or never was.", id)
	}
	if err != nil {
		return notDone(err)
	}
	return done(w, r, fields, map[string]int64{"closed": id})
}

var errNoControls = problemf(http.StatusNotFound, "Nothing to change here",
	"This console shows a recording; no devserver runs behind it whose clock or sockets could be changed.")

// notDone shows the supervisor's own words: a change that fails does so for a reason that its user must know.
func notDone(err error) error {
	var p *problem
	if errors.As(err, &p) {
		return err
	}
	return problemf(http.StatusConflict, "Not done", "%v", err)
}

// done answers a program with what is now, and brings a person back to the page the form stood on.
func done(w http.ResponseWriter, r *http.Request, fields map[string]string, v any) error {
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, v)
		return nil
	}
	http.Redirect(w, r, localPath(fields["back"]), http.StatusSeeOther)
	return nil
}

// bodyFields reads the body, a form or a flat JSON object of texts, which may have the fields known, and those of our own
// pages' forms. No body at all is no fields.
func bodyFields(r *http.Request, known ...string) (map[string]string, error) {
	fields, err := readFields(r)
	if err != nil {
		return nil, err
	}
	for name := range fields {
		if !slices.Contains(known, name) && name != "form" && name != "back" {
			// A misspelt "app" must not change all of them.
			return nil, problemf(http.StatusBadRequest, "Not understood", "There is no field %q here; %s.", name, fieldsHere(known))
		}
	}
	return fields, nil
}

func fieldsHere(known []string) string {
	if len(known) == 0 {
		return "nothing is asked for"
	}
	return "there are " + strings.Join(known, ", ")
}

func readFields(r *http.Request) (map[string]string, error) {
	fields := make(map[string]string)
	if r.PostForm != nil { // the guard has looked for the word of our own pages
		return flat(r.PostForm, fields), nil
	}
	body, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return nil, problemf(http.StatusRequestEntityTooLarge, "Too long", "The body is longer than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, problemf(http.StatusBadRequest, "Cut off", "The body ended early.")
	}
	if body = bytes.TrimSpace(body); len(body) == 0 {
		return fields, nil
	}
	// curl -d says that it sends a form, whatever it sends.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" && body[0] != '{' {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, problemf(http.StatusBadRequest, "Not understood", "The body is not a form: %v.", err)
		}
		return flat(values, fields), nil
	}
	var given map[string]*string
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, noTexts(err)
	}
	for name, text := range given {
		if text == nil {
			return nil, noTexts(fmt.Errorf("%q is null", name))
		}
		fields[name] = *text
	}
	return fields, nil
}

func noTexts(err error) error {
	return problemf(http.StatusBadRequest, "Not understood", `The body is not a JSON object of texts, as {"duration": "2m1s"}: %v.`, err)
}

// flat takes the first value of each field.
func flat(values url.Values, fields map[string]string) map[string]string {
	for name := range values {
		fields[name] = values.Get(name)
	}
	return fields
}
