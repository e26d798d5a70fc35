package model

import (
	"slices"
	"strings"
)

// check reports everything that is wrong with a topology whose defaults are filled in. What could not be read at all has
// been reported already.
func check(t *Topology, p *problems) {
	checkEnums(t, p)
	checkTargets(t, p)
	checkNames(t, p)
	checkAddresses(t, p)
	checkReach(t, p)
	checkVIPs(t, p)
	checkSites(t, p)
	checkLB(t, p)
	checkWeb(t, p)
	checkApps(t, p)
	checkDB(t, p)
	checkLoad(t, p)
	checkTimeouts(t, p)
	checkRaw(t, p)
	checkAccept(t, p)
}

// checkEnums: a word is one of the few its key knows, a target one of the versions.
func checkEnums(t *Topology, p *problems) {
	word := func(path, id, value string) {
		if known := enums[id]; !p.broken(path) && !slices.Contains(known, value) {
			p.at(path, didYouMean(value, known), "%q is no %s", value, lastKey(path))
		}
	}
	version := func(path, id string, v Version) {
		if known := enums[id]; !p.broken(path) && !v.IsZero() && !slices.Contains(known, v.String()) {
			p.at(path, "supported are "+strings.Join(known, ", "), "files cannot be written for %s %s", lastKey(path), v)
		}
	}
	version("targets.haproxy", "Targets.HAProxy", t.Targets.HAProxy)
	version("targets.keepalived", "Targets.Keepalived", t.Targets.Keepalived)
	version("targets.nginx", "Targets.Nginx", t.Targets.Nginx)
	version("targets.mysql", "Targets.MySQL", t.Targets.MySQL)
	version("targets.mariadb", "Targets.MariaDB", t.Targets.MariaDB)
	word("lb.client_ip", "LB.ClientIP", t.LB.ClientIP)
	word("lb.sticky", "LB.Sticky", t.LB.Sticky)
	word("lb.balance", "LB.Balance", t.LB.Balance)
	word("lb.failover.mode", "Failover.Mode", t.LB.Failover.Mode)
	for _, s := range t.Sites {
		if s.TLS != nil {
			word("sites."+s.Name+".tls.profile", "TLS.Profile", s.TLS.Profile)
		}
	}
	for _, a := range t.Apps {
		word("apps."+a.Name+".protocol", "App.Protocol", a.Protocol)
		word("apps."+a.Name+".balance", "App.Balance", a.Balance)
	}
	if t.DB != nil {
		word("db.failover", "DB.Failover", t.DB.Failover)
	}
}

func checkTargets(t *Topology, p *problems) {
	if t.written("targets.mysql") && t.written("targets.mariadb") {
		p.atKey("targets.mariadb", "keep the one that runs", "the database cannot be MySQL and MariaDB at once")
		p.related("targets.mysql", "the other one")
	}
}

func checkLoad(t *Topology, p *problems) {
	if t.Load == nil {
		return
	}
	p.between("load.requests", t.Load.Requests, 0, 100*maxConcurrent)
	p.between("load.concurrent", t.Load.Concurrent, 0, maxConcurrent)
}

func checkAccept(t *Topology, p *problems) {
	for i, a := range t.Accept {
		path := item("accept", i)
		if p.broken(path) {
			continue
		}
		if !ruleName.MatchString(a.Rule) {
			p.at(path+".rule", "take the name in brackets at the end of the finding, such as spof-db-primary", "%q is no rule", a.Rule)
		}
		if t.written(path + ".host") {
			if names := hostNames(t); !slices.Contains(names, a.Host) {
				p.at(path+".host", didYouMean(a.Host, names), "no host is called %q", a.Host)
			}
		}
		if strings.TrimSpace(a.Reason) == "" {
			p.at(path+".reason", "say in one line why the team lives with it", "an accepted finding needs a reason")
		}
	}
}

func hostNames(t *Topology) []string {
	var names []string
	for _, h := range t.Hosts() {
		names = append(names, h.Name)
	}
	return names
}
