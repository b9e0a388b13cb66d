package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ClockState is the sandbox's clock, as it is or after a change.
type ClockState struct {
	Offset    time.Duration `json:"offset_ns"` // how far it is ahead of the machine's
	Reclaimed int           `json:"reclaimed"` // sockets that the change reclaimed
}

// The borders to which AdvanceTo moves the clock.
const (
	Minute   = "minute"   // the next full minute
	Midnight = "midnight" // the next midnight Pacific time, at which production's day ends
)

// Clock tells the sandbox's clock.
func (i *Instance) Clock(ctx context.Context) (ClockState, error) {
	var state ClockState
	err := i.ask(ctx, http.MethodGet, "/api/v1/clock", nil, &state)
	return state, err
}

// Advance moves the sandbox's clock forward and returns when all that fell due is done and recorded.
func (i *Instance) Advance(ctx context.Context, d time.Duration) (ClockState, error) {
	var state ClockState
	err := i.post(ctx, "/api/v1/clock/advance", map[string]string{"duration": d.String()}, &state)
	return state, err
}

// AdvanceTo moves the sandbox's clock forward to Minute or Midnight, by that clock, as Advance does by a duration.
func (i *Instance) AdvanceTo(ctx context.Context, border string) (ClockState, error) {
	var state ClockState
	err := i.post(ctx, "/api/v1/clock/advance", map[string]string{"to": border}, &state)
	return state, err
}

// ResetClock sets the sandbox's clock back to the machine's.
func (i *Instance) ResetClock(ctx context.Context) (ClockState, error) {
	var state ClockState
	err := i.post(ctx, "/api/v1/clock/reset", struct{}{}, &state)
	return state, err
}

// ResetQuotas forgets what an app has used of its quotas, what all apps have for "", and returns the apps' names.
func (i *Instance) ResetQuotas(ctx context.Context, app string) ([]string, error) {
	in := map[string]string{}
	if app != "" {
		in["app"] = app
	}
	var out struct{ Reset []string }
	err := i.post(ctx, "/api/v1/quotas/reset", in, &out)
	return out.Reset, err
}

// CloseSocket closes a socket of an app by hand.
func (i *Instance) CloseSocket(ctx context.Context, id uint64) error {
	return i.post(ctx, fmt.Sprintf("/api/v1/sockets/%d/close", id), struct{}{}, nil)
}

// post sends a change and reads the answer into out, unless that is nil.
func (i *Instance) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return i.ask(ctx, http.MethodPost, path, bytes.NewReader(body), out)
}

// ask sends a request with the token and reads the answer into out, unless that is nil.
func (i *Instance) ask(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, i.Console+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+i.Token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: the console is on this machine
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the console at %s: %w; is it still running?", i.Console, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("the console at %s: %w", i.Console, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the console at %s answered %s: %s", i.Console, res.Status, problem(text))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the console at %s answered %.100q: %w", i.Console, text, err)
	}
	return nil
}

// problem is what an error answer says: the field error of a JSON object, or else its text.
func problem(text []byte) string {
	var said struct{ Error string }
	if json.Unmarshal(text, &said) == nil && said.Error != "" {
		return said.Error
	}
	return strings.TrimSpace(string(text))
}
