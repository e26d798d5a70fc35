package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlFilterRules = []*Rule{filterList, binlogFilter, replicateFilter, skipErrors}

var filterNames = []string{"binlog_do_db", "binlog_ignore_db", "replicate_do_db", "replicate_ignore_db", "replicate_do_table",
	"replicate_ignore_table", "replicate_wild_do_table", "replicate_wild_ignore_table"}

// filters are the lines of a database that leave writes out.
func filters(d *fact.Database, prefix string) []*fact.Option {
	return slices.DeleteFunc(slices.Clone(d.All), func(o *fact.Option) bool {
		return !strings.HasPrefix(o.Name, prefix) || !slices.Contains(filterNames, o.Name) || !o.Value.Known() || o.Value.V == ""
	})
}

var filterList = &Rule{ID: "mysql-filter-list", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		for _, o := range append(filters(d, "binlog_"), filters(d, "replicate_")...) {
			if !strings.Contains(o.Value.V, ",") {
				continue
			}
			what, consequence := "database", "what the list names is not left out"
			if strings.HasSuffix(o.Name, "_table") {
				what = "table"
			}
			if strings.Contains(o.Name, "_do_") {
				consequence = "nothing is replicated, and the status says that all is well"
			}
			p.Report(o.Value.Word, "%q is one %s with commas in its name: %s", o.Value.V, what, consequence).On(d.Host).In(o.Node).
				Help("write one line for each")
		}
	}
}}

// system schemas are each server's own, and are left out on purpose.
func system(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	switch name {
	case "mysql", "information_schema", "performance_schema", "sys", "test", "#mysql50#lost+found", "lost+found":
		return true
	}
	return false
}

var binlogFilter = &Rule{ID: "mysql-binlog-filter", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.replications() {
		for _, d := range r.members {
			list := filters(d, "binlog_")
			i := slices.IndexFunc(list, func(o *fact.Option) bool { return o.Name == "binlog_do_db" || !system(o.Value.V) })
			if i < 0 || isReplica(d) && !set(d.BinaryLog()) {
				continue
			}
			f := p.Report(list[i].Word, "%q keeps writes out of the binary log: replicas and backups never get them, and which ones they are depends on the statement's USE", list[i].Name).
				On(d.Host).In(list[i].Node).Help("log everything; filter on a replica that is never promoted").Same(r.name())
			if r.group {
				f.Weigh(diag.Error)
			}
		}
	}
}}

var replicateFilter = &Rule{ID: "mysql-replicate-filter", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			list := filters(d, "replicate_")
			if d.Options["replicate_rewrite_db"] != nil {
				continue // a copy of another kind
			}
			i := slices.IndexFunc(list, func(o *fact.Option) bool { return strings.Contains(o.Name, "_do_") || !system(o.Value.V) })
			if i < 0 {
				continue
			}
			f := p.Report(list[i].Word, "%q drops writes on %s: it is no copy of its source, and promoting it loses what it left out", list[i].Name, d.Host.Name).
				On(d.Host).In(list[i].Node).Help("replicate everything on a server that may be promoted")
			same := func(o *fact.Database) bool { return len(filters(o, "replicate_")) == len(list) }
			if one := r.other(d); !same(one) {
				f.Related(one.Text("server_id").Word, "%s has other filters, or none", one.Host.Name)
			}
			f.Same(r.name())
		}
	}
}}

var skipErrors = perOption("mysql-skip-errors", diag.Error, "replica_skip_errors", func(p *Pass, d *fact.Database, o *fact.Option) {
	switch strings.ToLower(o.Value.V) {
	case "", "off", "0":
		return
	}
	f := p.option(d, "replica_skip_errors", "the replica goes on after errors (%s): rows that differ stay so, and nobody is told", o.Value.V).
		Help("remove the line; repair what stops replication")
	if strings.EqualFold(o.Value.V, "ddl_exist_errors") {
		f.Weigh(diag.Warning)
	}
})
