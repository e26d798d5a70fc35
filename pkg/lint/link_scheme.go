package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkSchemeRules = []*Rule{linkRedirectLoop, linkForwardedProto, linkRedirectPort}

// tlsFront is the place where TLS of the requests to a listener of nginx ends, at one of the balancers; ok is false where it
// ends at none, or where nginx hears of some requests in another way.
func (f front) tlsFront(entrances map[*fact.Pool][]*fact.Proxy) (b *fact.Bind, e *fact.Edge, ok bool) {
	if f.TLS.V || !f.TLS.Known() || !f.inHTTP() {
		return nil, nil, false
	}
	for _, e := range f.edges {
		for _, x := range entrances[e.Server.Pool] {
			for _, b := range x.Binds {
				if b.TLS.Known() && b.TLS.V {
					return b, e, true
				}
			}
		}
	}
	return nil, nil, false
}

var linkRedirectLoop = &Rule{
	ID:       "link-redirect-loop",
	Severity: diag.Error,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for _, f := range fronts(p.Stack) {
			b, e, ok := f.tlsFront(entrances)
			if !ok {
				continue
			}
			told := slices.ContainsFunc(f.edges, func(e *fact.Edge) bool { return writes(e.Server.Pool, entrances[e.Server.Pool], "X-Forwarded-Proto") })
			for _, s := range f.Servers {
				n := toHTTPS(s, told)
				if n == nil || !sendsHere(b.Proxy, e.Server.Pool, s) {
					continue
				}
				p.Report(n.Words[0], "HAProxy ends TLS and asks this port plainly: each request is redirected to https, arrives here once more, and so on").On(f.Host).In(n).
					Related(b.Word, "TLS ends here").Related(e.Server.Address, "HAProxy asks plainly").Help("redirect on the balancers, and answer the request here").Same(b.Proxy.Name.Text + nameOf(s))
			}
		}
	},
}

// nameOf is the first name of a server.
func nameOf(s *fact.NginxServer) string {
	if len(s.Names) == 0 {
		return ""
	}
	return s.Names[0].Text
}

// sendsHere reports whether the frontend sends requests for the names of a server to the pool, whatever its rules say.
func sendsHere(x *fact.Proxy, pool *fact.Pool, s *fact.NginxServer) bool {
	if x.Pool == pool {
		return true
	}
	for _, r := range x.Routes {
		if r.Pool == pool && (r.Default || len(r.Cond) == 0) {
			return len(x.Routes) == 1 || len(s.Names) == 0 || !spells(x.Node.Body, s.Names[0].Text)
		}
	}
	return false
}

// toHTTPS is the statement that redirects every plain request to a server to itself with https; nil: there is none. told: a
// header says that the client came with TLS.
func toHTTPS(s *fact.NginxServer, told bool) *conf.Node {
	a := s.Answer(fact.Request{Path: "/"})
	if a.Sure() && a.Outcome == fact.Redirected && sameSite(s, a.URL) {
		return a.Node
	}
	for _, d := range a.Maybe {
		if d.Name() != "if" {
			continue
		}
		cond := ""
		for _, w := range d.Args() {
			cond += w.Text + " "
		}
		plain := strings.Contains(cond, "$scheme") && strings.Contains(cond, "http") && !strings.Contains(cond, "https") && strings.Contains(cond, "=") && !strings.Contains(cond, "!=") ||
			strings.Contains(cond, "$https") && strings.Contains(cond, `= ""`) ||
			!told && strings.Contains(cond, "$http_x_forwarded_proto") && strings.Contains(cond, "!=") && strings.Contains(cond, "https")
		if !plain {
			continue
		}
		for _, r := range d.Body {
			if url := r.Arg(len(r.Words) - 1).Text; r.Name() == "return" && strings.HasPrefix(r.Arg(1).Text, "30") && sameSite(s, url) {
				return r
			}
		}
	}
	return nil
}

func sameSite(s *fact.NginxServer, url string) bool {
	rest, ok := strings.CutPrefix(url, "https://")
	if !ok {
		return false
	}
	for _, v := range []string{"$host", "$http_host", "$server_name"} {
		if after, ok := strings.CutPrefix(rest, v); ok && (after == "" || after[0] == '/' || after[0] == '$') {
			return true
		}
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "$")
	return len(s.Names) == 1 && strings.EqualFold(s.Names[0].Text, host)
}

var linkForwardedProto = &Rule{
	ID:       "link-forwarded-proto",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for _, f := range fronts(p.Stack) {
			b, e, ok := f.tlsFront(entrances)
			if !ok {
				continue
			}
			for _, s := range f.Servers {
				for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
					d := l.Headers["x-forwarded-proto"]
					if l.Pass == nil || l.Pass.Kind != "proxy" || d == nil || d.Arg(2).Text != "$scheme" || l.Partial {
						continue
					}
					p.Report(d.Arg(2), "HAProxy ends TLS, so nginx always hears http, and says so to the application: its links and redirects lead to http, and it drops cookies that are for https alone").
						On(f.Host).In(d).Related(b.Word, "TLS ends here").Related(e.Server.Address, "HAProxy asks plainly").
						Help("hand on what the balancers say: proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto").Same(e.Server.Pool.Name.Text)
				}
			}
		}
	},
}

var linkRedirectPort = &Rule{
	ID:       "link-redirect-port",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			if f.Port == 80 && !f.TLS.V || f.Port == 443 && f.TLS.V || !f.inHTTP() {
				continue
			}
			for _, s := range f.Servers {
				for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
					if l.Partial || l.Pass != nil || l.Handler != nil || l.Return != nil || l.Modifier == "=" || l.Other["root"] == nil && l.Other["alias"] == nil {
						continue
					}
					if l == s.Root && slices.ContainsFunc(s.Locations, func(o *fact.Location) bool { return o.Modifier == "" && o.Path.Text == "/" }) || saysSo(l, "absolute_redirect", "off") || saysSo(l, "port_in_redirect", "off") {
						continue
					}
					root := l.Other["root"]
					if root == nil {
						root = l.Other["alias"]
					}
					if l.TryFiles != nil && !slices.ContainsFunc(l.TryFiles.Words, func(w conf.Word) bool { return strings.HasSuffix(w.Text, "/") && w.Text != "/" }) {
						continue // no directory is looked for
					}
					p.Report(f.Word, "for a folder without its last slash nginx redirects to port %d, which clients cannot reach", f.Port).On(f.Host).
						Related(f.edges[0].Server.Address, "HAProxy asks here").Related(root.Words[0], "the folders").Help("write absolute_redirect off").Same(listenText(f.Listener))
				}
			}
		}
	},
}

func saysSo(l *fact.Location, name, value string) bool {
	d := l.Other[name]
	return d != nil && d.Arg(1).Text == value
}
