package web

import (
	"net/netip"
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestExceptionRows holds how the page writes each form of an exception.
func TestExceptionRows(t *testing.T) {
	t.Parallel()
	private := []sandbox.Rule{sandbox.RulePrivate, sandbox.RulePort25}
	for _, tt := range []struct {
		x    sandbox.Exception
		want exceptionRow
	}{
		{sandbox.Exception{Host: "smtp.gmail.com", Network: "tcp", Ports: []uint16{465, 587}}, exceptionRow{"smtp.gmail.com, ports 465, 587", "tcp", "google", ""}},
		{sandbox.Exception{Addr: netip.MustParseAddr("::1"), Ports: []uint16{53}, Source: "s"}, exceptionRow{"[::1]:53", "tcp and udp", "google", "s"}},
		{sandbox.Exception{Host: "*.corp.example", Rules: private}, exceptionRow{"*.corp.example, every port", "tcp and udp", "private, port25", ""}},
		{sandbox.Exception{Prefix: netip.MustParsePrefix("10.1.0.0/16"), Ports: []uint16{80}, Rules: private, Mode: sandbox.ModeReport},
			exceptionRow{"10.1.0.0/16, port 80", "tcp and udp", "private, port25 (only reported)", ""}},
		{sandbox.Exception{Ports: []uint16{25}, Rules: private[1:], Mode: sandbox.ModeOff}, exceptionRow{"any host, port 25", "tcp and udp", "port25", ""}},
	} {
		if got := exceptionRows(&sandbox.Policy{Exceptions: []sandbox.Exception{tt.x}}); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%+v: %+v, want %+v", tt.x, got, tt.want)
		}
	}
}
