package lint

import (
	"bytes"
	"regexp"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlRoleRules = []*Rule{replicaWritable, replicaRoot, primaryReadOnly, primaryReturns, autoIncrement, autoIncrementOffset, skipReplicaStart, vipPromotion}

// readOnly is what keeps writes of applications out.
func readOnly(d *fact.Database) fact.Value[bool] {
	ro, super := d.Bool("read_only"), d.Bool("super_read_only")
	switch {
	case is(d, mariadb):
		return ro
	case set(super) || !super.Known():
		return super
	}
	return ro
}

var replicaWritable = &Rule{ID: "mysql-replica-writable", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			if step := d.Number("auto_increment_increment"); !off(readOnly(d)) || step.Written() && step.V > 1 && d.Role.Word.Text == "" {
				continue // a step of its own: each takes writes, whatever it is called
			}
			name := "super_read_only"
			if !is(d, mysql) {
				name = "read_only"
			}
			at := name
			if d.Options[at] == nil && d.Options["read_only"] != nil {
				at = "read_only"
			}
			f := p.option(d, at, "%s is a replica and takes writes: one that goes there is on no other server, and breaks replication later", d.Host.Name).
				Help("set \"%s = ON\"", name)
			if w := d.Role.Word; w.Pos.IsValid() && w.Pos.File != f.Pos.File {
				f.Related(w, "this makes it a replica")
			} else {
				f.relate(r.other(d), "read_only")
			}
			f.Same(r.name())
		}
	}
}}

var replicaRoot = &Rule{ID: "mysql-replica-root-writable", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			ro := d.Bool("read_only")
			if !is(d, mysql) || !ro.Written() || !ro.V || !off(d.Bool("super_read_only")) {
				continue
			}
			p.option(d, "read_only", "\"read_only\" does not hold root back: what root writes on %s is on no other server, and spreads from it after a failover", d.Host.Name).
				Help("set \"super_read_only = ON\", which implies it").Same(r.name())
		}
	}
}}

// opens is SQL that makes a server take writes.
var opens = regexp.MustCompile(`(?:^|[^a-z])(?:super_)?read_only\s*(?::?=)\s*(?i:OFF|0|false)\b`)

// Where a script or unit that does so usually lies.
var openers = []string{"/etc/mysql/*", "/etc/mysql/*/*", "/etc/my.cnf.d/*", "/etc/keepalived/*", "/etc/keepalived/*/*", "/etc/systemd/system/*",
	"/etc/systemd/system/*/*", "/etc/cron.d/*", "/usr/local/bin/*", "/usr/local/sbin/*", "/opt/*/*", "/root/*", "/docker-entrypoint-initdb.d/*"}

// opened reports whether a script or unit of the host makes the server take writes.
func opened(h *fact.Host) bool {
	for _, pattern := range openers {
		for _, name := range h.Source.Glob(pattern) {
			if f, ok := h.Source.File(name); ok && f.Kind != conf.MySQL && bytes.Contains(f.Data, []byte("read_only")) && opens.Match(f.Data) {
				return true
			}
		}
	}
	return false
}

var primaryReadOnly = &Rule{ID: "mysql-primary-read-only", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		if !isPrimary(d) || d.Host.Source == nil || d.Options["group_replication_group_name"] != nil || opened(d.Host) {
			continue
		}
		for _, name := range []string{"super_read_only", "read_only", "offline_mode", "innodb_read_only"} {
			if v := d.Bool(name); !v.Written() || !v.V || is(d, mariadb) && name != "read_only" && name != "innodb_read_only" {
				continue
			}
			f := p.option(d, name, "%s is the primary and starts with %q: after every restart no write succeeds, and nothing here turns it off", d.Host.Name, name).
				Related(d.Role.Word, "this makes it the primary").Help("remove the line, or have something promote the server after a start")
			if !p.Complete {
				f.Weigh(diag.Warning) // an orchestrator may lie elsewhere
			}
			break
		}
	}
}}

// primaryReturns is about pools that take whichever server is writable.
var primaryReturns = &Rule{ID: "mysql-primary-returns", Severity: diag.Warning, Run: func(p *Pass) {
	for _, pool := range databasePools(p.Stack) {
		if !pool.write || !pool.asks() {
			continue
		}
		var replicas []*fact.Database
		for _, w := range pool.ways {
			if w.server.Up() && isReplica(w.to) {
				replicas = append(replicas, w.to)
			}
		}
		for _, w := range pool.ways {
			if len(replicas) == 0 || !isPrimary(w.to) || !off(readOnly(w.to)) || w.to.Options["group_replication_group_name"] != nil {
				continue
			}
			name := "super_read_only"
			if is(w.to, mariadb) {
				name = "read_only"
			}
			p.option(w.to, name, "%s comes back from a crash writable: if %s was promoted meanwhile, two servers take writes", w.to.Host.Name, hosts(replicas)).
				Related(pool.pool.Name, "this pool takes whichever server is writable").
				Help("set \"%s = ON\" on every server, and have the promotion turn it off", name).Same(w.to.Host.Name)
		}
	}
}}

var autoIncrement = &Rule{ID: "mysql-auto-increment", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		var writers []*fact.Database
		for _, d := range r.members {
			if isPrimary(d) && off(readOnly(d)) {
				writers = append(writers, d)
			}
		}
		if len(writers) < 2 {
			continue
		}
		first := map[int64]*fact.Database{}
		for _, d := range writers {
			step, from := d.Number("auto_increment_increment"), d.Number("auto_increment_offset")
			if !step.Known() || !from.Known() {
				continue
			}
			const help = "give each its own \"auto_increment_offset\", and all \"auto_increment_increment = %d\""
			if step.V < int64(len(writers)) {
				p.option(d, "auto_increment_increment", "%d servers take writes and \"auto_increment_increment\" is %d: they give one key to two rows, and replication stops", len(writers), step.V).
					Help(help, len(writers)).Same(r.name())
				continue
			}
			one := first[from.V%step.V]
			if one == nil {
				first[from.V%step.V] = d
				continue
			}
			p.option(d, "auto_increment_offset", "%s and %s both take writes and have \"auto_increment_offset\" %d: they give one key to two rows, and replication stops", one.Host.Name, d.Host.Name, from.V).
				On(one.Host).relate(one, "auto_increment_offset").Help(help, len(writers)).Same(r.name())
		}
	}
}}

var autoIncrementOffset = perOption("mysql-auto-increment-offset", diag.Warning, "auto_increment_offset", func(p *Pass, d *fact.Database, o *fact.Option) {
	from, step := d.Number("auto_increment_offset"), d.Number("auto_increment_increment")
	if step.Known() && from.Known() && from.V > step.V {
		p.option(d, "auto_increment_offset", "\"auto_increment_offset\" is %d and above \"auto_increment_increment\", %d: the server ignores it", from.V, step.V).
			relate(d, "auto_increment_increment").Help("make the increment the number of servers that take writes")
	}
})

var skipReplicaStart = &Rule{ID: "mysql-replica-start", Severity: diag.Info, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			if v := d.Bool("skip_replica_start"); v.Written() && v.V {
				p.option(d, "skip_replica_start", "after a restart %s does not replicate until somebody starts it, and falls behind", d.Host.Name).
					Help("remove the line, unless something starts replication").Same(r.name())
			}
		}
	}
}}

// vipPromotion is about a pair whose virtual address promotes: nothing tells a dead peer from one that cannot be seen.
var vipPromotion = &Rule{ID: "mysql-vip-promotion", Severity: diag.Warning, Run: func(p *Pass) {
	for _, c := range p.Clusters {
		if len(c.Hosts) != 2 {
			continue
		}
		for _, m := range c.Members {
			if m.Host.Database == nil {
				continue
			}
			for _, i := range m.Instances {
				for _, n := range i.Notify {
					if !promotes(m.Host, n) {
						continue
					}
					p.Report(n.Arg(1), "when %s do not see each other, both hold %s and this script makes both writable: each then has writes that the other lacks", c.Name, vipsOf(i)).
						On(m.Host).In(n).Help("let a third host decide, or semi-synchronous replication without a timeout hold the writes back").Same(c.Name)
				}
			}
		}
	}
}}

// promotes reports whether a notify line's script is in the tree and makes the server take writes.
func promotes(h *fact.Host, notify *conf.Node) bool {
	if notify.Name() != "notify_master" && notify.Name() != "notify" || h.Source == nil {
		return false
	}
	for word := range strings.FieldsSeq(notify.Arg(1).Text) {
		if f, ok := h.Source.File(word); ok && opens.Match(f.Data) {
			return true
		}
	}
	return false
}
