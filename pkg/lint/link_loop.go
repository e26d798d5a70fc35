package lint

import (
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkLoopRules = []*Rule{linkLoop, linkProtocol}

var linkLoop = &Rule{
	ID:       "link-loop",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			if e.Listener == nil || e.Server.Pool.Layer != fact.LayerHAProxy || e.Listener.Layer != fact.LayerHAProxy {
				continue
			}
			s := e.Server
			if !leadsTo(e.Listener, s.Pool, map[*fact.Proxy]bool{}) {
				continue
			}
			what := "HAProxy's own address"
			if e.VIP != nil {
				what = "the virtual address of the balancers themselves"
			}
			p.Report(s.Address, "%s is %s: each request that is sent there comes back, until no connection is left", s.Address.Text, what).On(e.From).In(s.Node).
				Related(e.Listener.Word, "it arrives here, and goes to %q again", s.Pool.Name.Text).Help("write the address of the server that is meant")
		}
		for _, h := range p.Hosts {
			if h.Nginx == nil {
				continue
			}
			for _, s := range h.Nginx.Servers {
				for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
					p.nginxLoop(h, l)
				}
			}
		}
	},
}

// leadsTo reports whether the ways that need no condition lead from a listener to a pool.
func leadsTo(l *fact.Listener, pool *fact.Pool, seen map[*fact.Proxy]bool) bool {
	for _, next := range sure(l) {
		if next == pool || next.Name.Text == pool.Name.Text && next.Layer == pool.Layer && next.Host != pool.Host {
			return true
		}
		if next.Proxy == nil || seen[next.Proxy] {
			continue
		}
		seen[next.Proxy] = true
		for _, s := range next.Servers {
			if s.To != nil && s.To.Listener != nil && s.To.Listener.Layer == fact.LayerHAProxy && takesRequests(s) && leadsTo(s.To.Listener, pool, seen) {
				return true
			}
		}
	}
	return false
}

// sure are the pools that requests to a listener of HAProxy go to where no rule sends them elsewhere.
func sure(l *fact.Listener) []*fact.Pool {
	var pools []*fact.Pool
	for _, x := range l.Proxies {
		for _, r := range x.Routes {
			if r.Pool != nil && (r.Default || len(r.Cond) == 0) {
				pools = append(pools, r.Pool)
			}
		}
		if x.Pool != nil {
			pools = append(pools, x.Pool)
		}
	}
	return pools
}

// nginxLoop follows the requests of a location: straight to a listener of nginx, or through HAProxy.
func (p *Pass) nginxLoop(h *fact.Host, l *fact.Location) {
	if l.Pass == nil || l.Pass.Pool == nil || l.Pass.Kind != "proxy" || l.Pass.URI != "" && l.Pass.URI != "/" || l.Partial {
		return
	}
	host, ok := passedHost(l)
	if !ok {
		return
	}
	for _, s := range l.Pass.Pool.Servers {
		if s.To == nil || s.To.Listener == nil || !takesRequests(s) {
			continue
		}
		back := s.To.Listener
		if back.Layer == fact.LayerHAProxy {
			back = through(back, h)
		}
		if back == nil || back.Layer != fact.LayerNginx || back.Host != h {
			continue
		}
		server, known := h.Nginx.ServerFor(back, host)
		if !known || server != l.Server || l.Modifier != "@" && l.Parent == server.Root && !matchesAgain(server, l) {
			continue
		}
		f := p.Report(s.Address, "%s is %s itself: each request that nginx sends there comes back to it, until no connection is left", s.Address.Text, h.Name)
		if s.To.Listener.Layer == fact.LayerHAProxy {
			f.Message = strings.Replace(f.Message, h.Name+" itself", "the balancer in front of it", 1)
		}
		f.On(h).In(s.Node).Related(back.Word, "it arrives here again").Help("write the address of the application")
		return
	}
}

func matchesAgain(s *fact.NginxServer, l *fact.Location) bool {
	if strings.HasPrefix(l.Modifier, "~") {
		return true
	}
	again, ok := s.Match(l.Path.Text)
	return ok && again == l
}

// through is the listener of nginx on a host that HAProxy sends requests of a listener to.
func through(l *fact.Listener, h *fact.Host) *fact.Listener {
	for _, pool := range sure(l) {
		for _, s := range pool.Servers {
			if s.To != nil && s.To.To == h && s.To.Listener != nil && takesRequests(s) {
				return s.To.Listener
			}
		}
	}
	return nil
}

// passedHost is the Host header that a location sends on.
func passedHost(l *fact.Location) (string, bool) {
	d := l.Headers["host"]
	if d == nil {
		return l.Pass.Pool.Name.Text, !l.Pass.Pool.Direct // $proxy_host
	}
	switch v := d.Arg(2).Text; {
	case v == "$host", v == "$http_host", v == "$server_name":
		for _, n := range l.Server.Names {
			if !strings.ContainsAny(n.Text, "*~$") {
				return n.Text, true
			}
		}
		return "", len(l.Server.Names) == 0
	default:
		return v, !strings.Contains(v, "$")
	}
}

// speaks is the protocol above TCP that a server line uses; empty where it is not known.
func speaks(s *fact.Server) string {
	switch {
	case s.Pool.Layer == fact.LayerDatabase:
		return "MySQL's protocol"
	case !s.Proto.Known():
		return ""
	case s.Pool.Layer == fact.LayerNginx:
		switch s.Proto.V {
		case "http", "https":
			return "HTTP"
		case "fastcgi":
			return "FastCGI"
		case "uwsgi":
			return "uwsgi's protocol"
		case "scgi":
			return "SCGI"
		case "grpc":
			return "gRPC"
		}
		return ""
	case s.Pool.Proxy != nil && s.Pool.Proxy.Mode.Known() && s.Pool.Proxy.Mode.V == "http" && s.Proto.V == "":
		for _, n := range s.Pool.Proxy.Node.Body {
			if n.Name() == "use-fcgi-app" {
				return ""
			}
		}
		return "HTTP"
	}
	return ""
}

// hears is the protocol of a listener; empty where it is not known.
func hears(l *fact.Listener) string {
	switch l.Layer {
	case fact.LayerDatabase:
		return "MySQL's protocol"
	case fact.LayerNginx:
		if l.Servers[0].Stream {
			return ""
		}
		return "HTTP"
	case fact.LayerHAProxy:
		for _, x := range l.Proxies {
			if !x.Mode.Known() || x.Mode.V != "http" {
				return ""
			}
		}
		return "HTTP"
	}
	return ""
}

var linkProtocol = &Rule{
	ID:       "link-protocol",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			if e.Listener == nil {
				continue
			}
			s := e.Server
			speaks, hears := speaks(s), hears(e.Listener)
			if speaks == "gRPC" && hears == "HTTP" {
				continue
			}
			if speaks != "" && hears != "" && speaks != hears {
				p.Report(s.Address, "%s speaks %s to %s, where %s expects %s: no request succeeds", daemonOf(fromLayer(s)), speaks, s.Address.Text, daemonOf(e.Listener.Layer), hears).
					On(e.From).In(s.Node).Related(e.Listener.Word, "%s of %s listens here", daemonOf(e.Listener.Layer), e.To.Name).Help("write the address of what speaks %s", speaks)
				continue
			}
			c := s.Pool.Check
			if c == nil || !s.Checked.V || !s.Checked.Known() || !s.CheckPort.Known() || s.CheckPort.Written() || s.CheckAddr.Written() {
				continue
			}
			asks := map[string]string{"http": "HTTP", "mysql": "MySQL's protocol"}[c.Kind]
			if asks != "" && hears != "" && asks != hears {
				p.Report(c.Node.Words[0], "the check speaks %s to %s, where %s expects %s: HAProxy never sends a request there", asks, s.Address.Text, daemonOf(e.Listener.Layer), hears).
					On(e.From).In(c.Node).Related(s.Address, "the server").Related(e.Listener.Word, "%s of %s listens here", daemonOf(e.Listener.Layer), e.To.Name).
					Help("use a check of that protocol, or a check port where something answers %s", asks).Same(s.Pool.Name.Text)
			}
		}
	},
}

// from is the layer whose file a server stands in.
func fromLayer(s *fact.Server) fact.Layer {
	if s.Pool.Layer == fact.LayerDatabase {
		return fact.LayerApp
	}
	return s.Pool.Layer
}
