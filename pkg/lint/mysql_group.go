package lint

import (
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Group Replication and Galera.
var mysqlGroupRules = []*Rule{groupBootstrap, groupNeeds, groupMismatch, groupQuorum, galeraLock}

var groupBootstrap = perOption("mysql-group-bootstrap", diag.Error, "group_replication_bootstrap_group", func(p *Pass, d *fact.Database, o *fact.Option) {
	if o.Value.V == "ON" {
		p.option(d, "group_replication_bootstrap_group", "each restart of %s makes a second group beside the first: both take writes", d.Host.Name).
			Help("remove the line; set it by hand for the first start alone")
	}
})

var groupNeeds = perOption("mysql-group-needs", diag.Error, "group_replication_group_name", func(p *Pass, d *fact.Database, o *fact.Option) {
	if mode := d.Text("gtid_mode"); mode.Known() && mode.V != "ON" {
		p.option(d, "gtid_mode", "\"gtid_mode\" is %s: Group Replication does not start without GTIDs", mode.V).Related(o.Word, "it is configured here").
			Help("set \"gtid_mode = ON\" and \"enforce_gtid_consistency = ON\"").Same("gtid_mode")
	}
	if name := o.Value.V; !uuid(name) && !strings.EqualFold(name, "AUTOMATIC") && !strings.ContainsAny(name, "${}<>") {
		p.option(d, "group_replication_group_name", "%q is no UUID: Group Replication does not start", name).Help("make one with: uuidgen").Same(name)
	}
})

// groupQuorum needs a majority of the members.
var groupQuorum = &Rule{ID: "mysql-group-quorum", Severity: diag.Warning, Absence: true, Run: func(p *Pass) {
	for _, r := range p.replications() {
		n := len(r.members)
		if !r.group && !r.galera || n%2 == 1 || r.members[0].Options["ndbcluster"] != nil {
			continue
		}
		name := "group_replication_group_name"
		if r.galera {
			name = "wsrep_cluster_address"
		}
		p.option(r.members[0], name, "of %d members %d have to be up: the group survives no more failures than one of %d", n, n/2+1, n-1).
			Help("add a member, or an arbitrator")
	}
}}

func uuid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", c) {
			return false
		}
	}
	return true
}

var groupMismatch = &Rule{ID: "mysql-group-mismatch", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		if !r.group {
			continue
		}
		for _, name := range []string{"group_replication_group_name", "group_replication_single_primary_mode", "group_replication_communication_stack",
			"group_replication_enforce_update_everywhere_checks"} {
			one := r.usual(name)
			if one == nil {
				continue
			}
			want, _ := normal(one, name)
			for _, d := range r.members {
				if got, ok := normal(d, name); ok && got != want {
					p.option(d, name, "%q is %s on %s and %s on %s: the server does not join the group", name, got, d.Host.Name, want, one.Host.Name).
						On(one.Host).relate(one, name).Help("set the same on every server").Same(r.name() + name)
				}
			}
		}
	}
}}

var galeraLock = perOption("mysql-galera-autoinc-lock", diag.Error, "innodb_autoinc_lock_mode", func(p *Pass, d *fact.Database, o *fact.Option) {
	on := d.Bool("wsrep_on")
	if o.Value.V != "2" && (on.Written() && on.V || d.Options["wsrep_cluster_address"] != nil) && !(on.Written() && !on.V) {
		p.option(d, "innodb_autoinc_lock_mode", "\"innodb_autoinc_lock_mode\" is %s in a Galera cluster: inserts on two members wait for each other for ever", o.Value.V).
			Help("set \"innodb_autoinc_lock_mode = 2\"")
	}
})
