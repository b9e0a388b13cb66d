package main

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, err string }{
		{"1.2.3.4:80", "1.2.3.4:80", ""},
		{"", "", ""},
		{`a\\b`, `a\b`, ""},
		{`\t\n\r`, "\t\n\r", ""},
		{`1.2.3.4\x00:80`, "1.2.3.4\x00:80", ""},
		{`\xFf\xe2`, "\xff\xe2", ""},
		{"１２７.0.0.1", "１２７.0.0.1", ""},
		{`\`, "", `"\\"`},
		{`\x4`, "", `"\\x4"`},
		{`\xg1`, "", `"\\xg1"`},
		{`\x+1`, "", `"\\x+1"`},
		{`\q`, "", `known are \\ \t \n \r \xNN`},
	} {
		got, err := unescape(tt.in)
		if got != tt.want || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("unescape(%q) = %q, %v; want %q, error with %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestParseAnswers(t *testing.T) {
	t.Parallel()
	addrs := func(s ...string) []netip.Addr {
		list := []netip.Addr{}
		for _, a := range s {
			list = append(list, netip.MustParseAddr(a))
		}
		return list
	}
	for _, tt := range []struct {
		in   string
		want []netip.Addr
		err  string
	}{
		{"", addrs(), ""}, // known to have none, which is not the same as not asked
		{"10.0.0.1", addrs("10.0.0.1"), ""},
		{"8.8.8.8,2001:db8::1", addrs("8.8.8.8", "2001:db8::1"), ""},
		{"127.0.0.1, ::1", addrs("127.0.0.1", "::1"), ""},
		{"93.184.216.34;127.0.0.1", addrs("93.184.216.34"), ""}, // the second look-up comes too late
		{"93.184.216.34;here", nil, `"here" is not an IP address`},
		{"1.1.1.1,", nil, `"" is not an IP address`},
		{"example.com", nil, `"example.com" is not an IP address`},
	} {
		got, err := parseAnswers(tt.in)
		if !reflect.DeepEqual(got, tt.want) || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("parseAnswers(%q) = %#v, %v; want %v, error with %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func FuzzReadBatchLine(f *testing.F) {
	for _, line := range []string{"tcp\t10.0.0.1:443\n", "tcp\ta\\x00\t1.1.1.1;::1\r\n", "\t", "\\", ""} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := readBatchLine(line)
		if err != nil {
			return
		}
		if got := strings.TrimRight(line, "\r\n"); !strings.HasPrefix(got, strings.TrimRight(c.network+"\t"+c.address, "\r\n")) {
			t.Errorf("readBatchLine(%q) does not repeat its fields: %q, %q", line, c.network, c.address)
		}
		for _, plain := range []struct{ given, plain string }{{c.network, c.plainNetwork}, {c.address, c.plainAdr}} {
			if len(plain.plain) > len(plain.given) {
				t.Errorf("readBatchLine(%q): %q stands for the longer %q", line, plain.given, plain.plain)
			}
		}
	})
}
