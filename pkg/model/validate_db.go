package model

import "slices"

func checkDB(t *Topology, p *problems) {
	d := t.DB
	if d == nil {
		return
	}
	switch {
	case len(d.Primary) == 0 && !p.broken("db.primary"):
		p.atKey("db", "write primary: {db1: 10.0.10.41}", "the database has no primary")
	case len(d.Primary) > 1:
		p.atKey("db.primary."+d.Primary[1].Name, "make it a replica", "two primaries would write apart from each other: a database has one")
		p.related("db.primary."+d.Primary[0].Name, "the first one")
	}
	if p.port("db.port", d.Port) && p.port("db.read_port", d.ReadPort) && d.Port == d.ReadPort {
		p.at("db.read_port", "take another port, such as the next one", "port %d cannot be both for writing and for reading", d.Port)
		p.related("db.port", "to write")
	}
	p.between("db.max_connections", d.MaxConnections, 10, maxConnectionsLimit)
	if at := "db.buffer_pool"; !p.broken(at) && d.BufferPool != 0 && (d.BufferPool < 5<<20 || d.BufferPool > 1<<44) {
		p.at(at, "write a size from 5M to 16T, such as 8G", "InnoDB cannot work with a buffer pool of %s", d.BufferPool)
	}
	p.span("db.semi_sync_wait", d.SemiSyncWait, ms, hour)
	if t.written("db.semi_sync") && d.SemiSync && len(d.Replicas) == 0 && !p.broken("db.replicas") {
		p.at("db.semi_sync", "add a replica, or leave it out", "no replica could acknowledge: every commit would wait %s for nobody", d.SemiSyncWait)
	}
	checkAccounts(t, p)
	checkServerIDs(t, p)
	if tls := d.TLS; tls != nil {
		for _, f := range [][2]string{{"ca", tls.CA}, {"certificate", tls.Certificate}, {"key", tls.Key}} {
			at := "db.tls." + f[0]
			if f[1] == "" && !t.written(at) {
				p.atKey("db.tls", "name the files of ca, certificate and key on the hosts", "TLS of the database lacks the file of its %s", f[0])
			} else {
				p.filePath(at, f[1])
			}
		}
	}
	if d.VIP == "" && !t.written("db.vip") {
		return
	}
	var vips []string
	for _, v := range t.VIPs {
		vips = append(vips, v.Name)
	}
	if !slices.Contains(vips, d.VIP) && !p.broken("db.vip") && !p.broken("vips") {
		p.at("db.vip", didYouMean(d.VIP, vips), "no virtual IP is called %q", d.VIP)
	}
	if len(t.Apps) == 0 && !p.broken("apps") {
		p.at("db.vip", "add an application tier, or leave it out", "only application hosts may connect to the database's virtual IP, and there is none")
	}
	for _, at := range []struct {
		path string
		port int
	}{{"db.port", d.Port}, {"db.read_port", d.ReadPort}} {
		if at.port == 80 || at.port == 443 || at.port == PeersPort && t.SharesTables() {
			p.at(at.path, "take another port, such as 3306", "port %d on the balancers is taken", at.port)
			p.related("db.vip", "the database goes through the balancers")
		}
	}
}

func checkAccounts(t *Topology, p *problems) {
	d := t.DB
	p.userName("db.check_user", d.CheckUser)
	p.userName("db.replication.user", d.Replication.User)
	if d.CheckUser == d.Replication.User && !p.broken("db.check_user") && !p.broken("db.replication.user") {
		p.at("db.check_user", "give the check an account of its own", "%q has no password, so as the replication's user it would open every row to the network", d.CheckUser)
		p.related("db.replication.user", "the same account")
	}
	p.filePath("db.replication.password.file", d.Replication.Password.File)
	if d.Replication.TLS && t.MariaDB() && !t.Targets.MariaDB.AtLeast(11, 4) && d.TLS == nil && !p.broken("db.tls") {
		p.at("db.replication.tls", "name the servers' files in db.tls, or leave it out", "MariaDB %s makes no certificate of its own, so no replica could log in with TLS", t.Targets.MariaDB)
	}
}

func checkServerIDs(t *Topology, p *problems) {
	seen := map[uint32]string{}
	number := func(role string, servers []Database) {
		for _, s := range servers {
			host := "db." + role + "." + s.Name
			path := host + ".server_id"
			if p.broken(path) || !s.Address.IsValid() && !t.written(path) {
				continue
			}
			if s.ServerID == 0 {
				p.at(path, "write a number from 1 to 4294967295, or leave it out", "a server with the id 0 neither replicates nor is replicated")
				continue
			}
			if first, ok := seen[s.ServerID]; ok {
				p.at(path, "write another server_id for one of them", "%q has the server id %d of another server: a replica drops what seems to be its own", s.Name, s.ServerID)
				p.related(first, "the other one")
				continue
			}
			seen[s.ServerID] = path
		}
	}
	number("primary", t.DB.Primary)
	number("replicas", t.DB.Replicas)
}
