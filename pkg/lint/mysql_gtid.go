package lint

import (
	"slices"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlGTIDRules = []*Rule{gtidOff, gtidMismatch, gtidConsistency, gtidStrict, gtidDomain}

var gtidOff = &Rule{ID: "mysql-gtid-off", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		off := func(d *fact.Database) bool {
			v := d.Text("gtid_mode")
			return is(d, mysql) && v.Known() && v.V == "OFF"
		}
		for _, d := range r.members {
			if !off(d) || slices.ContainsFunc(r.members, func(o *fact.Database) bool { return !off(o) }) {
				continue // mysql-gtid-mismatch
			}
			p.option(d, "gtid_mode", "\"gtid_mode\" is OFF: at a failover somebody has to find by hand where each replica goes on, and writes get lost or applied twice").
				Help("set \"gtid_mode = ON\" and \"enforce_gtid_consistency = ON\" on every server").Same(r.name())
		}
	}
}}

var gtidSteps = []string{"OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"}

var gtidMismatch = &Rule{ID: "mysql-gtid-mismatch", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		step := func(d *fact.Database) int {
			if v := d.Text("gtid_mode"); is(d, mysql) && v.Known() {
				return slices.Index(gtidSteps, v.V)
			}
			return -1
		}
		for _, d := range r.members {
			n := step(d)
			if n < 0 || n > 1 {
				continue
			}
			for _, o := range r.members {
				// One step apart is how the mode is changed while servers run.
				if m := step(o); m >= n+2 {
					p.option(d, "gtid_mode", "\"gtid_mode\" is %s on %s and %s on %s: neither replicates from the other", gtidSteps[n], d.Host.Name, gtidSteps[m], o.Host.Name).
						On(o.Host).relate(o, "gtid_mode").Help("set \"gtid_mode = ON\" and \"enforce_gtid_consistency = ON\" on both").Same(r.name())
					break
				}
			}
		}
	}
}}

var gtidConsistency = perOption("mysql-gtid-consistency", diag.Error, "gtid_mode", func(p *Pass, d *fact.Database, o *fact.Option) {
	if is(d, mariadb) || o.Value.V != "ON" && o.Value.V != "ON_PERMISSIVE" {
		return
	}
	const help = "set \"enforce_gtid_consistency = ON\""
	enforce := d.Text("enforce_gtid_consistency")
	switch {
	case enforce.Written() && (enforce.V == "OFF" || enforce.V == "WARN"), enforce.State == fact.Default && enforce.V == "OFF":
		p.option(d, "enforce_gtid_consistency", "\"gtid_mode\" is %s and \"enforce_gtid_consistency\" is %s: MySQL does not start", o.Value.V, enforce.V).
			Related(o.Word, "\"gtid_mode\" needs it").Help(help)
	case d.Options["enforce_gtid_consistency"] == nil && d.Version == (fact.Version{}) && !d.Partial:
		p.option(d, "gtid_mode", "\"gtid_mode\" is %s and no line sets \"enforce_gtid_consistency\": MySQL 8.4 and older do not start", o.Value.V).
			Weigh(diag.Warning).Help(help)
	}
})

var gtidStrict = &Rule{ID: "mysql-gtid-strict", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			strict := d.Bool("gtid_strict_mode")
			if !is(d, mariadb) || !off(strict) {
				continue
			}
			f := p.option(d, "gtid_strict_mode", "\"gtid_strict_mode\" is off: a write that goes to a replica is not noticed, and the servers differ from then on").
				Help("set \"gtid_strict_mode = ON\"").Same(r.name())
			if !strict.Written() {
				f.Weigh(diag.Info)
			}
		}
	}
}}

var gtidDomain = &Rule{ID: "mysql-gtid-domain", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		one := r.primary()
		if one == nil || !one.Number("gtid_domain_id").Known() {
			continue
		}
		for _, d := range r.replicas() {
			id := d.Number("gtid_domain_id")
			if !is(d, mariadb) || !is(one, mariadb) || !id.Known() || id.V == one.Number("gtid_domain_id").V {
				continue
			}
			p.option(d, "gtid_domain_id", "\"gtid_domain_id\" is %d on %s and %d on its source %s: once promoted it writes a second stream beside the first, whose order nothing keeps", id.V, d.Host.Name, one.Number("gtid_domain_id").V, one.Host.Name).
				On(one.Host).relate(one, "gtid_domain_id").Help("one stream of writes has one domain: set the same on every server").Same(r.name())
		}
	}
}}
