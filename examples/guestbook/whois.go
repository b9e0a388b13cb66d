package main

import (
	"context"
	"io"
	"net"
	"strings"
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
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		card.Failure = explain(err)
		return card
	}
	defer conn.Close()
	card.Peer = conn.RemoteAddr().String()
	answer, err := exchangeWhois(ctx, conn, domain)
	card.Answer, card.Failure = strings.TrimSpace(answer), explain(err)
	return card
}

func exchangeWhois(ctx context.Context, conn net.Conn, domain string) (string, error) {
	if err := conn.SetDeadline(deadline(ctx)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, domain+"\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 4096))
	return string(answer), err
}
