package fact

import (
	"net"
	"net/netip"
	"strings"
)

// ports finds a host's listeners.
type ports struct {
	byPort map[int][]*Listener
	ranges []*Listener
	unix   map[string]*Listener
}

func (a *assembly) portsOf(h *Host) *ports {
	if p := a.ports[h]; p != nil {
		return p
	}
	p := &ports{byPort: map[int][]*Listener{}, unix: map[string]*Listener{}}
	for _, l := range h.Listeners {
		switch {
		case l.Unix != "":
			p.unix[l.Unix] = l
		case l.To > l.Port:
			p.ranges = append(p.ranges, l)
		default:
			p.byPort[l.Port] = append(p.byPort[l.Port], l)
		}
	}
	a.ports[h] = p
	return p
}

// find is what accepts connections to an address and port: what names the address goes before what takes every one. Without
// an address it is what takes every one, or else anything but loopback.
func (p *ports) find(addr netip.Addr, port int) *Listener {
	if port == 0 {
		return nil
	}
	var found *Listener
	for _, list := range [][]*Listener{p.byPort[port], p.ranges} {
		for _, l := range list {
			exact := l.Addr.IsValid() && !l.Addr.IsUnspecified()
			switch {
			case !addr.IsValid():
				if port < l.Port || port > l.To || exact && l.Addr.IsLoopback() {
					continue
				}
				exact = !exact
			case !l.Covers(addr, port):
				continue
			}
			if found == nil || exact {
				found = l
			}
			if exact {
				return found
			}
		}
	}
	return found
}

// edges asks for every server of every pool what stands at its address.
func (a *assembly) edges() {
	n := 0
	for _, pools := range a.pools {
		for _, p := range pools {
			n += len(p.Servers)
		}
	}
	slab := make([]Edge, 0, n) // pointers into it stay good: it never grows
	a.Edges = make([]*Edge, 0, n)
	for i, h := range a.Hosts {
		for _, p := range a.pools[i] {
			for _, s := range p.Servers {
				e, ok := a.edge(h, s)
				if !ok {
					continue
				}
				slab = append(slab, e)
				s.To = &slab[len(slab)-1]
				a.Edges = append(a.Edges, s.To)
			}
		}
	}
}

// edge is the connection that a server line asks for; ok is false where the address is not known.
func (a *assembly) edge(from *Host, s *Server) (e Edge, ok bool) {
	e = Edge{From: from, Server: s}
	if s.Unix != "" {
		e.To = from
		e.Listener = a.portsOf(from).unix[s.Unix]
		return e, true
	}
	if !s.Addr.IsValid() {
		name := hostPart(s.Address.Text)
		if name == "" || strings.ContainsAny(name, "$%@{}\"' ") {
			return e, false // a variable, or a name of the daemon's own
		}
		e.To, s.Addr = a.resolve(from, name)
		if e.To == nil && !s.Addr.IsValid() {
			return e, false
		}
	}
	addr := s.Addr.Unmap().WithZone("")
	switch holders := a.vip[addr]; {
	case e.To != nil && !addr.IsValid():
		e.Listener = a.portsOf(e.To).find(addr, s.Port)
	case addr.IsLoopback() || addr.IsUnspecified():
		e.To = from
		if addr.IsUnspecified() { // the kernel takes it for the loopback address
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
			if s.Addr.Is6() {
				addr = netip.IPv6Loopback()
			}
		}
		e.Listener = a.portsOf(from).find(addr, s.Port)
	case len(holders) > 0:
		for _, v := range holders {
			h := v.Instance.Keepalived.Host
			l := a.portsOf(h).find(addr, s.Port)
			if e.VIP == nil || e.Listener == nil && l != nil {
				e.VIP, e.To, e.Listener = v, h, l
			}
		}
	default:
		named := e.To != nil
		if to := a.byAddr[addr]; to != nil {
			e.To = to
		}
		if e.To != nil {
			e.Listener = a.portsOf(e.To).find(addr, s.Port)
		}
		if named && e.Listener == nil { // which of its addresses the name stands for is a guess
			e.Listener = a.portsOf(e.To).find(netip.Addr{}, s.Port)
		}
	}
	return e, true
}

// hostPart is the name in "db1:3306", "[::1]:80", "ipv4@web1:80" or "web1".
func hostPart(s string) string {
	if _, rest, ok := strings.Cut(s, "@"); ok {
		s = rest
	}
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return strings.Trim(s, "[]")
}
