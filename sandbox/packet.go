package sandbox

import "net/netip"

// SendTo judges the destination of a datagram of an unconnected socket and returns where it goes. The last
// destination is remembered: asking for it again costs nothing.
func (s *Socket) SendTo(to netip.AddrPort) (Route, error) {
	if last := s.sent.Load(); last != nil && last.to == to {
		return last.route, nil
	}
	b := s.box
	p := b.locate(s.network, "", to)
	d := b.judgePlace(s.network, p)
	info := p.info(s.network, netip.AddrPort{})
	said, err := s.judged(KindSend, d, "", info)
	if err != nil {
		return Route{}, err
	}
	if p.refused {
		err := b.texts.refused("sendto")
		s.record(Event{Kind: KindSend, Error: err.Error(), Info: info})
		return Route{}, err
	}
	s.remember(p)
	s.tell(info)
	s.sent.Store(&sent{to, p.route(), said})
	return p.route(), nil
}

// remember keeps the way back from a stand-in's address to production's.
func (s *Socket) remember(p place) {
	if p.peer == nil {
		return
	}
	s.prodMu.Lock()
	defer s.prodMu.Unlock()
	if s.prod == nil {
		s.prod = make(map[netip.AddrPort]netip.AddrPort)
	}
	s.prod[p.peer.local] = p.remote
	s.peers.Store(true)
}

// From returns the address that the program sees as the sender of a datagram.
func (s *Socket) From(from netip.AddrPort) netip.AddrPort {
	if !s.peers.Load() {
		return from
	}
	s.prodMu.Lock()
	defer s.prodMu.Unlock()
	if prod, ok := s.prod[netip.AddrPortFrom(plain(from.Addr()), from.Port())]; ok {
		return prod
	}
	return from
}
