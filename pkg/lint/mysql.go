package lint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Rules about databases: replication, what a promoted replica has, option files that a server does not start with.
var mysqlRules = slices.Concat(mysqlIdentityRules, mysqlReachRules, mysqlBinlogRules, mysqlGTIDRules, mysqlFilterRules, mysqlRoleRules,
	mysqlDurableRules, mysqlMatchRules, mysqlSemiSyncRules, mysqlGroupRules, mysqlNameRules, mysqlValueRules, mysqlPoolRules, mysqlAppRules)

const (
	mysql   = "mysql"
	mariadb = "mariadb"
)

// replication is a set of databases that replicate among themselves: two at least, by name.
type replication struct {
	members []*fact.Database
	galera  bool // each member takes writes, and ids may be equal
	group   bool // Group Replication
}

// replicationsOf finds what belongs together: who replicates from whom, one tier of a manifest, one group of Group Replication
// or Galera, servers of one pool. Two databases in one folder are not compared for that alone.
func replicationsOf(s *fact.Stack) []*replication {
	all := databases(s)
	if len(all) < 2 {
		return nil
	}
	u := sets{}
	hosts := addressesOf(s)
	first := map[string]*fact.Database{}
	link := func(key string, d *fact.Database) {
		if first[key] == nil {
			first[key] = d
		}
		u.join(first[key], d)
	}
	for _, d := range all {
		if s.Manifest != nil && d.Role.Known() && s.Manifest.Hosts[d.Host.Name].Database != "" {
			link("tier "+d.Host.Tier, d)
		}
		for _, name := range []string{"group_replication_group_name", "wsrep_cluster_name", "wsrep_cluster_address"} {
			if o := d.Options[name]; o != nil && o.Value.Known() && o.Value.V != "" && o.Value.V != "gcomm://" {
				link(name+strings.ToLower(o.Value.V), d)
			}
		}
		if from := hosts.source(d); from != nil && from != d.Host && from.Database != nil {
			u.join(from.Database, d)
		}
	}
	for _, p := range databasePools(s) {
		for _, w := range p.ways {
			u.join(p.ways[0].to, w.to)
		}
	}
	for _, h := range s.Hosts {
		for _, a := range h.Apps {
			var one *fact.Database
			for _, p := range []*fact.Pool{a.Write, a.Read} {
				for _, w := range waysOf(p) {
					one = cmp.Or(one, w.to)
					u.join(one, w.to)
				}
			}
		}
	}
	if len(u) == 0 {
		linkBySigns(all, u)
	}
	return u.replications(all)
}

// linkBySigns joins the databases of a folder that nothing else links, where their files say that they replicate: two, or any
// number with one that takes writes.
func linkBySigns(all []*fact.Database, u sets) {
	var signed []*fact.Database
	replicas, signs := 0, 0
	for _, d := range all {
		switch replica := d.Role.Known() && d.Role.V == "replica"; {
		case replica:
			replicas++
		case replicates(d):
			signs++
		case d.Options["log_bin"] == nil || d.Options["server_id"] == nil:
			continue
		}
		signed = append(signed, d)
	}
	if len(signed) == 2 && replicas+signs > 0 || replicas > 0 && len(signed) == replicas+1 {
		for _, d := range signed[1:] {
			if a, b := signed[0].Flavour, d.Flavour; !a.Known() || !b.Known() || a.V == b.V {
				u.join(signed[0], d)
			}
		}
	}
}

// replicates reports whether a line of the file has a meaning in replication alone.
func replicates(d *fact.Database) bool {
	return slices.ContainsFunc(d.All, func(o *fact.Option) bool {
		switch o.Name {
		case "relay_log", "relay_log_index", "relay_log_recovery", "log_replica_updates", "gtid_mode", "gtid_strict_mode", "gtid_domain_id",
			"skip_replica_start", "report_host", "auto_increment_offset":
			return true
		}
		for _, p := range []string{"replica_", "slave_", "replicate_", "rpl_semi_sync_"} {
			if strings.HasPrefix(o.Name, p) {
				return true
			}
		}
		return false
	})
}

func databases(s *fact.Stack) []*fact.Database {
	var all []*fact.Database
	for _, h := range s.Hosts {
		if h.Database != nil {
			all = append(all, h.Database)
		}
	}
	return all
}

// hostsAt finds the host of an address.
type hostsAt map[netip.Addr]*fact.Host

// addressesOf knows the hosts of a stack in which a database names its source.
func addressesOf(s *fact.Stack) hostsAt {
	if !slices.ContainsFunc(s.Hosts, func(h *fact.Host) bool { return h.Database != nil && h.Database.Source != nil }) {
		return nil
	}
	m := hostsAt{}
	for _, h := range s.Hosts {
		for _, a := range h.Addresses {
			if addr := a.Addr.Unmap(); m[addr] == nil {
				m[addr] = h
			}
		}
	}
	return m
}

// source is the host that a database replicates from; nil where that is not known, or no host of the stack.
func (m hostsAt) source(d *fact.Database) *fact.Host {
	if d.Source == nil {
		return nil
	}
	return m[d.Source.Addr.Unmap()]
}

// sets are disjoint sets of databases.
type sets map[*fact.Database]*fact.Database

func (u sets) root(d *fact.Database) *fact.Database {
	for u[d] != nil && u[d] != d {
		d = u[d]
	}
	return d
}

func (u sets) join(a, b *fact.Database) {
	if a, b = u.root(a), u.root(b); a != b {
		u[b] = a
		u[a] = a
	}
}

func (u sets) replications(all []*fact.Database) []*replication {
	var out []*replication
	of := map[*fact.Database]*replication{}
	for _, d := range all {
		root := u.root(d)
		if u[root] == nil {
			continue
		}
		r := of[root]
		if r == nil {
			r = &replication{}
			of[root] = r
			out = append(out, r)
		}
		r.members = append(r.members, d)
		on := d.Bool("wsrep_on")
		r.galera = r.galera || d.Options["wsrep_cluster_address"] != nil || on.Written() && on.V || d.Options["ndbcluster"] != nil
		r.group = r.group || d.Options["group_replication_group_name"] != nil
	}
	return out
}

// name lists the members.
func (r *replication) name() string {
	names := make([]string, len(r.members))
	for i, d := range r.members {
		names[i] = d.Host.Name
	}
	return strings.Join(names, ", ")
}

// asynchronous are the replications with a source and replicas.
func (p *Pass) asynchronous() []*replication {
	return slices.DeleteFunc(slices.Clone(p.replications()), func(r *replication) bool { return r.galera || r.group })
}

// replicas are the members that are known to be one.
func (r *replication) replicas() []*fact.Database {
	return slices.DeleteFunc(slices.Clone(r.members), func(d *fact.Database) bool { return !isReplica(d) })
}

// primary is the one that is known to take the writes; nil where that is not known, or several are.
func (r *replication) primary() *fact.Database {
	var one *fact.Database
	for _, d := range r.members {
		if isPrimary(d) {
			if one != nil {
				return nil
			}
			one = d
		}
	}
	return one
}

// other is a member besides one: the primary before others.
func (r *replication) other(d *fact.Database) *fact.Database {
	if p := r.primary(); p != nil && p != d {
		return p
	}
	i := slices.IndexFunc(r.members, func(o *fact.Database) bool { return o != d })
	return r.members[i] // there are two at least
}

func isReplica(d *fact.Database) bool { return d.Role.Known() && d.Role.V == "replica" }
func isPrimary(d *fact.Database) bool { return d.Role.Known() && d.Role.V == "primary" }

// is reports whether the flavour is known to be this one.
func is(d *fact.Database, flavour string) bool { return d.Flavour.Known() && d.Flavour.V == flavour }

// flavour is what a finding calls the server.
func flavour(d *fact.Database) string {
	switch {
	case is(d, mysql):
		return "MySQL"
	case is(d, mariadb):
		return "MariaDB"
	}
	return "the server"
}

// set reports whether an option is known to be on, by a line or by default.
func set(v fact.Value[bool]) bool { return v.Known() && v.V }

// off reports whether an option is known to be off.
func off(v fact.Value[bool]) bool { return v.Known() && !v.V }

// report says something of an option: at its value, or at the group where it would stand.
func (p *Pass) option(d *fact.Database, name, format string, args ...any) *Finding {
	at := d.Text(name).Word
	var n *conf.Node
	if o := d.Options[name]; o != nil {
		n = o.Node
		if at.Raw == "" { // an empty value
			at = o.Word
		}
	}
	return p.Report(at, format, args...).On(d.Host).In(n)
}

// relate shows how another database sets the option.
func (f *Finding) relate(d *fact.Database, name string) *Finding {
	if o := d.Options[name]; o != nil {
		return f.Related(o.Word, "%s: %q is %s", d.Host.Name, name, o.Value.V)
	}
	v := d.Text(name)
	if !v.Known() {
		return f.Related(v.Word, "%s has no %q", d.Host.Name, name)
	}
	return f.Related(v.Word, "%s has no %q, which is then %s", d.Host.Name, name, v.V)
}

// spell is the name of an option as the server's version calls it.
func spell(d *fact.Database, name string) string {
	if !is(d, mariadb) {
		return name
	}
	switch name {
	case "log_replica_updates":
		return "log_slave_updates"
	case "replica_skip_errors":
		return "slave_skip_errors"
	}
	name = strings.Replace(name, "rpl_semi_sync_source", "rpl_semi_sync_master", 1)
	name = strings.Replace(name, "rpl_semi_sync_replica", "rpl_semi_sync_slave", 1)
	return strings.Replace(name, "wait_no_replica", "wait_no_slave", 1)
}

// perOption makes a rule that looks at one option of every database.
func perOption(id string, weight diag.Severity, option string, look func(*Pass, *fact.Database, *fact.Option)) *Rule {
	return &Rule{ID: id, Severity: weight, Run: func(p *Pass) {
		for _, d := range databases(p.Stack) {
			if o := d.Options[option]; o != nil && o.Value.Known() {
				look(p, d, o)
			}
		}
	}}
}

// hosts lists the names of databases' hosts: "db1", "db1 and db2".
func hosts(list []*fact.Database) string {
	switch len(list) {
	case 0:
		return "none"
	case 1:
		return list[0].Host.Name
	case 2:
		return list[0].Host.Name + " and " + list[1].Host.Name
	}
	return fmt.Sprintf("%s and %d more", list[0].Host.Name, len(list)-1)
}
