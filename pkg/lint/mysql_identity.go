package lint

import (
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlIdentityRules = []*Rule{serverIDDuplicate, serverIDMissing, serverIDZero, serverIDRange, serverUUIDDuplicate, reportHostDuplicate}

const uniqueID = "give every server an id of its own, such as its address as a number, and restart it"

var serverIDDuplicate = &Rule{ID: "mysql-server-id-duplicate", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		if r.galera {
			continue
		}
		first := map[int64]*fact.Database{}
		for _, d := range r.members {
			id := d.Number("server_id")
			if !id.Written() || id.V == 0 {
				continue
			}
			one := first[id.V]
			if one == nil {
				first[id.V] = d
				continue
			}
			// The replica's line is the one to change.
			at, peer := d, one
			if isPrimary(d) {
				at, peer = one, d
			}
			consequence := "a replica with its source's id does not replicate, and two replicas with one id lose their connection in turn"
			p.option(at, "server_id", "\"server_id\" is %d here and on %s: %s", id.V, peer.Host.Name, consequence).On(peer.Host).
				relate(peer, "server_id").Help(uniqueID).Same(r.name() + strconv.FormatInt(id.V, 10))
		}
	}
}}

var serverIDMissing = &Rule{ID: "mysql-server-id-missing", Severity: diag.Error, Run: func(p *Pass) {
	for _, r := range p.replications() {
		if r.galera {
			continue
		}
		taken := func(d *fact.Database) bool {
			return slices.ContainsFunc(r.members, func(o *fact.Database) bool {
				id := o.Number("server_id")
				return o != d && id.Known() && id.V == 1
			})
		}
		for _, d := range r.members {
			if id := d.Number("server_id"); !id.Known() || id.Written() {
				continue
			}
			f := p.option(d, "server_id", "no line sets \"server_id\", so it is 1, as on every server that has none: equal ids do not replicate").
				Help(uniqueID).Same(r.name())
			if !taken(d) {
				f.Weigh(diag.Warning)
			}
		}
	}
}}

var serverIDZero = &Rule{ID: "mysql-server-id-zero", Severity: diag.Error, Run: func(p *Pass) {
	member := map[*fact.Database]bool{}
	for _, r := range p.replications() {
		for _, d := range r.members {
			member[d] = !r.galera
		}
	}
	for _, d := range databases(p.Stack) {
		id := d.Number("server_id")
		if !id.Written() || id.V != 0 || !member[d] && !replicates(d) {
			continue
		}
		if is(d, mariadb) {
			p.option(d, "server_id", "\"server_id\" is 0, which MariaDB takes for 1: equal ids do not replicate").Help(uniqueID)
			continue
		}
		p.option(d, "server_id", "\"server_id\" is 0: the server neither replicates nor lets a replica connect").Help(uniqueID)
	}
}}

var serverIDRange = perOption("mysql-server-id-range", diag.Warning, "server_id", func(p *Pass, d *fact.Database, o *fact.Option) {
	n, err := strconv.ParseInt(o.Value.V, 10, 64)
	switch {
	case err != nil:
	case n > 1<<32-1:
		p.option(d, "server_id", "\"server_id\" is above 4294967295, which the server takes instead: another one that is too large has the same").Help("%s", uniqueID)
	case n < 0 && is(d, mariadb):
		p.option(d, "server_id", "\"server_id\" is negative: MariaDB does not start").Weigh(diag.Error).Help("%s", uniqueID)
	case n < 0:
		p.option(d, "server_id", "\"server_id\" is negative, and MySQL takes 0: it does not replicate").Help("%s", uniqueID)
	}
})

var serverUUIDDuplicate = &Rule{ID: "mysql-server-uuid-duplicate", Severity: diag.Error, Run: func(p *Pass) {
	first := map[string]*fact.Database{}
	for _, d := range databases(p.Stack) {
		at, uuid, ok := autoCnf(d)
		if !ok {
			continue
		}
		one := first[uuid]
		if one == nil {
			first[uuid] = d
			continue
		}
		there, _, _ := autoCnf(one)
		p.Report(at, "%s and %s have one server UUID, %s: the data directory was copied, and they do not replicate from each other or from one source", one.Host.Name, d.Host.Name, uuid).
			On(d.Host, one.Host).Related(there, "%s has it too", one.Host.Name).Help("delete auto.cnf of the copy and restart it: the server makes a new one")
	}
}}

// report_host is what a source lists its replicas by, and what tools and Group Replication connect to.
var reportHostDuplicate = &Rule{ID: "mysql-report-host-duplicate", Severity: diag.Warning, Run: func(p *Pass) {
	for _, r := range p.replications() {
		first := map[string]*fact.Database{}
		for _, d := range r.members {
			o := d.Options["report_host"]
			if o == nil || !o.Value.Known() || o.Value.V == "" {
				continue
			}
			one := first[o.Value.V]
			if one == nil {
				first[o.Value.V] = d
				continue
			}
			if port := d.Options["report_port"]; port != nil && one.Options["report_port"] != nil && port.Value.V != one.Options["report_port"].Value.V {
				continue
			}
			p.option(d, "report_host", "%s and %s both report themselves as %q: whoever asks the source for its replicas is led to one of them twice", one.Host.Name, d.Host.Name, o.Value.V).
				On(one.Host).relate(one, "report_host").Help("set \"report_host\" to each host's own address")
		}
	}
}}

// autoCnf reads the UUID in a server's data directory.
func autoCnf(d *fact.Database) (at conf.Word, uuid string, ok bool) {
	dir := "/var/lib/mysql"
	if o := d.Options["datadir"]; o != nil && o.Value.Known() {
		dir = strings.TrimSuffix(o.Value.V, "/")
	}
	f, found := d.Host.Source.File(dir + "/auto.cnf")
	if !found {
		return at, "", false
	}
	n := 0
	for line := range strings.Lines(string(f.Data)) {
		n++
		if name, value, isSet := strings.Cut(strings.TrimSpace(line), "="); isSet && strings.HasPrefix(name, "server") {
			at.Raw = strings.TrimSpace(line)
			at.Pos = diag.Pos{File: d.Host.Source.Place(f.Path), Line: n, Col: 1}
			return at, strings.ToLower(strings.TrimSpace(value)), true
		}
	}
	return at, "", false
}
