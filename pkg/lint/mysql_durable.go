package lint

import (
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlDurableRules = []*Rule{durability, forceRecovery, doublewrite, relayRecovery, commitOrder, parallelReplica, bufferPool}

var durability = &Rule{ID: "mysql-durability", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			for _, name := range []string{"sync_binlog", "innodb_flush_log_at_trx_commit"} {
				v := d.Number(name)
				if !v.Known() || v.V == 1 || is(d, mariadb) && v.V == 3 || name == "sync_binlog" && !set(d.BinaryLog()) {
					continue
				}
				f := p.option(d, name, "%q is %d: after a crash the server has lost commits that its replicas have, or the other way round", name, v.V).
					Help("set \"%s = 1\" on every server that may be the primary", name).Same(r.name() + name)
				if !v.Written() {
					f.Weigh(diag.Info)
				}
			}
		}
	}
}}

var forceRecovery = perOption("mysql-force-recovery", diag.Error, "innodb_force_recovery", func(p *Pass, d *fact.Database, o *fact.Option) {
	if n := d.Number("innodb_force_recovery"); n.Known() && n.V > 0 {
		p.option(d, "innodb_force_recovery", "\"innodb_force_recovery\" is %d, for saving data from a broken server: InnoDB keeps out writes or repairs nothing", n.V).
			Help("remove the line once the data is saved")
	}
})

var doublewrite = perOption("mysql-doublewrite", diag.Warning, "innodb_doublewrite", func(p *Pass, d *fact.Database, o *fact.Option) {
	if o.Value.V == "OFF" || o.Value.V == "0" {
		p.option(d, "innodb_doublewrite", "a crash while a page is written leaves a torn page that nothing repairs, and the data is copied anew").
			Help("remove the line, unless the file system writes whole pages (ZFS)")
	}
})

var relayRecovery = &Rule{ID: "mysql-relay-log-recovery", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			v := d.Bool("relay_log_recovery")
			if !off(v) {
				continue
			}
			f := p.option(d, "relay_log_recovery", "after a crash %s may apply what is broken in its relay log, or nothing more", d.Host.Name).
				Help("set \"relay_log_recovery = ON\"").Same(r.name())
			if !v.Written() {
				f.Weigh(diag.Info)
			}
		}
	}
}}

var commitOrder = perOption("mysql-commit-order", diag.Warning, "replica_preserve_commit_order", func(p *Pass, d *fact.Database, o *fact.Option) {
	workers := d.Number("replica_parallel_workers")
	if o.Value.V == "OFF" && !(workers.Known() && workers.V <= 1) {
		p.option(d, "replica_preserve_commit_order", "several threads commit in any order: readers see states that the source never had, and a crash leaves gaps").
			Help("set \"replica_preserve_commit_order = ON\"")
	}
})

var parallelReplica = &Rule{ID: "mysql-replica-serial", Severity: diag.Info, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			if v := d.Number("slave_parallel_threads"); is(d, mariadb) && v.Known() && v.V == 0 {
				p.option(d, "slave_parallel_threads", "%s applies with one thread what the source writes with many: it lags, and a failover waits for it", d.Host.Name).
					Help("set \"slave_parallel_threads = 4\"").Same(r.name())
			}
		}
	}
}}

var bufferPool = perOption("mysql-buffer-pool", diag.Error, "innodb_buffer_pool_size", func(p *Pass, d *fact.Database, o *fact.Option) {
	size := d.Number("innodb_buffer_pool_size")
	if p.Manifest == nil || !size.Known() {
		return
	}
	if memory := p.Manifest.Hosts[d.Host.Name].Memory; memory > 0 && size.V >= memory {
		p.option(d, "innodb_buffer_pool_size", "the buffer pool takes all memory of %s, and the kernel ends the server", d.Host.Name).
			Proof("innodb_buffer_pool_size %d ≥ memory %d", size.V, memory).Help("leave 30 %% of the memory to connections and the system")
	}
})
