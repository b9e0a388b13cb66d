package storage

// link says that a request used a socket, first and last by these events.
type link struct{ request, first, last int64 }

// links are the requests of one socket in one batch. A request may appear more than once when requests alternate on
// the socket; the table merges them.
type links []link

func (l *links) add(request, event int64) {
	if n := len(*l); n > 0 && (*l)[n-1].request == request {
		(*l)[n-1].last = event
		return
	}
	*l = append(*l, link{request, event, event})
}

func (in *ingest) saveLinks() error {
	if err := in.loose.save(in.w, 0); err != nil {
		return err
	}
	for _, s := range in.order {
		if err := s.links.save(in.w, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func (l links) save(w *writer, socket int64) error {
	for _, k := range l {
		_, err := w.exec(`INSERT INTO request_sockets (request_id, socket_id, first_event, last_event) VALUES (?, ?, ?, ?)
			ON CONFLICT (request_id, socket_id) DO UPDATE SET last_event = excluded.last_event`, k.request, socket, k.first, k.last)
		if err != nil {
			return err
		}
	}
	return nil
}
