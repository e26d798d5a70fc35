package render_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// balancers: every haproxy.cfg knows every web server, site, certificate and database server; every keepalived.conf its
// virtual IPs and its peers.
func (s stack) balancers() {
	for _, n := range s.LB.Nodes {
		s.haproxy(n)
		s.keepalived(n)
	}
}

func (s stack) haproxy(n model.Balancer) {
	cfg := s.tree(n.Name, "/etc/haproxy/haproxy.cfg")
	local := s.block(cfg, "frontend", "fe_local")
	s.equal("stats", first(local, "bind"), s.LB.Stats.String())
	global := s.block(cfg, "global")
	s.equal("maxconn", first(global, "maxconn"), strconv.Itoa(s.LB.MaxConn))
	if s.LB.RateLimit != nil && len(s.LB.Nodes) > 1 {
		s.equal("localpeer", first(global, "localpeer"), n.Name)
		var peers [][]string
		for _, o := range s.LB.Nodes {
			peers = append(peers, []string{o.Name, netip.AddrPortFrom(o.Address, 10000).String()})
		}
		s.equal("peers", args(s.block(cfg, "peers", "lbs"), "peer"), peers)
	}
	binds, domains, certificates := s.doors(n, cfg)
	for _, site := range s.Sites {
		s.backend(cfg, site)
		alone := len(s.SitesOf(site.VIP)) == 1 && s.siteVIPs() > 1 || len(s.Sites) == 1
		if !alone && !slices.Equal(domains[site.Name], site.Domains) {
			s.t.Errorf("%s takes %v for site %s, not %v", n.Name, domains[site.Name], site.Name, site.Domains)
		}
		if site.TLS != nil && !slices.Contains(certificates, site.TLS.Certificate) {
			s.t.Errorf("no port of %s has the certificate %s", n.Name, site.TLS.Certificate)
		}
		for _, p := range s.VIP(site.VIP).Prefixes() {
			ports := []uint16{80}
			if site.TLS != nil {
				ports = append(ports, 443)
			}
			for _, port := range ports {
				if !slices.ContainsFunc(binds, func(b string) bool { return accepts(b, p.Addr(), port) }) {
					s.t.Errorf("%s does not listen on port %d of %s: %v", n.Name, port, p.Addr(), binds)
				}
			}
		}
	}
	if s.DB != nil && s.DB.VIP != "" {
		s.databaseDoor(n, cfg)
	}
}

// doors returns where the frontends of sites listen, which domains they know by site, and their certificates.
func (s stack) doors(n model.Balancer, cfg []*conf.Node) (binds []string, domains map[string][]string, certificates []string) {
	domains = map[string][]string{}
	for f := range conf.Named(cfg, "frontend") {
		if name := f.Arg(1).Text; name != "fe_sites" && !strings.HasPrefix(name, "fe_vip_") {
			continue
		}
		for _, b := range args(f.Body, "bind") {
			binds = append(binds, b[0])
			for i, w := range b[:len(b)-1] {
				switch w {
				case "crt":
					certificates = append(certificates, b[i+1])
				case "crt-list":
					for l := range strings.Lines(string(s.file(n.Name + b[i+1]).Data)) {
						if path, _, ok := strings.Cut(l, " ["); ok {
							certificates = append(certificates, path)
						}
					}
				}
			}
		}
		for _, acl := range args(f.Body, "acl") {
			site := strings.TrimPrefix(acl[0], "host_")
			domains[site] = append(domains[site], acl[len(acl)-1])
		}
	}
	return binds, domains, certificates
}

func (s stack) siteVIPs() int {
	n := 0
	for _, v := range s.VIPs {
		if len(s.SitesOf(v.Name)) > 0 {
			n++
		}
	}
	return n
}

// accepts reports whether a bind address takes connections to a:port.
func accepts(bind string, a netip.Addr, port uint16) bool {
	return bind == netip.AddrPortFrom(a, port).String() ||
		a.Is4() && bind == fmt.Sprint(":", port) || a.Is6() && bind == fmt.Sprintf("[::]:%d", port)
}

// backend: one site's view of all web servers.
func (s stack) backend(cfg []*conf.Node, site model.Site) {
	be := s.block(cfg, "backend", "be_"+site.Name)
	servers := args(be, "server")
	s.equal("servers of "+site.Name, len(servers), len(s.Web.Nodes))
	for i, w := range s.Web.Nodes {
		line := servers[i]
		s.equal("server", line[:2], []string{w.Name, netip.AddrPortFrom(w.Address, uint16(s.Web.Port)).String()})
		options := strings.Join(line[2:], " ") + " "
		if w.Weight != 1 && !strings.Contains(options, fmt.Sprintf("weight %d ", w.Weight)) {
			s.t.Errorf("%s has weight %d: %v", w.Name, w.Weight, line)
		}
		if w.Backup != slices.Contains(line, "backup") {
			s.t.Errorf("%s is a backup: %v, but: %v", w.Name, w.Backup, line)
		}
	}
	var check []string
	for _, c := range args(be, "http-check") {
		if c[0] == "send" {
			check = c
		}
	}
	s.equal("check of "+site.Name, check, []string{"send", "meth", "GET", "uri", site.Health, "ver", "HTTP/1.1", "hdr", "Host", site.Domains[0]})
}

// databaseDoor: the database's ports at the virtual IP lead to every server, for the application hosts alone.
func (s stack) databaseDoor(n model.Balancer, cfg []*conf.Node) {
	var servers [][]string
	for _, d := range s.DB.Servers() {
		servers = append(servers, []string{d.Name, netip.AddrPortFrom(d.Address, uint16(s.DB.Port)).String()})
	}
	var clients []string
	for _, h := range s.Hosts() {
		if h.Role == model.AppRole {
			clients = append(clients, words(h.AddressList())...)
		}
	}
	backends := 0
	for b := range conf.Named(cfg, "backend") {
		if from := b.Arg(3).Text; from == "database" {
			backends++
			s.equal("servers of "+b.Arg(1).Text, args(b.Body, "server"), servers)
		}
	}
	s.equal("database backends", backends, 2)
	ports := map[string]int{"fe_db_write": s.DB.Port, "fe_db_read": s.DB.ReadPort}
	for name, port := range ports {
		f := s.block(cfg, "frontend", name)
		for _, p := range s.VIP(s.DB.VIP).Prefixes() {
			if !slices.ContainsFunc(args(f, "bind"), func(b []string) bool { return accepts(b[0], p.Addr(), uint16(port)) }) {
				s.t.Errorf("%s: %s does not listen on port %d of %s", n.Name, name, port, p.Addr())
			}
		}
		var allowed []string
		for _, acl := range args(f, "acl") {
			allowed = append(allowed, acl[len(acl)-1])
		}
		s.equal("clients of "+name, allowed, clients)
	}
}

func (s stack) keepalived(n model.Balancer) {
	cfg := s.tree(n.Name, "/etc/keepalived/keepalived.conf")
	s.equal("router_id", first(s.block(cfg, "global_defs"), "router_id"), n.Name)
	instances := 0
	for range conf.Named(cfg, "vrrp_instance") {
		instances++
	}
	for _, v := range s.VIPs {
		for i, p := range v.Prefixes() {
			instances--
			name, id := "VI_"+v.Name, v.RouterID
			if i > 0 {
				name, id = name+"_6", v.RouterID6
			}
			in := s.block(cfg, "vrrp_instance", name)
			s.equal(name, []string{first(in, "interface"), first(in, "virtual_router_id")}, []string{n.Interface, strconv.Itoa(id)})
			var held []string
			for _, a := range s.block(in, "virtual_ipaddress") {
				held = append(held, a.Name()+" dev "+a.Arg(2).Text)
			}
			s.equal(name+" holds", held, []string{p.String() + " dev " + n.Interface})
			if high := first(in, "priority") == "250"; high != (v.Prefer == n.Name) {
				s.t.Errorf("%s has priority %s for %s, which prefers %s", n.Name, first(in, "priority"), v.Name, v.Prefer)
			}
			s.peers(n, in, p.Addr())
		}
	}
	s.equal("instances that no virtual IP asks for", instances, 0)
}

// peers: a balancer speaks to all others, where all have an address of the family.
func (s stack) peers(n model.Balancer, in []*conf.Node, vip netip.Addr) {
	own, peers, all := "", []string(nil), true
	for _, o := range s.LB.Nodes {
		i := slices.IndexFunc(o.AddressList(), func(a netip.Addr) bool { return a.Is4() == vip.Is4() })
		switch {
		case i < 0:
			all = false
		case o.Name == n.Name:
			own = o.AddressList()[i].String()
		default:
			peers = append(peers, o.AddressList()[i].String())
		}
	}
	var got []string
	for b := range conf.Named(in, "unicast_peer") {
		for _, p := range b.Body {
			got = append(got, p.Name())
		}
	}
	if !all || len(peers) == 0 {
		own, peers = "", nil
	}
	s.equal("peers of "+n.Name, append([]string{first(in, "unicast_src_ip")}, got...), append([]string{own}, peers...))
}

// webServers: every nginx.conf knows all application servers, all sites, and the balancers as the only ones to believe.
func (s stack) webServers() {
	n := s.Web.Nodes[0] // the others' files are the same bytes: members
	http := s.block(s.tree(n.Name, "/etc/nginx/nginx.conf"), "http")
	var balancers, believed []string
	for _, b := range s.LB.Nodes {
		balancers = append(balancers, words(b.AddressList())...)
	}
	for _, a := range args(http, "set_real_ip_from") {
		believed = append(believed, a...)
	}
	s.equal("set_real_ip_from", believed, balancers)
	for _, a := range s.Apps {
		s.upstream(http, a)
	}
	upstreams := 0
	for range conf.Named(http, "upstream") {
		upstreams++
	}
	s.equal("upstreams", upstreams, len(s.Apps))
	var names [][]string
	for server := range conf.Named(http, "server") {
		names = append(names, args(server.Body, "server_name")...)
	}
	s.equal("servers beside the sites", len(names), len(s.Sites)+2)
	for _, site := range s.Sites {
		s.virtualHost(http, site)
	}
}

func (s stack) upstream(http []*conf.Node, a model.App) {
	var want [][]string
	for _, n := range a.Nodes {
		line := []string{netip.AddrPortFrom(n.Address, uint16(a.Port)).String()}
		if n.Weight != 1 {
			line = append(line, fmt.Sprint("weight=", n.Weight))
		}
		line = append(line, "max_fails=50", "fail_timeout=2s")
		if n.Backup {
			line = append(line, "backup")
		}
		want = append(want, line)
	}
	s.equal("upstream "+a.Name, args(s.block(http, "upstream", a.Name), "server"), want)
}

func (s stack) virtualHost(http []*conf.Node, site model.Site) {
	for server := range conf.Named(http, "server") {
		if first(server.Body, "server_name") != site.Domains[0] {
			continue
		}
		s.equal("server_name", args(server.Body, "server_name"), [][]string{site.Domains})
		s.equal("root of "+site.Name, first(server.Body, "root"), site.Root)
		for _, l := range args(server.Body, "listen") {
			port := strconv.Itoa(s.Web.Port)
			if l[0] != port && l[0] != "[::]:"+port || slices.Contains(l, "proxy_protocol") != (s.LB.ClientIP == "proxy") {
				s.t.Errorf("site %s listens on %v", site.Name, l)
			}
		}
		s.block(server.Body, "location", "=", site.Health)
		for _, r := range site.Routes {
			s.location(server.Body, r)
		}
		return
	}
	s.t.Errorf("no server of nginx has the names of site %s", site.Name)
}

func (s stack) location(server []*conf.Node, r model.Route) {
	if r.Static {
		s.block(server, "location", r.Prefix)
		return
	}
	head := []string{"location", "^~", r.Prefix}
	if r.Prefix == "/" {
		head = []string{"location", "@app"}
	}
	body := s.block(server, head...)
	target := first(body, "proxy_pass") + first(body, "fastcgi_pass") + first(body, "uwsgi_pass")
	if strings.TrimPrefix(target, "http://") != r.App {
		s.t.Errorf("route %s leads to %q, not to %s", r.Prefix, target, r.App)
	}
	if a := s.AppTier(r.App); a.Protocol == "fastcgi" && !slices.ContainsFunc(args(body, "fastcgi_param"), func(p []string) bool {
		return p[0] == "SCRIPT_FILENAME" && p[1] == a.Root+"/index.php"
	}) {
		s.t.Errorf("route %s does not name the script below %s", r.Prefix, a.Root)
	}
}

// applications: every environment file says where to listen and where the database is.
func (s stack) applications() {
	for _, a := range s.Apps {
		for _, n := range a.Nodes {
			env := map[string]string{}
			for _, v := range s.tree(n.Name, "/etc/default/"+a.Name) {
				env[v.Name()] = v.Arg(1).Text
			}
			want := map[string]string{"LISTEN": netip.AddrPortFrom(n.Address, uint16(a.Port)).String()}
			if s.DB != nil {
				want["DB_WRITE"], want["DB_READ"] = s.endpoints()
				want["DB_TIMEOUT_MS"] = strconv.FormatInt(s.Timeouts.Database.Milliseconds(), 10)
			}
			for key, value := range want {
				s.equal(n.Name+": "+key, env[key], value)
				delete(env, key)
			}
			for key := range env {
				if !slices.Contains([]string{"REQUEST_TIMEOUT_MS", "KEEPALIVE_S", "MAX_CONCURRENT"}, key) {
					s.t.Errorf("%s has a variable nobody asked for: %s", n.Name, key)
				}
			}
		}
	}
}

func (s stack) endpoints() (write, read string) {
	if s.DB.VIP != "" {
		vip := s.VIP(s.DB.VIP).Address.Addr()
		return netip.AddrPortFrom(vip, uint16(s.DB.Port)).String(), netip.AddrPortFrom(vip, uint16(s.DB.ReadPort)).String()
	}
	var all []string
	for _, d := range slices.Concat(s.DB.Replicas, s.DB.Primary) {
		all = append(all, netip.AddrPortFrom(d.Address, uint16(s.DB.Port)).String())
	}
	return all[len(all)-1], strings.Join(all, ",")
}

// databases: every my.cnf has its own id and addresses; the scripts know the others.
func (s stack) databases() {
	if s.DB == nil {
		return
	}
	ids := map[string]string{}
	for i, d := range s.DB.Servers() {
		cnf := s.tree(d.Name, "/etc/mysql/my.cnf")
		group := s.block(cnf, map[bool]string{true: "mariadb", false: "mysqld"}[s.MariaDB()])
		s.equal(d.Name, []string{first(group, "server_id"), first(group, "port"), first(group, "bind_address"), first(group, "report_host"), first(group, "max_connections")},
			[]string{strconv.FormatUint(uint64(d.ServerID), 10), strconv.Itoa(s.DB.Port), strings.Join(words(d.AddressList()), ","), d.Address.String(), strconv.Itoa(s.DB.MaxConnections)})
		if other := ids[first(group, "server_id")]; other != "" {
			s.t.Errorf("%s and %s have the same server_id", d.Name, other)
		}
		ids[first(group, "server_id")] = d.Name
		if tls := s.DB.TLS; tls != nil {
			s.equal(d.Name+" tls", []string{first(group, "ssl_ca"), first(group, "ssl_cert"), first(group, "ssl_key")}, []string{tls.CA, tls.Certificate, tls.Key})
		}
		boot := shellVariables(s.file(d.Name + "/etc/mysql/bootstrap.sh").Data)
		s.equal(d.Name+" bootstrap.sh", []string{boot["me"], boot["address"], boot["port"], boot["user"], boot["secret"]},
			[]string{d.Name, d.Address.String(), strconv.Itoa(s.DB.Port), s.DB.Replication.User, s.DB.Replication.Password.File})
		primary := s.DB.Primary[0]
		if i == 0 {
			s.equal("check_user", boot["check"], s.DB.CheckUser)
			continue
		}
		s.equal(d.Name+" follows", []string{boot["primary"], boot["source"]}, []string{primary.Name, primary.Address.String()})
		var peers []string
		for _, o := range s.DB.Replicas {
			if o.Name != d.Name {
				peers = append(peers, o.Name+"="+o.Address.String())
			}
		}
		promote := shellVariables(s.file(d.Name + "/etc/mysql/promote.sh").Data)
		s.equal(d.Name+" promote.sh", []string{promote["me"], promote["primary"], promote["sources"], promote["peers"]},
			[]string{d.Name, primary.Name, strings.Join(words(primary.AddressList()), " "), strings.Join(peers, " ")})
	}
}

// shellVariables are the assignments at the start of a script's lines.
func shellVariables(data []byte) map[string]string {
	all := map[string]string{}
	for l := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "="); ok && !strings.ContainsAny(name, " \t") {
			if _, again := all[name]; !again {
				all[name] = strings.Trim(value, "'")
			}
		}
	}
	return all
}
