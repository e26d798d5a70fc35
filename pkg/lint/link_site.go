package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// unknownServers reports whether some server line leads nobody knows where, or some are missing.
func unknownServers(s *fact.Stack) bool {
	for _, h := range s.Hosts {
		for _, pool := range serverPools(h) {
			if pool.Partial || slices.ContainsFunc(pool.Servers, func(s *fact.Server) bool { return s.To == nil }) {
				return true
			}
		}
		if h.Partial {
			return true
		}
	}
	return false
}

// serverPools are the pools of a host's balancer and web server.
func serverPools(h *fact.Host) []*fact.Pool {
	var all []*fact.Pool
	if h.HAProxy != nil {
		for _, x := range h.HAProxy.Proxies {
			if x.Pool != nil {
				all = append(all, x.Pool)
			}
		}
	}
	if n := h.Nginx; n != nil {
		all = append(all, n.Upstreams...)
		for _, s := range n.Servers {
			for _, l := range s.Locations {
				if l.Pass != nil && l.Pass.Pool != nil && l.Pass.Pool.Direct {
					all = append(all, l.Pass.Pool)
				}
			}
		}
	}
	return all
}

// A daemon does not start on an address that the host does not have. Which ones it has, a manifest tells.
var linkListenForeign = &Rule{
	ID:       "link-listen-foreign",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, h := range p.Hosts {
			if len(h.Addresses) == 0 || slices.ContainsFunc(h.Addresses, func(a fact.Address) bool { return a.Why != "manifest" && a.Why != "--hosts" }) {
				continue
			}
			for _, l := range h.Listeners {
				a := l.Addr.Unmap()
				if !l.Known || l.Unix != "" || l.Layer != fact.LayerNginx && l.Layer != fact.LayerApp || !a.IsValid() || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() {
					continue
				}
				if hasAddress(h, a) || holds(h, a) != nil || p.Manifest != nil && manifestVIP(p.Manifest, a) {
					continue
				}
				f := p.Report(l.Word, "%s does not have the address %s: %s does not start", h.Name, a, daemonOf(l.Layer)).On(h).
					Related(h.Addresses[0].Word, "it has %s", h.Addresses[0].Addr).Help("listen on %s", h.Addresses[0].Addr)
				for _, o := range p.Hosts {
					if i := slices.IndexFunc(o.Addresses, func(b fact.Address) bool { return b.Addr.Unmap() == a }); i >= 0 {
						f.Related(o.Addresses[i].Word, "%s has that", o.Name)
					}
				}
			}
		}
	},
}

var linkSiteRules = []*Rule{linkSite}

var linkSite = &Rule{
	ID:       "link-site",
	Severity: diag.Error,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for _, f := range fronts(p.Stack) {
			for _, e := range f.edges {
				for _, x := range entrances[e.Server.Pool] {
					for _, r := range x.Routes {
						if r.Pool == e.Server.Pool && !r.Default && len(r.Cond) == 2 && r.Cond[0].Text == "if" {
							p.unserved(f, e, hostsOfACL(x, r.Cond[1].Text))
						}
					}
				}
			}
			if p.Manifest == nil || !f.inHTTP() {
				continue
			}
			for _, site := range p.Manifest.Sites {
				for _, name := range site.Domains {
					p.unserved(f, f.edges[0], []conf.Word{{Text: name}})
				}
			}
		}
	},
}

// hostsOfACL are the names that an acl compares the Host header with; none where it compares with something else too.
func hostsOfACL(x *fact.Proxy, name string) []conf.Word {
	var hosts []conf.Word
	for _, n := range x.Rules {
		if n.Name() != "acl" || n.Arg(1).Text != name {
			continue
		}
		switch strings.ToLower(n.Arg(2).Text) {
		case "hdr(host)", "req.hdr(host)":
		default:
			return nil
		}
		for _, w := range n.Words[3:] {
			if w.Text == "-i" {
				continue
			}
			if strings.HasPrefix(w.Text, "-") || !strings.Contains(w.Text, ".") {
				return nil
			}
			hosts = append(hosts, w)
		}
	}
	return hosts
}

// unserved reports names that HAProxy sends to a listener of nginx where the default server, for want of another, answers
// them with an error.
func (p *Pass) unserved(f front, e *fact.Edge, names []conf.Word) {
	for _, name := range names {
		s, ok := f.Host.Nginx.ServerFor(f.Listener, name.Text)
		if !ok || s != f.DefaultServer() || slices.ContainsFunc(s.Names, func(n conf.Word) bool {
			return strings.EqualFold(n.Text, name.Text) || strings.ContainsAny(n.Text, "*~") || strings.HasPrefix(n.Text, ".")
		}) {
			continue
		}
		a := s.Answer(fact.Request{Path: "/"})
		if !a.Sure() || a.Outcome != fact.Closed && (a.Outcome != fact.Answered || a.Status < 400) {
			continue
		}
		at := f.Word
		if len(s.Names) > 0 {
			at = s.Names[0]
		}
		p.Report(at, "no server of %s has the name %s, which HAProxy sends there: this one answers, with an error", f.Host.Name, name.Text).On(f.Host).
			Related(name, "sent on by this").Related(e.Server.Address, "to here").Help("write server_name %s in the server that is meant", name.Text).Same(name.Text)
	}
}
