package lint

import (
	"cmp"
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlBinlogRules = []*Rule{binlogOff, binlogBoolean, binlogFormat, binlogExpire, replicaUpdatesOff, sameServerID, sourceRetry, versionOrder, flavourMix}

var binlogOff = &Rule{ID: "mysql-binlog-off", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		if r.galera {
			continue // it has its own stream
		}
		others := len(slices.DeleteFunc(r.replicas(), func(d *fact.Database) bool { return off(d.BinaryLog()) }))
		for _, d := range r.members {
			if !off(d.BinaryLog()) {
				continue
			}
			f := p.option(d, "log_bin", "%s writes no binary log: ", d.Host.Name).Same(r.name() + d.Role.V)
			if at := d.BinaryLog().Word; at.Pos.IsValid() {
				f.Pos, f.End = at.Pos, end(at)
			}
			switch {
			case r.group:
				f.Message += "Group Replication does not start"
			case !isReplica(d):
				f.Message += "no replica can follow it"
			case others > 0:
				f.Message += "no replica could follow it, were it promoted"
				f.Weigh(diag.Warning)
			default:
				f.Message += "no replica could follow it, were it promoted, and no other replica is there to promote"
			}
			f.relate(r.other(d), "log_bin").Help("set \"log_bin = binlog\"")
		}
	}
}}

var binlogBoolean = &Rule{ID: "mysql-binlog-boolean", Severity: diag.Warning, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		o := d.Options["log_bin"]
		if o == nil || !o.Value.Known() || len(o.Node.Words) < 2 || !strings.HasPrefix(bareName(o), "log_bin") {
			continue
		}
		switch v := o.Node.Arg(1).Text; strings.ToLower(v) {
		case "off", "0", "false", "no", "none", "disabled":
			p.option(d, "log_bin", "\"log_bin\" is a file name: %q turns the binary log on, in files %s.000001 and on", v, v).
				Help("for no binary log write \"skip_log_bin\"; else name it: \"log_bin = binlog\"")
		case "on", "1", "true", "yes", "enabled":
			p.option(d, "log_bin", "\"log_bin\" is a file name: the binary log is on, in files %s.000001 and on", v).Weigh(diag.Info).
				Help("name it: \"log_bin = binlog\"")
		}
	}
}}

// bareName is the option's name as written, with underscores and without loose_.
func bareName(o *fact.Option) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(o.Word.Text), "-", "_"), "loose_")
}

var binlogFormat = &Rule{ID: "mysql-binlog-format", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.replications() {
		var formats []int // a member for each format
		for i, d := range r.members {
			v := d.Text("binlog_format")
			if v.Known() && !slices.ContainsFunc(formats, func(j int) bool { return r.members[j].Text("binlog_format").V == v.V }) {
				formats = append(formats, i)
			}
		}
		for _, d := range r.members {
			v := d.Text("binlog_format")
			if !v.Known() {
				continue
			}
			if (r.galera || r.group) && v.Written() && v.V != "ROW" {
				p.option(d, "binlog_format", "\"binlog_format\" is %s: a group replicates rows alone, and the server does not join", v.V).Weigh(diag.Error).
					Help("set \"binlog_format = ROW\"").Same(r.name())
				continue
			}
			i := -1
			for _, j := range formats {
				if i < 0 && r.members[j].Text("binlog_format").V != v.V {
					i = j
				}
			}
			switch {
			case r.galera || r.group:
			case v.V == "STATEMENT" && v.Written() && i >= 0 && is(d, mysql) && isReplica(d) && set(d.Bool("log_replica_updates")) && set(d.BinaryLog()):
				// error 1666; MariaDB logs the row instead
				p.option(d, "binlog_format", "\"binlog_format\" is STATEMENT on the replica %s and %s on %s: the first row it receives cannot be logged, and replication stops", d.Host.Name, r.members[i].Text("binlog_format").V, r.members[i].Host.Name).
					Weigh(diag.Error).On(r.members[i].Host).relate(r.members[i], "binlog_format").Help("set \"binlog_format = ROW\" on every server").Same(r.name())
			case v.V == "STATEMENT" && v.Written():
				p.option(d, "binlog_format", "\"binlog_format\" is STATEMENT: what UUID(), NOW(6) or LIMIT do on a replica may be something else").
					Help("set \"binlog_format = ROW\" on every server").Same(r.name())
			case i >= 0 && v.V != "ROW":
				p.option(d, "binlog_format", "\"binlog_format\" is %s on %s and %s on %s: after a failover the binary log has another form", v.V, d.Host.Name, r.members[i].Text("binlog_format").V, r.members[i].Host.Name).
					On(r.members[i].Host).relate(r.members[i], "binlog_format").Help("set \"binlog_format = ROW\" on every server").Same(r.name())
			}
		}
	}
}}

var binlogExpire = &Rule{ID: "mysql-binlog-expire", Severity: diag.Warning, Run: func(p *Pass) {
	member := map[*fact.Database]bool{}
	for _, r := range p.asynchronous() {
		for _, d := range r.members {
			member[d] = true
		}
	}
	for _, d := range databases(p.Stack) {
		if !set(d.BinaryLog()) {
			continue
		}
		if auto := d.Bool("binlog_expire_logs_auto_purge"); auto.Written() && !auto.V {
			p.option(d, "binlog_expire_logs_auto_purge", "binary logs are never deleted: they fill the disk, and then no write succeeds").Help("remove the line")
			continue
		}
		seconds, days := d.Number("binlog_expire_logs_seconds"), d.Number("expire_logs_days")
		switch {
		case seconds.Written() && seconds.V == 0 && !(days.Written() && days.V > 0):
			p.option(d, "binlog_expire_logs_seconds", "binary logs are never deleted: they fill the disk, and then no write succeeds").
				Help("keep them for a week: \"binlog_expire_logs_seconds = 604800\"")
		case seconds.Written() && seconds.V > 0 && seconds.V < 86400 && member[d]:
			p.option(d, "binlog_expire_logs_seconds", "binary logs are deleted after %d s: a replica that was away for longer has to be copied anew", seconds.V).
				Help("keep them for a week: \"binlog_expire_logs_seconds = 604800\"")
		}
	}
}}

var replicaUpdatesOff = &Rule{ID: "mysql-replica-updates-off", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		if r.galera {
			continue
		}
		for _, d := range r.members {
			v := d.Bool("log_replica_updates")
			if !off(v) || isPrimary(d) && !v.Written() || !set(d.BinaryLog()) {
				continue
			}
			name := spell(d, "log_replica_updates")
			f := p.option(d, "log_replica_updates", "%q is off: once promoted, the server lacks in its binary log what it had replicated, and the others miss it", name).
				Help("set \"%s = ON\"", name).Same(r.name())
			if len(r.members) == 2 || isPrimary(d) {
				f.Weigh(diag.Warning) // whom it could feed is the old primary alone
			}
			if r.group {
				f.Weigh(diag.Error)
			}
		}
	}
}}

var sameServerID = perOption("mysql-same-server-id", diag.Error, "replicate_same_server_id", func(p *Pass, d *fact.Database, o *fact.Option) {
	if o.Value.V == "ON" && set(d.BinaryLog()) && set(d.Bool("log_replica_updates")) {
		p.option(d, "replicate_same_server_id", "the server applies what it has written itself and logs it again: MariaDB does not start, and in a ring events never end").
			Help("remove the line")
	}
})

var sourceRetry = &Rule{ID: "mysql-source-retry", Severity: diag.Warning, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		if d.Source == nil || !d.Source.Retries.Known() || !d.Source.Interval.Known() || d.Source.Retries.V == 0 {
			continue // 0: for ever
		}
		if total := d.Source.Retries.V * d.Source.Interval.V; total < 3600 {
			p.Report(d.Source.Word, "the replica %s gives up after %d s without its source, and does not come back when the source does", d.Host.Name, total).
				On(d.Host).Proof("SOURCE_RETRY_COUNT %d × SOURCE_CONNECT_RETRY %d s = %d s", d.Source.Retries.V, d.Source.Interval.V, total).
				Help("add SOURCE_RETRY_COUNT = 100000")
		}
	}
}}

var flavourMix = &Rule{ID: "mysql-flavour-mix", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		i := slices.IndexFunc(r.members, func(d *fact.Database) bool { return is(d, mysql) })
		for _, d := range r.members {
			if i < 0 || !is(d, mariadb) {
				continue
			}
			one := r.members[i]
			at := cmp.Or(d.Flavour.Word, d.Text("server_id").Word)
			p.Report(at, "%s is MariaDB and %s is MySQL: neither follows the other, as logins, events and GTIDs differ", d.Host.Name, one.Host.Name).
				On(d.Host, one.Host).Related(cmp.Or(one.Flavour.Word, one.Text("server_id").Word), "%s: MySQL", one.Host.Name).
				Help("run one of them on every server").Same(r.name())
		}
	}
}}

// versionOrder compares what the files tell of the servers' versions: the options they use, and groups of one version.
var versionOrder = &Rule{ID: "mysql-version-order", Severity: diag.Error, Run: func(p *Pass) {
	if len(p.Targets) > 0 && (p.Targets[mysql] != fact.Version{} || p.Targets[mariadb] != fact.Version{}) {
		return // all are of one version
	}
	for _, r := range p.replications() {
		from := r.primary()
		if from == nil || !from.Flavour.Known() {
			continue
		}
		source := versionsOf(from)
		for _, d := range r.replicas() {
			if d.Flavour.V != from.Flavour.V {
				continue
			}
			replica := versionsOf(d)
			if source.least.Before(replica.most.Major, replica.most.Minor) || source.least == replica.most || replica.most == (fact.Version{}) || source.least == (fact.Version{}) {
				continue
			}
			p.Report(replica.mostAt, "the replica %s is older than its source %s: it does not understand all that the source writes", d.Host.Name, from.Host.Name).
				On(d.Host, from.Host).Related(source.leastAt, "%s is %d.%d at least", from.Host.Name, source.least.Major, source.least.Minor).
				Proof("%s: %d.%d at most; %s: %d.%d at least", d.Host.Name, replica.most.Major, replica.most.Minor, from.Host.Name, source.least.Major, source.least.Minor).
				Help("upgrade the replicas first")
		}
	}
}}
