package model

import (
	"hash/fnv"
	"net/netip"
	"time"
)

// fill gives every value that the user did not write its default, and notes why. The order matters: a default may follow
// from another. A topology with errors is filled as far as it goes, so that check can speak about all of it.
func fill(t *Topology, p *problems) {
	if t.origins == nil {
		t.origins = origins{}
	}
	t.fillTargets()
	t.fillNodes()
	t.fillVIPs()
	t.fillLB()
	t.fillLoad()
	t.fillTimeouts()
	for i := range t.Sites {
		t.fillSite(&t.Sites[i], p)
	}
	t.fillDrain()
	t.fillDB()
}

// def sets *v to a value unless the user wrote one at path, right or wrong, or set it on the command line.
func def[T any](t *Topology, path string, v *T, value T, why string) {
	if _, set := t.origins[path]; set {
		return
	}
	*v = value
	t.origins[path] = Origin{Why: why}
}

// fillTargets leaves alone what the command line has set, which has no place in a file.
func (t *Topology) fillTargets() {
	w := &t.Targets
	target := func(path string, v *Version, value Version) {
		if v.IsZero() {
			def(t, path, v, value, "default")
		}
	}
	target("targets.haproxy", &w.HAProxy, Version{3, 0})
	target("targets.keepalived", &w.Keepalived, Version{2, 3})
	target("targets.nginx", &w.Nginx, Version{1, 26})
	if t.DB != nil && w.MariaDB.IsZero() && !t.written("targets.mariadb") {
		target("targets.mysql", &w.MySQL, Version{9, 7})
	}
}

// fillNodes is first: the other defaults count servers and weigh them.
func (t *Topology) fillNodes() {
	weigh := func(tier string, servers []Server) {
		for i := range servers {
			def(t, tier+".nodes."+servers[i].Name+".weight", &servers[i].Weight, 1, "default")
		}
	}
	def(t, "web.port", &t.Web.Port, 80, "default")
	weigh("web", t.Web.Nodes)
	for i := range t.Apps {
		a := &t.Apps[i]
		path := "apps." + a.Name
		weigh(path, a.Nodes)
		def(t, path+".protocol", &a.Protocol, "http", "default")
		def(t, path+".balance", &a.Balance, "least_conn", "default")
		port, keepalive := 8080, 32
		switch a.Protocol {
		case "fastcgi":
			port, keepalive = 9000, 0
			def(t, path+".root", &a.Root, "/srv/"+a.Name+"/public", "default")
		case "uwsgi":
			port, keepalive = 3031, 0
		}
		def(t, path+".port", &a.Port, port, "default for "+a.Protocol)
		def(t, path+".keepalive", &a.Keepalive, keepalive, "default for "+a.Protocol)
	}
}

func (t *Topology) fillVIPs() {
	for i := range t.VIPs {
		v := &t.VIPs[i]
		path := "vips." + v.Name
		def(t, path+".public", &v.Public, v.Address.Addr(), path+".address")
		def(t, path+".router_id", &v.RouterID, routerID(v.Address), "last byte of "+path+".address")
		if v.Address6.IsValid() {
			def(t, path+".public6", &v.Public6, v.Address6.Addr(), path+".address6")
			def(t, path+".router_id6", &v.RouterID6, routerID(v.Address6), "last byte of "+path+".address6")
		}
		if len(t.LB.Nodes) > 0 {
			def(t, path+".prefer", &v.Prefer, t.LB.Nodes[0].Name, "the first of lb.nodes")
		}
	}
}

// routerID is the last byte of a VIP's address. VRRP has no router 0, so that byte stands for 255.
func routerID(p netip.Prefix) int {
	b := p.Addr().AsSlice()
	if len(b) == 0 || b[len(b)-1] == 0 {
		return 255
	}
	return int(b[len(b)-1])
}

func (t *Topology) fillLB() {
	lb := &t.LB
	def(t, "lb.interface", &lb.Interface, "eth0", "assumed")
	for i := range lb.Nodes {
		def(t, "lb.nodes."+lb.Nodes[i].Name+".interface", &lb.Nodes[i].Interface, lb.Interface, "lb.interface")
	}
	def(t, "lb.client_ip", &lb.ClientIP, "forwarded-for", "default")
	def(t, "lb.sticky", &lb.Sticky, "none", "default")
	def(t, "lb.balance", &lb.Balance, "leastconn", "default")
	def(t, "lb.stats", &lb.Stats, netip.MustParseAddrPort("127.0.0.1:8404"), "default")
	if lb.RateLimit != nil {
		def(t, "lb.rate_limit.per", &lb.RateLimit.Per, Duration(10*time.Second), "default")
	}
	t.fillCheck("lb.check", &lb.Check, Check{Interval: Duration(2 * time.Second), Fall: 3, Rise: 2})

	f := &lb.Failover
	def(t, "lb.failover.mode", &f.Mode, "standard", "default")
	if f.Mode == "fast" {
		def(t, "lb.failover.advert", &f.Advert, Duration(200*time.Millisecond), "default for fast")
		def(t, "lb.failover.watch", &f.Watch, Duration(200*time.Millisecond), "default for fast")
	} else {
		def(t, "lb.failover.advert", &f.Advert, Duration(time.Second), "default")
	}
	t.fillCheck("lb.failover.check", &f.Check, Check{Interval: Duration(time.Second), Fall: 2, Rise: 2})
	if t.preferDiffer() {
		def(t, "lb.failover.preempt", &f.Preempt, true, "vips prefer different holders")
	} else {
		def(t, "lb.failover.preempt", &f.Preempt, false, "vips prefer one holder: a VIP that came back would be one more interruption")
	}
	if f.Preempt {
		// A balancer that has just started knows its servers only after rise checks; before that it would answer 503.
		delay, why := Duration(15*time.Second), "default"
		if up := Duration(lb.Check.Rise) * lb.Check.Interval; up >= delay {
			delay, why = 2*up, "2·lb.check.rise·lb.check.interval"
		}
		def(t, "lb.failover.preempt_delay", &f.PreemptDelay, delay, why)
	}
}

func (t *Topology) fillCheck(path string, c *Check, d Check) {
	def(t, path+".interval", &c.Interval, d.Interval, "default")
	def(t, path+".fall", &c.Fall, d.Fall, "default")
	def(t, path+".rise", &c.Rise, d.Rise, "default")
}

// preferDiffer reports whether the VIPs are spread over several balancers.
func (t *Topology) preferDiffer() bool {
	for _, v := range t.VIPs {
		if v.Prefer != t.VIPs[0].Prefer {
			return true
		}
	}
	return false
}

func (t *Topology) fillSite(s *Site, p *problems) {
	path := "sites." + s.Name
	if vip, why := t.siteVIP(); vip != "" {
		def(t, path+".vip", &s.VIP, vip, why)
	}
	if s.TLS != nil {
		def(t, path+".tls.certificate", &s.TLS.Certificate, "/etc/haproxy/certs/"+s.Name+".pem", "default")
		def(t, path+".tls.profile", &s.TLS.Profile, "intermediate", "default")
		def(t, path+".tls.hsts", &s.TLS.HSTS, Duration(180*24*time.Hour), "default")
		def(t, path+".tls.redirect", &s.TLS.Redirect, true, "default")
	}
	def(t, path+".root", &s.Root, "/srv/www/"+s.Name, "default")
	def(t, path+".health", &s.Health, "/healthz", "default")
	def(t, path+".body_max", &s.BodyMax, Size(20<<20), "default")
	t.fillRoot(s, p)
	for i := range s.Routes {
		r := &s.Routes[i]
		def(t, path+".routes."+r.Prefix+".request_timeout", &r.RequestTimeout, t.Timeouts.Request, "timeouts.request")
	}
}

// fillRoot adds the route of everything else, where there is only one answer to who serves it.
func (t *Topology) fillRoot(s *Site, p *problems) {
	for _, r := range s.Routes {
		if r.Prefix == "/" {
			return
		}
	}
	path := "sites." + s.Name + ".routes./"
	r := Route{Prefix: "/"}
	switch len(t.Apps) {
	case 0:
		def(t, path+".static", &r.Static, true, "there is no application tier")
	case 1:
		def(t, path+".app", &r.App, t.Apps[0].Name, "the only application tier")
	default:
		if !p.broken("apps") && !p.broken("sites."+s.Name+".routes") {
			p.atKey("sites."+s.Name, "add a route with the prefix /, such as routes: {/: "+t.Apps[0].Name+"}",
				"site %q does not say which of the %d application tiers answers /", s.Name, len(t.Apps))
		}
		return
	}
	s.Routes = append(s.Routes, r)
}

// siteVIP is the virtual IP of a site that names none.
func (t *Topology) siteVIP() (name, why string) {
	switch {
	case len(t.VIPs) == 0:
		return "", ""
	case len(t.VIPs) == 1:
		return t.VIPs[0].Name, "the only one of vips"
	case t.DB == nil || t.DB.VIP == "":
		return t.VIPs[0].Name, "the first of vips"
	}
	for _, v := range t.VIPs {
		if v.Name != t.DB.VIP {
			return v.Name, "the first of vips that db does not use"
		}
	}
	return t.VIPs[0].Name, "the first of vips"
}

func (t *Topology) fillDB() {
	d := t.DB
	if d == nil {
		return
	}
	def(t, "db.port", &d.Port, 3306, "default")
	def(t, "db.read_port", &d.ReadPort, d.Port+1, "db.port + 1")
	def(t, "db.failover", &d.Failover, "manual", "default")
	def(t, "db.check_user", &d.CheckUser, "stackgen_check", "default")
	t.fillSemiSync(d)
	t.fillBufferPool(d)
	t.fillMaxConnections(d)

	r := &d.Replication
	def(t, "db.replication.user", &r.User, "repl", "default")
	def(t, "db.replication.password.file", &r.Password.File, "/root/.secrets/repl", "default")
	switch {
	case d.TLS != nil:
		def(t, "db.replication.tls", &r.TLS, true, "db.tls is given")
	case !t.MariaDB():
		def(t, "db.replication.tls", &r.TLS, true, "MySQL makes its own certificate")
	case t.Targets.MariaDB.AtLeast(11, 4):
		def(t, "db.replication.tls", &r.TLS, true, "MariaDB makes its own certificate since 11.4")
	default:
		def(t, "db.replication.tls", &r.TLS, false, "MariaDB makes no certificate of its own before 11.4")
	}

	number := func(role string, servers []Database) {
		for i := range servers {
			path := "db." + role + "." + servers[i].Name
			if a := servers[i].Address; a.Is4() {
				def(t, path+".server_id", &servers[i].ServerID, serverID(a), "the IPv4 address as a number")
			} else if a.IsValid() {
				def(t, path+".server_id", &servers[i].ServerID, serverID(a), "hash of the IPv6 address")
			}
		}
	}
	number("primary", d.Primary)
	number("replicas", d.Replicas)
}

// serverID is the replication id of a database server: all of an IPv4 address, so that it is as unique as the address
// and no neighbour changes it; FNV-1a of an IPv6 address. A server refuses id 0.
func serverID(a netip.Addr) uint32 {
	var id uint32
	if a.Is4() {
		b := a.As4()
		id = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	} else {
		b := a.As16()
		h := fnv.New32a()
		h.Write(b[:])
		id = h.Sum32()
	}
	return max(id, 1)
}

func (t *Topology) fillBufferPool(d *DB) {
	const chunk = 128 << 20 // the servers resize the pool in steps of innodb_buffer_pool_chunk_size
	var least Size
	for _, s := range d.Servers() {
		if s.Memory > 0 && (least == 0 || s.Memory < least) {
			least = s.Memory
		}
	}
	if least == 0 {
		def(t, "db.buffer_pool", &d.BufferPool, 0, "no memory of a db server is given: the server's own default")
		return
	}
	pool := least / 100 * 60
	if pool > chunk {
		pool -= pool % chunk
	}
	def(t, "db.buffer_pool", &d.BufferPool, pool, "60 % of the smallest db memory, in steps of 128M")
}
