package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-d81df0db/devserver/devserver"
)

// otlpFlags name a store that speaks OpenTelemetry's protocol.
type otlpFlags struct {
	url     string
	headers []string
}

func (o *otlpFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.url, "otlp", "", "send requests and sockets as spans, quotas as metrics and denials as log\nrecords to this `URL` (OTLP/HTTP): http://localhost:4318")
	f.StringArrayVar(&o.headers, "otlp-header", nil, "send this header along, `NAME=VALUE`; may be repeated. Those of the variable\nOTEL_EXPORTER_OTLP_HEADERS are sent too")
}

// otlpHeadersVar holds headers for every exporter on a machine, so that a key needs not stand in a command line.
const otlpHeadersVar = "OTEL_EXPORTER_OTLP_HEADERS"

// read returns the URL and all headers. Those of the environment count only when there is somewhere to send them.
func (o *otlpFlags) read(getenv func(string) string) (to string, headers []string, err error) {
	if o.url == "" {
		return "", o.headers, nil
	}
	named, err := headersOf(getenv(otlpHeadersVar))
	if err != nil {
		return "", nil, err
	}
	given := map[string]bool{}
	for _, h := range o.headers {
		given[headerName(h)] = true
	}
	for _, h := range named {
		if !given[headerName(h)] {
			headers = append(headers, h)
		}
	}
	return o.url, append(headers, o.headers...), nil
}

func headerName(h string) string {
	name, _, _ := strings.Cut(h, "=")
	return strings.ToLower(strings.TrimSpace(name))
}

// headersOf reads the variable: name=value, comma, name=value; values are percent-encoded (OTLP exporter specification).
func headersOf(s string) ([]string, error) {
	var all []string
	for part := range strings.SplitSeq(s, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return nil, usagef("%s: a part of it is not NAME=VALUE with %%XX for special characters; write it as in x-api-key=secret,x-team=shop", otlpHeadersVar)
		}
		all = append(all, strings.TrimSpace(name)+"="+plain)
	}
	return all, nil
}

// exportOTLP sends what o selects of a recording and says what came of it.
func exportOTLP(c *cobra.Command, r *devserver.Recording, store otlpFlags, o devserver.OTLPOptions, getenv func(string) string) (err error) {
	if o.URL, o.Headers, err = store.read(getenv); err != nil {
		return err
	}
	o.Notify = func(text string) { fmt.Fprintln(c.ErrOrStderr(), "devserver: "+text) }
	sum, err := devserver.ExportOTLP(c.Context(), r, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "devserver: sent %s, %s and %s\n",
		count(sum.Spans, "span"), count(sum.Records, "log record"), count(sum.Points, "data point"))
	if sum.Refused > 0 {
		return fmt.Errorf("the store refused %s; the lines above say why", count(sum.Refused, "item"))
	}
	return nil
}
