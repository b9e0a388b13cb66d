package storage

import (
	"cmp"
	"net"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// denialKey is by what denials are counted: what a developer would fix at one place.
type denialKey struct{ rule, callSite, destination string }

type denialRow struct {
	info                   sandbox.Info // of the newest
	count, first, at, last int64        // first and at are times, last is an event
}

// deny counts a denial. What its event does not say, the socket's row knows.
func (in *ingest) deny(e *sandbox.Event, s *socketRow, id int64) {
	var info sandbox.Info
	if e.Info != nil {
		info = *e.Info
	}
	if s != nil {
		if info.Host == "" && info.Remote == "" {
			info.Host, info.Remote = s.Host, s.RemoteAddr
		}
		info.Network = cmp.Or(info.Network, s.Network)
		info.CallSite = cmp.Or(info.CallSite, s.CallSite)
	}
	key := denialKey{string(e.Rule), info.CallSite, destination(info.Host, info.Remote)}
	d := in.denials[key]
	if d == nil {
		d = &denialRow{first: e.At}
		in.denials[key] = d
	}
	d.info, d.last = info, id
	d.count++
	d.first, d.at = min(d.first, e.At), max(d.at, e.At)
}

// destination is where the program wanted to go, as it said it: the name with the port when it dialled a name.
func destination(host, remote string) string {
	if host == "" {
		return remote
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if _, port, err := net.SplitHostPort(remote); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}

func (in *ingest) saveDenials() error {
	b := in.batch
	for k, d := range in.denials {
		_, err := in.w.exec(`INSERT INTO denials (run_id, app, rule, call_site, destination, network, host, remote_addr, count, first_at, last_at, last_event)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (run_id, app, rule, call_site, destination) DO UPDATE SET network = excluded.network, host = excluded.host,
			remote_addr = excluded.remote_addr, count = count + excluded.count, first_at = min(first_at, excluded.first_at),
			last_at = max(last_at, excluded.last_at), last_event = excluded.last_event`,
			b.RunID, b.App, k.rule, k.callSite, k.destination, d.info.Network, d.info.Host, d.info.Remote, d.count, d.first, d.at, d.last)
		if err != nil {
			return err
		}
	}
	return nil
}
