package main

import (
	"context"
	"net"
	"net/smtp"
)

// mailCard is what the page shows of the mail to the owner.
type mailCard struct {
	Address string
	Failure *failure // nil: a mail server took the message
}

// mailOwner tells the owner by mail, the way that works on every developer's machine and not in production:
// it speaks to port 25, which production blocks. Port 587 with a user name and a password is the way there.
func mailOwner(ctx context.Context, addr, text string) mailCard {
	return mailCard{Address: addr, Failure: explain(sendMail(ctx, addr, text))}
}

func sendMail(ctx context.Context, addr, text string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr) // in production it ends here
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline(ctx)); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if err := client.Mail("guestbook@example.com"); err != nil {
		return err
	}
	if err := client.Rcpt("owner@example.com"); err != nil {
		return err
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write([]byte("Subject: guestbook\r\n\r\n" + text + "\r\n")); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return client.Quit()
}
