package fact

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// vips indexes the virtual addresses: a host that holds one at times does not have it for its own.
func (a *assembly) vips() {
	a.vip = map[netip.Addr][]*VRRPAddress{}
	for _, h := range a.Hosts {
		if h.Keepalived == nil {
			continue
		}
		for _, i := range h.Keepalived.Instances {
			for _, v := range i.VIPs {
				if addr := v.Prefix.Addr().Unmap(); addr.IsValid() {
					a.vip[addr] = append(a.vip[addr], v)
				}
			}
		}
	}
	if a.Manifest == nil {
		return
	}
	for _, v := range a.Manifest.VIPs {
		for _, text := range v.Addresses {
			if addr := parseAddr(text); addr.IsValid() && a.vip[addr] == nil {
				a.vip[addr] = []*VRRPAddress{}
			}
		}
	}
}

// parseAddr reads an address, with or without a prefix length; the result may be invalid.
func parseAddr(s string) netip.Addr {
	s, _, _ = strings.Cut(s, "/")
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// The evidence for an address, the strongest first.
const (
	byManifest = iota
	byOption
	bySource
	byPeer
	byListener
	byDatabase
	byServerName
)

// claim is one piece of evidence that a host has an address.
type claim struct {
	host *Host
	rank int
	Address
}

// addresses finds each host's own addresses. What a manifest or --hosts says of a host is all of it; evidence in its files
// adds up; the name of a server line serves where there is no other.
func (a *assembly) addresses(places *conf.Tree, given map[string][]netip.Addr) {
	declared := manifestPlaces(places)
	var claims []claim
	for _, h := range a.Hosts {
		start := len(claims)
		add := func(rank int, addr netip.Addr, w conf.Word, why string) {
			if addr = addr.Unmap().WithZone(""); a.ownable(addr, rank) {
				claims = append(claims, claim{h, rank, Address{addr, w, why}})
			}
		}
		if a.Manifest != nil {
			for i, text := range a.Manifest.Hosts[h.Name].Addresses {
				var w conf.Word
				if at := declared[h.Name]; i < len(at) {
					w = at[i]
				}
				add(byManifest, parseAddr(text), w, "manifest")
			}
		}
		if len(claims) == start {
			for _, addr := range given[h.Name] {
				add(byOption, addr, conf.Word{}, "--hosts")
			}
		}
		if len(claims) == start {
			h.claims(add)
		}
	}
	a.byAddr = map[netip.Addr]*Host{}
	a.settle(claims)
	a.settle(a.serverNames())
}

// ownable reports whether a host may be said to have an address for its own.
func (a *assembly) ownable(addr netip.Addr, rank int) bool {
	if !addr.IsValid() || addr.IsLoopback() || addr.IsUnspecified() || addr.IsMulticast() {
		return false
	}
	_, virtual := a.vip[addr]
	return !virtual || rank <= byOption
}

// claims are the addresses that the host's own files tell.
func (h *Host) claims(add func(rank int, addr netip.Addr, w conf.Word, why string)) {
	if k := h.Keepalived; k != nil {
		for _, i := range k.Instances {
			if i.Source.Written() {
				add(bySource, i.Source.V, i.Source.Word, "unicast_src_ip")
			}
		}
	}
	if p := h.HAProxy; p != nil && p.LocalPeer.Known() {
		for _, peers := range p.Peers {
			for _, e := range peers.List {
				if e.Name.Text == p.LocalPeer.V {
					add(byPeer, e.Addr, e.Word, "peers entry of "+e.Name.Text)
				}
			}
		}
	}
	if d := h.Database; d != nil {
		if o := d.Options["report_host"]; o != nil && o.Value.Known() {
			add(byDatabase, parseAddr(o.Value.V), o.Value.Word, "report_host")
		}
	}
	why := map[Layer]string{LayerHAProxy: "bind", LayerNginx: "listen", LayerApp: "LISTEN", LayerDatabase: "bind_address"}
	for _, l := range h.Listeners {
		rank := byListener
		if l.Layer == LayerDatabase {
			rank = byDatabase
		}
		if l.Known {
			add(rank, l.Addr, l.Word, why[l.Layer])
		}
	}
}

// settle gives each address to the host with the strongest claim. Of two equally strong claims none counts: a file was
// copied, or the address moves between the hosts; only what a manifest or --hosts says stays, and the first host has it.
func (a *assembly) settle(claims []claim) {
	best := make(map[netip.Addr]claim, len(claims))
	for _, c := range claims {
		b, ok := best[c.Addr]
		switch {
		case !ok || c.rank < b.rank:
			best[c.Addr] = c
		case c.rank == b.rank && c.host != b.host && c.rank > byOption:
			b.host = nil
			best[c.Addr] = b
		}
	}
	for _, c := range claims {
		b := best[c.Addr]
		if b.host != c.host && c.rank > byOption {
			continue
		}
		if slices.ContainsFunc(c.host.Addresses, func(own Address) bool { return own.Addr == c.Addr }) {
			continue
		}
		c.host.Addresses = append(c.host.Addresses, c.Address)
		if a.byAddr[c.Addr] == nil {
			a.byAddr[c.Addr] = c.host
		}
		if c.rank == byServerName {
			a.assume(fmt.Sprintf("%s has %s: a server line calls the address so", c.host.Name, c.Addr))
		}
	}
}

// serverNames are the claims for hosts that nothing else gives an address: "server web1 10.0.10.21:80" for web1. A name that
// stands for several addresses says nothing.
func (a *assembly) serverNames() []claim {
	unknown := map[string]*Host{}
	for _, h := range a.Hosts {
		if len(h.Addresses) == 0 {
			unknown[h.Name] = h
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	var claims []claim
	seen := map[string]netip.Addr{}
	for _, pools := range a.pools {
		for _, p := range pools {
			if p.Layer != LayerHAProxy {
				continue
			}
			for _, s := range p.Servers {
				h := unknown[s.Name.Text]
				addr := s.Addr.Unmap().WithZone("")
				if h == nil || !a.ownable(addr, byServerName) || a.byAddr[addr] != nil {
					continue
				}
				if before, ok := seen[h.Name]; ok {
					if before != addr {
						seen[h.Name] = netip.Addr{}
					}
					continue
				}
				seen[h.Name] = addr
				claims = append(claims, claim{h, byServerName, Address{addr, s.Address, "server name equals the host's name"}})
			}
		}
	}
	return slices.DeleteFunc(claims, func(c claim) bool { return !seen[c.host.Name].IsValid() })
}

// manifestPlaces are the words of each host's addresses in manifest.json.
func manifestPlaces(t *conf.Tree) map[string][]conf.Word {
	if t == nil {
		return nil
	}
	places := map[string][]conf.Word{}
	for hosts := range conf.Named(t.Body, "hosts") {
		for _, h := range hosts.Body {
			for list := range conf.Named(h.Body, "addresses") {
				for _, n := range list.Body {
					places[h.Name()] = append(places[h.Name()], n.Arg(0))
				}
			}
		}
	}
	return places
}

// names indexes the hosts by name, and by its first label where a name has several.
func (a *assembly) names() {
	a.byName = make(map[string]*Host, len(a.Hosts))
	for _, h := range a.Hosts {
		a.byName[strings.ToLower(h.Name)] = h
	}
	short := map[string]*Host{}
	for _, h := range a.Hosts {
		label, _, more := strings.Cut(strings.ToLower(h.Name), ".")
		if !more {
			continue
		}
		if _, ok := short[label]; ok {
			h = nil // several
		}
		short[label] = h
	}
	for label, h := range short {
		if _, ok := a.byName[label]; !ok && h != nil {
			a.byName[label] = h
		}
	}
}

// resolve finds what a host means by a name: its own /etc/hosts, then the names of the stack's hosts. There is no DNS.
func (a *assembly) resolve(from *Host, name string) (*Host, netip.Addr) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" {
		return nil, netip.Addr{}
	}
	if addr, ok := a.etcHosts(from)[name]; ok {
		return nil, addr
	}
	if name == "localhost" {
		return from, netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	to := a.byName[name]
	if to == nil {
		label, _, _ := strings.Cut(name, ".")
		to = a.byName[label]
	}
	if to == nil {
		return nil, netip.Addr{}
	}
	a.assume(fmt.Sprintf("%q is the host %s", name, to.Name))
	if len(to.Addresses) > 0 {
		return to, to.Addresses[0].Addr
	}
	return to, netip.Addr{}
}

// etcHosts is the host's /etc/hosts. The first address of a name counts, an IPv4 one before others.
func (a *assembly) etcHosts(h *Host) map[string]netip.Addr {
	if names, ok := a.etc[h]; ok {
		return names
	}
	names := map[string]netip.Addr{}
	a.etc[h] = names
	if h.Source == nil {
		return names
	}
	f, _ := h.Source.File("/etc/hosts")
	for line := range strings.Lines(string(f.Data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		addr := parseAddr(words[0])
		if !addr.IsValid() {
			continue
		}
		for _, name := range words[1:] {
			name = strings.ToLower(name)
			if before, ok := names[name]; !ok || before.Is6() && addr.Is4() {
				names[name] = addr
			}
		}
	}
	return names
}
