package peer

import (
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// maxMail is the largest mail that builtin:smtp keeps; it says so in its greeting (RFC 1870).
const maxMail = 10 << 20

// Mail is a mail that builtin:smtp has taken. It is delivered to nobody.
type Mail struct {
	At   time.Time
	From string
	To   []string
	Data []byte // headers and text, lines ending in "\n"
}

// session is one conversation with builtin:smtp.
type session struct {
	*textproto.Conn
	server *Server
	mail   Mail
	login  int // answers of an AUTH LOGIN still expected
}

// smtp is a sink for mail: RFC 5321 as far as net/smtp and its like go, with any AUTH accepted, since the rules under
// test are those of sockets. It offers no STARTTLS: it has no certificate for production's name.
func smtp(server *Server, c net.Conn) {
	s := &session{Conn: textproto.NewConn(patient{c}), server: server}
	s.say(220, "builtin:smtp of devserver; mail ends here")
	for {
		line, err := s.ReadLine()
		if err != nil || !s.answer(line) {
			return
		}
	}
}

// say sends a reply, the last of its lines.
func (s *session) say(code int, text string) bool {
	return s.PrintfLine("%d %s", code, text) == nil
}

// answer answers one line and tells whether the conversation goes on.
func (s *session) answer(line string) bool {
	if s.login > 0 {
		return s.answerLogin()
	}
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "HELO":
		return s.say(250, "devserver")
	case "EHLO":
		return s.greet()
	case "AUTH":
		return s.answerAuth(rest)
	case "MAIL":
		return s.sender(rest)
	case "RCPT":
		return s.recipient(rest)
	case "DATA":
		return s.data()
	case "RSET":
		s.mail = Mail{}
		return s.say(250, "forgotten")
	case "NOOP":
		return s.say(250, "fine")
	case "VRFY":
		return s.say(252, "perhaps")
	case "QUIT":
		s.say(221, "bye")
		return false
	}
	return s.say(502, "not known: "+fmt.Sprintf("%.40q", verb))
}

func (s *session) greet() bool {
	return s.PrintfLine("250-devserver\r\n250-8BITMIME\r\n250-SIZE %d\r\n250 AUTH PLAIN LOGIN", maxMail) == nil
}

// answerAuth takes any name and password.
func (s *session) answerAuth(rest string) bool {
	kind, initial, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch {
	case strings.EqualFold(kind, "PLAIN") && initial != "":
		return s.say(235, "welcome")
	case strings.EqualFold(kind, "PLAIN"):
		s.login = 1
		return s.say(334, "")
	case strings.EqualFold(kind, "LOGIN"):
		s.login = 2
		if initial != "" {
			s.login = 1
		}
		return s.say(334, "VXNlcm5hbWU6")
	}
	return s.say(504, "PLAIN or LOGIN")
}

func (s *session) answerLogin() bool {
	if s.login--; s.login > 0 {
		return s.say(334, "UGFzc3dvcmQ6")
	}
	return s.say(235, "welcome")
}

func (s *session) sender(rest string) bool {
	from, ok := path(rest, "FROM:")
	if !ok {
		return s.say(501, "MAIL FROM:<address>")
	}
	s.mail = Mail{From: from}
	return s.say(250, "fine")
}

func (s *session) recipient(rest string) bool {
	to, ok := path(rest, "TO:")
	switch {
	case !ok || to == "":
		return s.say(501, "RCPT TO:<address>")
	case len(s.mail.To) == 1000:
		return s.say(452, "that is enough")
	}
	s.mail.To = append(s.mail.To, to)
	return s.say(250, "fine")
}

// path reads the address of "FROM:<a@b> SIZE=12".
func path(rest, prefix string) (string, bool) {
	if len(rest) < len(prefix) || !strings.EqualFold(rest[:len(prefix)], prefix) {
		return "", false
	}
	rest = strings.TrimSpace(rest[len(prefix):])
	end := strings.IndexByte(rest, '>')
	if !strings.HasPrefix(rest, "<") || end < 0 {
		return "", false
	}
	return rest[1:end], true
}

func (s *session) data() bool {
	if len(s.mail.To) == 0 {
		return s.say(503, "RCPT first")
	}
	if !s.say(354, "go on; a dot alone on a line ends it") {
		return false
	}
	dot := s.DotReader()
	text, err := io.ReadAll(io.LimitReader(dot, maxMail+1))
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, dot); err != nil {
		return false
	}
	mail := s.mail
	s.mail = Mail{}
	if len(text) > maxMail {
		return s.say(552, "too large")
	}
	mail.At, mail.Data = time.Now(), text
	if s.server.mail != nil {
		s.server.mail(mail)
	}
	return s.say(250, "taken; it goes no further")
}
