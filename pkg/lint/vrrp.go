package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Rules about addresses that do not move, or are held twice.
var vrrpRules = slices.Concat(vrrpTextRules, vrrpInstanceRules, vrrpTrackRules, vrrpScriptRules, vrrpCheckRules, vrrpMemberRules, vrrpPeerRules, vipRules)

// router is a virtual router: the instances of several hosts that hold the same addresses in turn.
type router struct {
	cluster *fact.Cluster
	members []*fact.VRRPInstance // at most one of a host
	shared  bool                 // they share a virtual address
}

// routers pairs the instances of the members of each cluster: by virtual address, then by router id. A host with two
// instances of one address takes part with neither: what they would be compared with is a guess.
func routers(s *fact.Stack) []router {
	var out []router
	for _, c := range s.Clusters {
		out = append(out, routersOf(c)...)
	}
	return out
}

func routersOf(c *fact.Cluster) []router {
	var sets []*router
	byAddr := map[netip.Addr]*router{}
	twice := map[*router]bool{}
	for _, m := range c.Members {
		for _, i := range m.Instances {
			var r *router
			for _, v := range i.VIPs {
				if r == nil {
					r = byAddr[v.Prefix.Addr().Unmap()]
				}
			}
			if r == nil {
				r = &router{cluster: c}
				sets = append(sets, r)
			} else {
				r.shared = true
			}
			twice[r] = twice[r] || r.has(m.Host)
			r.members = append(r.members, i)
			for _, v := range i.VIPs {
				if a := v.Prefix.Addr().Unmap(); a.IsValid() && byAddr[a] == nil {
					byAddr[a] = r
				}
			}
		}
	}

	type network struct {
		id int
		v6 bool
	}
	byID := map[network]*router{}
	var out []*router
	for _, alone := range []bool{false, true} {
		for _, r := range sets {
			if twice[r] || (len(r.members) == 1) != alone {
				continue
			}
			i := r.members[0]
			n := network{i.RouterID.V, isV6(i)}
			if o := byID[n]; alone && o != nil && i.RouterID.Written() && !o.has(host(i)) {
				o.members = append(o.members, i)
				continue
			}
			if i.RouterID.Written() && byID[n] == nil {
				byID[n] = r
			}
			out = append(out, r)
		}
	}
	routers := make([]router, len(out))
	for n, r := range out {
		routers[n] = *r
	}
	return routers
}

func (r *router) has(h *fact.Host) bool {
	return slices.ContainsFunc(r.members, func(i *fact.VRRPInstance) bool { return host(i) == h })
}

func isV6(i *fact.VRRPInstance) bool {
	for _, v := range i.VIPs {
		if !v.Excluded && !v.Malformed && v.Prefix.IsValid() {
			return v.Prefix.Addr().Is6()
		}
	}
	return false
}

// name is what a finding calls the virtual router.
func (r router) name() string { return vipsOf(r.members[0]) }

// vipsOf names an instance by its addresses, or by its name where it has none.
func vipsOf(i *fact.VRRPInstance) string {
	var vips []string
	for _, v := range i.VIPs {
		if v.Prefix.IsValid() && !v.Malformed && !v.Excluded {
			vips = append(vips, v.Prefix.Addr().String())
		}
	}
	switch n := len(vips); {
	case n == 0:
		return fmt.Sprintf("%q", i.Name.Text)
	case n > 3:
		return fmt.Sprintf("%s and %d more", vips[0], n-1)
	}
	return strings.Join(vips, ", ")
}

// odd finds the members whose value is not what most have; of equally many, the first's is the right one. What a member's
// value is must be known.
func (r router) odd(value func(*fact.VRRPInstance) (string, bool)) (ref *fact.VRRPInstance, odd []*fact.VRRPInstance) {
	count := map[string]int{}
	values := map[*fact.VRRPInstance]string{}
	for _, i := range r.members {
		if v, ok := value(i); ok {
			values[i] = v
			count[v]++
		}
	}
	for _, i := range r.members {
		if v, ok := values[i]; ok && (ref == nil || count[v] > count[values[ref]]) {
			ref = i
		}
	}
	for _, i := range r.members {
		if v, ok := values[i]; ok && v != values[ref] {
			odd = append(odd, i)
		}
	}
	return ref, odd
}

// others are the members besides one.
func (r router) others(i *fact.VRRPInstance) []*fact.VRRPInstance {
	return slices.DeleteFunc(slices.Clone(r.members), func(o *fact.VRRPInstance) bool { return o == i })
}

func host(i *fact.VRRPInstance) *fact.Host { return i.Keepalived.Host }

// instances are all instances of the stack.
func instances(s *fact.Stack) func(yield func(*fact.VRRPInstance) bool) {
	return func(yield func(*fact.VRRPInstance) bool) {
		for _, h := range s.Hosts {
			if h.Keepalived == nil {
				continue
			}
			for _, i := range h.Keepalived.Instances {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// keepaliveds are the keepalived.conf of all hosts.
func keepaliveds(s *fact.Stack) func(yield func(*fact.Keepalived) bool) {
	return func(yield func(*fact.Keepalived) bool) {
		for _, h := range s.Hosts {
			if h.Keepalived != nil && !yield(h.Keepalived) {
				return
			}
		}
	}
}

// service is the daemon of the host that its virtual addresses are for; empty where no file tells.
func service(h *fact.Host) string {
	switch {
	case h.HAProxy != nil && len(h.HAProxy.Proxies) > 0:
		return "HAProxy"
	case h.Nginx != nil:
		return "nginx"
	case h.Database != nil:
		return "the database"
	case len(h.Apps) > 0:
		return "the application"
	}
	return ""
}

// written is the place of a value, or that of the instance where the value is a default.
func written[T any](i *fact.VRRPInstance, v fact.Value[T]) conf.Word {
	if v.Written() && v.Word.Pos.IsValid() {
		return v.Word
	}
	return i.Name
}

// line is the statement of a block that a word stands in.
func line(n *conf.Node, w conf.Word) *conf.Node {
	for _, b := range n.Body {
		if slices.ContainsFunc(b.Words, func(x conf.Word) bool { return x.Pos == w.Pos }) {
			return b
		}
		if in := line(b, w); in != nil {
			return in
		}
	}
	return nil
}

// newer reports whether the target is this version or a later one, and whether it is known.
func newer(s *fact.Stack, major, minor int) (yes, known bool) {
	v := s.Targets["keepalived"]
	return v != fact.Version{} && !v.Before(major, minor), v != fact.Version{}
}

func severity(is bool, yes, no diag.Severity) diag.Severity {
	if is {
		return yes
	}
	return no
}

// meant says which name may have been meant, or else what to do.
func meant(name string, names []string, otherwise string) string {
	best, least := "", 1+len(name)/3
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return otherwise
	}
	return "did you mean " + strconv.Quote(best) + "?"
}
