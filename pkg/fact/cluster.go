package fact

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// clusters finds the hosts that hold virtual addresses in turn. What belongs together are instances: a host may hold one
// address with one neighbour and a second one with another. Instances are one where they share a virtual address; an instance
// without a partner is one with those whose unicast peer it is and that are its own; else with those of its router id in its
// subnet, since on one network they are one virtual router. The router id alone means nothing.
func (a *assembly) clusters() {
	var all []*VRRPInstance
	for _, h := range a.Hosts {
		if h.Keepalived == nil {
			continue
		}
		for _, i := range h.Keepalived.Instances {
			if len(i.VIPs) > 0 {
				all = append(all, i)
			}
		}
	}
	u := newUnion(all)
	shared := map[netip.Addr]*VRRPInstance{}
	for _, i := range all {
		for _, v := range i.VIPs {
			addr := v.Prefix.Addr().Unmap()
			if !addr.IsValid() {
				continue
			}
			if first := shared[addr]; first == nil {
				shared[addr] = i
			} else {
				u.join(first, i, "share "+addr.String())
			}
		}
	}
	u.joinPeers(a.peerOf(all))
	u.joinSubnets(all)

	byHosts := map[string]*Cluster{}
	partners := map[*Host]*Cluster{}
	var alone []*VRRPInstance
	for _, set := range u.sets(all) {
		hosts := hostsOf(set)
		if len(hosts) == 1 {
			alone = append(alone, set...)
			continue
		}
		c := a.cluster(byHosts, hosts)
		if c.Why == "" {
			c.Why = u.why[u.root(set[0])]
		}
		c.add(set)
		for _, h := range hosts {
			if partners[h] == nil {
				partners[h] = c
			}
		}
	}
	// An instance that no other host has belongs to its host's cluster: there it is the one that is missing elsewhere.
	for _, i := range alone {
		c := partners[i.Keepalived.Host]
		if c == nil {
			c = a.cluster(byHosts, []*Host{i.Keepalived.Host})
		}
		c.add([]*VRRPInstance{i})
	}
	for _, c := range a.Clusters {
		var all, both []string
		for _, v := range c.VIPs {
			all = append(all, v.String())
			if hosts := a.holders(v); len(hosts) > 1 {
				both = append(both, v.String())
			}
		}
		switch {
		case len(c.Hosts) == 1:
			c.Why = "alone holds " + strings.Join(all, ", ")
		case len(both) == 0:
			a.assume(fmt.Sprintf("%s are one cluster: they %s", c.Name, c.Why))
		default:
			a.assume(fmt.Sprintf("%s hold %s in turn", c.Name, strings.Join(both, ", ")))
		}
	}
	slices.SortFunc(a.Clusters, func(x, y *Cluster) int { return strings.Compare(x.Name, y.Name) })
}

// holders are the hosts that hold a virtual address at times.
func (a *assembly) holders(vip netip.Addr) []*Host {
	var hosts []*Host
	for _, v := range a.vip[vip] {
		if h := v.Instance.Keepalived.Host; !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// cluster is the cluster of exactly these hosts.
func (a *assembly) cluster(byHosts map[string]*Cluster, hosts []*Host) *Cluster {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	name := strings.Join(names, ", ")
	c := byHosts[name]
	if c == nil {
		c = &Cluster{Name: name, Hosts: hosts}
		for _, h := range hosts {
			c.Members = append(c.Members, &Member{Host: h})
		}
		byHosts[name] = c
		a.Clusters = append(a.Clusters, c)
	}
	return c
}

// add takes instances into the cluster, each host's in the order of its file.
func (c *Cluster) add(set []*VRRPInstance) {
	for _, i := range set {
		for _, m := range c.Members {
			if m.Host == i.Keepalived.Host {
				m.Instances = append(m.Instances, i)
			}
		}
		for _, v := range i.VIPs {
			if addr := v.Prefix.Addr().Unmap(); addr.IsValid() && !slices.Contains(c.VIPs, addr) {
				c.VIPs = append(c.VIPs, addr)
			}
		}
	}
	for _, m := range c.Members {
		slices.SortStableFunc(m.Instances, func(x, y *VRRPInstance) int {
			return cmp.Or(cmp.Compare(x.Name.Pos.File, y.Name.Pos.File), cmp.Compare(x.Name.Pos.Line, y.Name.Pos.Line))
		})
	}
}

func hostsOf(set []*VRRPInstance) []*Host {
	var hosts []*Host
	for _, i := range set {
		if !slices.Contains(hosts, i.Keepalived.Host) {
			hosts = append(hosts, i.Keepalived.Host)
		}
	}
	return hosts
}

// peerOf gives, for each instance with unicast peers, the hosts that they are.
func (a *assembly) peerOf(all []*VRRPInstance) map[*VRRPInstance][]*Host {
	peers := map[*VRRPInstance][]*Host{}
	for _, i := range all {
		for _, p := range i.Peers {
			if h := a.byAddr[p.Addr.Unmap()]; h != nil && h != i.Keepalived.Host {
				peers[i] = append(peers[i], h)
			}
		}
	}
	return peers
}

// union joins instances to sets.
type union struct {
	parent map[*VRRPInstance]*VRRPInstance
	why    map[*VRRPInstance]string // of a root: what joined it first
	many   map[*VRRPInstance]bool   // of a root: it has instances of several hosts
}

func newUnion(all []*VRRPInstance) *union {
	u := &union{map[*VRRPInstance]*VRRPInstance{}, map[*VRRPInstance]string{}, map[*VRRPInstance]bool{}}
	for _, i := range all {
		u.parent[i] = i
	}
	return u
}

func (u *union) root(i *VRRPInstance) *VRRPInstance {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

func (u *union) join(x, y *VRRPInstance, why string) {
	many := x.Keepalived.Host != y.Keepalived.Host
	x, y = u.root(x), u.root(y)
	if x == y {
		u.many[x] = u.many[x] || many
		return
	}
	u.parent[y] = x
	u.why[x] = cmp.Or(u.why[x], u.why[y], why)
	u.many[x] = u.many[x] || u.many[y] || many
}

// partner reports whether the instance is one with one of another host.
func (u *union) partner(i *VRRPInstance) bool { return u.many[u.root(i)] }

// joinPeers joins instances without a partner to those of the hosts they name as peers and that name theirs.
func (u *union) joinPeers(peers map[*VRRPInstance][]*Host) {
	of := map[*Host][]*VRRPInstance{}
	var order []*VRRPInstance
	for i := range peers {
		order = append(order, i)
	}
	slices.SortFunc(order, func(x, y *VRRPInstance) int {
		return cmp.Or(strings.Compare(x.Keepalived.Host.Name, y.Keepalived.Host.Name), cmp.Compare(x.Name.Pos.Line, y.Name.Pos.Line))
	})
	for _, i := range order {
		of[i.Keepalived.Host] = append(of[i.Keepalived.Host], i)
	}
	const why = "are each other's unicast peers"
	for _, i := range order {
		if u.partner(i) {
			continue
		}
		for _, h := range peers[i] {
			var best *VRRPInstance
			for _, j := range of[h] {
				if !slices.Contains(peers[j], i.Keepalived.Host) {
					continue
				}
				// Of several instances it is the one that has the same router id.
				if best == nil || j.RouterID.Known() && i.RouterID.Known() && j.RouterID.V == i.RouterID.V {
					best = j
				}
			}
			if best != nil {
				u.join(i, best, why)
			}
		}
	}
}

// joinSubnets joins multicast instances without a partner that have one router id in one subnet.
func (u *union) joinSubnets(all []*VRRPInstance) {
	type network struct {
		id     int
		subnet netip.Prefix
	}
	first := map[network]*VRRPInstance{}
	for _, i := range all {
		if i.Unicast || !i.RouterID.Written() || u.partner(i) {
			continue
		}
		for _, v := range i.VIPs {
			subnet, ok := v.subnet()
			if !ok {
				continue
			}
			n := network{i.RouterID.V, subnet}
			if before := first[n]; before == nil {
				first[n] = i
			} else if before.Keepalived.Host != i.Keepalived.Host {
				u.join(before, i, fmt.Sprintf("have router id %d in %s", n.id, subnet))
			}
		}
	}
}

// subnet is the network of a virtual address: of the written prefix length, where it is one; else what is usual, 24 bits of
// IPv4 and 64 of IPv6.
func (v *VRRPAddress) subnet() (netip.Prefix, bool) {
	addr := v.Prefix.Addr().Unmap()
	if !addr.IsValid() || addr.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := v.Prefix.Bits()
	if !v.Written || bits == addr.BitLen() {
		bits = 24
		if addr.Is6() {
			bits = 64
		}
	}
	p, err := addr.Prefix(bits)
	return p, err == nil
}

// sets are the joined instances in the order of all.
func (u *union) sets(all []*VRRPInstance) [][]*VRRPInstance {
	var sets [][]*VRRPInstance
	at := map[*VRRPInstance]int{}
	for _, i := range all {
		r := u.root(i)
		n, ok := at[r]
		if !ok {
			n = len(sets)
			at[r] = n
			sets = append(sets, nil)
		}
		sets[n] = append(sets[n], i)
	}
	return sets
}
