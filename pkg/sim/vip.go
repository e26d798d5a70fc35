package sim

import (
	"cmp"
	"net/netip"
	"strings"

	"stackgen/pkg/fact"
)

// vip is the way through a virtual address: some member is up that serves there, and no member keeps the address while
// requests fail there. That a host dies moves the address whatever the files say; that a service dies moves it where a track
// asks the service, and the priorities let it; that all servers behind it die moves it nowhere.
func (b *builder) vip(addr netip.Addr, port int, q question) way {
	type key struct {
		addr netip.Addr
		port int
		q    question
	}
	return b.once(key{addr, port, q}, func() way {
		holders := b.holders(addr)
		ways := make([]way, len(holders))
		up := make([]node, len(holders))
		at := make([]*fact.Listener, len(holders))
		for n, i := range holders {
			h := i.Keepalived.Host
			up[n] = b.process(h, "keepalived")
			if at[n] = listening(h, addr, port); at[n] == nil {
				b.unknown(h, addr.String(), "no file of "+h.Name+" says what serves at the address")
				ways[n] = way{up[n], maybe}
				continue
			}
			up[n] = b.graph.all(up[n], b.process(h, Daemon(at[n])))
			ways[n] = b.behind(up[n], b.listener(at[n], q))
		}
		w := b.any(ways...)
		if w.does == no {
			return w
		}
		for n, i := range holders {
			if at[n] == nil || ways[n].does == no || len(holders) == 1 {
				continue
			}
			h, daemon := i.Keepalived.Host, Daemon(at[n])
			moves, known := leaves(i, holders, daemon)
			if !known {
				b.unknown(h, addr.String(), "whether it leaves "+h.Name+" when "+daemon+" dies there")
			}
			if deep(i, daemon) {
				b.unknown(h, addr.String(), "whether it leaves "+h.Name+" when the servers behind "+daemon+" die")
				continue
			}
			// While the host is down it holds nothing, and while another member takes the address it does not matter.
			holds := b.partsOf(h)
			if moves || !known {
				holds[b.component(Component{Kind: Process, Name: daemon, Host: h})] = true
			}
			free := []node{b.graph.given(ways[n].node, holds, map[node]node{})}
			for m, o := range holders {
				if m != n && takes(o, i) {
					free = append(free, up[m])
				}
			}
			w.node = b.graph.all(w.node, b.graph.any(free...))
		}
		return w
	})
}

// partsOf are the leaves that a host's keepalived stands on.
func (b *builder) partsOf(h *fact.Host) map[node]bool {
	parts := map[node]bool{
		b.component(Component{Kind: Host, Name: h.Name, Host: h}):          true,
		b.component(Component{Kind: Process, Name: "keepalived", Host: h}): true,
	}
	if h.RunsOn != "" {
		parts[b.component(Component{Kind: Machine, Name: h.RunsOn})] = true
	}
	if h.Zone != "" {
		parts[b.component(Component{Kind: Zone, Name: h.Zone})] = true
	}
	return parts
}

// deep reports whether a track of the member may ask the servers behind the daemon, and not the daemon alone.
func deep(i *fact.VRRPInstance, daemon string) bool {
	for _, t := range i.Tracks {
		if t.Script == nil || t.Script.Asks == nil || t.Script.Asks.Kind != "http" {
			continue
		}
		p := t.Script.Asks
		l := listening(i.Keepalived.Host, p.Addr, p.Port)
		if l == nil || Daemon(l) != daemon {
			continue
		}
		for _, x := range l.Proxies {
			if (x.Pool != nil || len(x.Routes) > 0) && !(x.Monitor.Known() && x.Monitor.V != "" && x.Monitor.V == p.Path) {
				return true
			}
		}
		for _, s := range l.Servers {
			if where, ok := s.Match(cmp.Or(p.Path, "/")); !ok || where.Pass != nil {
				return true
			}
		}
	}
	return false
}

// listening is what accepts connections to an address and port of the host; port 0 is any.
func listening(h *fact.Host, addr netip.Addr, port int) *fact.Listener {
	for _, l := range h.Listeners {
		if l.Covers(addr, port) {
			return l
		}
	}
	return nil
}

// takes reports whether o, while it is well, has the address before i has it.
func takes(o, i *fact.VRRPInstance) bool {
	x, y := o.Effect(), i.Effect()
	stays, known := o.StaysBackup()
	return x.Known && y.Known && known && !stays && !x.Fault && x.Priority > y.Priority
}

// leaves reports whether the address leaves a member when its service dies, and whether that is known.
func leaves(i *fact.VRRPInstance, holders []*fact.VRRPInstance, daemon string) (moves, known bool) {
	if i.Partial || i.Keepalived.Partial {
		return true, false
	}
	var failing []*fact.Track
	known = true
	for _, t := range i.Tracks {
		asks, sure := asks(t, i.Keepalived.Host, daemon)
		known = known && sure
		if asks {
			failing = append(failing, t)
		}
	}
	e := i.Effect(failing...)
	if !e.Known || e.Fault {
		return true, e.Known
	}
	for _, o := range holders {
		if o == i {
			continue
		}
		x := o.Effect()
		stays, sure := o.StaysBackup()
		known = known && x.Known && sure
		moves = moves || x.Known && sure && !x.Fault && !stays && x.Priority > e.Priority
	}
	return moves, known || moves
}

// asks reports whether a track fails when a daemon of the host is dead.
func asks(t *fact.Track, h *fact.Host, daemon string) (asks, known bool) {
	if t.Script == nil {
		return false, t.Kind == "interface" || t.Late
	}
	p := t.Script.Asks
	if p == nil {
		return false, false
	}
	switch p.Kind {
	case "ping":
		return false, true
	case "process":
		return p.Process == daemon, p.Process != ""
	case "http", "tcp":
		own := p.Addr.IsLoopback()
		for _, a := range h.Addresses {
			own = own || a.Addr == p.Addr
		}
		if !own {
			return false, false
		}
		for _, l := range h.Listeners {
			if l.Covers(p.Addr, p.Port) {
				return Daemon(l) == daemon, true
			}
		}
	case "socket":
		return strings.Contains(p.Path, daemon), strings.Contains(p.Path, daemon)
	}
	return false, false
}
