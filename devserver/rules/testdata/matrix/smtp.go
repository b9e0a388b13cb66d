package main

import (
	"context"
	"io"
	"net/smtp"
)

type mailer struct{ *smtp.Client }

func init() { drivers["smtp"] = new(mailer) }

func (d *mailer) open(_ context.Context, addr string) (err error) {
	d.Client, err = smtp.Dial(addr)
	return err
}

func (d *mailer) use(context.Context) error {
	if err := d.Mail("app@example.com"); err != nil {
		return err
	}
	if err := d.Rcpt("reader@example.com"); err != nil {
		return err
	}
	w, err := d.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, "Subject: hello\r\n\r\nhello\r\n"); err != nil {
		return err
	}
	return w.Close()
}
