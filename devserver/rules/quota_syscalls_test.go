//go:build linux && (amd64 || arm64)

package rules

import (
	"testing"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// TestWhatSystemCallsCount is TestWhatCounts for programs that make the calls themselves.
func TestWhatSystemCallsCount(t *testing.T) {
	t.Parallel()
	tcp, udp := echo(t), echoUDP(t)
	countAll(t, []sandbox.Standin{{Local: tcp}, {Local: udp}}, []counted{
		{"connection", []string{"raw " + tcp}, counts{"create": 1, "connect": 1, "send": 1, "bytes_sent": 6, "receive": 1, "bytes_received": 6}, false},
		{"datagrams", []string{"rawpacket " + udp}, counts{"create": 1, "bind": 1, "send": 2, "bytes_sent": 10, "receive": 2, "bytes_received": 10}, false},
		{"descriptor of package net", []string{"udp udp4", "rawsend " + udp, "receive ReadFrom"}, counts{"create": 1, "bind": 1, "send": 1, "bytes_sent": 5, "receive": 1, "bytes_received": 5}, false},
		{"denied", []string{"udp udp4", "rawsend 127.0.0.2:53"}, counts{"create": 1, "bind": 1}, false},
	})
}

// TestQuotaOfSystemCalls uses up each resource by system calls that the program makes itself: they get the errno.
func TestQuotaOfSystemCalls(t *testing.T) {
	t.Parallel()
	tcp, udp := echo(t), echoUDP(t)
	for _, tt := range []struct {
		resource sandbox.Resource
		limit    int64
		step     string
		call     string
	}{
		{sandbox.ResourceBind, 0, "rawpacket " + udp, "bind"},
		{sandbox.ResourceCreate, 0, "raw " + tcp, "socket"},
		{sandbox.ResourceConnect, 0, "raw " + tcp, "connect"},
		{sandbox.ResourceSend, 0, "raw " + tcp, "write"},
		{sandbox.ResourceSend, 1, "rawpacket " + udp, "sendmsg"},
		{sandbox.ResourceBytesSent, 3, "rawpacket " + udp, "sendto"},
		{sandbox.ResourceBytesSent, 5, "raw " + tcp, "write"},
		{sandbox.ResourceReceive, 0, "raw " + tcp, "read"},
		{sandbox.ResourceReceive, 1, "rawpacket " + udp, "recvfrom"},
		{sandbox.ResourceBytesReceived, 0, "raw " + tcp, "read"},
	} {
		t.Run(string(tt.resource)+"/"+tt.call, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			limit := sandbox.Limit{PerMinute: tt.limit, PerDay: sandbox.Unlimited}
			got := l.steps(t, run{Change: limited(tt.resource, limit), Standins: []sandbox.Standin{{Local: tcp}, {Local: udp}}}, tt.step)
			wantLines(t, got, tt.step+": "+tt.call+" [disk quota exceeded] no OpError, EDQUOT true, EACCES false, timeout false")
			wantQuotaDenials(t, got, 1)
			if used := l.used(t, "minute")[tt.resource]; used > tt.limit {
				t.Errorf("%d used, the limit is %d", used, tt.limit)
			}
		})
	}
}
