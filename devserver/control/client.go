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

// ClockState is the sandbox's clock after a change.
type ClockState struct {
	Offset    time.Duration `json:"offset_ns"` // how far it is ahead of the machine's
	Reclaimed int           `json:"reclaimed"` // sockets that the change reclaimed
}

// Advance moves the sandbox's clock forward and returns when all that fell due is done and recorded.
func (i *Instance) Advance(ctx context.Context, d time.Duration) (ClockState, error) {
	var state ClockState
	return state, i.post(ctx, "/api/v1/clock/advance", map[string]string{"duration": d.String()}, &state)
}

// ResetClock sets the sandbox's clock back to the machine's.
func (i *Instance) ResetClock(ctx context.Context) (ClockState, error) {
	var state ClockState
	return state, i.post(ctx, "/api/v1/clock/reset", struct{}{}, &state)
}

// CloseSocket closes a socket of an app by hand.
func (i *Instance) CloseSocket(ctx context.Context, id uint64) error {
	return i.post(ctx, fmt.Sprintf("/api/v1/sockets/%d/close", id), struct{}{}, nil)
}

// post sends a change with the token and reads the answer into out, unless that is nil.
func (i *Instance) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.Console+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
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
