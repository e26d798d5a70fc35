package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlMatchRules = []*Rule{
	differs("mysql-lower-case-mismatch", diag.Error, "tables whose names differ in case are one on one server and two on the other, and rows get lost", "lower_case_table_names"),
	differs("mysql-charset-mismatch", diag.Warning, "after a failover new databases have another character set", "character_set_server", "collation_server"),
	differs("mysql-sql-mode-mismatch", diag.Warning, "after a failover the application's statements fail, or stop failing", "sql_mode"),
	differs("mysql-setting-mismatch", diag.Warning, "after a failover the application meets another server", "default_time_zone", "transaction_isolation",
		"max_allowed_packet", "binlog_row_image", "explicit_defaults_for_timestamp", "partial_revokes", "default_storage_engine", "innodb_page_size"),
}

// differs makes a rule about options that all members of a replication must have alike.
func differs(id string, weight diag.Severity, consequence string, options ...string) *Rule {
	return &Rule{ID: id, Severity: weight, Run: func(p *Pass) {
		for _, r := range p.replications() {
			for _, name := range options {
				one := r.usual(name)
				if one == nil {
					continue
				}
				want, _ := normal(one, name)
				for _, d := range r.members {
					if got, ok := normal(d, name); ok && got != want {
						p.option(d, name, "%q is %q on %s and %q on %s: %s", name, got, d.Host.Name, want, one.Host.Name, consequence).
							On(one.Host).relate(one, name).Help("set the same on every server").Same(r.name() + name)
					}
				}
			}
		}
	}}
}

// normal is an option's value in one spelling; ok is false where it is not known.
func normal(d *fact.Database, name string) (string, bool) {
	v := d.Text(name)
	if !v.Known() {
		return "", false
	}
	s := strings.ToLower(v.V)
	switch name {
	case "sql_mode":
		modes := strings.Split(s, ",")
		slices.Sort(modes)
		s = strings.Join(slices.Compact(modes), ",")
	case "transaction_isolation":
		s = strings.ReplaceAll(s, " ", "-")
	case "character_set_server", "collation_server":
		if s == "utf8" || strings.HasPrefix(s, "utf8_") {
			s = strings.Replace(s, "utf8", "utf8mb3", 1)
		}
	}
	return s, true
}

// usual is a member with the value that most have; of equally many, the primary's or the first.
func (r *replication) usual(name string) *fact.Database {
	count := map[string]int{}
	for _, d := range r.members {
		if v, ok := normal(d, name); ok {
			count[v]++
		}
	}
	if len(count) < 2 {
		return nil
	}
	var one *fact.Database
	most := 0
	for _, d := range r.members {
		v, ok := normal(d, name)
		if n := count[v]; ok && (n > most || n == most && isPrimary(d)) {
			one, most = d, n
		}
	}
	return one
}
