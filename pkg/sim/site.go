package sim

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// site is what clients ask for by name.
type site struct {
	name    string
	domains []string // empty: every request of its frontends is the site's
}

// front is where the clients of a site come in: virtual addresses, and hosts that no virtual address leads to.
type front struct {
	site  *site
	vips  []netip.AddrPort
	alone map[*fact.Host][]*fact.Listener
}

func (b *builder) way(f *front, want Want) way {
	q := question{want, f.site}
	var ways []way
	for _, v := range f.vips {
		ways = append(ways, b.vip(v.Addr(), int(v.Port()), q))
	}
	var hosts []way
	for _, h := range slices.SortedFunc(maps.Keys(f.alone), func(x, y *fact.Host) int { return strings.Compare(x.Name, y.Name) }) {
		var each []way
		for _, l := range f.alone[h] {
			each = append(each, b.listener(l, q))
		}
		hosts = append(hosts, b.all(each...))
	}
	return b.all(append(ways, b.any(hosts...))...)
}

func (f *front) add(vips []netip.AddrPort, l *fact.Listener) {
	for _, v := range vips {
		if !slices.Contains(f.vips, v) {
			f.vips = append(f.vips, v)
		}
	}
	if len(vips) == 0 && !slices.Contains(f.alone[l.Host], l) {
		f.alone[l.Host] = append(f.alone[l.Host], l)
	}
}

// entries are the sites by name, each with how to find its way.
func (b *builder) entries() map[string]func(Want) way {
	fronts := b.declared()
	if len(fronts) == 0 {
		fronts = b.found()
	}
	out := make(map[string]func(Want) way, len(fronts))
	for name, f := range fronts {
		out[name] = func(want Want) way { return b.way(f, want) }
	}
	return out
}

// declared are the sites of the manifest, as far as the files lead to them.
func (b *builder) declared() map[string]*front {
	fronts := map[string]*front{}
	m := b.stack.Manifest
	if m == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Sites)) {
		s := m.Sites[name]
		f := &front{site: &site{name, s.Domains}, alone: map[*fact.Host][]*fact.Listener{}}
		var own []netip.Addr
		for _, text := range m.VIPs[s.VIP].Addresses {
			if p, err := netip.ParsePrefix(text); err == nil {
				own = append(own, p.Addr().Unmap())
			} else if a, err := netip.ParseAddr(text); err == nil {
				own = append(own, a.Unmap())
			}
		}
		for _, l := range b.public() {
			var vips []netip.AddrPort
			for _, v := range b.through(l) {
				if len(own) == 0 || slices.Contains(own, v.Addr()) {
					vips = append(vips, v)
				}
			}
			if len(vips) > 0 || len(b.through(l)) == 0 && (l.Layer == fact.LayerHAProxy || !b.balanced()) {
				f.add(vips, l)
			}
		}
		f.usual()
		if len(f.vips)+len(f.alone) > 0 {
			fronts[name] = f
		}
	}
	return fronts
}

// usual leaves the ports of HTTP and HTTPS where there are such: a site's other ports are for its operators.
func (f *front) usual() {
	web := func(port int) bool { return port == 80 || port == 443 }
	if slices.ContainsFunc(f.vips, func(v netip.AddrPort) bool { return web(int(v.Port())) }) {
		f.vips = slices.DeleteFunc(f.vips, func(v netip.AddrPort) bool { return !web(int(v.Port())) })
		clear(f.alone)
	}
}

// found are the sites that the files of the first daemon on the way tell of.
func (b *builder) found() map[string]*front {
	fronts := map[string]*front{}
	take := func(s site, l *fact.Listener) {
		f := fronts[s.name]
		if f == nil {
			f = &front{site: &s, alone: map[*fact.Host][]*fact.Listener{}}
			fronts[s.name] = f
		}
		f.add(b.through(l), l)
	}
	balanced := b.balanced()
	for _, l := range b.public() {
		switch {
		case l.Layer == fact.LayerHAProxy:
			for _, x := range l.Proxies {
				take(site{name: siteOf(x)}, l)
			}
		case balanced: // a web server that nobody asks
		default:
			for _, s := range l.Servers {
				if name := serverName(s); name != "" {
					take(site{name, []string{name}}, l)
				} else {
					take(site{name: l.Host.Name}, l)
				}
			}
		}
	}
	return fronts
}

// balanced reports whether HAProxy stands in front of the stack.
func (b *builder) balanced() bool {
	return slices.ContainsFunc(b.public(), func(l *fact.Listener) bool { return l.Layer == fact.LayerHAProxy })
}

// public are the listeners of balancers and web servers that clients may come to: those that no file of the stack leads
// to, and that other hosts reach.
func (b *builder) public() []*fact.Listener {
	if b.fronts == nil {
		b.fronts = []*fact.Listener{}
		for _, h := range b.stack.Hosts {
			for _, l := range h.Listeners {
				if (l.Layer == fact.LayerHAProxy || l.Layer == fact.LayerNginx) && !b.asked[l] && l.Unix == "" && !l.Addr.IsLoopback() && l.Port > 0 {
					b.fronts = append(b.fronts, l)
				}
			}
		}
	}
	return b.fronts
}

// through are the virtual addresses that lead to a listener.
func (b *builder) through(l *fact.Listener) []netip.AddrPort {
	var out []netip.AddrPort
	if l.Host.Keepalived == nil {
		return nil
	}
	for _, i := range l.Host.Keepalived.Instances {
		for _, v := range i.VIPs {
			if a := v.Prefix.Addr().Unmap(); a.IsValid() && !v.Malformed && l.Covers(a, l.Port) {
				out = append(out, netip.AddrPortFrom(a, uint16(l.Port)))
			}
		}
	}
	return out
}

// serverName is the first name of a server block that a client can ask for.
func serverName(s *fact.NginxServer) string {
	for _, w := range s.Names {
		if strings.Contains(w.Text, ".") && !strings.ContainsAny(w.Text, "*~$_") && !strings.HasPrefix(w.Text, ".") {
			return w.Text
		}
	}
	return ""
}

// siteOf names what a frontend serves: its first host name, or itself.
func siteOf(x *fact.Proxy) string {
	for _, r := range x.Rules {
		if names, _ := hostNames(r.Args()); r.Name() == "acl" {
			for _, n := range names {
				if strings.Contains(n, ".") && !strings.ContainsAny(n, `*\^$()[]`) && n[0] != '.' && n[len(n)-1] != '.' {
					return n
				}
			}
		}
	}
	return x.Name.Text
}

// hostNames are the values that an acl compares the name of the request with; ok is false where it compares something else,
// or values from elsewhere.
func hostNames(acl []conf.Word) (names []string, ok bool) {
	for i, w := range acl {
		text := strings.ToLower(w.Text)
		if i > 1 { // acl NAME FETCH, or { FETCH
			break
		}
		if !strings.Contains(text, "(host)") && !strings.HasPrefix(text, "ssl_fc_sni") && !strings.HasPrefix(text, "req.ssl_sni") && !strings.HasPrefix(text, "req_ssl_sni") {
			continue
		}
		for rest := acl[i+1:]; len(rest) > 0 && rest[0].Text != "}"; rest = rest[1:] {
			switch rest[0].Text {
			case "-i", "-n", "--":
			case "-m":
				if rest = rest[1:]; len(rest) == 0 {
					return nil, false
				}
			case "-f", "-M", "-u":
				return nil, false
			default:
				names = append(names, strings.ToLower(rest[0].Text))
			}
		}
		return names, len(names) > 0
	}
	return nil, false
}
