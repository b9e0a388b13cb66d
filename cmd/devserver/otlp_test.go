package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-d81df0db/devserver/devserver"
	"github.com/seed-d81df0db/devserver/sandbox"
	"github.com/seed-d81df0db/devserver/storage"
)

func TestOTLPFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags   otlpFlags
		env     string
		headers []string
		err     string
	}{
		{otlpFlags{}, "x-api-key=1", nil, ""}, // there is nowhere to send it
		{otlpFlags{headers: []string{"a=b"}}, "%zz", []string{"a=b"}, ""},
		{otlpFlags{url: "u"}, "x-api-key=a%20b, X-Team = shop ,", []string{"x-api-key=a b", "X-Team=shop"}, ""},
		{otlpFlags{url: "u", headers: []string{"X-API-Key=flag"}}, "x-api-key=env,a=b", []string{"a=b", "X-API-Key=flag"}, ""},
		{otlpFlags{url: "u"}, "secret", nil, "not NAME=VALUE"},
		{otlpFlags{url: "u"}, "secret=%zz", nil, "not NAME=VALUE"},
	} {
		url, headers, err := tt.flags.read(func(string) string { return tt.env })
		if tt.err == "" && (err != nil || url != tt.flags.url || !slices.Equal(headers, tt.headers)) {
			t.Errorf("read(%+v, %q) = %q, %q, %v, want %q", tt.flags, tt.env, url, headers, err, tt.headers)
		}
		var usage usageError
		if tt.err != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "=%zz")) {
			t.Errorf("read(%+v, %q) = %v, want a usage error with %q and no secret", tt.flags, tt.env, err, tt.err)
		}
	}
}

// TestExportOTLP holds what the command says of an export.
func TestExportOTLP(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "recording.db")
	db, err := storage.Open(file, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), storage.Batch{App: "shop", Events: []sandbox.Event{
		{Kind: sandbox.KindRequestBegin, Request: 1, At: time.Now().UnixNano(), Req: &sandbox.RequestInfo{Method: "GET", URL: "/"}},
		{Kind: sandbox.KindDeny, Request: 1, Socket: 1, At: time.Now().UnixNano(), Rule: sandbox.RulePort25},
	}})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := devserver.OpenRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		says    string
		failure string
	}{
		{"taken", func(http.ResponseWriter, *http.Request) {}, "devserver: sent 2 spans, 1 log record and no data points\n", ""},
		{"spans only", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/traces" {
				http.NotFound(w, r)
			}
		}, "/v1/logs answers 404 Not Found", "the store refused 1 item"},
		{"refused", http.NotFound, "", "/v1/traces answers 404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			c := &cobra.Command{}
			c.SetContext(t.Context())
			var said bytes.Buffer
			c.SetErr(&said)
			err := exportOTLP(c, rec, otlpFlags{url: server.URL}, devserver.OTLPOptions{}, func(string) string { return "" })
			if !strings.Contains(said.String(), tt.says) || (err == nil) != (tt.failure == "") || err != nil && !strings.Contains(err.Error(), tt.failure) {
				t.Errorf("it says %q and returns %v; want %q, %q", said.String(), err, tt.says, tt.failure)
			}
		})
	}
}
