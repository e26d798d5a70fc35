// Package draw makes up valid topologies for tests: every key of the format, every supported version, in the long form
// and in the short ones.
package draw

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Options narrow what is drawn.
type Options struct {
	// Pairs draws at least two hosts in every tier, a database with a replica among them, so that another one is just
	// one more.
	Pairs bool
	// Unsized leaves out what makes limits follow from the number of hosts: load, web.maxconn and concurrency.
	Unsized bool
	// Targets are versions to write for instead of drawn ones, such as "nginx": "1.26". With "mysql" or "mariadb" the
	// database is of that kind.
	Targets map[string]string
}

// Topology draws the text of a valid topology.
func Topology(t *rapid.T, o Options) string {
	d := drawer{t: t, o: o}
	top := d.stack()
	if d.coin("short") {
		shorten(top)
	}
	p := printer{t: t}
	p.block(top, 0)
	return p.b.String()
}

// Generator draws the texts of valid topologies; its Example is the same for a seed.
func Generator(o Options) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return Topology(t, o) })
}

// drawer draws one topology. What it has drawn decides what fits next.
type drawer struct {
	t *rapid.T
	o Options

	names int // drawn so far; each ends in its number, which makes it the only one of its kind
	octet int // last byte of the next address
	net   int // third byte of the balancers' network
	space addressing

	maria     bool
	mariaTLS  bool // MariaDB that makes a certificate of its own
	hosts     []string
	vips      []string
	apps      []string
	protocol  map[string]string // of each application tier
	balancers []string
	ports     []int // taken on the balancers
}

// addressing is which families the hosts have.
type addressing int

const (
	only4 addressing = iota
	only6
	both
)

func (d *drawer) coin(label string) bool { return rapid.Bool().Draw(d.t, label) }

// seldom is for what would leave out or hide others where it is drawn often.
func (d *drawer) seldom(label string) bool { return rapid.IntRange(0, 9).Draw(d.t, label) == 0 }

func (d *drawer) between(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(d.t, label)
}

func pick[T any](d *drawer, label string, of ...T) T { return rapid.SampledFrom(of).Draw(d.t, label) }

func (d *drawer) matching(label, expression string) string {
	return rapid.StringMatching(expression).Draw(d.t, label)
}

// maybe sets a key or not.
func (d *drawer) maybe(n *node, key string, value func() *node) {
	if d.coin(key) {
		n.set(key, value())
	}
}

// name draws a name that no other thing has.
func (d *drawer) name(usual string) string {
	d.names++
	if d.coin("usual") {
		return fmt.Sprint(usual, d.names)
	}
	return d.matching("name", `[a-z][a-z0-9-]{0,12}`) + fmt.Sprint("-", d.names)
}

// file draws a whole path.
func (d *drawer) file(dir, end string) string {
	if d.coin("usual path") {
		return dir + "/" + d.matching("file", `[a-z]{1,8}`) + end
	}
	return d.matching("path", `(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,9}){1,4}`) + end
}

func (d *drawer) duration(label string, usual ...string) *node {
	return plain(pick(d, label, usual...))
}

func (d *drawer) stack() *node {
	d.space = pick(d, "addressing", only4, only4, both, only6)
	d.octet, d.net = d.between("first address", 1, 30), d.between("network", 0, 255)
	d.protocol = map[string]string{}
	d.ports = []int{80, 443, 10000} // 10000: where HAProxy's peers meet

	top := object().set("stackgen", num(1))
	name := d.matching("stack", `[a-z][a-z0-9-]{0,20}`)
	top.set("name", str(name))
	withDB := d.o.Pairs || d.coin("db")
	d.targets(top, withDB)
	lb, web, apps := d.lb(), d.web(), d.appTiers()
	top.set("vips", d.virtual())
	var db *node
	if withDB {
		db = d.db()
	}
	d.failover(top, lb)
	d.stats(lb)
	top.set("sites", d.sites(name))
	top.set("lb", lb).set("web", web)
	if len(apps.keys) > 0 {
		top.set("apps", apps)
	}
	if db != nil {
		top.set("db", db)
	}
	if !d.o.Unsized {
		d.maybe(top, "load", func() *node {
			n := object()
			d.maybe(n, "requests", func() *node { return num(pick(d, "requests", 0, 1, 800, 100000)) })
			d.maybe(n, "concurrent", func() *node { return num(pick(d, "concurrent", 0, 1, 7, 400, 5000, 60000)) })
			return n
		})
	}
	d.maybe(top, "timeouts", d.timeouts)
	d.maybe(top, "raw", d.raw)
	d.maybe(top, "accept", d.accept)
	return top
}

var versions = map[string][]string{
	"haproxy":    {"2.6", "2.7", "2.8", "2.9", "3.0", "3.1", "3.2"},
	"keepalived": {"2.2", "2.3"},
	"nginx":      {"1.22", "1.23", "1.24", "1.25", "1.26", "1.27", "1.28", "1.29", "1.30"},
	"mysql":      {"8.0", "8.4", "9.7"},
	"mariadb":    {"10.11", "11.8"},
}

func (d *drawer) targets(top *node, withDB bool) {
	n := object()
	set := func(name string) {
		if v := d.o.Targets[name]; v != "" {
			n.set(name, str(v))
		} else if d.coin(name) {
			n.set(name, str(pick(d, name, versions[name]...)))
		}
	}
	set("haproxy")
	set("keepalived")
	set("nginx")
	maria, mysql := d.o.Targets["mariadb"] != "", d.o.Targets["mysql"] != ""
	switch {
	case maria, !mysql && withDB && d.coin("mariadb"):
		d.maria = true
		v := d.o.Targets["mariadb"]
		if v == "" {
			v = pick(d, "mariadb", versions["mariadb"]...)
		}
		d.mariaTLS = v != "10.11"
		n.set("mariadb", str(v))
	case withDB:
		set("mysql")
	}
	if len(n.keys) > 0 {
		top.set("targets", n)
	}
}

func (d *drawer) timeouts() *node {
	n := object()
	for _, k := range [][]string{
		{"request", "10ms", "500ms", "5s", "30s", "1m30s", "10m", "24h"}, {"connect", "1ms", "250ms", "2s", "1h"},
		{"idle", "1s", "60s", "90s", "24h"}, {"queue", "1ms", "30s", "24h"}, {"retry", "1ms", "64s", "2d"},
		{"server", "70400ms", "1m", "4d"}, {"client", "204800ms", "10s", "4d"}, {"database", "1ms", "333ms", "10s"},
		{"websocket", "1s", "1h", "24d"}, {"drain", "1s", "5m", "24d"},
	} {
		if d.between(k[0]+"?", 0, 2) == 0 {
			n.set(k[0], d.duration(k[0], k[1:]...))
		}
	}
	return n
}

// Lines that every supported version takes without a warning.
var rawLines = map[string]map[string][]string{
	"haproxy": {
		"global":   {"tune.bufsize 32768", "# a comment of the team", "tune.http.maxhdr 202"},
		"defaults": {"option splice-auto", "option http-ignore-probes"},
		"frontend": {"http-request set-header X-Edge stackgen", `http-request set-header X-Words "two words # and ; more"`},
		"backend":  {"http-request set-header X-Backend %[be_name]", "http-response del-header Server"},
	},
	"keepalived": {
		"global_defs":   {"vrrp_startup_delay 5", "# a comment of the team"},
		"vrrp_instance": {"garp_master_delay 2", "notify_master /usr/bin/true"},
	},
	"nginx": {
		"main":   {"worker_priority -5;", "# a comment of the team"},
		"events": {"multi_accept on;"},
		"http":   {"gzip on;", "map $host $team { default a; b.example c; }"},
		"server": {"add_header X-Frame-Options SAMEORIGIN always;", `location = /team { return 200 "a; b # c\n"; }`},
	},
	"mysql": {"server": {"innodb_print_all_deadlocks = ON", "# a comment of the team", "init_connect = 'SET @team = 1'"}},
}

func (d *drawer) raw() *node {
	n := object()
	for _, language := range []string{"haproxy", "keepalived", "nginx", "mysql"} {
		d.maybe(n, language, func() *node {
			sections := object()
			var names []string
			for name := range rawLines[language] {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				d.maybe(sections, name, func() *node {
					lines := items()
					for _, line := range rawLines[language][name] {
						if d.coin("line") {
							lines.items = append(lines.items, str(line))
						}
					}
					return lines
				})
			}
			return sections
		})
	}
	return n
}

func (d *drawer) accept() *node {
	all := items()
	for range d.between("accepted", 0, 3) {
		n := entry("rule", str(d.matching("rule", `[a-z]{1,8}(-[a-z0-9]{1,8}){0,3}`)))
		d.maybe(n, "host", func() *node { return str(pick(d, "host", d.hosts...)) })
		reason := d.matching("reason", `[a-zA-Z"'\\{};#$%:,äß日][ -~äß日]{0,30}`)
		n.set("reason", str(reason))
		d.maybe(n, "until", func() *node {
			return plain(fmt.Sprintf("%d-%02d-%02d", d.between("year", 2024, 2099), d.between("month", 1, 12), d.between("day", 1, 28)))
		})
		all.items = append(all.items, n)
	}
	return all
}

// shorten replaces long forms by the short ones that stand for them.
func shorten(top *node) {
	for i, key := range top.keys {
		value := top.items[i]
		switch key {
		case "vips":
			for j := range value.items {
				short(value, j, "address")
			}
			if only := value.alone("www"); only != nil {
				top.keys[i], top.items[i] = "vip", only
			}
		case "sites":
			if d := domainOf(value.alone(top.get("name").text)); d != nil {
				top.keys[i], top.items[i] = "domain", d
				break
			}
			for _, site := range value.items {
				shortIn(site, "tls", "certificate")
				if routes := site.get("routes"); routes != nil {
					for j := range routes.items {
						short(routes, j, "app")
					}
				}
			}
		case "lb", "web":
			shortIn(value, "failover", "mode")
			shortTier(value)
			if hosts := value.alone("nodes"); hosts != nil {
				top.items[i] = hosts
			}
		case "apps":
			for j, tier := range value.items {
				shortTier(tier)
				if hosts := tier.alone("nodes"); hosts != nil {
					value.items[j] = hosts
				}
			}
			if only := value.alone("app"); only != nil {
				top.keys[i], top.items[i] = "app", only
			}
		case "db":
			shortTier(entry("nodes", value.get("primary")))
			if replicas := value.get("replicas"); replicas != nil {
				shortTier(entry("nodes", replicas))
			}
		}
	}
}

// domainOf returns D for a site that is no more than its domains www.D and D.
func domainOf(site *node) *node {
	if site == nil {
		return nil
	}
	domains := site.alone("domains")
	if domains == nil || len(domains.items) != 2 || domains.items[0].text != "www."+domains.items[1].text ||
		strings.HasPrefix(domains.items[1].text, "www.") {
		return nil
	}
	return domains.items[1]
}

func shortTier(tier *node) {
	nodes := tier.get("nodes")
	for i := range nodes.items {
		short(nodes, i, "address")
	}
}

// short replaces the i-th value by that of its only key.
func short(n *node, i int, key string) {
	if only := n.items[i].alone(key); only != nil {
		n.items[i] = only
	}
}

func shortIn(n *node, key, only string) {
	if i := slices.Index(n.keys, key); i >= 0 {
		short(n, i, only)
	}
}
