package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkListenRules = []*Rule{linkNoListener, linkUnknownHost, linkUnusedHost, linkListenForeign}

var linkNoListener = &Rule{
	ID:       "link-no-listener",
	Severity: diag.Error,
	Run: func(p *Pass) {
		reached := map[*fact.Listener]bool{}
		for _, e := range p.Edges {
			if e.Listener != nil {
				reached[e.Listener] = true
			}
		}
		whole := map[*fact.Host]bool{}
		met := metBy{}
		replicated := dialled(p)
		for e := range links(p.Stack) {
			s := e.Server
			if e.Listener != nil || e.To == nil || s.Unix != "" || s.Port == 0 {
				continue
			}
			known, ok := whole[e.To]
			if !ok {
				known = wholeHost(e.To)
				whole[e.To] = known
			}
			switch {
			case !known:
			case e.VIP != nil:
				p.noListenerVIP(e)
			case shut(e.To.Database) && replicated[e.To.Database] != "":
				// Said of the database itself: its replicas do not reach it either.
			default:
				p.noListener(e, reached, met)
			}
		}
	},
}

// shut reports whether a database takes no connections from other hosts.
func shut(d *fact.Database) bool { return d != nil && (d.Listen == nil || d.Listen.Addr.IsLoopback()) }

// metBy are two hosts that servers of a pool reach a listener on, if there are two.
type metBy map[*fact.Pool][]*fact.Host

// elsewhere reports whether a server of the pool reaches a listener on another host.
func (m metBy) elsewhere(pool *fact.Pool, than *fact.Host) bool {
	hosts, ok := m[pool]
	if !ok {
		for _, s := range pool.Servers {
			if s.To != nil && s.To.Listener != nil && !slices.Contains(hosts, s.To.To) {
				if hosts = append(hosts, s.To.To); len(hosts) == 2 {
					break
				}
			}
		}
		m[pool] = hosts
	}
	return slices.ContainsFunc(hosts, func(h *fact.Host) bool { return h != than })
}

// sql is found in the name of a pool of databases.
var sql = regexp.MustCompile(`(?i)sql|maria|db`)

// wanted are the layers that a server line may mean to reach; nil: any.
func wanted(s *fact.Server) []fact.Layer {
	switch {
	case s.Pool.Layer == fact.LayerDatabase:
		return []fact.Layer{fact.LayerDatabase, fact.LayerHAProxy}
	case s.Pool.Layer == fact.LayerNginx:
		switch s.Proto.V {
		case "http", "https", "grpc":
			return []fact.Layer{fact.LayerApp, fact.LayerNginx, fact.LayerHAProxy}
		case "fastcgi", "uwsgi", "scgi":
			return []fact.Layer{fact.LayerApp}
		}
		return nil
	case s.Pool.Proxy == nil || !s.Pool.Proxy.Mode.Known():
		return nil
	case s.Pool.Proxy.Mode.V == "http":
		return []fact.Layer{fact.LayerNginx, fact.LayerApp, fact.LayerHAProxy}
	case s.Port == 3306, s.Pool.Check != nil && s.Pool.Check.Kind == "mysql", s.To != nil && s.To.To != nil && s.To.To.Database != nil && sql.MatchString(s.Pool.Name.Text):
		return []fact.Layer{fact.LayerDatabase}
	}
	return nil
}

func (p *Pass) noListener(e *fact.Edge, reached map[*fact.Listener]bool, met metBy) {
	s, to := e.Server, e.To
	key := fmt.Sprintf("%s %d %s", to.Name, s.Port, s.Pool.Layer)
	for _, l := range to.Listeners {
		if l.Unix != "" || s.Port < l.Port || s.Port > l.To {
			continue
		}
		why := "listens on " + listenText(l) + " alone"
		at, node := s.Address, s.Node
		switch {
		case l.Addr.IsLoopback():
			why = fmt.Sprintf("listens on %s alone, which no other host can reach", listenText(l))
			at, node = l.Word, nil
		case !l.Addr.IsValid() && l.V6 && !l.V4:
			why = fmt.Sprintf("listens on %s, which takes no IPv4", listenText(l))
			at, node = l.Word, nil
		}
		if e.To == e.From {
			at, node = s.Address, s.Node
			why = "listens on " + listenText(l) + " alone"
		}
		f := p.Report(at, "%s of %s %s: %s", daemonOf(l.Layer), to.Name, why, consequence(s, "connections to "+s.Address.Text+" are refused")).Same(key)
		if node == nil {
			f.On(to, e.From).Related(s.Address, "%s connects to %s", e.From.Name, s.Address.Text).Help("listen on an address that %s reaches", e.From.Name)
			return
		}
		f.On(e.From).In(node).Related(l.Word, "it listens here").Help("write the address that %s listens on", to.Name)
		return
	}

	layers := wanted(s)
	sibling := met.elsewhere(s.Pool, to)
	has, served := false, false
	var near *fact.Listener
	for _, l := range to.Listeners {
		if l.Unix != "" || e.From == to && l.Layer == s.Pool.Layer || layers != nil && !slices.Contains(layers, l.Layer) {
			continue
		}
		has, served = true, served || reached[l]
		if near == nil || near.Addr.IsLoopback() {
			near = l
		}
	}
	if d := to.Database; d != nil {
		if extraPort(d, s.Port) {
			return
		}
		has = has || layers != nil && slices.Contains(layers, fact.LayerDatabase)
	}
	if slices.Contains(layers, fact.LayerApp) && slices.ContainsFunc(to.Apps, func(a *fact.App) bool { return len(a.Listen) == 0 }) {
		return // it may listen there
	}
	switch {
	case layers == nil && !(has && sibling):
		return // something that no file of ours is about
	case has && (p.Complete || sibling || !served):
	case p.Complete && sibling:
	default:
		return
	}
	f := p.Report(s.Address, "nothing on %s listens at port %d: %s", to.Name, s.Port, consequence(s, "each request that is sent there fails")).On(e.From, to).In(s.Node).Same(key)
	if served && !sibling && s.Pool.Layer == fact.LayerHAProxy && len(s.Pool.Servers) == 1 {
		f.Weigh(diag.Warning) // a daemon that no file is about may be meant
	}
	if d := to.Database; d != nil && d.Listen == nil && slices.Contains(layers, fact.LayerDatabase) {
		if o := d.Options["skip_networking"]; o != nil {
			f.Related(o.Word, "%s takes no connections from other hosts", to.Name).Help("remove skip_networking on %s", to.Name)
			return
		}
	}
	if near != nil {
		f.Related(near.Word, "%s of %s listens on %s", daemonOf(near.Layer), to.Name, listenText(near)).Help("write port %d, or listen on %d there", near.Port, s.Port)
	} else {
		f.Help("name a host where %s runs, or remove the server", daemonOf(layers[0]))
	}
}

// extraPort reports whether a database may listen on a port beside its own: the X protocol, administration, group
// replication, and Galera.
func extraPort(d *fact.Database, port int) bool {
	switch port {
	case 33060, 33061, 33062, 4444, 4567, 4568, 9200:
		return true
	}
	for _, name := range []string{"mysqlx_port", "admin_port", "extra_port"} {
		if o := d.Options[name]; o != nil && (!o.Value.Known() || o.Value.V == fmt.Sprint(port)) {
			return true
		}
	}
	return false
}

// consequence is what becomes of a server that cannot be used.
func consequence(s *fact.Server, unchecked string) string {
	if s.Checked.Known() && s.Checked.V {
		return fmt.Sprintf("HAProxy never sends a request to %s", s.Name.Text)
	}
	return unchecked
}

// noListenerVIP is about a virtual address: those that hold it must all be known, and something of them listen at another port
// of it; else the address itself is not served, which is said of keepalived.
func (p *Pass) noListenerVIP(e *fact.Edge) {
	s := e.Server
	var near *fact.Listener
	for _, h := range p.Hosts {
		if holds(h, s.Addr) == nil {
			continue
		}
		if !wholeHost(h) || len(h.Keepalived.Virtual) > 0 {
			return
		}
		for _, l := range h.Listeners {
			if l.Unix != "" || !l.Covers(s.Addr, l.Port) {
				continue
			}
			if near == nil || !near.Addr.IsValid() && l.Addr.IsValid() {
				near = l
			}
		}
	}
	if near == nil {
		return
	}
	p.Report(s.Address, "nothing listens at port %d of the virtual address %s: %s", s.Port, s.Addr, consequence(s, "each connection is refused")).On(e.From).In(s.Node).
		Related(near.Word, "%s listens on %s", near.Host.Name, listenText(near)).Help("write port %d, or bind %s", near.Port, netip.AddrPortFrom(s.Addr, uint16(s.Port))).
		Same(fmt.Sprintf("%s %d", s.Addr, s.Port))
}

// An address that no host has is stale or mistyped where the hosts' addresses are known and it lies among them. A service
// outside of the stack is none of our business.
var linkUnknownHost = &Rule{
	ID:       "link-unknown-host",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		type members struct {
			known int // lead to hosts of the stack
			one   *fact.Server
		}
		pools := map[*fact.Pool]members{}
		networks := map[netip.Prefix]*fact.Host{}
		for _, h := range p.Hosts {
			if len(h.Addresses) == 0 {
				return // it may be the one
			}
			for _, a := range h.Addresses {
				networks[networkOf(a.Addr)] = h
			}
		}
		for e := range links(p.Stack) {
			s := e.Server
			a := s.Addr.Unmap()
			if e.To != nil || e.VIP != nil || s.Unix != "" || !a.IsValid() || a.IsLoopback() || a.IsUnspecified() {
				continue
			}
			if p.Manifest != nil && manifestVIP(p.Manifest, a) {
				continue
			}
			of, ok := pools[s.Pool]
			if !ok {
				for _, o := range s.Pool.Servers {
					if o.To != nil && o.To.To != nil {
						of.known++
						of.one = cmp.Or(of.one, o)
					}
				}
				pools[s.Pool] = of
			}
			among := networks[networkOf(a)] != nil
			switch {
			case !among, !p.Complete && (of.known < 2 || of.known < len(s.Pool.Servers)-1):
				continue
			}
			f := p.Report(s.Address, "no host of the stack has %s: %s", a, consequence(s, "what is sent there is lost")).On(e.From).In(s.Node).
				Help("write the address of a host, or remove the server").Same(a.String())
			if p.Complete {
				f.Weigh(diag.Error)
			}
			if of.one != nil {
				f.Related(of.one.Address, "this is %s", of.one.To.To.Name)
			}
		}
	},
}

func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

func manifestVIP(m *conf.Manifest, a netip.Addr) bool {
	for _, v := range m.VIPs {
		for _, text := range v.Addresses {
			if vip, err := netip.ParsePrefix(text); err == nil && vip.Addr().Unmap() == a {
				return true
			}
		}
	}
	return false
}

// Databases are left out: a replica that only waits for its primary's death takes no requests.
var linkUnusedHost = &Rule{
	ID:       "link-unused-host",
	Severity: diag.Warning,
	Absence:  true,
	Run: func(p *Pass) {
		reached := map[*fact.Host]bool{}
		pools := map[fact.Layer]*fact.Server{} // of a pool that leads to hosts of the layer
		for _, e := range p.Edges {
			if e.To != nil && (e.To != e.From || e.Listener != nil) {
				reached[e.To] = true
			}
			if e.Listener != nil && e.To != e.From && pools[e.Listener.Layer] == nil && takesRequests(e.Server) {
				pools[e.Listener.Layer] = e.Server
			}
		}
		unknown, asked := false, false
		for _, h := range p.Hosts {
			layer := map[string]fact.Layer{"web": fact.LayerNginx, "app": fact.LayerApp}[h.Role]
			s := pools[layer]
			if s == nil || reached[h] || h.Partial || len(h.Addresses) == 0 && !p.Complete {
				continue
			}
			i := slices.IndexFunc(h.Listeners, func(l *fact.Listener) bool { return l.Layer == layer && l.Unix == "" && !l.Addr.IsLoopback() })
			if i < 0 {
				continue
			}
			if !asked {
				unknown, asked = unknownServers(p.Stack), true
			}
			if unknown {
				return
			}
			p.Report(h.Listeners[i].Word, "nothing sends requests to %s: it stands idle, and what it was bought for is missing", h.Name).On(h).
				Related(s.Pool.Name, "the others of its kind are here").Help("add a server line for %s, or take the host out of service", h.Name)
		}
	},
}
