package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Rules about balancers in front of databases.
var mysqlPoolRules = []*Rule{poolReplica, poolBackup, poolReadCheck, checkUser, checkTLS, poolProxy, poolTimeout, poolSessions, poolMaxConn}

// databasePool is a pool of HAProxy with databases.
type databasePool struct {
	pool        *fact.Pool
	write, read bool // applications, or its name, say so
	ways        []way
}

// way is a server line that leads to a database.
type way struct {
	server *fact.Server
	to     *fact.Database
}

// waysOf are the servers of a pool that are databases of the stack.
func waysOf(p *fact.Pool) []way {
	if p == nil {
		return nil
	}
	var list []way
	for _, s := range p.Servers {
		if s.To == nil || s.To.To == nil || s.To.VIP != nil || s.To.To.Database == nil {
			continue
		}
		if l := s.To.Listener; l == nil || l.Layer == fact.LayerDatabase {
			list = append(list, way{s, s.To.To.Database})
		}
	}
	return list
}

// behind are the pools that a server of an application's list leads to through HAProxy.
func behind(s *fact.Server) []*fact.Pool {
	if s.To == nil || s.To.Listener == nil {
		return nil
	}
	var pools []*fact.Pool
	for _, p := range s.To.Listener.Proxies {
		if p.Pool != nil {
			pools = append(pools, p.Pool)
		}
		for _, r := range p.Routes {
			if r.Pool != nil {
				pools = append(pools, r.Pool)
			}
		}
	}
	return pools
}

var (
	writeName = regexp.MustCompile(`(?i)(?:^|[-_.])(?:write|writes|writer|master|primary|rw)(?:$|[-_.])`)
	readName  = regexp.MustCompile(`(?i)(?:^|[-_.])(?:read|reads|reader|readonly|slaves?|replicas?|ro)(?:$|[-_.])`)
)

func databasePools(s *fact.Stack) []*databasePool {
	if len(databases(s)) == 0 {
		return nil
	}
	writes, reads := map[string]bool{}, map[string]bool{} // by name: the balancers of a cluster have the same
	for _, h := range s.Hosts {
		for _, a := range h.Apps {
			for _, p := range []*fact.Pool{a.Write, a.Read} {
				if p == nil {
					continue
				}
				for _, server := range p.Servers {
					for _, to := range behind(server) {
						if p.Write {
							writes[to.Name.Text] = true
						} else {
							reads[to.Name.Text] = true
						}
					}
				}
			}
		}
	}
	var all []*databasePool
	for _, h := range s.Hosts {
		if h.HAProxy == nil {
			continue
		}
		for _, proxy := range h.HAProxy.Proxies {
			ways := waysOf(proxy.Pool)
			if len(ways) == 0 {
				continue
			}
			name := proxy.Pool.Name.Text
			p := &databasePool{pool: proxy.Pool, ways: ways, write: writes[name], read: reads[name]}
			if !p.write && !p.read {
				p.write, p.read = writeName.MatchString(name), readName.MatchString(name)
			}
			all = append(all, p)
		}
	}
	return all
}

// asks reports whether the pool's check may tell which server takes writes: it sends a query, or asks something that does.
func (p *databasePool) asks() bool {
	c := p.pool.Check
	if c == nil {
		return slices.ContainsFunc(p.ways, func(w way) bool { // an agent or another port answers for the server
			return w.server.CheckPort.State != fact.Default
		})
	}
	switch c.Kind {
	case "tcp", "", "mysql", "ssl-hello-chk":
		return false
	case "tcp-check":
		return slices.ContainsFunc(c.Rules, func(n *conf.Node) bool { return slices.ContainsFunc(n.Words, sends) })
	}
	return true
}

func sends(w conf.Word) bool {
	switch w.Text {
	case "send", "send-binary", "send-lf", "send-binary-lf":
		return true
	}
	return false
}

var poolReplica = &Rule{ID: "mysql-pool-replica", Severity: diag.Error, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		primary := slices.ContainsFunc(pool.ways, func(w way) bool { return isPrimary(w.to) && w.server.Up() })
		if pool.asks() || !pool.write && (pool.read || !primary || readsElsewhere(p.Stack, pool)) {
			continue
		}
		for _, w := range pool.ways {
			if !w.server.Up() || !isReplica(w.to) || !w.server.Weight.Known() || !w.server.Backup.Known() || !w.server.Down.Known() {
				continue
			}
			f := p.Report(w.server.Name, "%q takes writes and %s is a replica: the check only asks whether a server answers, so that writes go there and fail, or are on that server alone", pool.pool.Name.Text, w.to.Host.Name).
				On(pool.pool.Host, w.to.Host).In(w.server.Node).Related(roleAt(w.to), "%s is a replica", w.to.Host.Name).
				Help("leave the replica out, or check with tcp-check that the server is writable").Same(pool.pool.Name.Text)
			if !pool.write {
				f.Weigh(diag.Warning) // nothing says that it takes writes, but the primary is in it
			}
		}
	}
}}

// roleAt is the place that makes a database what it is.
func roleAt(d *fact.Database) conf.Word { return cmp.Or(d.Role.Word, readOnly(d).Word) }

// readsElsewhere reports whether some other pool or application takes the writes.
func readsElsewhere(s *fact.Stack, pool *databasePool) bool {
	for _, other := range databasePools(s) {
		if other.write && other.pool.Name.Text != pool.pool.Name.Text {
			return true
		}
	}
	return slices.ContainsFunc(s.Hosts, func(h *fact.Host) bool {
		return slices.ContainsFunc(h.Apps, func(a *fact.App) bool { return len(waysOf(a.Write)) > 0 })
	})
}

var poolBackup = &Rule{ID: "mysql-pool-backup", Severity: diag.Warning, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		if pool.asks() || !pool.write {
			continue
		}
		for _, w := range pool.ways {
			if !w.server.Backup.V || !w.server.Backup.Known() || !isReplica(w.to) {
				continue
			}
			ro := readOnly(w.to)
			f := p.Report(w.server.Name, "while the primary does not answer %q sends writes to the replica %s, which refuses them", pool.pool.Name.Text, w.to.Host.Name)
			if off(ro) {
				f.Message = fmt.Sprintf("while the primary does not answer %q sends writes to the replica %s, which takes them: when the primary is back, each has writes that the other lacks", pool.pool.Name.Text, w.to.Host.Name)
				f.Weigh(diag.Error)
			}
			f.On(pool.pool.Host, w.to.Host).In(w.server.Node).Related(roleAt(w.to), "%s is a replica", w.to.Host.Name).
				Help("check with tcp-check that a server is writable, and let a promotion make it so").Same(pool.pool.Name.Text + w.to.Host.Name)
		}
	}
}}

var poolReadCheck = &Rule{ID: "mysql-pool-check", Severity: diag.Info, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		c := pool.pool.Check
		if c != nil && c.Kind == "mysql" && !c.User.Written() {
			p.Report(c.Node.Arg(0), "the check reads the greeting alone: a server that lets nobody in, or no longer replicates, counts as well").
				On(pool.pool.Host).In(c.Node).Help("check with tcp-check that it answers a query").Same(pool.pool.Name.Text)
		}
	}
}}

var checkUser = &Rule{ID: "mysql-check-user", Severity: diag.Error, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		c := pool.pool.Check
		if c == nil || c.Kind != "mysql" || !c.User.Written() {
			continue
		}
		for _, w := range pool.ways {
			v := w.to.Version
			if !is(w.to, mysql) || v == (fact.Version{}) || v.Before(8, 4) {
				continue
			}
			f := p.Report(c.Node.Arg(0), "the check logs in with mysql_native_password, which MySQL %d.%d does not have: every server counts as down", v.Major, v.Minor)
			if v.Before(9, 0) {
				f.Message = "the check logs in with mysql_native_password, which MySQL 8.4 has turned off: every server counts as down"
				if native := w.to.Options["mysql_native_password"]; native != nil {
					f.Message = "" // decided below
				}
			}
			if f.Message == "" {
				p.found = p.found[:len(p.found)-1]
				continue
			}
			f.On(pool.pool.Host, w.to.Host).In(c.Node).Help("use \"option tcp-check\" with a login of caching_sha2_password").Same(pool.pool.Name.Text)
			break
		}
	}
}}

var checkTLS = &Rule{ID: "mysql-check-tls", Severity: diag.Error, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		c := pool.pool.Check
		if c == nil || !(c.Kind == "mysql" && c.User.Written() || c.Kind == "tcp-check" && pool.asks()) {
			continue
		}
		for _, w := range pool.ways {
			must := w.to.Bool("require_secure_transport")
			if w.server.CheckTLS.V || !must.Written() || !must.V {
				continue
			}
			p.option(w.to, "require_secure_transport", "%s lets nobody in without TLS, and the check of %q logs in without: it counts as down", w.to.Host.Name, pool.pool.Name.Text).
				On(pool.pool.Host).Related(c.Node.Arg(0), "this check").Help("require TLS of accounts (REQUIRE SSL), not of the server").Same("check")
		}
	}
}}

var poolProxy = &Rule{ID: "mysql-pool-proxy-protocol", Severity: diag.Error, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		for _, w := range pool.ways {
			if !w.server.SendProxy.Written() || w.server.SendProxy.V == "" || !w.to.Flavour.Known() {
				continue
			}
			if is(w.to, mysql) {
				p.Report(w.server.Name, "MySQL does not know the PROXY protocol: every connection through %q fails", pool.pool.Name.Text).
					On(pool.pool.Host, w.to.Host).In(w.server.Node).Help("remove \"send-proxy\"").Same(pool.pool.Name.Text)
				continue
			}
			if o := w.to.Options["proxy_protocol_networks"]; w.to.Partial || o != nil && (o.Value.V != "" || !o.Value.Known()) {
				continue
			}
			p.Report(w.server.Name, "%s takes the PROXY protocol from nobody: every connection through %q fails", w.to.Host.Name, pool.pool.Name.Text).
				On(pool.pool.Host, w.to.Host).In(w.server.Node).Related(w.to.Text("proxy_protocol_networks").Word, "no \"proxy_protocol_networks\" here").
				Help("set \"proxy_protocol_networks\" to the balancers' addresses").Same(pool.pool.Name.Text)
		}
	}
}}

var poolTimeout = &Rule{ID: "mysql-pool-timeout", Severity: diag.Warning, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		proxy := pool.pool.Proxy
		if proxy == nil {
			continue
		}
		t := proxy.Timeouts["server"]
		if !t.Written() || t.V <= 0 || t.V >= 10*time.Minute {
			continue
		}
		f := p.Report(t.Word, "a query that takes longer than %s, and a connection of %q that lay idle so long, is cut: the application finds that the server has gone away", t.V, pool.pool.Name.Text).
			On(pool.pool.Host).Help("set \"timeout server\" and \"timeout client\" above the idle time of the applications' connections").Same(pool.pool.Name.Text)
		if t.V > time.Minute {
			f.Weigh(diag.Info)
		}
	}
}}

var poolSessions = &Rule{ID: "mysql-pool-sessions", Severity: diag.Warning, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		if !pool.write || !pool.asks() || len(pool.ways) < 2 {
			continue
		}
		for _, w := range pool.ways {
			if v := w.server.OnMarkedDown; v.State == fact.Default {
				p.Report(w.server.Name, "open connections stay with %s when it is no longer the primary: their writes fail until they end", w.to.Host.Name).
					On(pool.pool.Host).In(w.server.Node).Help("add \"on-marked-down shutdown-sessions\" to the default-server line").Same(pool.pool.Name.Text)
			}
		}
	}
}}

var poolMaxConn = &Rule{ID: "mysql-pool-maxconn", Severity: diag.Warning, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		for _, w := range pool.ways {
			most, limit := w.server.MaxConn, w.to.Number("max_connections")
			if most.Written() && limit.Known() && int64(most.V) > limit.V {
				p.Report(most.Word, "%q opens up to %d connections to %s, which takes %d: the rest are refused instead of waiting", pool.pool.Name.Text, most.V, w.to.Host.Name, limit.V).
					On(pool.pool.Host, w.to.Host).In(w.server.Node).relate(w.to, "max_connections").Help("set \"maxconn\" below \"max_connections\"").
					Same(pool.pool.Name.Text + w.to.Host.Name)
			}
		}
	}
}}
