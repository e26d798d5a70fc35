package model

import "slices"

// maxBalancers leaves every balancer its own VRRP priority below 255 and well above 1.
const maxBalancers = 100

func checkLB(t *Topology, p *problems) {
	lb := &t.LB
	if !p.broken("lb") || len(lb.Nodes) > 0 {
		switch {
		case len(lb.Nodes) == 0:
			p.at("lb", "write lb: {lb1: 10.0.10.11, lb2: 10.0.10.12}", "the stack has no load balancer")
		case len(lb.Nodes) > maxBalancers:
			p.atKey("lb.nodes."+lb.Nodes[maxBalancers].Name, "two or three hold a virtual IP in turn", "more than %d balancers have no VRRP priorities of their own", maxBalancers)
		}
	}
	p.interfaceName("lb.interface", lb.Interface)
	for _, n := range lb.Nodes {
		if at := "lb.nodes." + n.Name + ".interface"; t.written(at) {
			p.interfaceName(at, n.Interface)
		}
	}
	p.between("lb.maxconn", lb.MaxConn, 100, 2*maxConcurrent) // below, its own checks and the statistics would need most
	if r := lb.RateLimit; r != nil {
		p.between("lb.rate_limit.requests", r.Requests, 1, maxConcurrent)
		p.span("lb.rate_limit.per", r.Per, 100*ms, day)
	}
	p.span("lb.check.interval", lb.Check.Interval, 100*ms, hour)
	p.times("lb.check", lb.Check)
	checkFailover(t, p)

	path := "lb.stats"
	if p.broken(path) {
		return
	}
	if a := lb.Stats; !a.Addr().IsLoopback() {
		p.at(path, "write a loopback address, such as 127.0.0.1:8404", "%s would show the statistics to the network", a)
	} else if port := int(a.Port()); p.port(path, port) {
		for _, u := range balancerPorts(t) {
			if u.port == port {
				p.at(path, "take another port, such as 8404", "port %d is taken on the balancers", port)
				p.related(u.path, u.what)
			}
		}
	}
}

// usedPort is a port that HAProxy listens on.
type usedPort struct {
	port       int
	path, what string
}

func balancerPorts(t *Topology) []usedPort {
	ports := []usedPort{{80, "sites", "the sites' HTTP"}, {443, "sites", "the sites' HTTPS"}}
	if t.DB != nil && t.DB.VIP != "" {
		ports = append(ports, usedPort{t.DB.Port, "db.port", "the database"}, usedPort{t.DB.ReadPort, "db.read_port", "the database to read"})
	}
	if t.SharesTables() {
		ports = append(ports, usedPort{PeersPort, "lb.rate_limit", "the balancers' shared counters"})
	}
	return ports
}

// times checks how often a check must fail or succeed.
func (p *problems) times(path string, c Check) {
	p.between(path+".fall", c.Fall, 1, 100)
	p.between(path+".rise", c.Rise, 1, 100)
}

func checkFailover(t *Topology, p *problems) {
	f := &t.LB.Failover
	path := "lb.failover."
	// VRRPv3 counts hundredths of a second in 12 bits.
	if p.span(path+"advert", f.Advert, 10*ms, 40950*ms) && f.Advert%(10*ms) != 0 {
		p.at(path+"advert", "write whole hundredths, such as 200ms", "VRRP counts in hundredths of a second, so %s cannot be sent", f.Advert)
	}
	if f.Mode == "standard" && t.written(path+"watch") {
		p.at(path+"watch", "write mode: fast, or leave it out", "only the fast mode has a watcher, so its interval has no effect")
	}
	p.span(path+"watch", f.Watch, 50*ms, 10*second)
	// keepalived 2.2 runs a script at most once a second, and gives one 4294 s at most: three intervals are rendered.
	if at := path + "check.interval"; p.span(at, f.Check.Interval, second, 20*60*second) && f.Check.Interval%second != 0 {
		p.at(at, "write whole seconds; mode: fast notices sooner", "keepalived runs its check in whole seconds, not every %s", f.Check.Interval)
	}
	p.times(path+"check", f.Check)
	switch {
	case t.written(path+"preempt") && !f.Preempt && t.preferDiffer() && !p.broken(path+"preempt") && !p.broken("vips"):
		p.at(path+"preempt", "leave it out, or let all vips prefer one balancer", "VIPs prefer different balancers, but without preempt they gather on one after the first failover")
		for _, v := range t.VIPs {
			p.related("vips."+v.Name+".prefer", "prefers "+v.Prefer)
		}
	case !f.Preempt && t.written(path+"preempt_delay") && !p.broken(path+"preempt"):
		p.at(path+"preempt_delay", "write preempt: true, or leave it out", "nothing preempts, so preempt_delay has no effect")
	}
	p.span(path+"preempt_delay", f.PreemptDelay, 0, 1000*second) // keepalived's own limit
}

func checkWeb(t *Topology, p *problems) {
	w := &t.Web
	if len(w.Nodes) == 0 && !p.broken("web") {
		p.at("web", "write web: {web1: 10.0.10.21, web2: 10.0.10.22}", "the stack has no web server")
	}
	p.port("web.port", w.Port)
	p.between("web.maxconn", w.MaxConn, 0, maxConcurrent)
	// nginx needs some for its listeners and its upstreams; the kernel's fs.nr_open ends at 2^20.
	p.between("web.worker_connections", w.WorkerConnections, 64, 1<<20)
	checkServers(p, "web", "web servers", w.Nodes)
}

func checkApps(t *Topology, p *problems) {
	for _, a := range t.Apps {
		path := "apps." + a.Name
		if len(a.Nodes) == 0 && !p.broken(path) {
			p.atKey(path, "give it hosts, such as "+a.Name+": {"+a.Name+"1: 10.0.10.31}", "application tier %q has no host", a.Name)
		}
		p.port(path+".port", a.Port)
		p.between(path+".keepalive", a.Keepalive, 0, 10000)
		p.between(path+".concurrency", a.Concurrency, 0, maxConcurrent)
		checkServers(p, path, "servers of "+a.Name, a.Nodes)
		if a.Protocol == "fastcgi" {
			p.filePath(path+".root", a.Root)
		} else if t.written(path+".root") && !p.broken(path+".protocol") {
			p.at(path+".root", "write protocol: fastcgi, or leave it out", "only FastCGI asks for a root: with protocol %q it has no effect", a.Protocol)
		}
		if a.Balance == "random" && slices.ContainsFunc(a.Nodes, func(s Server) bool { return s.Backup }) {
			p.at(path+".balance", "take least_conn, or no backup", "nginx has no backup servers beside random balancing")
			for _, s := range a.Nodes {
				if s.Backup {
					p.related(path+".nodes."+s.Name+".backup", "a backup")
				}
			}
		}
	}
}

func checkServers(p *problems, tier, what string, servers []Server) {
	working := 0
	for _, s := range servers {
		p.between(tier+".nodes."+s.Name+".weight", s.Weight, 1, maxWeight)
		if !s.Backup {
			working++
		}
	}
	if working == 0 && len(servers) > 0 && !p.broken(tier+".nodes") {
		p.atKey(tier+".nodes", "make at least one no backup", "all %s are backups: nobody is there to be backed up", what)
	}
}
