package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlAppRules = []*Rule{appReplica, appReadPool, appPast}

var appReplica = &Rule{ID: "mysql-app-replica", Severity: diag.Error, Run: func(p *Pass) {
	for _, h := range p.Hosts {
		for _, a := range h.Apps {
			ways := waysOf(a.Write)
			primary := slices.ContainsFunc(ways, func(w way) bool { return !isReplica(w.to) })
			for _, w := range ways {
				if !isReplica(w.to) || w.server.Pool.Partial {
					continue
				}
				consequence := "every write fails"
				if off(readOnly(w.to)) {
					consequence = "what it writes is on no other server"
				}
				f := p.Report(w.server.Address, "the application writes to %s, a replica: %s", w.to.Host.Name, consequence).On(h, w.to.Host).In(w.server.Node).
					Related(roleAt(w.to), "this makes %s a replica", w.to.Host.Name).Help("name the primary, or the address that leads to it").Same(a.Name + w.to.Host.Name)
				if primary || !saysWrite(p.Stack, a) {
					f.Weigh(diag.Warning) // one of several; or an application that may only read
				}
			}
		}
	}
}}

// appReadPool is an application that writes where the balancers spread reads.
var appReadPool = &Rule{ID: "mysql-app-read-pool", Severity: diag.Error, Run: func(p *Pass) {
	if len(databases(p.Stack)) == 0 {
		return
	}
	for _, h := range p.Hosts {
		for _, a := range h.Apps {
			if a.Write == nil || a.Write.Partial {
				continue
			}
			for _, server := range a.Write.Servers {
				to := readProxy(server)
				if to == nil {
					continue
				}
				f := p.Report(server.Address, "the application writes through %q, which leads to read-only servers: every write fails", to.Name.Text).On(h).In(server.Node).
					Related(to.Name, "it is for reads").Help("name the port or address of the pool that takes writes").Same(a.Name)
				if !saysWrite(p.Stack, a) {
					f.Weigh(diag.Warning)
				}
			}
		}
	}
}}

// saysWrite reports whether an application is known to write: it names another place to read from, its variable says so, or the
// same application on another host asks the primary.
func saysWrite(s *fact.Stack, a *fact.App) bool {
	if a.Read != nil || strings.Contains(strings.ToUpper(a.Write.Name.Text), "WRITE") {
		return true
	}
	return slices.ContainsFunc(s.Hosts, func(h *fact.Host) bool {
		return slices.ContainsFunc(h.Apps, func(o *fact.App) bool {
			return o.Name == a.Name && slices.ContainsFunc(waysOf(o.Write), func(w way) bool { return isPrimary(w.to) })
		})
	})
}

// readProxy is the section of HAProxy that a server of an application's list leads to, where its name says that it is for reads.
func readProxy(server *fact.Server) *fact.Proxy {
	if server.To == nil || server.To.Listener == nil {
		return nil
	}
	for _, proxy := range server.To.Listener.Proxies {
		if !readName.MatchString(proxy.Name.Text) {
			continue
		}
		if slices.ContainsFunc(behind(server), func(pool *fact.Pool) bool { return len(waysOf(pool)) > 0 }) {
			return proxy
		}
	}
	return nil
}

// appPast is an application that writes to a server directly, although a balancer knows which one takes writes.
var appPast = &Rule{ID: "mysql-app-past-balancer", Severity: diag.Warning, Run: func(p *Pass) {
	var pools []*databasePool
	for _, pool := range databasePools(p.Stack) {
		if pool.write && pool.asks() {
			pools = append(pools, pool)
		}
	}
	if len(pools) == 0 {
		return
	}
	for _, h := range p.Hosts {
		for _, a := range h.Apps {
			for _, w := range waysOf(a.Write) {
				i := slices.IndexFunc(pools, func(pool *databasePool) bool {
					return slices.ContainsFunc(pool.ways, func(v way) bool { return v.to == w.to })
				})
				if i < 0 || isReplica(w.to) {
					continue
				}
				p.Report(w.server.Address, "the application writes to %s itself: when another server is promoted, it does not follow", w.to.Host.Name).On(h).In(w.server.Node).
					Related(pools[i].pool.Name, "this pool leads to whichever server is writable").Help("name the balancers' address").Same(a.Name + w.to.Host.Name)
			}
		}
	}
}}
