package lint

import (
	"slices"

	"stackgen/pkg/diag"
)

var mysqlAppRules = []*Rule{appReplica, appPast}

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
				if primary {
					f.Weigh(diag.Warning) // one of several
				}
			}
		}
	}
}}

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
