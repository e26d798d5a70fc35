package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkSpeakRules = []*Rule{linkProxyProtocol, linkCheckProxyProtocol, linkTLS, linkHTTP2}

// ends reports whether a listener's own words say what it takes: an application may take anything, and what a balancer
// of connections passes on is another's word.
func saysAll(l *fact.Listener) bool {
	switch l.Layer {
	case fact.LayerNginx:
		return !l.Servers[0].Stream
	case fact.LayerHAProxy:
		for _, x := range l.Proxies {
			if !x.Mode.Known() || x.Mode.V != "http" || slices.ContainsFunc(x.Rules, expectsProxy) {
				return false
			}
		}
		return true
	case fact.LayerDatabase:
		return true
	}
	return false
}

// expectsProxy: "tcp-request connection expect-proxy layer4 if …" takes the header from some.
func expectsProxy(n *conf.Node) bool {
	return n.Arg(2).Text == "expect-proxy" || n.Arg(2).Text == "expect-netscaler-cip"
}

// takesProxy reports whether a listener expects the PROXY header.
func takesProxy(l *fact.Listener) (yes, known bool) {
	if l.Layer == fact.LayerDatabase {
		return false, false // a rule of its own: MariaDB takes it from some
	}
	return l.Proxy.V, l.Proxy.Known() && (l.Proxy.V || saysAll(l))
}

// where is the place of an option of a server: its own word, or the address where there is no such option.
func atServerOption(s *fact.Server, w conf.Word, there bool) conf.Word {
	if there && w.Pos.IsValid() {
		return w
	}
	return s.Address
}

var linkProxyProtocol = &Rule{
	ID:       "link-proxy-protocol",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			s, l := e.Server, e.Listener
			if l == nil || !s.SendProxy.Known() {
				continue
			}
			sends := s.SendProxy.V != ""
			takes, known := takesProxy(l)
			if !known || sends == takes {
				continue
			}
			if takes {
				f := p.Report(s.Address, "%s of %s expects the PROXY header at %s, and %s sends none: each connection is cut off", daemonOf(l.Layer), e.To.Name, s.Address.Text, daemonOf(fromLayer(s)))
				f.On(e.From).In(s.Node).Related(atOption(l, l.Proxy.Word), "expected here").Same(fmt.Sprint(e.To.Name, l.Port))
				if s.Pool.Layer == fact.LayerHAProxy {
					f.Help("add send-proxy-v2 to the server, or remove proxy_protocol on %s", e.To.Name)
				} else {
					f.Help("let %s listen at another port without it", e.To.Name)
				}
				continue
			}
			f := p.Report(atServerOption(s, s.SendProxy.Word, true), "%s sends the PROXY header to %s, where %s of %s does not expect it: each request is answered with 400", daemonOf(fromLayer(s)), s.Address.Text, daemonOf(l.Layer), e.To.Name)
			f.On(e.From).In(s.Node).Related(l.Word, "nothing is said of it here").Same(fmt.Sprint(e.To.Name, l.Port)).Help("remove %s, or expect the header there", s.SendProxy.Word.Text)
			if s.SendProxy.Word.Pos != s.Address.Pos {
				f.Related(s.Address, "the server")
			}
		}
	},
}

// place is the place of a listener's option, or of the listener.
func atOption(l *fact.Listener, w conf.Word) conf.Word {
	if w.Pos.IsValid() {
		return w
	}
	return l.Word
}

// checkedAt is the listener that the check of a HAProxy server connects to.
func checkedAt(s *fact.Server) (l *fact.Listener, known bool) {
	if s.To == nil || s.To.To == nil || s.To.VIP != nil || !s.CheckPort.Known() || !s.CheckAddr.Known() {
		return nil, false
	}
	a := s.CheckAddr.V
	if !a.IsValid() || !s.CheckAddr.Written() {
		a = s.Addr
	}
	if !s.CheckPort.Written() && !s.CheckAddr.Written() {
		return s.To.Listener, true
	}
	if s.CheckAddr.Written() && !hasAddress(s.To.To, a) {
		return nil, false
	}
	return listenerAt(s.To.To, a, s.CheckPort.V), true
}

func hasAddress(h *fact.Host, a netip.Addr) bool {
	return slices.ContainsFunc(h.Addresses, func(o fact.Address) bool { return o.Addr.Unmap() == a.Unmap() })
}

var linkCheckProxyProtocol = &Rule{
	ID:       "link-check-proxy-protocol",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			s := e.Server
			c := s.Pool.Check
			if s.Pool.Layer != fact.LayerHAProxy || e.Listener == nil || !s.Checked.V || !s.Checked.Known() || !s.CheckSendProxy.Known() || !s.SendProxy.Known() {
				continue
			}
			if !(c != nil && c.Kind == "http" || s.CheckTLS.Known() && s.CheckTLS.V) {
				continue // a connection that is only opened says nothing of it
			}
			l, ok := checkedAt(s)
			if !ok || l == nil {
				continue
			}
			takes, known := takesProxy(l)
			if !known || takes == s.CheckSendProxy.V {
				continue
			}
			if l == e.Listener && takes != (s.SendProxy.V != "") {
				continue // so do the requests
			}
			at, node := s.Address, s.Node
			if s.CheckPort.Written() {
				at = s.CheckPort.Word
			} else if s.CheckAddr.Written() {
				at = s.CheckAddr.Word
			}
			if takes {
				p.Report(at, "the check sends no PROXY header to port %d, where %s of %s expects it: HAProxy never sends a request to %s", l.Port, daemonOf(l.Layer), e.To.Name, s.Name.Text).
					On(e.From).In(node).Related(atOption(l, l.Proxy.Word), "expected here").Help("add check-send-proxy: a check with a port or address of its own does not take send-proxy over").
					Same(fmt.Sprint(e.To.Name, l.Port))
				continue
			}
			p.Report(atServerOption(s, s.CheckSendProxy.Word, s.CheckSendProxy.Written()), "the check sends a PROXY header to port %d, where %s of %s does not expect it: HAProxy never sends a request to %s", l.Port, daemonOf(l.Layer), e.To.Name, s.Name.Text).
				On(e.From).In(node).Related(l.Word, "nothing is said of it here").Help("remove check-send-proxy").Same(fmt.Sprint(e.To.Name, l.Port))
		}
	},
}

var linkTLS = &Rule{
	ID:       "link-tls",
	Severity: diag.Error,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for e := range links(p.Stack) {
			s, l := e.Server, e.Listener
			if l == nil || !s.TLS.Known() || !l.TLS.Known() || s.TLS.V == l.TLS.V && l.Layer != fact.LayerDatabase {
				continue
			}
			if s.TLS.V {
				if !saysAll(l) || l.Layer == fact.LayerDatabase && s.Pool.Layer == fact.LayerDatabase {
					continue
				}
				f := p.Report(atServerOption(s, s.TLS.Word, true), "%s speaks TLS to %s, where %s of %s does not: no connection comes about", daemonOf(fromLayer(s)), s.Address.Text, daemonOf(l.Layer), e.To.Name)
				f.On(e.From).In(s.Node).Related(l.Word, "no TLS here").Same(fmt.Sprint(e.To.Name, l.Port)).Help("name the port with TLS, or speak plainly to this one")
				if l.Layer == fact.LayerDatabase {
					f.Message = fmt.Sprintf("HAProxy begins with TLS at %s, where the database of %s speaks first: no connection comes about", s.Address.Text, e.To.Name)
					f.Help("leave TLS to the database's clients")
				}
				if s.TLS.Word.Pos != s.Address.Pos {
					f.Related(s.Address, "the server")
				}
				continue
			}
			if !l.TLS.V || !plainly(s, entrances[s.Pool]) {
				continue
			}
			f := p.Report(s.Address, "%s speaks plainly to %s, where %s of %s expects TLS: each request fails", daemonOf(fromLayer(s)), s.Address.Text, daemonOf(l.Layer), e.To.Name)
			f.On(e.From).In(s.Node).Related(atOption(l, l.TLS.Word), "TLS here").Same(fmt.Sprint(e.To.Name, l.Port))
			switch {
			case l.Layer == fact.LayerNginx && s.Pool.Layer == fact.LayerHAProxy:
				f.Message = fmt.Sprintf("HAProxy speaks plainly to %s, where nginx of %s expects TLS: each request is answered with 400", s.Address.Text, e.To.Name)
				f.Help("add ssl verify required ca-file FILE to the server, or name a port without TLS")
			case s.Pool.Layer == fact.LayerNginx:
				f.Help("write https:// in proxy_pass, or name a port without TLS")
			}
		}
	},
}

// entrancesOf are the entrances to the pools of all balancers.
func entrancesOf(s *fact.Stack) map[*fact.Pool][]*fact.Proxy {
	all := map[*fact.Pool][]*fact.Proxy{}
	for _, h := range s.Hosts {
		if h.HAProxy == nil {
			continue
		}
		for pool, in := range entrances(h.HAProxy) {
			all[pool] = in
		}
	}
	return all
}

// plainly reports whether what a server line without TLS sends is plain for certain: connections that are passed on as they
// come may hold the client's own TLS.
func plainly(s *fact.Server, in []*fact.Proxy) bool {
	if s.Pool.Layer != fact.LayerHAProxy {
		return s.Proto.Known() && s.Proto.V == "http"
	}
	x := s.Pool.Proxy
	if !x.Mode.Known() {
		return false
	}
	if x.Mode.V == "http" {
		return true
	}
	for _, f := range in {
		for _, b := range f.Binds {
			if !b.TLS.Known() || !b.TLS.V {
				return false
			}
		}
	}
	return len(in) > 0
}

var linkHTTP2 = &Rule{
	ID:       "link-http2",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			s, l := e.Server, e.Listener
			if l == nil || l.Layer != fact.LayerNginx || l.Servers[0].Stream || !s.Proto.Known() || !l.HTTP2.Known() {
				continue
			}
			asks := s.Pool.Layer == fact.LayerHAProxy && s.Proto.V == "h2" || s.Pool.Layer == fact.LayerNginx && s.Proto.V == "grpc"
			switch {
			case asks && !l.HTTP2.V:
				p.Report(atServerOption(s, s.Proto.Word, true), "%s speaks HTTP/2 to %s, where nginx of %s does not: each request fails", daemonOf(fromLayer(s)), s.Address.Text, e.To.Name).
					On(e.From).In(s.Node).Related(l.Word, "no http2 here").Help("remove %q, or write http2 on there", s.Proto.Word.Text).Same(fmt.Sprint(e.To.Name, l.Port))
			case !asks && l.HTTP2.V && !l.TLS.V && l.TLS.Known() && l.HTTP2.Word.Text == "http2" && plainHTTP1(s):
				// Until 1.25.1 a plain listener with http2 took nothing else.
				v := p.Targets["nginx"]
				if v != (fact.Version{}) && !v.Before(1, 25) {
					continue
				}
				f := p.Report(s.Address, "%s speaks HTTP/1 to %s, where nginx of %s before 1.25.1 takes HTTP/2 alone: each request fails", daemonOf(fromLayer(s)), s.Address.Text, e.To.Name).
					On(e.From).In(s.Node).Related(l.HTTP2.Word, "HTTP/2 alone, since there is no TLS to agree on it").Help("remove http2 there, or add proto h2 to the server").
					Same(fmt.Sprint(e.To.Name, l.Port))
				if v == (fact.Version{}) {
					f.Weigh(diag.Warning)
				}
			}
		}
	},
}

// plainHTTP1 reports whether a server is spoken to in HTTP/1 for certain.
func plainHTTP1(s *fact.Server) bool {
	if s.Pool.Layer == fact.LayerNginx {
		return s.Proto.V == "http"
	}
	return s.Pool.Proxy != nil && s.Pool.Proxy.Mode.Known() && s.Pool.Proxy.Mode.V == "http" && s.Proto.V == ""
}
