package lint

import (
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var membersWebRules = []*Rule{membersUpstream, membersSite, membersLocation}

// alike are two hosts whose nginx stands behind one pool: a request may go to either.
type alike struct {
	a, b *fact.Host
	pool *fact.Pool
}

// webs compares the first server of each pool of HAProxy with each of the others. Two hosts are compared once.
func webs(s *fact.Stack) []alike {
	var all []alike
	type couple struct{ a, b *fact.Host }
	seen := map[couple]bool{}
	for _, h := range s.Hosts {
		if h.HAProxy == nil {
			continue
		}
		for _, x := range h.HAProxy.Proxies {
			if x.Pool == nil || !x.Pool.Used {
				continue
			}
			var first *fact.Server
			for _, s := range x.Pool.Servers {
				if s.To == nil || s.To.Listener == nil || s.To.Listener.Layer != fact.LayerNginx || !takesRequests(s) {
					continue
				}
				if s.To.To.Partial || s.To.To.Nginx == nil || s.To.To.Nginx.Partial {
					continue
				}
				if first == nil {
					first = s
					continue
				}
				// Another port or a backup may be another service.
				pair := couple{first.To.To, s.To.To}
				if seen[pair] || pair.a == pair.b || first.Port != s.Port || first.Backup.V != s.Backup.V {
					continue
				}
				seen[pair] = true
				all = append(all, alike{pair.a, pair.b, x.Pool})
			}
		}
	}
	return all
}

var membersUpstream = &Rule{
	ID:       "members-upstream",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range webs(p.Stack) {
			byName := map[string]*fact.Pool{}
			for _, u := range t.b.Nginx.Upstreams {
				byName[u.Name.Text] = u
			}
			for _, u := range t.a.Nginx.Upstreams {
				o := byName[u.Name.Text]
				if o == nil || u.Partial || o.Partial || !u.Used || !o.Used {
					continue
				}
				onA, onB := missingIn(u, o), missingIn(o, u)
				if len(onA) == 0 && len(onB) == 0 || len(onA) == len(u.Servers) && len(onB) == len(o.Servers) && t.a.Zone != t.b.Zone {
					continue // the servers of its own zone
				}
				has, lacks, s, pool := t.a, t.b, onA, o
				if len(onA) == 0 {
					has, lacks, s, pool = t.b, t.a, onB, u
				}
				f := p.Report(s[0].Address, "%s sends requests of %q to %s, %s does not: what a client gets depends on the web server it meets", has.Name, u.Name.Text, s[0].Address.Text, lacks.Name).
					On(has, lacks).In(s[0].Node).Help("write the same upstream on all web servers")
				if len(onA) > 0 && len(onB) > 0 {
					f.Related(onB[0].Address, "%s asks this one", t.b.Name)
				} else {
					f.Related(pool.Name, "not in %q of %s", pool.Name.Text, lacks.Name)
				}
			}
		}
	},
}

// missingIn are the servers of a pool that another does not have. A host's own application is everybody's own.
func missingIn(a, b *fact.Pool) []*fact.Server {
	type end struct {
		addr netip.Addr
		port int
		name string // where the address is not known
	}
	ends := func(s *fact.Server) end {
		if s.Addr.IsValid() {
			return end{s.Addr, s.Port, ""}
		}
		return end{name: s.Address.Text}
	}
	if slices.EqualFunc(a.Servers, b.Servers, func(x, y *fact.Server) bool { return ends(x) == ends(y) && y.Eligible() }) {
		return nil // the rule; it needs no map
	}
	there := make(map[end]bool, len(b.Servers))
	for _, s := range b.Servers {
		if s.Eligible() {
			there[ends(s)] = true
		}
	}
	var out []*fact.Server
	for _, s := range a.Servers {
		own := s.Unix != "" || s.Addr.IsLoopback() || s.To != nil && s.To.To == a.Host
		if !own && s.Eligible() && !there[ends(s)] {
			out = append(out, s)
		}
	}
	return out
}

var membersSite = &Rule{
	ID:       "members-site",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range webs(p.Stack) {
			p.otherSites(t.a, t.b, t.pool, t.a.Name+t.b.Name)
			p.otherSites(t.b, t.a, t.pool, t.a.Name+t.b.Name)
		}
	},
}

// otherSites reports a name that HAProxy may send to two hosts and only one of them has.
func (p *Pass) otherSites(has, lacks *fact.Host, pool *fact.Pool, key string) {
	names := map[string]*fact.NginxServer{}
	for _, s := range lacks.Nginx.Servers {
		for _, n := range s.Names {
			if strings.HasPrefix(n.Text, "~") || strings.Contains(n.Text, "$") {
				return
			}
			names[strings.ToLower(n.Text)] = s
		}
	}
	for _, s := range has.Nginx.Servers {
		reached := slices.ContainsFunc(s.Listen, func(l *fact.NginxListen) bool {
			return slices.ContainsFunc(pool.Servers, func(srv *fact.Server) bool { return srv.To != nil && srv.To.Listener == l.Listener })
		})
		for _, n := range s.Names {
			name := strings.ToLower(n.Text)
			if !reached || names[name] != nil || strings.ContainsAny(name, "*~$") || !strings.Contains(strings.Trim(name, "."), ".") || name == strings.ToLower(has.Name) || strings.HasPrefix(name, strings.ToLower(has.Name)+".") || has.Addresses != nil && slices.ContainsFunc(has.Addresses, func(a fact.Address) bool { return a.Addr.String() == name }) {
				continue
			}
			var l *fact.Listener
			for _, srv := range pool.Servers {
				if srv.To != nil && srv.To.To == lacks && srv.To.Listener != nil && srv.To.Listener.Layer == fact.LayerNginx {
					l = srv.To.Listener
				}
			}
			if l == nil {
				continue
			}
			other, ok := lacks.Nginx.ServerFor(l, name)
			if !ok || other != l.DefaultServer() {
				continue // a pattern covers it
			}
			p.Report(n, "%s serves %s and %s does not: a request for it that meets %s is answered by another site", has.Name, n.Text, lacks.Name, lacks.Name).On(has, lacks).
				Related(other.Node.Words[0], "%s answers it here", lacks.Name).Help("write the same sites on all web servers behind %q", pool.Name.Text).Same(key)
		}
	}
}

var membersLocation = &Rule{
	ID:       "members-location",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range webs(p.Stack) {
			sites := map[string]*fact.NginxServer{}
			for _, s := range t.b.Nginx.Servers {
				if name := nameOf(s); name != "" && sites[name] == nil && !s.Root.Partial {
					sites[name] = s
				}
			}
			for _, a := range t.a.Nginx.Servers {
				b := sites[nameOf(a)]
				if b == nil || a.Root.Partial || len(a.Listen) == 0 || len(b.Listen) == 0 || a.Listen[0].TLS.V != b.Listen[0].TLS.V {
					continue
				}
				delete(sites, nameOf(a)) // one of several with the name
				p.otherLocations(t.a, t.b, a, b, t.a.Name+t.b.Name+nameOf(a))
				p.otherLocations(t.b, t.a, b, a, t.a.Name+t.b.Name+nameOf(a))
				p.otherLimits(t, a, b)
			}
		}
	},
}

// otherLocations reports a location that the server has on one host alone.
func (p *Pass) otherLocations(has, lacks *fact.Host, a, b *fact.NginxServer, key string) {
	there := map[string]bool{}
	for _, l := range b.Locations {
		there[l.Modifier+" "+l.Path.Text] = true
	}
	for _, l := range a.Locations {
		if there[l.Modifier+" "+l.Path.Text] {
			continue
		}
		p.Report(l.Path, "%s has this location in %s and %s does not: what a client gets depends on the web server it meets", has.Name, nameOf(a), lacks.Name).On(has, lacks).
			Related(b.Node.Words[0], "not here").Help("write the same locations on all web servers").Same(key)
	}
}

// otherLimits reports requests that one host takes and the other finds too large.
func (p *Pass) otherLimits(t alike, a, b *fact.NginxServer) {
	x, y := a.Root.Other["client_max_body_size"], b.Root.Other["client_max_body_size"]
	if x == nil || y == nil || x.Arg(1).Text == y.Arg(1).Text {
		return
	}
	p.Report(y.Arg(1), "%s takes request bodies up to %s for %s, %s up to %s: a larger one is refused every now and then", t.b.Name, y.Arg(1).Text, nameOf(a), t.a.Name, x.Arg(1).Text).On(t.b, t.a).
		Related(x.Arg(1), "on %s", t.a.Name).Help("write the same on all web servers").Same("size" + t.a.Name + t.b.Name)
}
