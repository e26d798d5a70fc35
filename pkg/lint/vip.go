package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vipRules = []*Rule{vipDuplicate, vipMissing, vipInvalid, vipFamily, vipLine, vipOwnAddress, vipNotBound, vipBindNonlocal, vipBindForeign, vipHAProxyPeer, vipDirector, vipDirectorUnheld}

var vipDuplicate = &Rule{
	ID:       "vip-duplicate",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			first := map[netip.Addr]*fact.VRRPAddress{}
			for _, i := range k.Instances {
				for _, v := range i.VIPs {
					a := v.Prefix.Addr().Unmap()
					if !a.IsValid() || v.Malformed || v.Node.Cond != nil {
						continue
					}
					o := first[a]
					switch {
					case o == nil:
						first[a] = v
					case o.Instance != i && i.Node.Cond == nil && o.Instance.Node.Cond == nil:
						p.Report(v.Word, "%s is in %q and in %q: one takes it away from the other", a, o.Instance.Name.Text, i.Name.Text).On(k.Host).In(v.Node).
							Related(o.Word, "in %q", o.Instance.Name.Text).Help("write each address in one instance").Same(a.String())
					}
				}
			}
		}
	},
}

var vipMissing = &Rule{
	ID:       "vip-missing",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if len(i.VIPs) > 0 || i.Partial || len(i.Notify) > 0 || i.Group != nil && len(i.Group.Notify) > 0 {
				continue // a script may move the address, as in a cloud
			}
			if slices.ContainsFunc(i.Node.Body, func(n *conf.Node) bool { return n.Name() == "virtual_routes" || n.Name() == "virtual_rules" }) {
				continue
			}
			p.Report(i.Name, "%q has no address: its members elect a holder of nothing", i.Name.Text).On(host(i)).In(i.Node).Help("list the addresses in virtual_ipaddress")
		}
	},
}

var vipInvalid = &Rule{
	ID:       "vip-invalid",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			for _, v := range i.VIPs {
				if v.Malformed && !v.Prefix.IsValid() && !slices.ContainsFunc(v.Node.Words, variable) {
					p.Report(v.Word, "%q is no address: keepalived leaves it out, and no member ever has it", v.Word.Text).On(host(i)).In(v.Node).
						Help("write an address and its prefix length, as in 10.0.0.10/24")
				}
			}
		}
	},
}

var vipFamily = &Rule{
	ID:       "vip-family",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			for _, v := range i.VIPs {
				if !v.Malformed || !v.Prefix.IsValid() {
					continue
				}
				f := p.Report(v.Word, "%s is of another address family than %q: keepalived leaves it out, and no member ever has it", v.Prefix.Addr(), i.Name.Text).
					On(host(i)).In(v.Node).Help("move it to virtual_ipaddress_excluded, or to an instance of its own")
				if i.Source.Written() && i.Source.V.Is4() != v.Prefix.Addr().Is4() {
					f.Related(i.Source.Word, "the instance's family")
				} else if o := i.VIPs[0]; o != v {
					f.Related(o.Word, "the instance's family")
				}
			}
		}
	},
}

// vipWords are the words of an address line that another word belongs to.
var vipWords = []string{"dev", "brd", "broadcast", "scope", "label", "peer", "preferred_lft", "track_group"}

var vipLine = &Rule{
	ID:       "vip-line",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			for _, v := range i.VIPs {
				for n := 1; n < len(v.Node.Words); n++ {
					w := v.Node.Words[n]
					text, _, _ := strings.Cut(w.Text, "/")
					if _, err := netip.ParseAddr(text); err != nil || w.Pos == v.Word.Pos || slices.Contains(vipWords, v.Node.Words[n-1].Text) {
						continue
					}
					p.Report(w, "keepalived reads one address a line: it leaves %s out, and no member ever has it", w.Text).On(host(i)).In(v.Node).
						Help("write %s on a line of its own", w.Text)
				}
			}
		}
	},
}

var vipOwnAddress = &Rule{
	ID:       "vip-own-address",
	Severity: diag.Error,
	Run: func(p *Pass) {
		owners := map[netip.Addr]*fact.Host{}
		why := map[netip.Addr]conf.Word{}
		for _, h := range p.Hosts {
			for _, a := range h.Addresses {
				if owners[a.Addr] == nil {
					owners[a.Addr], why[a.Addr] = h, a.Word
				}
			}
			if h.Keepalived == nil {
				continue
			}
			for _, i := range h.Keepalived.Instances {
				if a := i.Source.V.Unmap(); i.Source.Written() && a.IsValid() && owners[a] == nil {
					owners[a], why[a] = h, i.Source.Word
				}
			}
		}
		for i := range instances(p.Stack) {
			for _, v := range i.VIPs {
				h := owners[v.Prefix.Addr().Unmap()]
				if h == nil || v.Malformed || i.Owner() {
					continue
				}
				f := p.Report(v.Word, "%s is the own address of %s: keepalived removes it when it starts there, and the host is off the network", v.Prefix.Addr(), h.Name).
					On(host(i)).In(v.Node).Related(why[v.Prefix.Addr().Unmap()], "its own address").
					Help("take an address for the virtual one that no host has").Same(v.Prefix.Addr().String())
				if h.Keepalived == nil {
					f.Message = fmt.Sprintf("%s is the own address of %s: two hosts hold it at once", v.Prefix.Addr(), h.Name)
				}
			}
		}
	},
}

// bound reports whether something of the host accepts connections to an address, and whether that is known.
func bound(h *fact.Host, a netip.Addr) (is, known bool) {
	known = !h.Partial
	for _, l := range h.Listeners {
		switch {
		case !l.Known:
			known = false
		case l.Unix != "":
		case !l.Addr.IsValid() || l.Addr.IsUnspecified():
			is = is || a.Is4() && l.V4 || a.Is6() && l.V6
		default:
			is = is || l.Addr.Unmap() == a
		}
	}
	return is, known
}

var vipNotBound = &Rule{
	ID:       "vip-not-bound",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			h := k.Host
			if h.HAProxy == nil || k.Partial || !slices.ContainsFunc(h.Listeners, func(l *fact.Listener) bool { return l.Layer == fact.LayerHAProxy && l.Unix == "" }) {
				continue
			}
			served := map[string]bool{} // interfaces with an address that something answers on
			var open []*fact.VRRPAddress
			for _, i := range k.Instances {
				for _, v := range i.VIPs {
					a := v.Prefix.Addr().Unmap()
					if !a.IsValid() || v.Malformed || v.Node.Cond != nil || directed(k, a) {
						continue
					}
					switch is, known := bound(h, a); {
					case !known:
						return
					case is:
						served[v.Dev.V] = true
					default:
						open = append(open, v)
					}
				}
			}
			for _, v := range open {
				// The inner address of a pair of networks may only be a route.
				gateway := len(served) > 0 && !served[v.Dev.V]
				f := p.Report(v.Word, "no bind of HAProxy covers %s: %s refuses every connection to it", v.Prefix.Addr(), h.Name).On(h).In(v.Node).
					Weigh(severity(gateway || unused(p.Stack, v.Prefix.Addr()), diag.Warning, diag.Error)).Help("write bind :80, or bind %s:80 and net.ipv4.ip_nonlocal_bind = 1", bracket(v.Prefix.Addr())).Same(v.Prefix.Addr().String())
				if p.unused(v.Prefix.Addr().Unmap()) {
					f.Message = fmt.Sprintf("no bind of HAProxy covers %s, and nothing is said to use it: %s refuses every connection to it", v.Prefix.Addr(), h.Name)
					f.Weigh(diag.Warning).Help("remove the address, or say in the topology which site uses it")
				}
				shown := 0
				for _, l := range h.Listeners {
					if l.Layer == fact.LayerHAProxy && l.Unix == "" && !l.Addr.IsLoopback() && shown < 3 {
						f.Related(l.Word, "this does not")
						shown++
					}
				}
			}
		}
	},
}

// unused reports whether the manifest has an address for which it names no site and no DNS record, and that no file asks.
func unused(s *fact.Stack, a netip.Addr) bool {
	if s.Manifest == nil || slices.ContainsFunc(s.Edges, func(e *fact.Edge) bool { return e.VIP != nil && e.VIP.Prefix.Addr() == a }) {
		return false
	}
	for name, v := range s.Manifest.VIPs {
		if !slices.ContainsFunc(v.Addresses, func(text string) bool { p, err := netip.ParsePrefix(text); return err == nil && p.Addr() == a }) {
			continue
		}
		for _, site := range s.Manifest.Sites {
			if site.VIP == name {
				return false
			}
		}
		for _, record := range s.Manifest.DNS {
			if record.VIP == name {
				return false
			}
		}
		return true
	}
	return false
}

// unused reports whether the manifest says of a virtual address that no site has it, and no application asks there.
func (p *Pass) unused(a netip.Addr) bool {
	if p.Manifest == nil {
		return false
	}
	used := map[string]bool{}
	for _, s := range p.Manifest.Sites {
		used[s.VIP] = true
	}
	for _, d := range p.Manifest.DNS {
		used[d.VIP] = true
	}
	for _, e := range p.Edges {
		if e.VIP != nil && e.VIP.Prefix.Addr().Unmap() == a {
			return false
		}
	}
	for name, v := range p.Manifest.VIPs {
		for _, text := range v.Addresses {
			if x, err := netip.ParsePrefix(text); err == nil && x.Addr().Unmap() == a {
				return !used[name]
			}
		}
	}
	return false
}

func bracket(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// directed reports whether keepalived itself passes connections to an address on.
func directed(k *fact.Keepalived, a netip.Addr) bool {
	return slices.ContainsFunc(k.Virtual, func(n *conf.Node) bool {
		return n.Arg(1).Text == a.String() || n.Arg(1).Text == "fwmark" || n.Arg(1).Text == "group"
	})
}

var vipBindNonlocal = &Rule{
	ID:       "vip-bind-nonlocal",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			h := k.Host
			for _, l := range h.Listeners {
				a := l.Addr.Unmap()
				v := holds(h, a)
				if v == nil || l.Unix != "" || l.Layer != fact.LayerHAProxy && l.Layer != fact.LayerNginx || transparent(l) {
					continue
				}
				setting := "net.ipv4.ip_nonlocal_bind"
				if a.Is6() {
					setting = "net.ipv6.ip_nonlocal_bind"
				}
				value, ok := h.Sysctl[setting]
				if ok && (value.V != "0" || !value.Known()) {
					continue
				}
				daemon := map[fact.Layer]string{fact.LayerHAProxy: "HAProxy", fact.LayerNginx: "nginx"}[l.Layer]
				f := p.Report(l.Word, "%s does not start where %s is not: a member that does not hold the address has no %s when it takes it over", daemon, a, daemon).
					On(h).Related(v.Word, "the virtual address").Help("write %s = 1 in /etc/sysctl.d, or listen on all addresses", setting).Same(l.Word.Text)
				if ok {
					f.Related(value.Word, "%s is off", setting)
				} else if !p.Complete && len(h.Sysctl) == 0 {
					f.Weigh(diag.Warning) // the setting may be in a file that is not in the input
				}
			}
		}
	},
}

// transparent reports whether a bind line takes addresses that the host does not have.
func transparent(l *fact.Listener) bool {
	for _, x := range l.Proxies {
		for _, b := range x.Binds {
			if b.Listener == l {
				return slices.ContainsFunc(b.Node.Words, func(w conf.Word) bool { return w.Text == "transparent" || w.Text == "nonlocal" })
			}
		}
	}
	return false
}

var vipBindForeign = &Rule{
	ID:       "vip-bind-foreign",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		owner := map[netip.Addr]*fact.Host{}
		for _, h := range p.Hosts {
			for _, a := range h.Addresses {
				if a.Why == "manifest" || a.Why == "--hosts" {
					owner[a.Addr] = h
				}
			}
		}
		for _, h := range p.Hosts {
			if h.Keepalived == nil || h.HAProxy == nil || !slices.ContainsFunc(h.Addresses, func(a fact.Address) bool { return owner[a.Addr] == h }) {
				continue
			}
			for _, l := range h.Listeners {
				a := l.Addr.Unmap()
				if l.Layer != fact.LayerHAProxy || !l.Known || !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || holds(h, a) != nil || owner[a] == h || transparent(l) {
					continue
				}
				f := p.Report(l.Word, "%s is no address of %s and no virtual one: HAProxy does not start", a, h.Name).On(h).Help("listen on an address of the host, or on all")
				if o := owner[a]; o != nil {
					f.Message = fmt.Sprintf("%s is the address of %s: HAProxy of %s does not start", a, o.Name, h.Name)
					f.Weigh(diag.Error)
				}
			}
		}
	},
}

var vipHAProxyPeer = &Rule{
	ID:       "vip-haproxy-peer",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if k.Host.HAProxy == nil {
				continue
			}
			for _, section := range k.Host.HAProxy.Peers {
				for _, e := range section.List {
					if v := holds(k.Host, e.Addr); v != nil {
						p.Report(e.Word, "the peer %q stands at the virtual address %s: after a failover HAProxy talks to itself, and the stick tables of the members differ", e.Name.Text, e.Addr).
							On(k.Host).Related(v.Word, "the virtual address").Help("write the member's own address").Same(e.Name.Text)
					}
				}
			}
		}
	},
}
