package sim

import (
	"strings"

	"stackgen/pkg/fact"
)

// writes reports whether a database takes writes: it is the primary, or a member of a group in which every member may
// become one by itself. Where no file tells a role it may.
func (b *builder) writes(h *fact.Host) bool {
	d := h.Database
	return d == nil || !d.Role.Known() || d.Role.V != "replica" || Group(d)
}

// Group reports whether the server is a member of a group that replaces a lost primary by itself: Galera, or group replication.
func Group(d *fact.Database) bool {
	for _, name := range []string{"group_replication_group_name", "wsrep_cluster_address"} {
		if o := d.Options[name]; o != nil && (!o.Value.Known() || o.Value.V != "") {
			return true
		}
	}
	o := d.Options["wsrep_on"]
	return o != nil && o.Value.V == "ON"
}

// databases asks, for each set of database servers that belong together, whether applications can read and write.
func (b *builder) databases() {
	sets := Databases(b.stack)
	of := map[*fact.Host]int{}
	for n, set := range sets {
		for _, h := range set {
			of[h] = n
		}
	}
	type ways struct{ read, write []way }
	asked := make([]ways, len(sets))
	for _, h := range b.stack.Hosts {
		for _, a := range h.Apps {
			for _, p := range []*fact.Pool{a.Write, a.Read} {
				if p == nil {
					continue
				}
				n, ok := -1, false
				for _, t := range targets(p) {
					if n, ok = of[t]; ok {
						break
					}
				}
				switch {
				case !ok:
				case p.Write:
					asked[n].write = append(asked[n].write, b.pool(p, question{want: Write}))
				default:
					asked[n].read = append(asked[n].read, b.pool(p, question{want: Read}))
				}
			}
		}
	}
	for n, set := range sets {
		var read, write []way
		for _, h := range set {
			up := way{b.process(h, databaseDaemon(h)), yes}
			read = append(read, up)
			if b.writes(h) {
				write = append(write, up)
			}
		}
		r, w := b.any(read...), b.any(write...)
		if len(asked[n].read) > 0 {
			r = b.any(asked[n].read...)
		}
		if len(asked[n].write) > 0 {
			w = b.all(asked[n].write...)
		}
		name := "db"
		if n > 0 {
			name = set[0].Name
			if set[0].Tier != "" && set[0].Tier != "db" {
				name = set[0].Tier
			}
		}
		b.Services = append(b.Services,
			Service{Name: name + "/read", Kind: Read, node: r.node}, Service{Name: name + "/write", Kind: Write, node: w.node})
	}
}

// targets are the databases that a pool leads to, through balancers too.
func targets(p *fact.Pool) []*fact.Host {
	var out []*fact.Host
	for _, s := range p.Servers {
		e := s.To
		if e == nil || e.To == nil {
			continue
		}
		if e.To.Database != nil && e.VIP == nil {
			out = append(out, e.To)
			continue
		}
		if e.Listener == nil {
			continue
		}
		for _, x := range e.Listener.Proxies {
			pools := []*fact.Pool{x.Pool}
			for _, r := range x.Routes {
				pools = append(pools, r.Pool)
			}
			for _, p := range pools {
				if p == nil {
					continue
				}
				for _, s := range p.Servers {
					if s.To != nil && s.To.To != nil && s.To.To.Database != nil {
						out = append(out, s.To.To)
					}
				}
			}
		}
	}
	return out
}

// Databases are the database servers that belong together, since one replicates from the other or an application or a
// balancer takes them for one, each set in the order of their names.
func Databases(s *fact.Stack) [][]*fact.Host {
	parent := map[*fact.Host]*fact.Host{}
	var all []*fact.Host
	for _, h := range s.Hosts {
		if h.Database != nil {
			parent[h] = h
			all = append(all, h)
		}
	}
	root := func(h *fact.Host) *fact.Host {
		for parent[h] != h {
			parent[h] = parent[parent[h]]
			h = parent[h]
		}
		return h
	}
	join := func(list []*fact.Host) {
		for _, h := range list {
			parent[root(h)] = root(list[0])
		}
	}
	byAddr := map[string]*fact.Host{}
	byTier := map[string]*fact.Host{}
	byGroup := map[string]*fact.Host{}
	for _, h := range all {
		for _, a := range h.Addresses {
			byAddr[a.Addr.String()] = h
		}
		if h.Tier != "" {
			if first := byTier[h.Tier]; first != nil {
				join([]*fact.Host{first, h})
			} else {
				byTier[h.Tier] = h
			}
		}
	}
	for _, h := range all {
		if src := h.Database.Source; src != nil && src.Addr.IsValid() {
			if from := byAddr[src.Addr.Unmap().String()]; from != nil {
				join([]*fact.Host{h, from})
			}
		}
		if Group(h.Database) {
			name := groupOf(h.Database)
			if first := byGroup[name]; first != nil {
				join([]*fact.Host{first, h})
			} else {
				byGroup[name] = h
			}
		}
	}
	for _, h := range s.Hosts {
		for _, a := range h.Apps {
			var both []*fact.Host
			for _, p := range []*fact.Pool{a.Write, a.Read} {
				if p != nil {
					both = append(both, targets(p)...)
				}
			}
			if len(both) > 1 {
				join(both)
			}
		}
		if h.HAProxy == nil {
			continue
		}
		for _, x := range h.HAProxy.Proxies {
			if x.Pool == nil {
				continue
			}
			if list := targets(x.Pool); len(list) > 1 {
				join(list)
			}
		}
	}
	adoptReplicas(all, join)
	at := map[*fact.Host]int{}
	var sets [][]*fact.Host
	for _, h := range all {
		r := root(h)
		n, ok := at[r]
		if !ok {
			n = len(sets)
			at[r] = n
			sets = append(sets, nil)
		}
		sets[n] = append(sets[n], h)
	}
	return sets
}

// adoptReplicas gives replicas of which no file tells the source to the primary, if there is only one.
func adoptReplicas(all []*fact.Host, join func([]*fact.Host)) {
	var primary *fact.Host
	var lost []*fact.Host
	for _, h := range all {
		switch d := h.Database; {
		case !d.Role.Known():
		case d.Role.V == "primary" && primary != nil:
			return
		case d.Role.V == "primary":
			primary = h
		case d.Source == nil:
			lost = append(lost, h)
		}
	}
	if primary != nil {
		join(append([]*fact.Host{primary}, lost...))
	}
}

func groupOf(d *fact.Database) string {
	for _, name := range []string{"group_replication_group_name", "wsrep_cluster_name"} {
		if o := d.Options[name]; o != nil {
			return strings.ToLower(o.Value.V)
		}
	}
	return ""
}
