package peer

import (
	"io"
	"net"
	netsmtp "net/smtp"
	"slices"
	"strings"
	"testing"
)

func start(t *testing.T, name string, mail func(Mail)) *Server {
	t.Helper()
	s, err := Start(name, mail)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask sends text and its end, and returns all that comes back.
func ask(t *testing.T, s *Server, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestEcho(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 1<<14)
	if got := ask(t, start(t, "echo", nil), big); got != big {
		t.Errorf("echo sent back %d bytes of %d", len(got), len(big))
	}
}

func TestWhois(t *testing.T) {
	t.Parallel()
	s := start(t, "whois", nil)
	for _, tt := range []struct{ query, want string }{
		{"Example.org\r\n", "domain:       example.org\r\n"},
		{"example.org\n", "domain:       example.org\r\n"},
		{"a\x1b[31mb\r\n", "domain:       a?[31mb\r\n"},
		{"\r\n", "% no question\r\n"},
		{"no end of line", ""},
		{strings.Repeat("x", maxQuery+1), ""},
	} {
		got := ask(t, s, tt.query)
		if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("whois %.20q = %q, want %q in it", tt.query, got, tt.want)
		}
	}
	if one, two := ask(t, s, "example.org\r\n"), ask(t, s, "EXAMPLE.ORG\r\n"); one != two {
		t.Errorf("the same question has two answers:\n%s\n%s", one, two)
	}
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	mails := make(chan Mail, 1)
	s := start(t, "smtp", func(m Mail) { mails <- m })
	auth := netsmtp.PlainAuth("", "user", "secret", "127.0.0.1")
	body := "Subject: hello\r\n\r\n.a line with a dot\r\n"
	if err := netsmtp.SendMail(s.Addr(), auth, "a@example.org", []string{"b@example.org", "c@example.org"}, []byte(body)); err != nil {
		t.Fatal(err)
	}
	m := <-mails
	if m.From != "a@example.org" || !slices.Equal(m.To, []string{"b@example.org", "c@example.org"}) {
		t.Errorf("mail from %q to %q", m.From, m.To)
	}
	if want := "Subject: hello\n\n.a line with a dot\n"; string(m.Data) != want {
		t.Errorf("mail's data = %q, want %q", m.Data, want)
	}
}

// TestSMTPNoop: by NOOP mail libraries ask whether a connection that they keep is still good.
func TestSMTPNoop(t *testing.T) {
	t.Parallel()
	c, err := netsmtp.Dial(start(t, "smtp", nil).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Noop(); err != nil {
		t.Errorf("NOOP = %v", err)
	}
}

func TestSMTPRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, "smtp", nil)
	for _, tt := range []struct{ say, want string }{
		{"NONSENSE\r\n", `502 not known: "NONSENSE"`},
		{"MAIL FROM:a@example.org\r\n", "501 "},
		{"RCPT TO:<>\r\n", "501 "},
		{"MAIL FROM:<>\r\nDATA\r\n", "503 "},
		{"AUTH CRAM-MD5\r\n", "504 "},
		{"AUTH LOGIN\r\nYQ==\r\nYg==\r\nQUIT\r\n", "235 welcome\r\n221 "},
	} {
		if got := ask(t, s, tt.say); !strings.Contains(got, tt.want) {
			t.Errorf("%q is answered %q, want %q in it", tt.say, got, tt.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	if _, err := Start("ftp", nil); err == nil || !strings.Contains(err.Error(), "builtin:whois") {
		t.Errorf("Start(ftp) = %v, want the names that there are", err)
	}
}

// TestCloseEndsConversations: a client that says nothing does not keep Close waiting.
func TestCloseEndsConversations(t *testing.T) {
	t.Parallel()
	s := start(t, "smtp", nil)
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("after Close the client sees %v, want the end", err)
	}
}
