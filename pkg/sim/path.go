package sim

import (
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// proxy is the way through a frontend or listen section: all the pools that it sends the site's requests to, each of them
// a part of the site. Routes that ask how many servers of a pool are up lead to a pool in place of the last, which is
// that of the default.
func (b *builder) proxy(x *fact.Proxy, q question) way {
	var parts, instead []way
	for _, r := range x.Routes {
		applies, always := concerns(r, x, q.site)
		if !applies {
			continue
		}
		switch {
		case r.Pool == nil:
			if !r.Backend.Known() {
				b.unknown(x.HAProxy.Host, x.Name.Text, "which backend a request takes is decided when it comes")
			}
		case fallback(r, x):
			instead = append(instead, b.pool(r.Pool, q))
		default:
			parts = append(parts, b.pool(r.Pool, q))
		}
		if always {
			break
		}
	}
	if x.Pool != nil && len(x.Routes) == 0 {
		parts = append(parts, b.pool(x.Pool, q))
	}
	if n := len(parts) - 1; n >= 0 {
		parts[n] = b.any(append(instead, parts[n])...)
		return b.parts(q, parts)
	}
	return b.any(instead...)
}

// aclOf are the acl statements of a section by name.
func aclOf(x *fact.Proxy, name string) (list []*conf.Node) {
	for _, r := range x.Rules {
		if r.Name() == "acl" && r.Arg(1).Text == name {
			list = append(list, r)
		}
	}
	return list
}

// fallback reports whether a route depends on how many servers are up.
func fallback(r *fact.Route, x *fact.Proxy) bool {
	counts := func(words []conf.Word) bool {
		return slices.ContainsFunc(words, func(w conf.Word) bool {
			return strings.HasPrefix(w.Text, "nbsrv") || strings.HasPrefix(w.Text, "srv_is_up") || strings.HasPrefix(w.Text, "avg_queue") || strings.HasPrefix(w.Text, "connslots")
		})
	}
	if counts(r.Cond) {
		return true
	}
	for _, w := range r.Cond {
		for _, acl := range aclOf(x, strings.TrimPrefix(w.Text, "!")) {
			if counts(acl.Words) {
				return true
			}
		}
	}
	return false
}

// concerns reports whether requests of a site may take a route, and whether all that come to it do.
func concerns(r *fact.Route, x *fact.Proxy, s *site) (may, all bool) {
	if len(r.Cond) == 0 {
		return true, true
	}
	if s == nil || len(s.domains) == 0 || r.Cond[0].Text != "if" {
		return true, false
	}
	var names []string
	only := true
	for i := 1; i < len(r.Cond); i++ {
		w := r.Cond[i].Text
		switch w {
		case "||", "or":
			continue
		case "{":
			end := i + 1
			for end < len(r.Cond) && r.Cond[end].Text != "}" {
				end++
			}
			list, ok := hostNames(r.Cond[i:end])
			names = append(names, list...)
			only = only && ok
			i = end
			continue
		}
		acls := aclOf(x, w)
		only = only && len(acls) > 0
		for _, acl := range acls {
			list, ok := hostNames(acl.Args())
			names = append(names, list...)
			only = only && ok
		}
	}
	if len(names) == 0 {
		return true, false
	}
	hits := 0
	for _, d := range s.domains {
		d = strings.ToLower(d)
		if slices.ContainsFunc(names, func(n string) bool { return n == d || strings.HasSuffix(d, n) || strings.HasPrefix(d, n) }) {
			hits++
		}
	}
	return hits > 0, only && hits == len(s.domains)
}

// nginx is the way through the server blocks of a listener that answer the site: all that their locations pass requests on to.
func (b *builder) nginx(l *fact.Listener, q question) way {
	servers := l.Servers
	if q.site != nil && len(q.site.domains) > 0 && l.Host.Nginx != nil {
		var named []*fact.NginxServer
		for _, d := range q.site.domains {
			if s, ok := l.Host.Nginx.ServerFor(l, d); ok && s != nil && !slices.Contains(named, s) {
				named = append(named, s)
			}
		}
		if len(named) > 0 {
			servers = named
		}
	}
	var parts []way
	for _, s := range servers {
		parts = append(parts, b.block(s, q))
	}
	return b.parts(q, parts)
}

func (b *builder) block(s *fact.NginxServer, q question) way {
	if q.want == Static && files(s) {
		return way{always, yes}
	}
	var parts []way
	seen := map[*fact.Pool]bool{}
	for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
		if l == nil || l.Pass == nil {
			continue
		}
		switch p := l.Pass.Pool; {
		case p == nil:
			b.unknown(s.Nginx.Host, l.Pass.Word.Text, "a variable says where requests go")
			parts = append(parts, way{always, maybe})
		case !seen[p]:
			seen[p] = true
			parts = append(parts, b.pool(p, q))
		}
	}
	return b.parts(q, parts)
}

// files reports whether a server block serves files: some location neither passes requests on nor answers them itself.
func files(s *fact.NginxServer) bool {
	if s.Stream || s.Root == nil {
		return false
	}
	plain := func(l *fact.Location) bool {
		if l.TryFiles != nil && strings.Contains(l.TryFiles.Arg(1).Text, "$") {
			return true
		}
		return l.Pass == nil && l.Return == nil && l.Handler == nil && !denied(l)
	}
	whole := false
	for _, l := range s.Locations {
		if l.Modifier != "@" && l.Modifier != "=" && plain(l) {
			return true
		}
		whole = whole || l.Path.Text == "/" && l.Modifier != "="
	}
	return !whole && plain(s.Root)
}

func denied(l *fact.Location) bool {
	return len(l.Access) > 0 && l.Access[0].Name() == "deny" && l.Access[0].Arg(1).Text == "all"
}
