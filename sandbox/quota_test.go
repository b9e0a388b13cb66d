package sandbox_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	. "github.com/seed-d81df0db/devserver/sandbox"
)

func TestQuotas(t *testing.T) {
	t.Parallel()
	text := func(method string) string {
		return "The API call remote_socket." + method + "() required more quota than is available."
	}
	for _, tt := range []struct {
		name   string
		quotas map[Resource]Limit
		method string
		call   func(fixture) error
	}{
		{"create", map[Resource]Limit{ResourceCreate: {1, 1, ""}}, "CreateSocket", func(f fixture) error {
			f.dial(t)
			return second(f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}))
		}},
		{"connect", map[Resource]Limit{ResourceConnect: {Unlimited, 0, ""}}, "Connect", func(f fixture) error {
			return second(f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}))
		}},
		{"bind", map[Resource]Limit{ResourceBind: {0, 0, ""}}, "Bind", func(f fixture) error {
			_, err := f.ListenPacket("udp", ap("0.0.0.0:0"), Origin{})
			return err
		}},
		{"send", map[Resource]Limit{ResourceSend: {2, 2, ""}}, "Send", func(f fixture) error {
			s := f.dial(t)
			op(s, KindSend, 1, nil)
			return op(s, KindSend, 1<<20+1, nil) // two sends
		}},
		{"bytes sent", map[Resource]Limit{ResourceBytesSent: {100, 100, ""}}, "Send", func(f fixture) error {
			return op(f.dial(t), KindSend, 101, nil)
		}},
		{"receive", map[Resource]Limit{ResourceReceive: {1, 1, ""}}, "Receive", func(f fixture) error {
			s := f.dial(t)
			op(s, KindReceive, 1, nil)
			return op(s, KindReceive, 1, nil)
		}},
		{"bytes received", map[Resource]Limit{ResourceBytesReceived: {Unlimited, 100, ""}}, "Receive", func(f fixture) error {
			s := f.dial(t)
			op(s, KindReceive, 100, nil)
			return op(s, KindReceive, 1, nil)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newBox(t, func(c *Config) { c.Policy.Quotas = tt.quotas })
			err := tt.call(f)
			if err == nil || err.Error() != text(tt.method) || !errors.Is(err, syscall.EDQUOT) {
				t.Errorf("error %v, want %s", err, text(tt.method))
			}
			if e := f.rec.Events(KindDeny); len(e) != 1 || e[0].Rule != RuleQuota || e[0].Error != text(tt.method) || e[0].Socket == 0 {
				t.Errorf("denials %+v", e)
			}
			reported := newBox(t, func(c *Config) {
				c.Policy.Quotas = tt.quotas
				c.Policy.Rules[RuleQuota] = RuleSetting{Mode: ModeReport}
			})
			if err := tt.call(reported); err != nil {
				t.Errorf("in report mode: %v", err)
			}
			found := 0
			for _, e := range append(reported.rec.Events(KindSend, KindReceive, KindBind), reported.rec.Events(KindConnect)...) {
				if e.Rule == RuleQuota && e.Detail != "" {
					found++
				}
			}
			if found != 1 && tt.method != "Connect" && tt.method != "CreateSocket" { // a connect's event comes with Connected
				t.Errorf("in report mode %d events have the rule", found)
			}
		})
	}
}

// TestChargesTogether holds that a denied call counts nothing, and that what was not sent is given back.
func TestChargesTogether(t *testing.T) {
	t.Parallel()
	u := NewUsage(nil)
	f := newBox(t, func(c *Config) {
		c.Usage = u
		c.Policy.Quotas = map[Resource]Limit{ResourceBytesSent: {100, 100, ""}, ResourceConnect: {1, 1, ""}}
	})
	s := f.dial(t)
	f.Dial("tcp", "", ap(""), ap("93.184.216.34:443"), Origin{}) // no connect is left
	f.Dial("tcp", "", ap(""), ap("10.0.0.1:443"), Origin{})      // denied
	op(s, KindSend, 200, nil)                                    // too much
	begun, err := s.Begin(KindSend, 90)
	if err != nil {
		t.Fatal(err)
	}
	s.End(begun, 30, syscall.ECONNRESET) // a short write
	op(s, KindReceive, 77, nil)
	want := map[Resource]int64{ResourceCreate: 1, ResourceConnect: 1, ResourceSend: 1, ResourceReceive: 1, ResourceBytesSent: 30, ResourceBytesReceived: 77}
	for _, r := range Resources {
		for _, window := range []string{"minute", "day"} {
			if got := used(u, f.clock.Now(), r, window); got != want[r] {
				t.Errorf("%s: %d in the %s, want %d", r, got, window, want[r])
			}
		}
	}
	f.SetOffset(time.Minute)
	if err := op(s, KindSend, 71, nil); !errors.Is(err, syscall.EDQUOT) {
		t.Errorf("the day has 70 bytes left: %v", err)
	}
	if err := op(s, KindSend, 70, nil); err != nil {
		t.Errorf("a new minute: %v", err)
	}
}
