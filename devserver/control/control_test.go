package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func own(t *testing.T, data string) *Owner {
	t.Helper()
	o, err := Own(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func publish(t *testing.T, o *Owner, registry, console string) {
	t.Helper()
	if err := o.Publish(File{PID: os.Getpid(), Console: console, Token: "secret", Recording: "r.db"}, registry); err != nil {
		t.Fatal(err)
	}
}

func TestOneOwner(t *testing.T) {
	t.Parallel()
	data, registry := filepath.Join(t.TempDir(), "a", ".devserver"), t.TempDir()
	o := own(t, data)
	for path, mode := range map[string]os.FileMode{"": 0o700, lockName: 0o600, ".gitignore": 0o600} {
		if info, err := os.Stat(filepath.Join(data, path)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: %v, %v, want mode %o", path, info, err, mode)
		}
	}
	var held *HeldError
	if _, err := Own(data); !errors.As(err, &held) || held.PID != os.Getpid() || !strings.Contains(err.Error(), "--data") {
		t.Errorf("the second owner is told %v, want who holds it and the way out", err)
	}
	publish(t, o, registry, "http://127.0.0.1:8000")
	if _, err := Own(data); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:8000") {
		t.Errorf("the second owner is told %v, want the console", err)
	}
	if info, err := os.Stat(filepath.Join(data, fileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("control.json: %v, %v, want mode 0600", info, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(registry, "*")); len(files) != 0 {
		t.Errorf("%v is still registered", files)
	}
	own(t, data)
}

// TestCloseWithoutRegistration: whoever empties the cache while a devserver runs does not make its end a failure.
func TestCloseWithoutRegistration(t *testing.T) {
	t.Parallel()
	registry := filepath.Join(t.TempDir(), "instances")
	o := own(t, filepath.Join(t.TempDir(), "data"))
	publish(t, o, registry, "http://127.0.0.1:8000")
	if err := os.RemoveAll(registry); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	registry := t.TempDir()
	find := func(data string) string {
		i, err := Find(data, registry)
		if err != nil {
			return err.Error()
		}
		return i.Console
	}
	if got := find(""); got != ErrNone.Error() {
		t.Errorf("with none running: %s", got)
	}
	a, b := own(t, t.TempDir()), own(t, t.TempDir())
	publish(t, a, registry, "http://127.0.0.1:1")
	if got := find(""); got != "http://127.0.0.1:1" {
		t.Errorf("with one running: %s", got)
	}
	if got := find(b.Data); !strings.Contains(got, "starting or stopping") {
		t.Errorf("while it starts: %s", got)
	}
	publish(t, b, registry, "http://127.0.0.1:2")
	if got := find(""); !strings.Contains(got, "--data "+a.Data) || !strings.Contains(got, "--data "+b.Data) {
		t.Errorf("with two running: %s", got)
	}
	if got := find(b.Data); got != "http://127.0.0.1:2" {
		t.Errorf("by its data directory: %s", got)
	}
	if got := find(t.TempDir()); !strings.Contains(got, ErrNone.Error()) {
		t.Errorf("of a directory that nobody owns: %s", got)
	}
	b.lock.Close() // as a kill does: its files stay
	if got := find(""); got != "http://127.0.0.1:1" {
		t.Errorf("with one left behind: %s", got)
	}
	if files, _ := filepath.Glob(filepath.Join(registry, "*")); len(files) != 1 {
		t.Errorf("%v are registered, want the living one", files)
	}
}

func TestOwnFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Own(filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("below a file: %v, want the way out", err)
	}
	o := own(t, t.TempDir())
	var reg *RegistryError
	if err := o.Publish(File{Console: "http://x"}, filepath.Join(file, "x")); !errors.As(err, &reg) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("with a registry that cannot be written: %v", err)
	}
	if _, err := Find(o.Data, ""); err != nil {
		t.Errorf("it is not found with --data then: %v", err)
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Errorf("%s: %v", r.URL, err)
			}
		}
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`{"error":"the token, please"}`))
		case r.URL.Path == "/api/v1/clock/advance" && body["duration"] == "2m1s":
			w.Write([]byte(`{"offset_ns":121000000000,"reclaimed":3}`))
		case r.URL.Path == "/api/v1/clock/advance" && body["to"] == "midnight" && len(body) == 1:
			w.Write([]byte(`{"offset_ns":3600000000000}`))
		case r.URL.Path == "/api/v1/clock" && r.Method == http.MethodGet:
			w.Write([]byte(`{"offset_ns":5}`))
		case r.URL.Path == "/api/v1/quotas/reset" && len(body) == 0:
			w.Write([]byte(`{"reset":["mail","shop"]}`))
		case r.URL.Path == "/api/v1/quotas/reset" && body["app"] == "shop":
			w.Write([]byte(`{"reset":["shop"]}`))
		case r.URL.Path == "/api/v1/quotas/reset":
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"error":"there is no such app"}`))
		case r.URL.Path == "/api/v1/clock/reset":
			w.Write([]byte(`nonsense`))
		case r.URL.Path == "/api/v1/sockets/7/close":
		default:
			http.NotFound(w, r)
		}
	}))
	defer console.Close()
	i := &Instance{File: File{Console: console.URL, Token: "secret"}}
	state, err := i.Advance(t.Context(), 121*time.Second)
	if want := (ClockState{121 * time.Second, 3}); err != nil || state != want {
		t.Errorf("Advance = %+v, %v, want %+v", state, err, want)
	}
	if state, err := i.AdvanceTo(t.Context(), Midnight); err != nil || state.Offset != time.Hour {
		t.Errorf("AdvanceTo = %+v, %v", state, err)
	}
	if state, err := i.Clock(t.Context()); err != nil || state.Offset != 5 {
		t.Errorf("Clock = %+v, %v", state, err)
	}
	for app, want := range map[string]string{"": "[mail shop] <nil>", "shop": "[shop] <nil>"} {
		if names, err := i.ResetQuotas(t.Context(), app); fmt.Sprint(names, err) != want {
			t.Errorf("ResetQuotas(%q) = %v, %v, want %s", app, names, err, want)
		}
	}
	if names, err := i.ResetQuotas(t.Context(), "nobody"); err == nil || !strings.HasSuffix(err.Error(), "404 Not Found: there is no such app") || names != nil {
		t.Errorf("ResetQuotas of an app that does not run = %v, %v", names, err)
	}
	if _, err := i.ResetClock(t.Context()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("ResetClock = %v, want what the answer was", err)
	}
	if err := i.CloseSocket(t.Context(), 7); err != nil {
		t.Errorf("CloseSocket = %v", err)
	}
	i.Token = "other"
	if err := i.CloseSocket(t.Context(), 7); err == nil || !strings.HasSuffix(err.Error(), "the token, please") {
		t.Errorf("with a wrong token: %v, want the console's words", err)
	}
	console.Close()
	if err := i.CloseSocket(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "is it still running?") {
		t.Errorf("with no console: %v", err)
	}
}
