package model

import "net/netip"

// Role is what a host does.
type Role string

// The roles, in the order of a request's way.
const (
	LBRole  Role = "lb"
	WebRole Role = "web"
	AppRole Role = "app"
	DBRole  Role = "db"
)

// Host is one machine of the stack, whatever its tier.
type Host struct {
	Node
	Role Role
	Tier string // lb, web, db, or the application tier's name
	Path string // of the node in the topology: "lb.nodes.lb1"
}

// Hosts returns every machine in the order of the topology: balancers, web servers, application servers tier by tier,
// the primary, the replicas.
func (t *Topology) Hosts() []Host {
	size := len(t.LB.Nodes) + len(t.Web.Nodes)
	for _, a := range t.Apps {
		size += len(a.Nodes)
	}
	if t.DB != nil {
		size += len(t.DB.Primary) + len(t.DB.Replicas)
	}
	hosts := make([]Host, 0, size)
	for _, n := range t.LB.Nodes {
		hosts = append(hosts, Host{n.Node, LBRole, "lb", "lb.nodes." + n.Name})
	}
	for _, n := range t.Web.Nodes {
		hosts = append(hosts, Host{n.Node, WebRole, "web", "web.nodes." + n.Name})
	}
	for _, a := range t.Apps {
		for _, n := range a.Nodes {
			hosts = append(hosts, Host{n.Node, AppRole, a.Name, "apps." + a.Name + ".nodes." + n.Name})
		}
	}
	if t.DB != nil {
		for _, n := range t.DB.Primary {
			hosts = append(hosts, Host{n.Node, DBRole, "db", "db.primary." + n.Name})
		}
		for _, n := range t.DB.Replicas {
			hosts = append(hosts, Host{n.Node, DBRole, "db", "db.replicas." + n.Name})
		}
	}
	return hosts
}

// Servers returns the database's hosts, the primary first.
func (d *DB) Servers() []Database {
	return append(append([]Database(nil), d.Primary...), d.Replicas...)
}

// AddressList returns the node's addresses, IPv4 or the only one first.
func (n Node) AddressList() []netip.Addr {
	if n.Address6.IsValid() {
		return []netip.Addr{n.Address, n.Address6}
	}
	return []netip.Addr{n.Address}
}

// Prefixes returns the VIP's addresses.
func (v VIP) Prefixes() []netip.Prefix {
	if v.Address6.IsValid() {
		return []netip.Prefix{v.Address, v.Address6}
	}
	return []netip.Prefix{v.Address}
}

// AppTier returns the tier of that name; the name must exist.
func (t *Topology) AppTier(name string) App {
	for _, a := range t.Apps {
		if a.Name == name {
			return a
		}
	}
	panic("model: no application tier " + name)
}

// VIP returns the virtual IP of that name; the name must exist.
func (t *Topology) VIP(name string) VIP {
	for _, v := range t.VIPs {
		if v.Name == name {
			return v
		}
	}
	panic("model: no virtual IP " + name)
}

// SitesOf returns the sites that a virtual IP answers.
func (t *Topology) SitesOf(vip string) []Site {
	var sites []Site
	for _, s := range t.Sites {
		if s.VIP == vip {
			sites = append(sites, s)
		}
	}
	return sites
}

// MariaDB reports whether the database is MariaDB rather than MySQL.
func (t *Topology) MariaDB() bool { return !t.Targets.MariaDB.IsZero() }

// PeersPort is where the balancers of a stack tell each other their stick tables.
const PeersPort = 10000

// SharesTables reports whether the balancers have stick tables to share: the counters of the rate limit.
func (t *Topology) SharesTables() bool { return t.LB.RateLimit != nil && len(t.LB.Nodes) > 1 }
