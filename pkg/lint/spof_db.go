package lint

import (
	"path"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/sim"
)

var spofDatabaseRules = []*Rule{spofDBPrimary, spofDBReplica}

var spofDBReplica = &Rule{
	ID:       "spof-db-replica",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		f := p.failures()
		for _, set := range sim.Databases(p.Stack) {
			if len(set) > 1 {
				p.loneReader(set)
				continue
			}
			h := set[0]
			lost := f.costs(h, false)
			if h.Database.Role.V == "replica" && !p.Complete {
				continue // its source is elsewhere
			}
			if len(lost) == 0 || p.unseen(h, "db") || sim.Group(h.Database) || len(f.costs(h, true)) > 0 && f.part[h] != "" {
				continue // of a host that does all, another rule tells
			}
			p.Report(databaseWord(h), "%s is the only database: when it is down, %s, and with its disk the data", h.Name, areLost(lost)).On(h).
				Proof("with %s down: %s", h.Name, areLost(lost)).
				Help("add a replica, and a way to promote it")
		}
	},
}

// loneReader is about a replica that takes reads which no other database of the set takes in its place.
func (p *Pass) loneReader(set []*fact.Host) {
	for _, h := range set {
		lost := p.failures().costs(h, false)
		if h.Database.Role.V != "replica" || len(lost) == 0 || p.unseen(h, "db") {
			continue
		}
		p.Report(databaseWord(h), "only %s takes the reads: when it is down, %s, whatever other databases there are", h.Name, areLost(lost)).On(h).
			Proof("with %s down: %s", h.Name, areLost(lost)).
			Help("name another database for reads too, or ask through a balancer")
	}
}

// databaseWord is where the server's options begin.
func databaseWord(h *fact.Host) conf.Word {
	if w := h.Database.Text("").Word; w.Pos.IsValid() {
		return w
	}
	return hostWord(h)
}

var spofDBPrimary = &Rule{
	ID:       "spof-db-primary",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		f := p.failures()
		managed := p.managed()
		for _, set := range sim.Databases(p.Stack) {
			if managed || len(set) < 2 || p.promotesItself(set) {
				continue
			}
			for _, h := range set {
				lost := f.costs(h, false)
				if h.Database.Role.V != "primary" || len(lost) == 0 {
					continue
				}
				var able, unable []*fact.Host
				for _, o := range set {
					switch log := o.Database.BinaryLog(); {
					case o == h || o.Database.Role.V != "replica":
					case log.Known() && !log.V:
						unable = append(unable, o)
					default:
						able = append(able, o)
					}
				}
				way := promotion(set)
				r := p.Report(databaseWord(h), "").On(h).Proof("with %s down: %s", h.Name, areLost(lost))
				switch {
				case len(able) == 0 && len(unable) > 0:
					w := unable[0].Database.BinaryLog().Word
					r.Message = "no replica of " + h.Name + " can take its place: when it is down, " + areLost(lost)
					r.Related(w, "without a binary log %s has nothing that the other replicas could follow", unable[0].Name).
						Help("turn on the binary log of the replicas")
				case len(able) == 0:
					r.Message = "no replica of " + h.Name + " is known: when it is down, " + areLost(lost)
					r.Help("make the other databases replicas of %s", h.Name)
				case way.Pos.File == "":
					r.Message = "nothing promotes a replica when " + h.Name + " is down: " + areLost(lost) + " until somebody has found out how"
					r.Help("have a script that promotes %s, and try it; or a failover manager", able[0].Name)
				default:
					r.Message = "when " + h.Name + " is down, " + areLost(lost) + " until somebody promotes " + able[0].Name
					r.Weigh(diag.Warning).Related(way, "by this, by hand").
						Help("have a failover manager promote a replica; or accept it, with the runbook as the reason")
				}
			}
		}
	},
}

// Names of what promotes a replica without being told, as they stand in paths.
var managers = []string{"orchestrator", "mha4mysql", "masterha", "replication-manager", "maxscale", "mysqlrouter", "patroni", "pt-heartbeat-failover"}

// managed reports whether some host has the files of a failover manager.
func (p *Pass) managed() bool {
	for _, h := range p.Hosts {
		if h.Source == nil {
			continue
		}
		for _, f := range h.Source.Files {
			name := strings.ToLower(f.Path)
			if slices.ContainsFunc(managers, func(m string) bool { return strings.Contains(name, m) }) {
				return true
			}
		}
	}
	return false
}

// promotesItself reports whether something replaces a lost primary by itself: the servers' own group, keepalived's notify
// on a database, or what the rendered files leave the primary to, which then starts read-only and has no script to promote
// another.
func (p *Pass) promotesItself(set []*fact.Host) bool {
	for _, h := range set {
		if sim.Group(h.Database) {
			return true
		}
		if h.Keepalived != nil && slices.ContainsFunc(h.Keepalived.Instances, func(i *fact.VRRPInstance) bool { return len(i.Notify) > 0 }) {
			return true
		}
	}
	if p.Manifest == nil || promotion(set).Pos.File != "" {
		return false
	}
	return !slices.ContainsFunc(set, func(h *fact.Host) bool {
		d := h.Database
		ro, super := d.Bool("read_only"), d.Bool("super_read_only")
		return !(ro.Written() && ro.V || super.Written() && super.V)
	})
}

// Where scripts of a database server usually lie.
var scriptPlaces = []string{"/etc/mysql/*", "/etc/my.cnf.d/*", "/root/*", "/opt/*/*", "/usr/local/bin/*", "/usr/local/sbin/*"}

// promotion is the place of a script that promotes one of the servers, going by its name.
func promotion(set []*fact.Host) conf.Word {
	for _, h := range set {
		if h.Source == nil {
			continue
		}
		var paths []string
		for _, f := range h.Source.Files {
			paths = append(paths, f.Path)
		}
		for _, pattern := range scriptPlaces {
			paths = append(paths, h.Source.Glob(pattern)...)
		}
		slices.Sort(paths)
		for _, file := range paths {
			name := strings.ToLower(path.Base(file))
			if strings.Contains(name, "promote") || strings.Contains(name, "failover") || strings.Contains(name, "switchover") {
				w := conf.Word{Text: file}
				w.Pos.File = h.Source.Place(file)
				return w
			}
		}
	}
	return conf.Word{}
}
