package main

import (
	"bufio"
	"context"
	"net"
	"strings"
	"sync"
)

// visitCard is what the page shows of the report to the visit server.
type visitCard struct {
	Address string
	Number  int    // how many connections were made so far, this one included
	Uses    int    // how often this one was used
	Reply   string // the server repeats what it understood
	Lost    string // what the kept connection said when it was found dead; "" when it was alive
	Failure *failure
}

// visitLink is a pool of one: the connection stays open between requests, as those of every database driver do.
type visitLink struct {
	addr string

	mu     sync.Mutex
	conn   net.Conn // nil: none is kept; guarded by mu, as are the fields below
	reader *bufio.Reader
	number int
	uses   int
}

// report sends one visit. A kept connection may have died while nobody looked: production reclaims it after
// two idle minutes, and the next write fails with EPIPE ("broken pipe"). So a failure on a kept connection is
// no failure yet: report lets it go and tries once more on a fresh one. Once, and only there, since a fresh
// connection that fails has a real reason; and only because the server does not mind hearing of a visit twice.
func (l *visitLink) report(ctx context.Context, visit string) visitCard {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lost string
	if l.conn != nil {
		reply, err := l.exchangeLocked(ctx, visit)
		if err == nil {
			return l.cardLocked(reply, "", nil)
		}
		lost = err.Error()
		l.dropLocked()
	}
	if err := l.dialLocked(ctx); err != nil {
		return l.cardLocked("", lost, err)
	}
	reply, err := l.exchangeLocked(ctx, visit)
	if err != nil {
		l.dropLocked()
	}
	return l.cardLocked(reply, lost, err)
}

func (l *visitLink) dialLocked(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return err
	}
	l.conn, l.reader, l.uses = conn, bufio.NewReader(conn), 0
	l.number++
	return nil
}

// exchangeLocked writes one line and reads one.
func (l *visitLink) exchangeLocked(ctx context.Context, line string) (string, error) {
	if err := l.conn.SetDeadline(deadline(ctx)); err != nil {
		return "", err
	}
	if _, err := l.conn.Write([]byte(line + "\n")); err != nil {
		return "", err
	}
	reply, err := l.reader.ReadString('\n')
	if err != nil {
		return "", err
	}
	l.uses++
	return strings.TrimSpace(reply), nil
}

func (l *visitLink) dropLocked() {
	_ = l.conn.Close()
	l.conn, l.reader = nil, nil
}

func (l *visitLink) cardLocked(reply, lost string, err error) visitCard {
	return visitCard{Address: l.addr, Number: l.number, Uses: l.uses, Reply: reply, Lost: lost, Failure: explain(err)}
}
