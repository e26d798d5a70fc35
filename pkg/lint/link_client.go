package lint

import (
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkClientRules = []*Rule{linkRealIPTrust, linkRealIPHeader, linkRealIPMissing, linkClientKey, linkAllowOne, linkAllowBalancer}

// front is a listener of nginx with the balancers that connect to it.
type front struct {
	*fact.Listener
	edges []*fact.Edge
	from  []balancer
	known bool // the addresses of all of them
}

// balancer is a host that connects to nginx, and the address it does so from; invalid: not known.
type balancer struct {
	*fact.Host
	addr netip.Addr
	via  *fact.Server
}

// fronts are the listeners of nginx that nothing but HAProxy is known to connect to.
func fronts(s *fact.Stack) []front {
	var all []front
	at := map[*fact.Listener]int{}
	others := map[*fact.Listener]bool{} // what another nginx hands on is not looked at
	for e := range links(s) {
		l := e.Listener
		if l == nil || l.Layer != fact.LayerNginx || l.Servers[0].Stream || e.To == e.From {
			continue
		}
		if e.Server.Pool.Layer != fact.LayerHAProxy {
			others[l] = true
			continue
		}
		i, ok := at[l]
		if !ok {
			i = len(all)
			at[l] = i
			all = append(all, front{Listener: l, known: true})
		}
		f := &all[i]
		f.edges = append(f.edges, e)
		if slices.ContainsFunc(f.from, func(b balancer) bool { return b.Host == e.From }) {
			continue
		}
		a := ownAddress(e.From, e.Server.Addr)
		if _, other := e.Server.Option("source"); other || !a.IsValid() || !e.Server.Addr.IsValid() || mentionsSource(e.Server.Pool.Proxy) {
			f.known = false
		}
		f.from = append(f.from, balancer{e.From, a, e.Server})
	}
	return slices.DeleteFunc(all, func(f front) bool { return others[f.Listener] })
}

// mentionsSource reports whether connections to the servers of a section come from another address than the host's.
func mentionsSource(x *fact.Proxy) bool {
	for _, n := range []*conf.Node{x.Node, x.Defaults} {
		if n != nil && last(n.Body, "source") != nil {
			return true
		}
	}
	return false
}

// trusts reports whether the location takes the client's address from what connects from a.
func trusts(l *fact.Location, a netip.Addr) (yes, known bool) {
	known = !l.Partial
	for _, src := range l.Trusted {
		switch {
		case src.All, src.Prefix.IsValid() && src.Prefix.Contains(a):
			return true, true
		case !src.Prefix.IsValid() && src.Word.Text != "unix:":
			known = false
		}
	}
	return false, known
}

var linkRealIPTrust = &Rule{
	ID:       "link-realip-trust",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			if !f.known {
				continue
			}
			for _, s := range f.Servers {
				l := s.Root
				if len(l.Trusted) == 0 || l.RealIP.V == "proxy_protocol" && !f.Proxy.V {
					continue
				}
				var out []balancer
				known := true
				for _, b := range f.from {
					yes, ok := trusts(l, b.addr)
					known = known && (yes || ok)
					if !yes {
						out = append(out, b)
					}
				}
				if !known || len(out) == 0 {
					continue
				}
				names := make([]string, len(out))
				for i, b := range out {
					names[i] = b.Name
				}
				to := p.Report(l.Trusted[0].Word, "nginx does not believe %s about who the client is: all clients that come through there have the balancer's address, in limits, access rules and logs", joinNames(names)).
					On(f.Host)
				virtual := slices.IndexFunc(l.Trusted, func(src fact.NginxSource) bool { return src.Prefix.IsValid() && p.virtual(src.Prefix) })
				if virtual >= 0 {
					to.Related(l.Trusted[virtual].Word, "a balancer never connects from the virtual address")
				} else if len(out) == len(f.from) {
					to.Weigh(diag.Warning) // what it believes may stand in front of the balancers
				}
				for _, b := range out {
					to.Related(b.via.Address, "%s connects here, from %s", b.Name, b.addr)
				}
				to.Help("add set_real_ip_from %s", out[0].addr)
			}
		}
	},
}

// virtual reports whether a prefix is one virtual address.
func (p *Pass) virtual(prefix netip.Prefix) bool {
	if prefix.Bits() != prefix.Addr().BitLen() {
		return false
	}
	for _, c := range p.Clusters {
		if slices.Contains(c.VIPs, prefix.Addr()) {
			return true
		}
	}
	return false
}

// writes reports whether HAProxy writes a header of the requests to a pool.
func writes(pool *fact.Pool, in []*fact.Proxy, header string) bool {
	for _, x := range append([]*fact.Proxy{pool.Proxy}, in...) {
		if strings.EqualFold(header, "X-Forwarded-For") {
			if o := x.Options["forwardfor"]; o.V || !o.Known() {
				return true
			}
		}
		for _, body := range []*conf.Node{x.Node, x.Defaults} {
			if body == nil {
				continue
			}
			for _, n := range body.Body {
				switch {
				case n.Name() == "http-request" && (strings.HasPrefix(n.Arg(1).Text, "lua") || n.Arg(1).Text == "send-spoe-group"):
					return true
				case n.Name() == "http-request" && strings.HasSuffix(n.Arg(1).Text, "-header") && strings.EqualFold(n.Arg(2).Text, header) && n.Arg(1).Text != "del-header",
					(n.Name() == "reqadd" || n.Name() == "reqset" || n.Name() == "reqrep") && strings.Contains(strings.ToLower(n.Arg(1).Text), strings.ToLower(header)),
					n.Name() == "option" && n.Arg(1).Text == "forwardfor" && slices.ContainsFunc(n.Words, func(w conf.Word) bool { return strings.EqualFold(w.Text, header) }):
					return true
				}
			}
		}
	}
	return false
}

// inHTTP reports whether HAProxy understands the requests to all pools that lead to the listener.
func (f front) inHTTP() bool {
	return !slices.ContainsFunc(f.edges, func(e *fact.Edge) bool { x := e.Server.Pool.Proxy; return !x.Mode.Known() || x.Mode.V != "http" })
}

var linkRealIPHeader = &Rule{
	ID:       "link-realip-header",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for _, f := range fronts(p.Stack) {
			for _, s := range f.Servers {
				l := s.Root
				if len(l.Trusted) == 0 || !l.RealIP.Known() || l.Partial {
					continue
				}
				at := l.Trusted[0].Word
				if l.RealIP.Written() {
					at = l.RealIP.Word
				}
				if l.RealIP.V == "proxy_protocol" {
					if !f.Proxy.V && f.Proxy.Known() && len(f.Servers) == 1 {
						p.Report(at, "the client's address is to come from the PROXY header, which %s does not take: all clients have the balancer's address", listenText(f.Listener)).On(f.Host).
							Related(f.Word, "no proxy_protocol here").Help("add proxy_protocol here and send-proxy-v2 on the balancers, or use X-Forwarded-For")
					}
					continue
				}
				if yes, _ := trusts(l, f.from[0].addr); !f.known || !yes || !f.inHTTP() {
					continue
				}
				i := slices.IndexFunc(f.edges, func(e *fact.Edge) bool { return !writes(e.Server.Pool, entrances[e.Server.Pool], l.RealIP.V) })
				if i < 0 {
					continue
				}
				e := f.edges[i]
				p.Report(at, "nginx takes the client's address from %s, which HAProxy does not write: a client that does is whoever it likes", l.RealIP.V).On(f.Host).
					Related(e.Server.Pool.Name, "no rule of %q sets it", e.Server.Pool.Name.Text).Help("write option forwardfor on the balancers and real_ip_header X-Forwarded-For here")
			}
		}
	},
}

var linkRealIPMissing = &Rule{
	ID:       "link-realip-missing",
	Severity: diag.Info,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for _, f := range fronts(p.Stack) {
			n := f.Host.Nginx
			if n.Partial || n.HTTP == nil || slices.ContainsFunc(f.Servers, func(s *fact.NginxServer) bool { return len(s.Root.Trusted) > 0 || s.Root.Partial }) {
				continue
			}
			if spells(n.Tree.Body, "http_x_forwarded_for", "proxy_protocol_addr", "http_x_real_ip", "proxy_add_x_forwarded_for") {
				continue
			}
			i := slices.IndexFunc(f.edges, func(e *fact.Edge) bool { return writes(e.Server.Pool, entrances[e.Server.Pool], "X-Forwarded-For") })
			if i < 0 {
				continue // nor does anything say it
			}
			b := f.from[0]
			p.Report(f.Word, "nginx takes %s for the client: it says so in every line of its log and to the application", b.Name).On(f.Host).
				Related(b.via.Address, "%s connects here", b.Name).Help("write set_real_ip_from with each balancer's own address, and real_ip_header").Same("realip")
		}
	},
}

// spells reports whether some word holds one of the texts.
func spells(body []*conf.Node, texts ...string) bool {
	for _, n := range body {
		for _, w := range n.Words {
			if slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(w.Text, t) }) {
				return true
			}
		}
		if spells(n.Body, texts...) {
			return true
		}
	}
	return false
}

var linkClientKey = &Rule{
	ID:       "link-client-key",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			n := f.Host.Nginx
			if n.HTTP == nil {
				continue
			}
			zones := map[string]*conf.Node{} // by name: those with the client's address for a key
			for _, d := range n.HTTP.Body {
				if d.Name() != "limit_req_zone" && d.Name() != "limit_conn_zone" || !clientAddress(d.Arg(1).Text) {
					continue
				}
				for _, w := range d.Words {
					if name, ok := strings.CutPrefix(w.Text, "zone="); ok {
						name, _, _ = strings.Cut(name, ":")
						zones[name] = d
					}
				}
			}
			for _, s := range f.Servers {
				for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
					if len(l.Trusted) > 0 || l.Partial {
						continue
					}
					p.clientKeys(f, l, zones)
				}
			}
		}
	},
}

func clientAddress(key string) bool { return key == "$binary_remote_addr" || key == "$remote_addr" }

func (p *Pass) clientKeys(f front, l *fact.Location, zones map[string]*conf.Node) {
	b := f.from[0]
	for _, d := range append(l.All("limit_req"), l.All("limit_conn")...) {
		name := strings.TrimPrefix(d.Arg(1).Text, "zone=")
		zone := zones[name]
		if zone == nil || d.Name()+"_zone" != zone.Name() {
			continue
		}
		p.Report(zone.Arg(1), "behind %s all clients have the balancer's address: they share one limit of %q, and one of them uses it up for all", joinNames(f.names()), name).On(f.Host).In(zone).
			Related(d.Words[0], "the limit").Related(b.via.Address, "%s connects here", b.Name).Help("write set_real_ip_from with each balancer's own address, and real_ip_header").Same("zone " + name)
	}
	if l.Pass == nil || l.Pass.Pool == nil || len(l.Pass.Pool.Servers) < 2 || !l.Pass.Pool.Balance.Written() {
		return
	}
	pool := l.Pass.Pool
	hash := last(pool.Node.Body, "hash")
	if pool.Balance.V == "ip_hash" || pool.Balance.V == "hash" && hash != nil && clientAddress(hash.Arg(1).Text) {
		p.Report(pool.Balance.Word, "behind %s all clients have the balancer's address: %s sends them all to one server of %q", joinNames(f.names()), pool.Balance.V, pool.Name.Text).On(f.Host).
			Related(b.via.Address, "%s connects here", b.Name).Help("write set_real_ip_from with each balancer's own address, and real_ip_header").Same("pool " + pool.Name.Text)
	}
}

func (f front) names() []string {
	var names []string
	for _, b := range f.from {
		names = append(names, b.Name)
	}
	return names
}

var linkAllowOne = &Rule{
	ID:       "link-allow-one",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			if len(f.from) < 2 || !f.known {
				continue
			}
			for _, s := range f.Servers {
				if len(s.Root.Trusted) > 0 || s.Root.Partial {
					continue
				}
				for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
					if l != s.Root && (len(l.Access) == 0 || slices.Equal(l.Access, s.Root.Access) || l.Modifier == "@" || strings.HasPrefix(l.Modifier, "~")) {
						continue
					}
					path := "/"
					if l != s.Root {
						path = l.Path.Text
					}
					var in, out *balancer
					var deny *conf.Node
					for i := range f.from {
						a := s.Answer(fact.Request{Path: path, Client: f.from[i].addr})
						if a.Location != l && l != s.Root || len(a.Maybe) > 0 || a.Outcome == "" {
							continue
						}
						if a.Outcome == fact.Forbidden {
							out, deny = &f.from[i], a.Node
						} else {
							in = &f.from[i]
						}
					}
					if in == nil || out == nil {
						continue
					}
					p.Report(deny.Words[0], "nginx lets %s in and forbids %s: each request fails as soon as that one has the virtual address", in.Name, out.Name).On(f.Host).In(deny).
						Related(out.via.Address, "%s connects from %s", out.Name, out.addr).Help("add allow %s", out.addr).Same(out.Name)
				}
			}
		}
	},
}

var linkAllowBalancer = &Rule{
	ID:       "link-allow-balancer",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			if !f.known {
				continue
			}
			for _, s := range f.Servers {
				for _, l := range s.Locations {
					// What the whole server says keeps others than the balancers out.
					if len(l.Access) == 0 || slices.Equal(l.Access, s.Root.Access) || len(l.Trusted) > 0 || l.Partial || l.Auth != nil || l.Pass == nil && l.Handler == nil {
						continue
					}
					if l.Access[len(l.Access)-1].Name() != "deny" || l.Access[len(l.Access)-1].Arg(1).Text != "all" {
						continue
					}
					for _, d := range l.Access {
						net, err := netip.ParsePrefix(d.Arg(1).Text)
						if d.Name() != "allow" || err != nil || net.Bits() == net.Addr().BitLen() || !net.Contains(f.from[0].addr) {
							continue
						}
						b := f.from[0]
						p.Report(d.Arg(1), "%s lies in %s, and all clients have the balancer's address: %s is open to everyone", b.Name, net, l.Path.Text).On(f.Host).In(d).
							Related(b.via.Address, "%s connects from %s", b.Name, b.addr).Help("write set_real_ip_from with each balancer's own address, and real_ip_header").Same(l.Path.Text)
						break
					}
				}
			}
		}
	},
}
