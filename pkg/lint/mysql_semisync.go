package lint

import (
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlSemiSyncRules = []*Rule{semiSyncOnReplica, semiSyncOneSide, semiSyncCount, semiSyncTimeout, semiSyncPoint, pluginLoose, pluginTwice}

const (
	semiSource  = "rpl_semi_sync_source_enabled"
	semiReplica = "rpl_semi_sync_replica_enabled"
)

var semiSyncOnReplica = &Rule{ID: "mysql-semisync-on-replica", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		for _, d := range r.replicas() {
			if !set(d.Bool(semiSource)) {
				continue
			}
			timeout := d.Number("rpl_semi_sync_source_timeout")
			f := p.option(d, semiSource, "%s is a replica and waits for replicas of its own before it commits what it replicates: it stands still for the timeout, or for good", d.Host.Name).
				Help("turn %q on when the server is promoted", spell(d, semiSource)).Same(r.name())
			if timeout.Known() {
				f.Proof("%s is %d ms", spell(d, "rpl_semi_sync_source_timeout"), timeout.V)
			}
		}
	}
}}

// acknowledging are the members besides one that acknowledge what they have received; known is false where a file does not tell.
func (r *replication) acknowledging(primary *fact.Database) (list []*fact.Database, known bool) {
	known = true
	for _, d := range r.members {
		v := d.Bool(semiReplica)
		known = known && (v.Known() || d == primary)
		if d != primary && set(v) {
			list = append(list, d)
		}
	}
	return list, known
}

var semiSyncOneSide = &Rule{ID: "mysql-semisync-one-side", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.asynchronous() {
		d := r.primary()
		if d == nil {
			continue
		}
		list, known := r.acknowledging(d)
		source := d.Bool(semiSource)
		switch {
		case set(source) && known && len(list) == 0:
			p.option(d, semiSource, "%s waits for replicas to acknowledge, and none does: the first write takes the whole timeout, and from then on replication is asynchronous", d.Host.Name).
				relate(r.other(d), semiReplica).Help("set \"%s = ON\" on the replicas", spell(d, semiReplica))
		case off(source) && len(list) > 0:
			f := p.option(d, semiSource, "%s acknowledge what they receive, and %s does not wait for it: a failover loses writes that were answered", hosts(list), d.Host.Name).
				relate(list[0], semiReplica).Help("set \"%s = ON\" on the primary", spell(d, semiSource))
			if !p.Complete && !source.Written() {
				f.Weigh(diag.Info) // whatever promotes may turn it on
			}
		}
	}
}}

var semiSyncCount = &Rule{ID: "mysql-semisync-count", Severity: diag.Error, Run: func(p *Pass) {
	const name = "rpl_semi_sync_source_wait_for_replica_count"
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			need := d.Number(name)
			if !need.Written() || isReplica(d) {
				continue
			}
			list, known := r.acknowledging(d)
			if !known || len(list) == 0 {
				continue
			}
			switch n := int64(len(list)); {
			case need.V > n:
				p.option(d, name, "each commit waits for %d replicas and only %d acknowledge: it takes the whole timeout, or never ends", need.V, n).
					relate(list[0], semiReplica).Help("set it below the number of replicas")
			case need.V == n && n > 1:
				p.option(d, name, "each commit waits for all %d replicas: when one is away, it takes the whole timeout, or never ends", n).
					Weigh(diag.Warning).relate(list[0], semiReplica).Help("set it below the number of replicas")
			}
		}
	}
}}

var semiSyncTimeout = &Rule{ID: "mysql-semisync-timeout", Severity: diag.Warning, Run: func(p *Pass) {
	const name = "rpl_semi_sync_source_timeout"
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			ms := d.Number(name)
			if !ms.Written() || isReplica(d) || !set(d.Bool(semiSource)) {
				continue
			}
			list, known := r.acknowledging(d)
			switch {
			case ms.V <= 0:
				p.option(d, name, "the timeout is 0 ms: no commit waits for a replica, and a failover loses writes that were answered").Help("set it to 10000")
			case ms.V <= 500:
				p.option(d, name, "the timeout is %d ms: a short stall makes replication asynchronous, unnoticed, and a failover then loses writes that were answered", ms.V).
					Help("set it to 10000")
			case ms.V > 3600_000 && known && len(list) == 1:
				p.option(d, name, "each commit waits %d s for the one replica %s: while that is away, no write ends", ms.V/1000, list[0].Host.Name).
					relate(list[0], semiReplica).Help("add a second replica, or set it to 10000")
			}
		}
	}
}}

var semiSyncPoint = &Rule{ID: "mysql-semisync-after-commit", Severity: diag.Warning, Run: func(p *Pass) {
	const name = "rpl_semi_sync_source_wait_point"
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			if v := d.Text(name); set(d.Bool(semiSource)) && v.Known() && v.V == "AFTER_COMMIT" {
				p.option(d, name, "%q is AFTER_COMMIT: others read a row before a replica has it, and a failover takes it away again", spell(d, name)).
					Help("set \"%s = AFTER_SYNC\"", spell(d, name)).Same(r.name())
			}
		}
	}
}}

// pluginLoose is about options of plugins that a line of the same file loads: `mysqld --initialize` loads none.
var pluginLoose = &Rule{ID: "mysql-plugin-not-loose", Severity: diag.Warning, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		if !is(d, mysql) {
			continue
		}
		loads := slices.IndexFunc(d.All, func(o *fact.Option) bool {
			return (o.Name == "plugin_load_add" || o.Name == "plugin_load") && (strings.Contains(o.Value.V, "semisync_") || strings.Contains(o.Value.V, "group_replication"))
		})
		i := slices.IndexFunc(d.All, func(o *fact.Option) bool {
			return !o.Loose && (strings.HasPrefix(o.Name, "rpl_semi_sync_") || strings.HasPrefix(o.Name, "group_replication_"))
		})
		if loads < 0 || i < 0 {
			continue
		}
		o := d.All[i]
		p.Report(o.Word, "\"mysqld --initialize\" loads no plugin and stops at %q: a new server of this file never starts", o.Word.Text).On(d.Host).In(o.Node).
			Related(d.All[loads].Word, "the plugin is loaded here").Help("write \"loose_%s\"", o.Name).Same("loose")
	}
}}

var pluginTwice = perOption("mysql-plugin-load-twice", diag.Error, "plugin_load", func(p *Pass, d *fact.Database, o *fact.Option) {
	for _, lost := range o.Lost {
		for name := range strings.SplitSeq(lost.Value.V, ";") {
			if name != "" && !strings.Contains(o.Value.V, name) {
				p.Report(lost.Value.Word, "%q is not loaded: of several lines \"plugin_load\" the last one counts", name).On(d.Host).In(lost.Node).
					Related(o.Word, "this one").Help("write \"plugin_load_add\" in each")
				break
			}
		}
	}
})
