package sim

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/fact"
)

// New makes a stack ready for questions.
func New(stack *fact.Stack) *Model {
	b := &builder{
		Model:   &Model{graph: newGraph(), ids: map[string]ID{}, at: map[node][]int{}},
		stack:   stack,
		hosts:   map[*fact.Host]node{},
		answers: map[any]way{},
		asked:   map[*fact.Listener]bool{},
		noted:   map[Unknown]bool{},
	}
	for _, h := range stack.Hosts {
		b.host(h)
		if h.Source == nil {
			b.unknown(h, h.Name, "no file of it is there")
		}
	}
	for _, e := range stack.Edges {
		if e.Listener != nil {
			b.asked[e.Listener] = true
		}
	}
	b.sites()
	b.databases()
	slices.SortStableFunc(b.Unknown, func(x, y Unknown) int {
		return cmp.Or(strings.Compare(x.Host.Name, y.Host.Name), strings.Compare(x.At, y.At), strings.Compare(x.Why, y.Why))
	})
	for i, s := range b.Services {
		b.at[s.node] = append(b.at[s.node], i)
	}
	return b.Model
}

// builder makes the conditions of a stack's services.
type builder struct {
	*Model
	stack   *fact.Stack
	hosts   map[*fact.Host]node
	answers map[any]way // what was asked before
	asked   map[*fact.Listener]bool
	noted   map[Unknown]bool
	fronts  []*fact.Listener // see public
}

// way is the condition under which something answers, and whether it answers such questions at all.
type way struct {
	node node
	does does
}

// does says whether a listener answers what is asked for.
type does int

const (
	no    does = iota
	maybe      // no file tells
	yes
)

// question is what a client wants to have.
type question struct {
	want Want
	site *site
}

// all is the way through every one of the ways that there are: each carries a part of what is asked for.
func (b *builder) all(ways ...way) way { return join(ways, b.graph.all) }

// parts is all the ways of a question. That there may be files behind one as well is no part of the files.
func (b *builder) parts(q question, ways []way) way {
	if q.want == Static && slices.ContainsFunc(ways, func(w way) bool { return w.does == yes }) {
		ways = slices.DeleteFunc(ways, func(w way) bool { return w.does == maybe })
	}
	return b.all(ways...)
}

// any is the way through whichever answers.
func (b *builder) any(ways ...way) way { return join(ways, b.graph.any) }

func join(ways []way, how func(...node) node) way {
	var nodes []node
	out := way{never, no}
	for _, w := range ways {
		if w.does != no {
			nodes = append(nodes, w.node)
			out.does = max(out.does, w.does)
		}
	}
	if out.does != no {
		out.node = how(nodes...)
	}
	return out
}

// behind adds a condition to a way.
func (b *builder) behind(n node, w way) way {
	if w.does != no {
		w.node = b.graph.all(n, w.node)
	}
	return w
}

func (b *builder) component(c Component) node {
	name := c.String()
	id, ok := b.ids[name]
	if !ok {
		id = ID(len(b.Components))
		b.Components = append(b.Components, c)
		b.ids[name] = id
	}
	return b.graph.leaf(id)
}

// host is up while its machine and its zone are.
func (b *builder) host(h *fact.Host) node {
	n, ok := b.hosts[h]
	if !ok {
		n = b.component(Component{Kind: Host, Name: h.Name, Host: h})
		if h.RunsOn != "" {
			n = b.graph.all(n, b.component(Component{Kind: Machine, Name: h.RunsOn}))
		}
		if h.Zone != "" {
			n = b.graph.all(n, b.component(Component{Kind: Zone, Name: h.Zone}))
		}
		b.hosts[h] = n
	}
	return n
}

func (b *builder) process(h *fact.Host, daemon string) node {
	return b.graph.all(b.host(h), b.component(Component{Kind: Process, Name: daemon, Host: h}))
}

func (b *builder) unknown(h *fact.Host, at, why string) {
	u := Unknown{h, at, why}
	if !b.noted[u] {
		b.noted[u] = true
		b.Unknown = append(b.Unknown, u)
	}
}

// once answers a question about a thing that leads on; what leads back to itself adds nothing.
func (b *builder) once(key any, find func() way) way {
	if w, ok := b.answers[key]; ok {
		return w
	}
	b.answers[key] = way{never, no}
	w := find()
	b.answers[key] = w
	return w
}

// Daemon is the process that has the listener, as its component is called.
func Daemon(l *fact.Listener) string {
	switch l.Layer {
	case fact.LayerApp:
		for _, a := range l.Host.Apps {
			if slices.Contains(a.Listen, l) {
				return a.Name
			}
		}
		return "app"
	case fact.LayerDatabase:
		return databaseDaemon(l.Host)
	}
	return string(l.Layer)
}

func databaseDaemon(h *fact.Host) string {
	if h.Database != nil && h.Database.Flavour.V == "mariadb" {
		return "mariadbd"
	}
	return "mysqld"
}

// listener is the way through what listens.
func (b *builder) listener(l *fact.Listener, q question) way {
	type key struct {
		l *fact.Listener
		q question
	}
	return b.once(key{l, q}, func() way {
		up := b.process(l.Host, Daemon(l))
		switch l.Layer {
		case fact.LayerHAProxy:
			if len(l.Proxies) == 0 {
				return way{}
			}
			return b.behind(up, b.proxy(l.Proxies[0], q))
		case fact.LayerNginx:
			return b.behind(up, b.nginx(l, q))
		case fact.LayerApp:
			if q.want == Dynamic {
				return way{up, yes}
			}
		case fact.LayerDatabase:
			if q.want == Read || q.want == Write && b.writes(l.Host) {
				return way{up, yes}
			}
		}
		return way{}
	})
}

// server is the way through one server of a pool.
func (b *builder) server(s *fact.Server, q question) way {
	switch e := s.To; {
	case e != nil && e.VIP != nil:
		return b.vip(e.VIP.Prefix.Addr().Unmap(), s.Port, q)
	case e != nil && e.Listener != nil:
		return b.listener(e.Listener, q)
	case e != nil && e.To != nil:
		if s.Unix == "" {
			b.unknown(s.Pool.Host, s.Address.Text, "no file of "+e.To.Name+" says that anything listens there")
		}
		if q.want == Write && e.To.Database != nil && !b.writes(e.To) {
			return way{}
		}
		return way{b.host(e.To), maybe}
	case s.Addr.IsValid():
		b.unknown(s.Pool.Host, s.Address.Text, "no host of the stack has the address")
		return way{b.component(Component{Kind: Outside, Name: s.Addr.Unmap().String()}), maybe}
	}
	b.unknown(s.Pool.Host, s.Address.Text, "the address is not known")
	if s.Address.Text == "" || strings.ContainsAny(s.Address.Text, "$%{") {
		return way{always, maybe}
	}
	name := s.Address.Text
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		name = name[:i]
	}
	return way{b.component(Component{Kind: Outside, Name: name}), maybe}
}

// pool is the way through whichever of its servers takes requests. Backups do when all others are down, which HAProxy
// finds out of a server with a check alone.
func (b *builder) pool(p *fact.Pool, q question) way {
	type key struct {
		p *fact.Pool
		q question
	}
	return b.once(key{p, q}, func() way {
		var active, backup []way
		blind := false
		for _, s := range p.Servers {
			if Out(s) {
				continue
			}
			w := b.server(s, q)
			if s.Backup.Known() && s.Backup.V {
				backup = append(backup, w)
				continue
			}
			active = append(active, w)
			blind = blind || p.Layer == fact.LayerHAProxy && s.Checked.Known() && !s.Checked.V
		}
		if p.Partial {
			b.unknown(p.Host, p.Name.Text, "servers may be missing")
			active = append(active, way{always, maybe})
		}
		if len(active) > 0 && blind {
			backup = nil
		}
		w := b.any(append(active, backup...)...)
		if q.want == Dynamic && len(p.Servers) > 0 && len(active)+len(backup) == 0 {
			return way{never, yes} // none of them takes requests
		}
		return w
	})
}

// Out reports whether a server never takes a new request: it is down, or has weight 0.
func Out(s *fact.Server) bool {
	return s.Down.Known() && s.Down.V || s.Weight.Written() && s.Weight.V == 0
}

// sites finds the sites and asks for what each serves.
func (b *builder) sites() {
	found := b.entries()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		for _, want := range []Want{Static, Dynamic} {
			w := found[name](want)
			if w.does == no || want == Static && w.does == maybe {
				continue
			}
			b.Services = append(b.Services, Service{Name: name + "/" + want.String(), Site: name, Kind: want, node: w.node})
		}
	}
}

// holders are the instances that hold a virtual address, one of each host.
func (b *builder) holders(addr netip.Addr) []*fact.VRRPInstance {
	var out []*fact.VRRPInstance
	for _, c := range b.stack.Clusters {
		if !slices.Contains(c.VIPs, addr) {
			continue
		}
		for _, m := range c.Members {
			for _, i := range m.Instances {
				if slices.ContainsFunc(i.VIPs, func(v *fact.VRRPAddress) bool { return v.Prefix.Addr().Unmap() == addr }) {
					out = append(out, i)
					break
				}
			}
		}
	}
	return out
}
