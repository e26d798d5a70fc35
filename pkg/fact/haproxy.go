package fact

import (
	"maps"
	"slices"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// readHAProxy reads one haproxy.cfg. The listeners of its binds are added to those of the host.
func readHAProxy(h *Host, t *conf.Tree) *HAProxy {
	r := &haproxyReader{
		HAProxy: &HAProxy{Host: h, Tree: t},
		named:   map[string]*haproxySection{},
		used:    map[string]bool{},
	}
	r.LocalPeer = Value[string]{V: h.Name}
	for _, n := range t.Body {
		switch n.Name() {
		case "global":
			r.global(n)
		case "defaults":
			r.defaults(n)
		case "frontend", "backend", "listen":
			r.proxy(n)
		case "peers":
			r.peers(n)
		}
	}
	r.link()
	return r.HAProxy
}

type haproxyReader struct {
	*HAProxy
	env    map[string]haproxyVar
	named  map[string]*haproxySection // defaults sections
	last   *haproxySection            // the defaults section read last, named or not
	verify Value[string]              // ssl-server-verify
	used   map[string]bool            // backends that something else than a route leads to
	all    bool                       // … or may lead to any
	slab   []haproxyBoth
}

// haproxySection is what the statements of a section say so far. A copy of it is what a proxy inherits.
type haproxySection struct {
	Proxy
	route  *Route // default_backend
	server Server // what default-server says
	lines  []*conf.Node
	check  haproxyCheck
}

func (r *haproxyReader) global(n *conf.Node) {
	if r.Global == nil {
		r.Global = n
	}
	for _, s := range n.Body {
		switch s.Name() {
		case "localpeer":
			assign(&r.LocalPeer, r.text(s, 1))
		case "maxconn":
			assign(&r.MaxConn, r.number(s, 1))
		case "ssl-server-verify":
			assign(&r.verify, r.text(s, 1))
		case "setenv", "presetenv", "unsetenv", "resetenv":
			r.setEnv(s)
		case "log":
			r.logTo(s)
		}
	}
	if !r.LocalPeer.Word.Pos.IsValid() {
		r.LocalPeer.Word = n.Arg(0)
	}
	if !r.MaxConn.Word.Pos.IsValid() {
		r.MaxConn.Word = n.Arg(0)
	}
}

func (r *haproxyReader) defaults(n *conf.Node) {
	s := r.section(n)
	for _, st := range n.Body {
		r.statement(s, st)
	}
	r.last = s
	if name := n.Arg(1).Text; name != "" && name != "from" {
		r.named[name] = s
	}
}

// section returns what a section starts with: what it inherits, or HAProxy's defaults.
func (r *haproxyReader) section(n *conf.Node) *haproxySection {
	from := r.last
	if n.Name() == "defaults" {
		from = nil // starts anew
	}
	for i := 1; i+1 < len(n.Words); i++ {
		if n.Words[i].Text == "from" {
			from = r.named[n.Words[i+1].Text]
		}
	}
	s := new(haproxySection)
	if from != nil {
		*s = *from
		s.Defaults = from.Node
		s.Timeouts, s.Options = maps.Clone(from.Timeouts), maps.Clone(from.Options)
		s.Stick, s.Rules, s.lines = slices.Clip(from.Stick), slices.Clip(from.Rules), slices.Clip(from.lines)
		s.check = from.check.inherit()
	} else {
		w := n.Arg(0)
		s.Mode = Value[string]{V: "tcp", Word: w}
		s.Retries = Value[int]{V: 3, Word: w}
		s.Balance = Value[string]{V: "roundrobin", Word: w}
		s.Hash = Value[string]{V: "map-based", Word: w}
		s.MaxConn.Word, s.Monitor.Word, s.Disabled.Word = w, w, w
		s.Timeouts, s.Options = map[string]Value[time.Duration]{}, map[string]Value[bool]{}
		s.server = haproxyServer()
	}
	s.HAProxy, s.Kind, s.Node = r.HAProxy, n.Name(), n
	return s
}

func (r *haproxyReader) proxy(n *conf.Node) {
	s := r.section(n)
	s.Name = n.Arg(1)
	p := &s.Proxy
	if p.Kind != "frontend" {
		p.Pool = &Pool{Host: r.Host, Layer: LayerHAProxy, Name: s.Name, Node: n, Proxy: p, Partial: n.Cond != nil}
	}
	if p.Kind != "backend" && len(n.Words) > 2 && n.Words[2].Text != "from" {
		r.bind(p, n, 2)
	}
	for _, st := range n.Body {
		r.statement(s, st)
	}
	if s.route != nil && p.Kind != "backend" {
		p.Routes = append(p.Routes, s.route)
	}
	if p.Pool != nil {
		p.Check = r.finishCheck(s)
		p.Pool.Check, p.Pool.Balance = p.Check, p.Balance
	}
	r.Proxies = append(r.Proxies, p)
	if p.Disabled.V && p.Disabled.Known() {
		p.Binds = nil // HAProxy opens none of its sockets
	}
	for _, b := range p.Binds {
		r.Host.Listeners = append(r.Host.Listeners, b.Listener)
	}
}

// link finds the pools that routes name, and those that requests can reach.
func (r *haproxyReader) link() {
	pools := make(map[string]*Pool, len(r.Proxies))
	for _, p := range r.Proxies {
		if p.Pool != nil && pools[p.Name.Text] == nil {
			pools[p.Name.Text] = p.Pool
		}
	}
	for _, p := range r.Proxies {
		reached := len(p.Binds) > 0
		if p.Pool != nil && (reached || r.all || r.used[p.Name.Text]) {
			p.Pool.Used = true
		}
		for _, route := range p.Routes {
			if strings.Contains(route.Backend.V, "%") && reached {
				r.useLike(route.Backend.V)
				continue
			}
			pool := pools[route.Backend.V]
			if pool != nil && reached {
				pool.Used = true
			}
			if route.Backend.Known() {
				route.Pool = pool
			}
		}
	}
}

// useLike marks the backends that a name made at run time, such as "be_%[path,map(x.map)]", may turn out to be.
func (r *haproxyReader) useLike(name string) {
	prefix, rest, _ := strings.Cut(name, "%")
	suffix := ""
	if i := strings.LastIndexByte(rest, ']'); i >= 0 {
		suffix = rest[i+1:]
	}
	if strings.Contains(suffix, "%") {
		suffix = ""
	}
	for _, p := range r.Proxies {
		if p.Pool != nil && strings.HasPrefix(p.Name.Text, prefix) && strings.HasSuffix(p.Name.Text, suffix) {
			p.Pool.Used = true
		}
	}
}

// peers reads a peers section. A peer without an address of its own listens where the section's bind says.
func (r *haproxyReader) peers(n *conf.Node) {
	ps := &Peers{Name: n.Arg(1), Node: n}
	var bind *Bind
	for _, s := range n.Body {
		switch s.Name() {
		case "bind":
			p := &Proxy{HAProxy: r.HAProxy, Kind: "peers", Name: ps.Name, Node: n}
			r.bind(p, s, 1)
			for _, b := range p.Binds {
				b.Listener.Proxies = nil // leads to no pool
				r.Host.Listeners = append(r.Host.Listeners, b.Listener)
				bind = b
			}
		case "peer", "server":
			p := &Peer{Name: s.Arg(1), Word: s.Arg(2)}
			if len(s.Words) > 2 {
				a, _ := r.address(s, p.Word)
				p.Addr, p.Port = a.addr, a.port
			}
			ps.List = append(ps.List, p)
		}
	}
	for _, p := range ps.List {
		if p.Name.Text != r.LocalPeer.V || !r.LocalPeer.Known() {
			continue
		}
		if bind == nil && p.Port > 0 {
			r.Host.Listeners = append(r.Host.Listeners, &Listener{Host: r.Host, Layer: LayerHAProxy, Addr: p.Addr, V4: p.Addr.Is4(),
				V6: p.Addr.Is6(), Port: p.Port, To: p.Port, Word: p.Word, Known: p.Addr.IsValid()})
		}
		if bind != nil && p.Port == 0 {
			p.Addr, p.Port, p.Word = bind.Addr, bind.Port, bind.Word
		}
	}
	r.Peers = append(r.Peers, ps)
}
