package fact

import (
	"net/netip"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// upstream reads an upstream block from its statements; asking gonginx would lose their order and their places.
func (r *nginxReader) upstream(d *conf.Node) {
	p := &Pool{Host: r.n.Host, Layer: LayerNginx, Name: d.Arg(1), Node: d, Balance: Value[string]{V: "round_robin", Word: d.Arg(1)}}
	p.Keepalive.Word = d.Arg(1)
	n := 0
	for range conf.Named(d.Body, "server") {
		n++
	}
	slab := make([]Server, n) // a server is large, and a file may have 100,000 of them
	p.Servers = make([]*Server, 0, n)
	for _, c := range d.Body {
		switch name := c.Name(); {
		case c.Unread:
			p.Partial = true
		case name == "server":
			if len(c.Words) > 1 {
				s := &slab[len(p.Servers)]
				p.Servers = append(p.Servers, s)
				upstreamServer(s, p, c)
			}
		case name == "least_conn" || name == "ip_hash" || name == "hash" || name == "random" || name == "least_time" || name == "fair" || strings.HasPrefix(name, "balancer_by_lua"):
			p.Balance = Value[string]{V: name, Word: c.Arg(0), State: Written}
		case name == "keepalive":
			p.Keepalive = nginxValue(c.Arg(1).Text, c.Arg(1), atoi)
		case name == "zone":
			p.Zone = c.Arg(1)
		case name == "state":
			p.Partial = true // the servers are in a file that nginx writes
		}
	}
	if p.Partial {
		if !p.Balance.Written() {
			p.Balance.State = Unknown
		}
		if !p.Keepalive.Written() {
			p.Keepalive.State = Unknown
		}
	}
	r.n.Upstreams = append(r.n.Upstreams, p)
	if key := strings.ToLower(d.Arg(1).Text); r.upstreams[key] == nil {
		r.upstreams[key] = p
	}
}

func upstreamServer(s *Server, p *Pool, d *conf.Node) {
	w := d.Arg(1)
	s.nginx(p, d, w, w.Text, 80)
	for _, arg := range d.Words[2:] {
		on := Value[bool]{V: true, Word: arg, State: Written}
		name, value, _ := strings.Cut(arg.Text, "=")
		switch name {
		case "weight":
			s.Weight = nginxValue(value, arg, atoi)
		case "max_conns":
			s.MaxConn = nginxValue(value, arg, atoi)
		case "max_fails":
			s.MaxFails = nginxValue(value, arg, atoi)
		case "fail_timeout":
			s.FailTimeout = nginxValue(value, arg, NginxTime)
		case "slow_start":
			s.SlowStart = nginxValue(value, arg, NginxTime)
		case "backup":
			s.Backup = on
		case "down", "drain":
			s.Down = on
		case "service":
			s.Port, s.Addr = 0, netip.Addr{} // both come from DNS
		}
	}
}

// nginx sets the address of a server, and nginx's defaults.
func (s *Server) nginx(p *Pool, d *conf.Node, w conf.Word, address string, port int) {
	s.Pool, s.Node, s.Name, s.Address, s.HAProxyServer = p, d, w, w, noHAProxy
	s.Address.Text = address
	s.Weight.V, s.MaxFails.V, s.FailTimeout.V, s.Verify.V = 1, 1, 10*time.Second, "none"
	for _, v := range []*Value[int]{&s.Weight, &s.MaxFails, &s.MaxConn} {
		v.Word = w
	}
	for _, v := range []*Value[bool]{&s.Checked, &s.Backup, &s.Down, &s.TLS} {
		v.Word = w
	}
	s.FailTimeout.Word, s.SendProxy.Word, s.Proto.Word, s.Verify.Word = w, w, w, w
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		s.Unix = path
		return
	}
	host := address
	if i := strings.LastIndexByte(address, ':'); i >= 0 && !strings.HasSuffix(address, "]") {
		host = address[:i]
		port, _ = nginxPort(address[i+1:])
	}
	s.Port = port
	s.Addr, _ = nginxAddr(host)
}

// pass reads a proxy_pass or one of its kin, and notes what it says about the servers it leads to.
func (r *nginxReader) pass(l *Location, d *conf.Node) *Pass {
	p := &Pass{Kind: strings.TrimSuffix(d.Name(), "_pass"), Node: d, Word: d.Arg(1)}
	if l.Server.Stream {
		p.Kind = "stream"
	}
	targets, known := r.expand(l.Server, passTarget(p.Word.Text))
	if !known {
		for _, u := range r.upstreams {
			u.Used = true // any of them may be meant
		}
		p.TLS = strings.HasPrefix(p.Word.Text, "https://")
		return p
	}
	for i, target := range targets {
		pool, tls := r.target(p, target)
		if i == 0 {
			p.Pool, p.TLS = pool, tls
		} else if p.Pool != pool {
			p.Pool = nil
		}
		if pool != nil {
			pool.Used = true
			r.speak(l, p, pool, tls, len(targets) == 1)
		}
	}
	if _, behind, ok := strings.Cut(p.Word.Text, "://"); ok && p.Pool != nil && !strings.HasPrefix(behind, "unix:") {
		if i := strings.IndexAny(behind, "/?"); i >= 0 {
			p.URI = behind[i:]
		}
	}
	return p
}

// passTarget is the part of a pass that says where to go. What begins with a variable that holds a path is not part of it.
func passTarget(s string) string {
	for _, v := range []string{"$request_uri", "$uri", "$document_uri", "$fastcgi_script_name", "$is_args"} {
		if i := strings.Index(s, v); i > 0 {
			s = s[:i]
		}
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || strings.HasPrefix(rest, "unix:") {
		return s
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + rest
}

// target is the pool that a target names: an upstream, or a server written in place. Nil: nginx takes it for nothing.
func (r *nginxReader) target(p *Pass, s string) (pool *Pool, tls bool) {
	port, proto := 80, p.Kind
	scheme, rest, found := strings.Cut(s, "://")
	switch scheme := strings.ToLower(scheme); {
	case p.Kind == "proxy" && !found:
		return nil, false
	case !found:
		rest = s
	default:
		tls = scheme == "https" || scheme == "grpcs" || scheme == "suwsgi"
	}
	if p.Kind == "proxy" {
		proto = "http"
		if tls {
			proto, port = "https", 443
		}
	} else if tls {
		port = 443
	}
	if strings.HasPrefix(rest, "unix:") {
		if path, uri, ok := strings.Cut(rest[len("unix:"):], ":"); ok {
			rest, p.URI = "unix:"+path, uri
		}
	} else if u := r.upstreams[strings.ToLower(rest)]; u != nil {
		return u, tls
	} else if rest == "" {
		return nil, tls
	}
	w := p.Word
	pool = &Pool{Host: r.n.Host, Layer: LayerNginx, Name: w, Node: p.Node, Direct: true, Balance: Value[string]{V: "round_robin", Word: w}}
	pool.Keepalive.Word = w
	server := &Server{}
	server.nginx(pool, p.Node, w, rest, port)
	server.Proto.V = proto
	pool.Servers = []*Server{server}
	return pool, tls
}

// speak notes on the servers of a pool how a pass speaks to them. What two passes do differently is unknown.
func (r *nginxReader) speak(l *Location, p *Pass, pool *Pool, tls, sure bool) {
	proto := Value[string]{V: p.Kind, Word: p.Word, State: Written}
	secure := Value[bool]{V: tls, Word: p.Word, State: Written}
	verify := Value[string]{V: "none", Word: p.Word}
	send := Value[string]{Word: p.Word}
	on := func(name string) *conf.Node {
		if d := l.Other[name]; d != nil && d.Arg(1).Text == "on" {
			return d
		}
		return nil
	}
	prefix := p.Kind
	switch p.Kind {
	case "proxy":
		proto.V = "http"
		if tls {
			proto.V = "https"
		}
	case "stream":
		proto.V, prefix = "tcp", "proxy"
		if d := on("proxy_ssl"); d != nil {
			secure = Value[bool]{V: true, Word: d.Arg(0), State: Written}
			p.TLS = true
		} else if l.Partial {
			secure.State = Unknown
		}
		if d := on("proxy_protocol"); d != nil {
			send = Value[string]{V: "v1", Word: d.Arg(0), State: Written}
		} else if l.Partial {
			send.State = Unknown
		}
	}
	if d := on(prefix + "_ssl_verify"); d != nil {
		verify = Value[string]{V: "required", Word: d.Arg(0), State: Written}
	} else if l.Partial {
		verify.State = Unknown
	}
	if !sure {
		proto.State, secure.State = Unknown, Unknown
	}
	said := strings.Join([]string{proto.V, verify.V, send.V, boolWord(secure.V), boolWord(proto.Known() && send.Known() && verify.Known())}, " ")
	before, some := r.spoken[pool]
	if some && before == said {
		return
	}
	r.spoken[pool] = said
	for _, s := range pool.Servers {
		if !some {
			s.Proto, s.TLS, s.Verify, s.SendProxy = proto, secure, verify, send
			continue
		}
		differs(&s.Proto, proto)
		differs(&s.TLS, secure)
		differs(&s.Verify, verify)
		differs(&s.SendProxy, send)
	}
}

func differs[T comparable](v *Value[T], other Value[T]) {
	if v.V != other.V || !other.Known() {
		v.State = Unknown
	}
}

func boolWord(b bool) string {
	if b {
		return "on"
	}
	return "off"
}
