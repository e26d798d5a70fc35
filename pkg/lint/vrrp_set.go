package lint

import (
	"net/netip"
	"slices"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// addresses are those in the advert, or those beside it.
func addresses(i *fact.VRRPInstance, excluded bool) map[netip.Addr]*fact.VRRPAddress {
	set := map[netip.Addr]*fact.VRRPAddress{}
	for _, v := range i.VIPs {
		if v.Excluded == excluded && v.Prefix.IsValid() && !v.Malformed {
			set[v.Prefix.Addr().Unmap()] = v
		}
	}
	return set
}

// whole reports whether all that the host's keepalived reads is known.
func whole(i *fact.VRRPInstance) bool {
	return !i.Partial && !i.Keepalived.Partial && !host(i).Partial
}

var vrrpVIPSetMismatch = &Rule{
	ID:       "vrrp-vip-set-mismatch",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			if len(r.members) == 1 {
				p.oneSided(r)
				continue
			}
			for _, excluded := range []bool{false, true} {
				all := map[netip.Addr]*fact.VRRPAddress{}
				var order []netip.Addr
				for _, i := range r.members {
					for _, v := range i.VIPs {
						a := v.Prefix.Addr().Unmap()
						if v.Excluded == excluded && a.IsValid() && !v.Malformed && all[a] == nil {
							all[a] = v
							order = append(order, a)
						}
					}
				}
				for _, i := range r.members {
					if !whole(i) {
						continue
					}
					own := addresses(i, excluded)
					for _, a := range order {
						v := all[a]
						if own[a] != nil || !whole(v.Instance) {
							continue
						}
						f := p.Report(v.Word, "%s is an address of %s and not of %s: when %s takes over, nobody has it", a, host(v.Instance).Name, host(i).Name, host(i).Name).
							On(host(v.Instance)).In(v.Node).Related(i.Name, "%s is not in this instance", a).
							Help("write the same addresses on all members, or remove those that are left over").Same(r.name())
						if !excluded {
							f.Proof("keepalived before 2.3.3 drops adverts with another set of addresses: then both hold theirs at once")
						}
					}
				}
			}
		}
	},
}

// oneSided finds an instance that the other members of its host's cluster do not have. A unicast peer that is none of
// them may have it.
func (p *Pass) oneSided(r router) {
	i := r.members[0]
	if len(r.cluster.Hosts) < 2 || !whole(i) || !i.RouterID.Known() {
		return
	}
	var others []*fact.Host
	for _, m := range r.cluster.Members {
		if m.Host == host(i) {
			continue
		}
		if m.Host.Keepalived.Partial || m.Host.Partial || slices.ContainsFunc(m.Instances, func(o *fact.VRRPInstance) bool { return o.Partial }) {
			return
		}
		others = append(others, m.Host)
	}
	known := len(i.Peers) > 0 || p.Complete
	for _, peer := range i.Peers {
		known = known && slices.ContainsFunc(others, func(h *fact.Host) bool { return owns(h, peer.Addr) })
	}
	if len(addresses(i, false)) == 0 || !known && len(i.Peers) > 0 {
		return
	}
	p.Report(i.Name, "%s is on %s only: when it fails, %s takes over everything else, and nobody has %s", vipsOf(i), host(i).Name, others[0].Name, vipsOf(i)).
		On(host(i)).In(i.Node).Related(others[0].Keepalived.Instances[0].Name, "what %s has", others[0].Name).
		Weigh(severity(known, diag.Error, diag.Warning)).Help("write the instance on all members, with priorities of their own")
}

// owns reports whether an address is known to be the host's.
func owns(h *fact.Host, a netip.Addr) bool {
	return a.IsValid() && (slices.ContainsFunc(h.Addresses, func(o fact.Address) bool { return o.Addr == a.Unmap() }) ||
		h.Keepalived != nil && slices.ContainsFunc(h.Keepalived.Instances, func(i *fact.VRRPInstance) bool { return i.Source.Written() && i.Source.V == a }))
}

var vrrpPrefixMismatch = &Rule{
	ID:       "vrrp-prefix-mismatch",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			first := map[netip.Addr]*fact.VRRPAddress{}
			for _, i := range r.members {
				for _, v := range i.VIPs {
					a := v.Prefix.Addr().Unmap()
					if !a.IsValid() || v.Malformed {
						continue
					}
					o := first[a]
					if o == nil {
						first[a] = v
						continue
					}
					if o.Prefix.Bits() != v.Prefix.Bits() && o.Instance != i {
						p.Report(v.Word, "%s is a /%d on %s and a /%d on %s: the failover changes the routes of the host", a, v.Prefix.Bits(), host(i).Name, o.Prefix.Bits(), host(o.Instance).Name).
							On(host(i)).In(v.Node).Related(o.Word, "a /%d here", o.Prefix.Bits()).Help("write one prefix length on all members").Same(a.String())
					}
				}
			}
		}
	},
}
