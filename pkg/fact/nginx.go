package fact

import (
	"maps"
	"net/netip"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// nginxReader reads one nginx.conf.
type nginxReader struct {
	n         *Nginx
	listeners map[string]*Listener // by protocol and address
	opened    []*Listener          // of the http or stream block that is read, in order
	upstreams map[string]*Pool     // of the http or stream block that is read, by lower-case name
	around    *conf.Node           // that block
	shared    nginxVars            // variables that the block defines; nil: not yet looked for
	spoken    map[*Pool]string     // protocol that passes speak to a pool
}

// readNginx reads the nginx of a host. Its listeners hang on the servers that opened them.
func readNginx(h *Host, t *conf.Tree) *Nginx {
	n := &Nginx{Host: h, Tree: t, Workers: Value[int]{V: 1}, Conns: Value[int]{V: 512}, Partial: unreadBelow(t.Body)}
	r := &nginxReader{n: n, listeners: map[string]*Listener{}, spoken: map[*Pool]string{}}
	partial := false
	for _, d := range t.Body {
		switch d.Name() {
		case "worker_processes":
			n.Workers = nginxValue(d.Arg(1).Text, d.Arg(1), func(s string) (int, bool) {
				if s == "auto" {
					return 0, true
				}
				return atoi(s)
			})
		case "events":
			n.Conns.Word = d.Arg(0)
			for _, c := range d.Body {
				if c.Name() == "worker_connections" {
					n.Conns = nginxValue(c.Arg(1).Text, c.Arg(1), atoi)
				}
			}
		case "http":
			n.HTTP = d
			r.http(d)
		case "stream":
			r.stream(d)
		}
		partial = partial || d.Unread
	}
	if partial {
		for _, v := range []*Value[int]{&n.Workers, &n.Conns} {
			if !v.Written() {
				v.State = Unknown
			}
		}
	}
	return n
}

func unreadBelow(body []*conf.Node) bool {
	for _, d := range body {
		if d.Unread || unreadBelow(d.Body) {
			return true
		}
	}
	return false
}

func (r *nginxReader) block(node *conf.Node) {
	r.around, r.shared, r.upstreams = node, nil, map[string]*Pool{}
	for d := range conf.Named(node.Body, "upstream") {
		if d.Block {
			r.upstream(d)
		}
	}
}

func (r *nginxReader) http(node *conf.Node) {
	r.block(node)
	n := r.n
	n.Root = r.level(nil, nil, node)
	n.RealIP = n.Root.Trusted
	for d := range conf.Named(node.Body, "server") {
		if !d.Block {
			continue
		}
		s := &NginxServer{Nginx: n, Node: d}
		for _, c := range d.Body {
			if c.Name() == "server_name" {
				s.Names = append(s.Names, c.Args()...)
			}
		}
		s.Root = r.level(s, n.Root, d)
		r.locations(s, s.Root)
		r.listen(s, "http")
		n.Servers = append(n.Servers, s)
	}
	r.settleListeners()
}

func (r *nginxReader) stream(node *conf.Node) {
	r.block(node)
	root := r.level(nil, nil, node)
	for d := range conf.Named(node.Body, "server") {
		if !d.Block {
			continue
		}
		s := &NginxServer{Nginx: r.n, Node: d, Stream: true}
		s.Root = r.level(s, root, d)
		r.listen(s, "stream")
		r.n.Streams = append(r.n.Streams, s)
	}
	r.settleListeners()
}

// locations reads the location blocks in a level.
func (r *nginxReader) locations(s *NginxServer, parent *Location) {
	for d := range conf.Named(parent.Node.Body, "location") {
		if !d.Block || len(d.Words) < 2 {
			continue
		}
		l := r.level(s, parent, d)
		l.Modifier, l.Path = locationName(d)
		s.Locations = append(s.Locations, l)
		r.locations(s, l)
	}
}

// locationName is the modifier and the path of a location. nginx takes a modifier that is glued to the path too.
func locationName(d *conf.Node) (string, conf.Word) {
	if len(d.Words) > 2 {
		return d.Words[1].Text, d.Words[2]
	}
	w := d.Words[1]
	for _, m := range []string{"=", "^~", "~*", "~"} {
		if rest, ok := strings.CutPrefix(w.Text, m); ok {
			w.Text = rest
			return m, w
		}
	}
	if strings.HasPrefix(w.Text, "@") {
		return "@", w
	}
	return "", w
}

// nginxTimeouts are the times that apply where nothing sets them.
var nginxTimeouts = map[string]time.Duration{
	"client_body_timeout": 60 * time.Second, "client_header_timeout": 60 * time.Second, "send_timeout": 60 * time.Second,
	"keepalive_timeout": 75 * time.Second, "resolver_timeout": 30 * time.Second,
	"proxy_connect_timeout": 60 * time.Second, "proxy_send_timeout": 60 * time.Second, "proxy_read_timeout": 60 * time.Second, "proxy_next_upstream_timeout": 0,
	"fastcgi_connect_timeout": 60 * time.Second, "fastcgi_send_timeout": 60 * time.Second, "fastcgi_read_timeout": 60 * time.Second, "fastcgi_next_upstream_timeout": 0,
	"uwsgi_connect_timeout": 60 * time.Second, "uwsgi_send_timeout": 60 * time.Second, "uwsgi_read_timeout": 60 * time.Second, "uwsgi_next_upstream_timeout": 0,
	"scgi_connect_timeout": 60 * time.Second, "scgi_send_timeout": 60 * time.Second, "scgi_read_timeout": 60 * time.Second, "scgi_next_upstream_timeout": 0,
	"grpc_connect_timeout": 60 * time.Second, "grpc_send_timeout": 60 * time.Second, "grpc_read_timeout": 60 * time.Second, "grpc_next_upstream_timeout": 0,
}

// nginxOwn are statements that hold for their own level only. Blocks do too.
var nginxOwn = map[string]bool{
	"listen": true, "server_name": true, "return": true, "rewrite": true, "set": true, "break": true, "try_files": true, "include": true,
	"proxy_pass": true, "fastcgi_pass": true, "uwsgi_pass": true, "scgi_pass": true, "grpc_pass": true, "memcached_pass": true,
	"stub_status": true, "empty_gif": true, "js_content": true, "perl": true, "mp4": true, "flv": true, "hls": true, "f4f": true, "api": true,
}

// level reads the statements of a block and what it inherits: a list such as proxy_set_header, allow and deny or
// set_real_ip_from is inherited only by a level that has none of its own.
func (r *nginxReader) level(s *NginxServer, parent *Location, node *conf.Node) *Location {
	l := &Location{Server: s, Parent: parent, Node: node}
	if parent == nil {
		l.RealIP = Value[string]{V: "X-Real-IP", Word: node.Arg(0)}
		l.Timeouts = make(map[string]Value[time.Duration], len(nginxTimeouts))
		for name, d := range nginxTimeouts {
			l.Timeouts[name] = Value[time.Duration]{V: d, Word: node.Arg(0)}
		}
		if node.Name() == "stream" {
			l.Timeouts["proxy_timeout"] = Value[time.Duration]{V: 10 * time.Minute, Word: node.Arg(0)}
		}
	} else {
		l.Access, l.RealIP, l.Trusted, l.Headers, l.Timeouts, l.Other = parent.Access, parent.RealIP, parent.Trusted, parent.Headers, parent.Timeouts, parent.Other
		l.Partial = parent.Partial
	}
	for _, d := range node.Body {
		if d.Unread {
			l.Partial, l.unread = true, true
		}
	}

	var access, trusted, headers, ownTimes, ownOther bool
	times := func(name string, v Value[time.Duration]) {
		if !ownTimes {
			l.Timeouts, ownTimes = maps.Clone(l.Timeouts), true
		}
		l.Timeouts[name] = v
	}
	var passes []*conf.Node
	for _, d := range node.Body {
		name := d.Name()
		switch {
		case d.Unread:
			continue
		case name == "if":
			l.Ifs = append(l.Ifs, d)
			continue
		case name == "limit_except":
			l.Limits = append(l.Limits, d)
			continue
		case d.Block:
			if isHandler(name) {
				l.Handler = d
			}
			continue
		}
		switch name {
		case "allow", "deny":
			if !access {
				l.Access, access = nil, true
			}
			l.Access = append(l.Access, d)
			continue
		case "set_real_ip_from":
			if !trusted {
				l.Trusted, trusted = nil, true
			}
			l.Trusted = append(l.Trusted, nginxSource(d.Arg(1)))
			continue
		case "real_ip_header":
			l.RealIP = Value[string]{V: d.Arg(1).Text, Word: d.Arg(1), State: Written}
			continue
		case "proxy_set_header":
			if !headers {
				l.Headers, headers = map[string]*conf.Node{}, true
			}
			l.Headers[strings.ToLower(d.Arg(1).Text)] = d
			continue
		case "return":
			if l.Return == nil {
				l.Return = d // nothing after the first is reached
			}
			continue
		case "rewrite":
			l.Rewrites = append(l.Rewrites, d)
			continue
		case "try_files":
			l.TryFiles = d
			continue
		case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass":
			passes = append(passes, d)
			continue
		}
		if _, ok := l.Timeouts[name]; ok {
			times(name, nginxValue(d.Arg(1).Text, d.Arg(1), NginxTime))
			continue
		}
		if isHandler(name) {
			l.Handler = d
		}
		if nginxOwn[name] {
			continue
		}
		if !ownOther {
			l.Other, ownOther = maps.Clone(l.Other), true
			if l.Other == nil {
				l.Other = map[string]*conf.Node{}
			}
		}
		l.Other[name] = d
		switch name { // one setting with two names
		case "root":
			delete(l.Other, "alias")
		case "alias":
			delete(l.Other, "root")
		}
	}
	if l.unread {
		for name, v := range l.Timeouts {
			if !v.Written() && v.Known() {
				v.State = Unknown
				times(name, v)
			}
		}
		if !l.RealIP.Written() {
			l.RealIP.State = Unknown
		}
	}
	l.Auth = l.auth()
	if s == nil {
		return l // nothing is passed on from the http block
	}
	for _, d := range passes {
		l.Pass = r.pass(l, d)
	}
	if l.Pass != nil {
		for _, t := range []string{"connect", "send", "read", "next_upstream"} {
			name := l.Pass.Kind + "_" + t + "_timeout"
			if v, ok := l.Timeouts[name]; ok && !v.Written() {
				v.Word = l.Pass.Node.Arg(0)
				times(name, v)
			}
		}
	}
	for _, d := range append(l.Ifs, l.Limits...) {
		r.conditional(l, d.Body)
	}
	return l
}

// conditional notes the passes in an if or limit_except: they lead to a pool, but do not decide for the location.
func (r *nginxReader) conditional(l *Location, body []*conf.Node) {
	for _, d := range body {
		switch d.Name() {
		case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass":
			l.Sometimes = append(l.Sometimes, r.pass(l, d))
		}
		if d.Block {
			r.conditional(l, d.Body)
		}
	}
}

// isHandler reports whether a directive makes something else than files and the known passes answer.
func isHandler(name string) bool {
	switch name {
	case "stub_status", "empty_gif", "js_content", "perl", "mp4", "flv", "hls", "f4f", "api", "memcached_pass", "dav_methods":
		return true
	case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass":
		return false
	}
	return strings.HasSuffix(name, "_pass") || strings.HasPrefix(name, "content_by_lua")
}

// auth is what asks for a password or a subrequest. auth_basic without a file of users asks for nothing.
func (l *Location) auth() *conf.Node {
	if d := l.Other["auth_basic"]; d != nil && d.Arg(1).Text != "off" && (l.Other["auth_basic_user_file"] != nil || l.Partial) {
		return d
	}
	for _, name := range []string{"auth_request", "auth_jwt"} {
		if d := l.Other[name]; d != nil && d.Arg(1).Text != "off" {
			return d
		}
	}
	return nil
}

// All are the statements of a name that apply in the location: those of the innermost level that has one. It serves
// directives that are lists, such as add_header and error_page.
func (l *Location) All(name string) []*conf.Node {
	for ; l != nil; l = l.Parent {
		var all []*conf.Node
		for d := range conf.Named(l.Node.Body, name) {
			all = append(all, d)
		}
		if all != nil {
			return all
		}
		if nginxOwn[name] {
			return nil
		}
	}
	return nil
}

func nginxSource(w conf.Word) NginxSource {
	s := NginxSource{Word: w, All: w.Text == "all"}
	if p, err := netip.ParsePrefix(w.Text); err == nil {
		s.Prefix = p.Masked()
	} else if a, err := netip.ParseAddr(w.Text); err == nil {
		s.Prefix = netip.PrefixFrom(a, a.BitLen())
	}
	return s
}
