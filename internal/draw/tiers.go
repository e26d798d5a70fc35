package draw

import (
	"fmt"
	"slices"
	"strings"
)

// addresses sets the addresses of a host: in the balancers' network, or in one beside it.
func (d *drawer) addresses(n *node, network int) {
	d.octet++
	v4 := fmt.Sprintf("10.%d.%d.%d", 10+network, d.net, d.octet)
	v6 := fmt.Sprintf("fd00:%x:%x::%x", d.net, network, d.octet)
	if d.coin("other form") {
		v6 = fmt.Sprintf("FD00:%X:%X:0:0:0:0:%X", d.net, network, d.octet)
	}
	switch d.space {
	case only4:
		n.set("address", plain(v4))
	case only6:
		n.set("address", plain(v6))
	default:
		n.set("address", plain(v4)).set("address6", plain(v6))
	}
}

// host draws what every host may have.
func (d *drawer) host(usual string, network int) (string, *node) {
	name := d.name(usual)
	d.hosts = append(d.hosts, name)
	n := object()
	d.addresses(n, network)
	if d.coin("bare host") {
		return name, n
	}
	d.maybe(n, "zone", func() *node { return str(d.matching("zone", `[A-Za-z0-9][A-Za-z0-9._-]{0,9}`)) })
	d.maybe(n, "runs_on", func() *node { return str(d.matching("runs_on", `[A-Za-z0-9][A-Za-z0-9._-]{0,9}`)) })
	d.maybe(n, "cpus", func() *node { return num(pick(d, "cpus", 0, 1, 4, 4096)) })
	d.maybe(n, "memory", func() *node { return plain(pick(d, "memory", "64M", "1G", "16G", "1000000K", "1T")) })
	d.maybe(n, "availability", func() *node { return plain(pick(d, "availability", "0", "99.9", "99.999", "100")) })
	d.maybe(n, "capacity", func() *node { return num(pick(d, "capacity", 0, 1, 900, 100000)) })
	return name, n
}

func (d *drawer) count(label string, high int) int {
	low := 1
	if d.o.Pairs {
		low = 2
	}
	return d.between(label, low, max(low, high))
}

func (d *drawer) interfaceName() string {
	return pick(d, "interface", "eth0", "ens3", "bond0.100", d.matching("interface", `[A-Za-z][A-Za-z0-9._-]{0,14}`))
}

func (d *drawer) lb() *node {
	n := object()
	d.maybe(n, "interface", func() *node { return str(d.interfaceName()) })
	d.maybe(n, "client_ip", func() *node { return str(pick(d, "client_ip", "forwarded-for", "proxy")) })
	d.maybe(n, "sticky", func() *node { return str(pick(d, "sticky", "none", "cookie", "source")) })
	d.maybe(n, "balance", func() *node { return str(pick(d, "balance", "leastconn", "roundrobin", "random")) })
	d.maybe(n, "maxconn", func() *node { return num(pick(d, "maxconn", 5000, 20000, 300000)) })
	d.maybe(n, "rate_limit", func() *node {
		limit := entry("requests", num(pick(d, "requests", 1, 100, 1000000)))
		d.maybe(limit, "per", func() *node { return d.duration("per", "100ms", "10s", "1m", "24h") })
		return limit
	})
	d.maybe(n, "check", func() *node { return d.check("100ms", "1500ms", "2s", "30s") })
	nodes := object()
	for range d.count("balancers", 3) {
		name, host := d.host("lb", 0)
		d.maybe(host, "interface", func() *node { return str(d.interfaceName()) })
		d.balancers = append(d.balancers, name)
		nodes.set(name, host)
	}
	return n.set("nodes", nodes)
}

func (d *drawer) check(intervals ...string) *node {
	n := object()
	d.maybe(n, "interval", func() *node { return d.duration("interval", intervals...) })
	d.maybe(n, "fall", func() *node { return num(pick(d, "fall", 1, 2, 3, 100)) })
	d.maybe(n, "rise", func() *node { return num(pick(d, "rise", 1, 2, 3, 20)) })
	return n
}

// failover comes after the virtual IPs, whose preferred holders it must suit.
func (d *drawer) failover(top, lb *node) {
	prefer := map[string]bool{}
	for _, v := range top.get("vips").items {
		if p := v.get("prefer"); p != nil {
			prefer[p.text] = true
		} else {
			prefer[d.balancers[0]] = true
		}
	}
	spread := len(prefer) > 1
	d.maybe(lb, "failover", func() *node {
		n := object()
		mode := "standard"
		d.maybe(n, "mode", func() *node {
			mode = pick(d, "mode", "standard", "fast")
			return str(mode)
		})
		d.maybe(n, "advert", func() *node { return d.duration("advert", "10ms", "200ms", "1s", "40950ms") })
		if mode == "fast" {
			d.maybe(n, "watch", func() *node { return d.duration("watch", "50ms", "200ms", "333ms", "10s") })
		}
		preempt := spread
		d.maybe(n, "preempt", func() *node {
			preempt = spread || d.coin("preempt")
			return flag(preempt)
		})
		if preempt {
			d.maybe(n, "preempt_delay", func() *node { return d.duration("preempt_delay", "0", "15s", "1500ms", "1000s") })
		}
		d.maybe(n, "check", func() *node { return d.check("1s", "2s", "1m", "20m") })
		return n
	})
}

// stats comes after the database, whose ports it must not take.
func (d *drawer) stats(lb *node) {
	d.maybe(lb, "stats", func() *node {
		port := pick(d, "stats", 8404, 1, 65535, 10001)
		for slices.Contains(d.ports, port) {
			port--
		}
		return plain(pick(d, "loopback", "127.0.0.1", "127.0.0.9", "[::1]") + fmt.Sprint(":", port))
	})
}

func (d *drawer) web() *node {
	n := object()
	d.maybe(n, "port", func() *node { return num(pick(d, "web port", 80, 8080, 8081, 1, 65535)) })
	if !d.o.Unsized {
		d.maybe(n, "maxconn", func() *node { return num(pick(d, "web maxconn", 0, 10, 400, 100000)) })
	}
	d.maybe(n, "worker_connections", func() *node { return num(pick(d, "worker_connections", 64, 4096, 1<<20)) })
	return n.set("nodes", d.servers("web", 1, d.count("web servers", 3), true))
}

// servers draws hosts with weights; the first is never a backup.
func (d *drawer) servers(usual string, network, count int, backups bool) *node {
	nodes := object()
	for i := range count {
		name, n := d.host(usual, network)
		d.maybe(n, "weight", func() *node { return num(pick(d, "weight", 1, 2, 100, 256)) })
		d.maybe(n, "backup", func() *node { return flag(i > 0 && backups && d.coin("backup")) })
		nodes.set(name, n)
	}
	return nodes
}

func (d *drawer) appTiers() *node {
	all := object()
	low := 0
	if d.o.Pairs {
		low = 1
	}
	count := d.between("tiers", low, 3)
	for range count {
		name := d.name("tier")
		if count == 1 && d.coin("app") {
			name = "app"
		}
		n := object()
		protocol := "http"
		d.maybe(n, "protocol", func() *node {
			protocol = pick(d, "protocol", "http", "fastcgi", "uwsgi")
			return str(protocol)
		})
		d.maybe(n, "port", func() *node { return num(pick(d, "app port", 8080, 80, 1, 65535)) })
		if protocol == "fastcgi" {
			d.maybe(n, "root", func() *node { return str(d.file("/srv", "/public")) })
		}
		balance := "least_conn"
		d.maybe(n, "balance", func() *node {
			balance = pick(d, "app balance", "least_conn", "round_robin", "random")
			return str(balance)
		})
		d.maybe(n, "keepalive", func() *node { return num(pick(d, "keepalive", 0, 1, 32, 10000)) })
		if !d.o.Unsized {
			d.maybe(n, "concurrency", func() *node { return num(pick(d, "concurrency", 0, 1, 200, 100000)) })
		}
		n.set("nodes", d.servers("app", 2, d.count("app servers", 3), balance != "random"))
		d.apps = append(d.apps, name)
		d.protocol[name] = protocol
		all.set(name, n)
	}
	return all
}

// virtual draws the virtual IPs. Their last bytes, which are the default router ids, and the written ids do not meet.
func (d *drawer) virtual() *node {
	all := object()
	count := d.between("vips", 1, 3)
	bits4, bits6 := d.between("bits", 8, 24), d.between("bits6", 32, 64)
	for i := range count {
		name := d.name("vip")
		if count == 1 && d.coin("www") {
			name = "www"
		}
		n := object()
		d.octet++
		v4 := fmt.Sprintf("10.10.%d.%d/%d", d.net, d.octet, bits4)
		v6 := fmt.Sprintf("fd00:%x:0::%x/%d", d.net, d.octet, bits6)
		first, second := v4, ""
		switch {
		case d.space == only6:
			first = v6
		case d.space == both && d.seldom("vip of IPv6 only"):
			first = v6
		case d.space == both && d.coin("both families"):
			second = v6
		}
		n.set("address", plain(first))
		if second != "" {
			n.set("address6", plain(second))
		}
		d.maybe(n, "public", func() *node {
			if strings.Contains(first, ":") {
				return plain(fmt.Sprintf("2001:db8::%x", 16+i))
			}
			return plain(fmt.Sprintf("203.0.113.%d", 10+i))
		})
		if second != "" {
			d.maybe(n, "public6", func() *node { return plain(fmt.Sprintf("2001:db8::%x", 32+i)) })
			d.maybe(n, "router_id6", func() *node { return num(231 + i) })
		}
		d.maybe(n, "prefer", func() *node { return str(pick(d, "prefer", d.balancers...)) })
		d.maybe(n, "router_id", func() *node { return num(241 + i) })
		d.vips = append(d.vips, name)
		all.set(name, n)
	}
	return all
}

func (d *drawer) sites(stack string) *node {
	all := object()
	if len(d.apps) < 2 && d.coin("one plain site") {
		domain := d.domain()
		return all.set(stack, entry("domains", items(str("www."+domain), str(domain))))
	}
	for range d.between("sites", 1, 3) {
		n := object()
		domains := items()
		for range d.between("domains", 1, 3) {
			domains.items = append(domains.items, str(d.domain()))
		}
		n.set("domains", domains)
		d.maybe(n, "vip", func() *node { return str(pick(d, "site vip", d.vips...)) })
		d.maybe(n, "tls", func() *node {
			tls := object()
			d.maybe(tls, "certificate", func() *node { return str(d.file("/etc/haproxy/certs", ".pem")) })
			d.maybe(tls, "profile", func() *node { return str(pick(d, "profile", "intermediate", "modern")) })
			d.maybe(tls, "hsts", func() *node { return d.duration("hsts", "0", "1s", "180d", "36500d") })
			d.maybe(tls, "redirect", func() *node { return flag(d.coin("redirect")) })
			return tls
		})
		d.maybe(n, "root", func() *node { return str(d.file("/srv/www", "/htdocs")) })
		d.maybe(n, "health", func() *node { return str(pick(d, "health", "/healthz", "/-/health", "/~ok", "/a.b_c/d-e")) })
		d.maybe(n, "body_max", func() *node { return plain(pick(d, "body_max", "1", "512K", "20M", "5G", "1T")) })
		if routes := d.routes(); len(routes.keys) > 0 {
			n.set("routes", routes)
		}
		all.set(d.name("site"), n)
	}
	return all
}

// domain draws a name that no other site has.
func (d *drawer) domain() string {
	d.names++
	return fmt.Sprint(d.matching("domain", `([a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.){0,3}`), "x", d.names, ".", pick(d, "zone", "example", "example.com", "xn--p1ai"))
}

func (d *drawer) routes() *node {
	all := object()
	add := func(prefix string) {
		n := object()
		if len(d.apps) == 0 || d.between("static", 0, 3) == 0 {
			all.set(prefix, n.set("static", flag(true)))
			return
		}
		app := pick(d, "route", d.apps...)
		n.set("app", str(app))
		if d.protocol[app] == "http" {
			d.maybe(n, "websocket", func() *node { return flag(d.coin("websocket")) })
		}
		if d.seldom("static false") {
			n.set("static", flag(false))
		}
		d.maybe(n, "request_timeout", func() *node { return d.duration("request_timeout", "10ms", "120s", "24h") })
		all.set(prefix, n)
	}
	if len(d.apps) > 1 || d.coin("route /") {
		add("/")
	}
	for i := range d.between("routes", 0, 3) {
		end := pick(d, "end", "/", "", ".php", ".css")
		add(fmt.Sprintf("/%s%d%s", d.matching("prefix", `[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,6}(/[A-Za-z0-9_-]{1,4})?`), i, end))
	}
	return all
}

func (d *drawer) db() *node {
	n := object()
	byVIP := len(d.apps) > 0 && d.coin("db.vip")
	port := 3306
	d.maybe(n, "port", func() *node {
		port = pick(d, "db port", 3306, 13306, 65534)
		return num(port)
	})
	readPort := port + 1
	d.maybe(n, "read_port", func() *node {
		readPort = pick(d, "db read port", port+1, port-1)
		return num(readPort)
	})
	if byVIP {
		n.set("vip", str(pick(d, "db.vip", d.vips...)))
		d.ports = append(d.ports, port, readPort)
	}
	d.maybe(n, "failover", func() *node { return str(pick(d, "db failover", "manual", "external")) })
	replicas := d.between("replicas", 0, 2)
	if d.o.Pairs {
		replicas = max(replicas, 1)
	}
	d.maybe(n, "semi_sync", func() *node { return flag(replicas > 0 && d.coin("semi_sync")) })
	d.maybe(n, "semi_sync_wait", func() *node { return d.duration("semi_sync_wait", "1ms", "2s", "10s", "1h") })
	d.maybe(n, "max_connections", func() *node { return num(pick(d, "max_connections", 10, 500, 800, 30000)) })
	d.maybe(n, "buffer_pool", func() *node { return plain(pick(d, "buffer_pool", "0", "5M", "128M", "8G", "16T")) })
	d.maybe(n, "check_user", func() *node { return str(d.matching("check_user", `[A-Za-z_][A-Za-z0-9_-]{0,26}`) + "_chk") })
	tls := d.coin("db.tls")
	if tls {
		n.set("tls", entry("ca", str(d.file("/etc/mysql", "/ca.pem"))).
			set("certificate", str(d.file("/etc/mysql", "/server.pem"))).
			set("key", str(d.file("/etc/mysql", "/server.key"))))
	}
	d.maybe(n, "replication", func() *node {
		r := object()
		d.maybe(r, "user", func() *node { return str(d.matching("user", `[A-Za-z_][A-Za-z0-9_-]{0,26}`) + "_repl") })
		d.maybe(r, "password", func() *node {
			p := object()
			d.maybe(p, "file", func() *node { return str(d.file("/root", "/secret")) })
			return p
		})
		d.maybe(r, "tls", func() *node { return flag((!d.maria || d.mariaTLS || tls) && d.coin("replication.tls")) })
		return r
	})
	id := 0
	servers := func(count int) *node {
		nodes := object()
		for range count {
			id++
			name, host := d.host("db", 3)
			d.maybe(host, "server_id", func() *node { return num(pick(d, "server_id", id, 1<<32-id)) })
			nodes.set(name, host)
		}
		return nodes
	}
	n.set("primary", servers(1))
	if replicas > 0 {
		n.set("replicas", servers(replicas))
	}
	return n
}
