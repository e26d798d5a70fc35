package model

import (
	"net/netip"
	"slices"
)

func checkVIPs(t *Topology, p *problems) {
	if len(t.VIPs) == 0 && !p.broken("vips") {
		p.at("vips", "write vip: 10.0.10.10/24", "the stack has no virtual IP, so nothing could move from a dead balancer to the other")
	}
	var balancers []string
	for _, n := range t.LB.Nodes {
		balancers = append(balancers, n.Name)
	}
	type router struct{ family, id int }
	routers := map[router]string{}
	for _, v := range t.VIPs {
		path := "vips." + v.Name
		if t.written(path+".prefer") && !p.broken(path+".prefer") && !p.broken("lb.nodes") && !slices.Contains(balancers, v.Prefer) {
			p.at(path+".prefer", didYouMean(v.Prefer, balancers), "no balancer is called %q", v.Prefer)
		}
		once := func(key string, a netip.Addr, id int) {
			if !a.IsValid() || !p.between(path+"."+key, id, 1, 255) {
				return
			}
			r := router{family(a), id}
			if first, ok := routers[r]; ok {
				p.at(path+"."+key, "write another "+key+" for one of them", "virtual IP %q has the VRRP router id %d of another one: the balancers would take one's adverts for the other's", v.Name, id)
				p.related(first, "the other one")
				return
			}
			routers[r] = path + "." + key
		}
		once("router_id", v.Address.Addr(), v.RouterID)
		once("router_id6", v.Address6.Addr(), v.RouterID6)
		p.vipPrefix(path+".address", v.Address, t.LB.Nodes)
		p.vipPrefix(path+".address6", v.Address6, t.LB.Nodes)
		p.public(path+".public", v.Public, v.Address.Addr())
		p.public(path+".public6", v.Public6, v.Address6.Addr())
		if !v.Address6.IsValid() && !p.broken(path+".address6") {
			for _, key := range []string{"public6", "router_id6"} {
				if t.written(path + "." + key) {
					p.atKey(path+"."+key, "add address6, or leave it out", "%s says something about an address6 that virtual IP %q does not have", key, v.Name)
				}
			}
		}
	}
}

func (p *problems) public(path string, public, inside netip.Addr) {
	if !p.t.written(path) || p.broken(path) || !public.IsValid() || !inside.IsValid() {
		return
	}
	if family(public) != family(inside) {
		p.at(path, "write the address of the same family", "%s is not of the family of %s, which it stands for", public, inside)
		return
	}
	p.usable(path, public)
}

// vipPrefix: the subnet of a virtual IP is the one the balancers are in, or none of them could answer for it.
func (p *problems) vipPrefix(path string, v netip.Prefix, balancers []Balancer) {
	if !v.IsValid() || p.broken(path) {
		return
	}
	a, widest := v.Addr(), 8
	if a.Is6() {
		widest = 32
	}
	if v.Bits() < widest {
		p.at(path, "write the length of the balancers' subnet", "/%d makes most of the world a neighbour", v.Bits())
		return
	}
	if edge := edgeOf(v, a); edge != "" {
		p.at(path, "take an address between the first and the last", "%s is %s of its subnet", a, edge)
	}
	for _, n := range balancers {
		own, where := n.Address, "lb.nodes."+n.Name+".address"
		if a.Is6() && own.Is4() {
			own, where = n.Address6, where+"6"
		}
		switch {
		case p.broken("lb.nodes." + n.Name):
		case !n.Address.IsValid(): // reported: it has none at all
		case a.Is6() && !own.Is6(): // adverts go by multicast between the link-local addresses that every interface has
		case family(own) != family(a):
			p.at(path, "give the balancer an address of that family", "balancer %q has no IPv4 address to send adverts from, so it cannot hold %s", n.Name, a)
			p.related("lb.nodes."+n.Name, "the balancer")
		case !v.Contains(own):
			p.at(path, "a virtual IP moves within the subnet of the balancers: check the address and the length after the /", "%s is not in the subnet of balancer %q, %s", v, n.Name, own)
			p.related(where, "the balancer")
		case edgeOf(v, own) != "":
			p.at(where, "take an address between the first and the last", "%s is %s of the subnet %s", own, edgeOf(v, own), v.Masked())
			p.related(path, "the subnet")
		}
	}
}

// edgeOf names what the first and the last address of a subnet are for. Two-address subnets have no such.
func edgeOf(subnet netip.Prefix, a netip.Addr) string {
	if subnet.Bits() >= a.BitLen()-1 {
		return ""
	}
	if a == subnet.Masked().Addr() {
		return "the name"
	}
	if a.Is4() && !subnet.Contains(a.Next()) {
		return "the broadcast address"
	}
	return ""
}
