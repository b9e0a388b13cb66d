package main

import (
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// whoisCard is what the page shows of the look-up.
type whoisCard struct {
	Address string // as it was dialled
	Peer    string // who answered, by its address
	Answer  string
	Failure *failure
}

// askWhois asks the server at addr about a domain: one line out, some lines back, and the server hangs up.
func askWhois(ctx context.Context, addr, domain string) whoisCard {
	card := whoisCard{Address: addr}
	conn, err := dial(ctx, addr)
	if err != nil {
		card.Failure = explain(err)
		return card
	}
	defer conn.Close()
	card.Peer = conn.RemoteAddr().String()
	answer, err := exchangeWhois(conn, domain)
	card.Answer, card.Failure = strings.TrimSpace(answer), explain(err)
	return card
}

func exchangeWhois(conn net.Conn, domain string) (string, error) {
	if _, err := io.WriteString(conn, domain+"\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 4096))
	return string(answer), err
}

// dial connects and gives all that follows on the connection the context's deadline, so that a machine that
// stops answering cannot hold a visitor for longer.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	} else {
		err = conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}
