package model

import (
	"fmt"
	"net/netip"
	"slices"
)

// taken are /etc/default files of a Debian host that an application tier of that name would overwrite, and the names of
// the other tiers.
var taken = []string{
	"lb", "web", "db", // tiers
	"console-setup", "cron", "dbus", "docker", "grub", "haproxy", "keepalived", "keyboard", "locale", "mariadb", "mysql",
	"networking", "nginx", "nss", "rsync", "rsyslog", "ssh", "useradd",
}

func checkNames(t *Topology, p *problems) {
	if !p.broken("name") {
		if t.Name == "" {
			p.at("name", "write name: shop", "the stack has no name")
		} else if !hostName.MatchString(t.Name) {
			p.at("name", "write a lower-case letter, then letters, digits and hyphens, at most 63", "%q is no name of a stack", t.Name)
		}
	}
	for _, v := range t.VIPs {
		p.name("vips."+v.Name, "a virtual IP", v.Name)
	}
	for _, s := range t.Sites {
		p.name("sites."+s.Name, "a site", s.Name)
	}
	for _, a := range t.Apps {
		path := "apps." + a.Name
		p.name(path, "an application tier", a.Name)
		if slices.Contains(taken, a.Name) {
			p.atKey(path, "name it after the application", "the application tier %q would take the name of another tier or of a file in /etc/default that the host has already", a.Name)
		}
	}
	seen := map[string]string{}
	for _, h := range t.Hosts() {
		p.name(h.Path, "a host", h.Name)
		if h.Name == "localhost" {
			p.atKey(h.Path, "give it a name of its own", "every host is localhost to itself")
		}
		if first, ok := seen[h.Name]; ok {
			p.atKey(h.Path, "give every machine a name of its own", "two hosts are called %q", h.Name)
			p.related(first, "the first one")
		} else {
			seen[h.Name] = h.Path
		}
		checkNode(h, p)
	}
}

func checkNode(h Host, p *problems) {
	for _, place := range [][2]string{{"zone", h.Zone}, {"runs_on", h.RunsOn}} {
		path := h.Path + "." + place[0]
		if p.t.written(path) && !p.broken(path) && !placeName.MatchString(place[1]) {
			p.at(path, "use letters, digits and ._-, at most 63", "%q is no name of a place", place[1])
		}
	}
	p.between(h.Path+".cpus", h.CPUs, 0, 4096)
	p.between(h.Path+".capacity", h.Capacity, 0, 100*maxConcurrent)
	if a := h.Availability; !p.broken(h.Path+".availability") && !(a >= 0 && a <= 100) { // not: NaN
		p.at(h.Path+".availability", "write percent, such as 99.9", "no host is available %v %% of the time", a)
	}
	if p.t.written(h.Path+".memory") && !p.broken(h.Path+".memory") && h.Memory < 64<<20 {
		p.at(h.Path+".memory", "write it with its unit, such as 16G", "%s of memory is less than any daemon needs", h.Memory)
	}
}

// checkAddresses: every address is one a neighbour can send to, and belongs to one machine or one virtual IP.
func checkAddresses(t *Topology, p *problems) {
	seen := map[netip.Addr]string{}
	once := func(path, what string, a netip.Addr) {
		first, ok := seen[a]
		if !ok {
			seen[a] = path
			return
		}
		p.at(path, "give each its own address", "%s has the address %s, which is taken", what, a)
		p.related(first, "here")
	}
	for _, h := range t.Hosts() {
		what := fmt.Sprintf("host %q", h.Name)
		path := h.Path + ".address"
		if !p.broken(path) {
			if !h.Address.IsValid() {
				p.atKey(h.Path, "write "+h.Name+": 10.0.10.21, or address: in its mapping", "%s has no address", what)
			} else if p.usable(path, h.Address) {
				once(path, what, h.Address)
			}
		}
		path += "6"
		if h.Address6.IsValid() && p.second(path, h.Address, h.Address6) && p.usable(path, h.Address6) {
			once(path, what, h.Address6)
		}
	}
	for _, v := range t.VIPs {
		what := fmt.Sprintf("virtual IP %q", v.Name)
		path := "vips." + v.Name + ".address"
		if !p.broken(path) {
			if !v.Address.IsValid() {
				p.atKey("vips."+v.Name, "write "+v.Name+": 10.0.10.10/24", "%s has no address", what)
			} else if p.usable(path, v.Address.Addr()) {
				once(path, what, v.Address.Addr())
			}
		}
		path += "6"
		if v.Address6.IsValid() && p.second(path, v.Address.Addr(), v.Address6.Addr()) && p.usable(path, v.Address6.Addr()) {
			once(path, what, v.Address6.Addr())
		}
	}
}

// second checks the family of an address6 beside an address.
func (p *problems) second(path string, first, a netip.Addr) bool {
	switch {
	case !a.Is6():
		p.at(path, "write it as address", "%s is no IPv6 address", a)
	case first.Is6():
		p.at(path, "write the IPv4 address as address, or leave address6 out", "address is IPv6 already")
	default:
		return true
	}
	return false
}

// usable reports whether a is an address that other machines can send to. The decoder has refused zones and mapped ones.
func (p *problems) usable(path string, a netip.Addr) bool {
	kind := ""
	switch {
	case a.IsUnspecified():
		kind = "stands for any address"
	case a.IsLoopback():
		kind = "is loopback: every machine is it to itself"
	case a.IsMulticast():
		kind = "is multicast"
	case a.IsLinkLocalUnicast():
		kind = "is link-local: it is not unique beyond one interface"
	case a.Is4() && a.As4()[0] == 0:
		kind = "is in 0.0.0.0/8, which no machine can be sent to"
	case a.Is4() && a.As4()[0] >= 240:
		kind = "is broadcast or reserved"
	default:
		return true
	}
	p.at(path, "write the address that the other hosts send to", "%s %s", a, kind)
	return false
}

// checkReach: whoever opens connections to a host has an address of the family of that host's address.
func checkReach(t *Topology, p *problems) {
	hosts := map[Role][]Host{}
	for _, h := range t.Hosts() {
		if h.Address.IsValid() {
			hosts[h.Role] = append(hosts[h.Role], h)
		}
	}
	ways := [][2]Role{{LBRole, WebRole}, {WebRole, AppRole}, {DBRole, DBRole}}
	if t.DB != nil && t.DB.VIP != "" {
		ways = append(ways, [2]Role{LBRole, DBRole})
		checkReachVIP(t, p, hosts[AppRole])
	} else {
		ways = append(ways, [2]Role{AppRole, DBRole})
	}
	for _, way := range ways {
		var to [2]Host // one with IPv4, one with IPv6
		for _, h := range hosts[way[1]] {
			to[family(h.Address)] = h
		}
		for _, from := range hosts[way[0]] {
			for f, h := range to {
				if h.Address.IsValid() && family(from.Address) != f && !from.Address6.IsValid() {
					p.at(from.Path+".address", "give both an address of one family; address6 adds IPv6 to an IPv4 address",
						"%q cannot reach %q at %s: it has no address of that family", from.Name, h.Name, h.Address)
					p.related(h.Path+".address", "the other end")
				}
			}
		}
	}
}

// checkReachVIP: applications connect to the first address of the database's virtual IP.
func checkReachVIP(t *Topology, p *problems, apps []Host) {
	for _, v := range t.VIPs {
		if v.Name != t.DB.VIP || !v.Address.IsValid() {
			continue
		}
		for _, a := range apps {
			if family(a.Address) != family(v.Address.Addr()) && !a.Address6.IsValid() {
				p.at(a.Path+".address", "give both an address of one family; address6 adds IPv6 to an IPv4 address",
					"%q cannot reach the database at %s: it has no address of that family", a.Name, v.Address.Addr())
				p.related("vips."+v.Name+".address", "the database's virtual IP")
			}
		}
	}
}

// family is 0 for IPv4 and 1 for IPv6.
func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}
