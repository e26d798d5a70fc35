package lint

import (
	"net/netip"
	"slices"
	"strconv"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpPeerRules = []*Rule{vrrpPeerMissing, vrrpPeerSelf, vrrpSourceEqual, vrrpSourceUnset, vrrpUnicastMix, vrrpUnicastNoPeer, vrrpUnicastMulticast}

// listed reports whether the instance's peers hold an address.
func listed(i *fact.VRRPInstance, a netip.Addr) bool {
	return slices.ContainsFunc(i.Peers, func(p fact.VRRPPeer) bool { return p.Addr == a })
}

// peersKnown reports whether every peer of the instance is a known address.
func peersKnown(i *fact.VRRPInstance) bool {
	return len(i.Peers) > 0 && !i.Partial && !slices.ContainsFunc(i.Peers, func(p fact.VRRPPeer) bool { return !p.Addr.IsValid() })
}

func selfPeer(i *fact.VRRPInstance) (fact.VRRPPeer, bool) {
	n := slices.IndexFunc(i.Peers, func(p fact.VRRPPeer) bool {
		return p.Addr.IsValid() && (i.Source.Written() && p.Addr == i.Source.V || !i.Source.Written() && declared(host(i), p.Addr))
	})
	if n < 0 {
		return fact.VRRPPeer{}, false
	}
	return i.Peers[n], true
}

// declared reports whether the manifest or --hosts gives the host the address.
func declared(h *fact.Host, a netip.Addr) bool {
	return slices.ContainsFunc(h.Addresses, func(o fact.Address) bool { return o.Addr == a.Unmap() && (o.Why == "manifest" || o.Why == "--hosts") })
}

// sender is the address that the member's adverts come from.
func sender(i *fact.VRRPInstance) (netip.Addr, conf.Word, bool) {
	if i.Source.Written() && i.Source.V.IsValid() {
		return i.Source.V, i.Source.Word, true
	}
	return netip.Addr{}, conf.Word{}, false
}

var vrrpPeerMissing = &Rule{
	ID:       "vrrp-peer-missing",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				if _, self := selfPeer(i); self || !peersKnown(i) {
					continue
				}
				for _, o := range r.others(i) {
					a, at, ok := sender(o)
					if !ok || len(o.Peers) == 0 || listed(i, a) || i.Source.Written() && i.Source.V == a || a.Is4() != i.Peers[0].Addr.Is4() {
						continue
					}
					hears := "does not hear"
					if i.CheckSrc.Known() && i.CheckSrc.V {
						hears = "neither hears nor listens to"
					}
					f := p.Report(i.Peers[0].Word, "%s does not send its adverts to %s, the address of %s: %s %s %s, and both hold %s as soon as %s should give way",
						host(i).Name, a, host(o).Name, host(o).Name, hears, host(i).Name, r.name(), host(o).Name).
						On(host(i)).In(i.Peers[0].Node).Related(at, "%s sends from %s", host(o).Name, a).
						Help("list %s in unicast_peer of %s", a, host(i).Name)
					for _, stray := range i.Peers {
						if !slices.ContainsFunc(r.others(i), func(m *fact.VRRPInstance) bool { return owns(host(m), stray.Addr) }) {
							f.Related(stray.Word, "%s is no member's address", stray.Addr)
						}
					}
				}
			}
		}
	},
}

var vrrpPeerSelf = &Rule{
	ID:       "vrrp-peer-self",
	Severity: diag.Error,
	Run: func(p *Pass) {
		copied := map[*fact.VRRPInstance]bool{} // with the address of another member: vrrp-source-equal
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				a, _, ok := sender(i)
				copied[i] = ok && slices.ContainsFunc(r.others(i), func(o *fact.VRRPInstance) bool { return o.Source.Written() && o.Source.V == a })
			}
		}
		for i := range instances(p.Stack) {
			peer, ok := selfPeer(i)
			if !ok || copied[i] {
				continue
			}
			f := p.Report(peer.Word, "%s lists its own address %s as a peer: adverts go to itself", host(i).Name, peer.Addr).On(host(i)).In(peer.Node)
			if len(i.Peers) > 1 {
				f.Weigh(diag.Warning).Message += ", and it logs each of them"
			} else {
				f.Message += ", no other member hears it, and two hold " + vipsOf(i)
			}
			if i.Source.Written() {
				f.Related(i.Source.Word, "its own address")
			}
			f.Help("list the addresses of the other members")
		}
	},
}

var vrrpSourceEqual = &Rule{
	ID:       "vrrp-source-equal",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			first := map[netip.Addr]*fact.VRRPInstance{}
			for _, i := range r.members {
				a, at, ok := sender(i)
				if !ok {
					continue
				}
				o := first[a]
				if o == nil {
					first[a] = i
					continue
				}
				p.Report(at, "%s and %s both send from %s: the one that does not have it is no standby (keepalived 2.2), or both hold %s (2.3)", host(o).Name, host(i).Name, a, r.name()).
					On(host(i)).In(line(i.Node, at)).Related(o.Source.Word, "the same here").Help("write each member's own address").Same(r.name())
			}
		}
	},
}

// Without unicast_src_ip keepalived sends from the first address of the interface.
var vrrpSourceUnset = &Rule{
	ID:       "vrrp-source-unset",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				if len(i.Peers) == 0 || i.Source.State != fact.Default || i.Partial || last(i.Node.Body, "unicast_src_ip") != nil {
					continue
				}
				f := p.Report(i.Peers[0].Word, "%s sends its adverts from whatever address is the first of %s", host(i).Name, orInterface(i)).On(host(i)).In(line(i.Node, i.Peers[0].Word)).
					Help("write unicast_src_ip with the address that the peers list")
				strict := slices.IndexFunc(r.members, func(o *fact.VRRPInstance) bool { return o != i && o.CheckSrc.Known() && o.CheckSrc.V })
				f.Same(r.name())
				if strict < 0 {
					f.Weigh(diag.Info)
					continue
				}
				f.Message += ": if that is not the one that " + host(r.members[strict]).Name + " lists, it drops them, and both hold " + r.name()
				f.Related(written(r.members[strict], r.members[strict].CheckSrc), "it takes adverts of its peers only")
			}
		}
	},
}

func orInterface(i *fact.VRRPInstance) string {
	if i.Interface.Known() && i.Interface.V != "" {
		return i.Interface.V
	}
	return "its interface"
}

// faulty reports whether a member without a peer is in fault rather than sending to everyone.
func faulty(i *fact.VRRPInstance) bool {
	return len(i.Peers) == 0 && slices.ContainsFunc(i.Node.Body, func(n *conf.Node) bool { return n.Name() == "unicast_fault_no_peer" })
}

// mixed reports whether some members send to peers and others to everyone.
func mixed(r router) (ref *fact.VRRPInstance, odd []*fact.VRRPInstance) {
	return r.odd(func(i *fact.VRRPInstance) (string, bool) {
		return strconv.FormatBool(len(i.Peers) > 0), !i.Partial && !faulty(i)
	})
}

var vrrpUnicastMix = &Rule{
	ID:       "vrrp-unicast-mix",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			ref, odd := mixed(r)
			for _, i := range odd {
				uni, multi := i, ref
				if len(i.Peers) == 0 {
					uni, multi = ref, i
				}
				p.Report(multi.Name, "%s sends its adverts to everyone and %s to its peers: neither hears the other, and both hold %s", host(multi).Name, host(uni).Name, r.name()).
					On(host(multi)).In(multi.Node).Related(uni.Peers[0].Word, "%s sends to this address alone", host(uni).Name).
					Help("write unicast_peer on all members, or on none").Same(r.name())
			}
		}
	},
}

var vrrpUnicastNoPeer = &Rule{
	ID:       "vrrp-unicast-no-peer",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		mix := map[*fact.VRRPInstance]bool{}
		for _, r := range routers(p.Stack) {
			if _, odd := mixed(r); odd != nil {
				for _, i := range r.members {
					mix[i] = true
				}
			}
		}
		for i := range instances(p.Stack) {
			if !i.Unicast || len(i.Peers) > 0 || i.Partial || mix[i] {
				continue
			}
			at := i.Name
			for _, n := range i.Node.Body {
				if n.Name() == "unicast_src_ip" || n.Name() == "unicast_peer" || n.Name() == "unicast_fault_no_peer" {
					at = n.Words[0]
				}
			}
			if faulty(i) {
				p.Report(at, "%q has no unicast peer, and unicast_fault_no_peer makes that a fault: %s is nowhere", i.Name.Text, vipsOf(i)).
					On(host(i)).In(line(i.Node, at)).Weigh(diag.Error).Help("list the other members in unicast_peer")
				continue
			}
			p.Report(at, "%q has no unicast peer, so keepalived sends to everyone: where the network drops multicast, each member holds %s", i.Name.Text, vipsOf(i)).
				On(host(i)).In(line(i.Node, at)).Help("list the other members in unicast_peer, and write unicast_fault_no_peer")
		}
	},
}

var vrrpUnicastMulticast = &Rule{
	ID:       "vrrp-unicast-multicast",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if len(i.Peers) == 0 {
				continue
			}
			for n := range conf.Named(i.Node.Body, "mcast_dst_ip") {
				p.Report(n.Words[0], "keepalived ignores mcast_dst_ip where there are unicast peers").On(host(i)).In(n).
					Related(i.Peers[0].Word, "%q has peers", i.Name.Text).Help("remove mcast_dst_ip")
			}
		}
	},
}
