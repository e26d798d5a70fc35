package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpMemberRules = []*Rule{
	vrrpRouterIDMismatch, vrrpIDCollision, vrrpAuthMismatch, vrrpVersionMismatch, vrrpAdvertMismatch, vrrpVIPSetMismatch, vrrpPrefixMismatch,
	vrrpPriorityEqual, vrrpStateMaster, vrrpStateInverted, vrrpNoPreemptLower, vrrpSyncMismatch,
}

var vrrpRouterIDMismatch = &Rule{
	ID:       "vrrp-router-id-mismatch",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			if !r.shared {
				continue
			}
			ref, odd := r.odd(func(i *fact.VRRPInstance) (string, bool) { return strconv.Itoa(i.RouterID.V), i.RouterID.Written() })
			for _, i := range odd {
				p.Report(i.RouterID.Word, "%s is two virtual routers, %d on %s and %d on %s: no member hears another, and both hold the address",
					r.name(), i.RouterID.V, host(i).Name, ref.RouterID.V, host(ref).Name).On(host(i)).In(line(i.Node, i.RouterID.Word)).
					Related(ref.RouterID.Word, "%s is router %d here", r.name(), ref.RouterID.V).
					Help("give all members one virtual_router_id").Same(r.name())
			}
		}
	},
}

// Two clusters of one network with one id: what keepalived 2.3.3 and later make of it was measured; 2.2 only logs it.
var vrrpIDCollision = &Rule{
	ID:       "vrrp-id-collision",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		type network struct {
			id     int
			subnet netip.Prefix
		}
		first := map[network]router{}
		for _, r := range routers(p.Stack) {
			i := r.members[0]
			if !i.RouterID.Written() || len(i.Peers) > 0 || i.Partial {
				continue
			}
			for _, v := range i.VIPs {
				if !v.Written || v.Malformed || v.Excluded || !v.Prefix.IsValid() || v.Prefix.IsSingleIP() {
					continue
				}
				n := network{i.RouterID.V, v.Prefix.Masked()}
				o, ok := first[n]
				if !ok {
					first[n] = r
					break
				}
				if slices.ContainsFunc(o.members, func(m *fact.VRRPInstance) bool {
					return slices.ContainsFunc(r.members, func(x *fact.VRRPInstance) bool { return host(m) == host(x) })
				}) {
					break // vrrp-id-duplicate
				}
				yes, _ := newer(p.Stack, 2, 3)
				p.Report(i.RouterID.Word, "router id %d is taken in %s by %s of %s: each cluster hears the other's adverts, and from keepalived 2.3.3 on one of them loses its address",
					n.id, n.subnet, o.name(), o.cluster.Name).On(host(i)).In(line(i.Node, i.RouterID.Word)).
					Related(o.members[0].RouterID.Word, "%s of %s", o.name(), o.cluster.Name).
					Weigh(severity(yes, diag.Error, diag.Warning)).Help("give each cluster of a network a virtual_router_id of its own").Same(r.name())
				break
			}
		}
	},
}

var vrrpAuthMismatch = &Rule{
	ID:       "vrrp-auth-mismatch",
	Severity: diag.Error,
	Run: func(p *Pass) {
		auth := func(i *fact.VRRPInstance) (string, bool) {
			kind, pass, known := i.Auth()
			return kind + "\x00" + pass, known && !i.Partial
		}
		version := func(i *fact.VRRPInstance) (string, bool) { return strconv.Itoa(i.Version.V), i.Version.Known() }
		for _, r := range routers(p.Stack) {
			if _, odd := r.odd(version); odd != nil {
				continue // vrrp-version-mismatch
			}
			ref, odd := r.odd(auth)
			for _, i := range odd {
				p.Report(authWord(i), "%s sends adverts %s and %s %s: each drops the other's, and both hold %s",
					host(i).Name, authText(i), host(ref).Name, authText(ref), r.name()).On(host(i)).In(line(i.Node, authWord(i))).
					Related(authWord(ref), "%s", authText(ref)).Help("write the same authentication block on all members").Same(r.name())
			}
		}
	},
}

func authWord(i *fact.VRRPInstance) conf.Word {
	kind, _, _ := i.Auth()
	switch {
	case i.Strict.Known() && i.Strict.V && i.Strict.Word.Pos.IsValid():
		return i.Strict.Word
	case kind != "":
		return i.AuthPass.Word
	case i.AuthType.Written():
		return i.AuthType.Word
	}
	return i.Name
}

// authText does not repeat a password: reports are kept and shown around.
func authText(i *fact.VRRPInstance) string {
	kind, pass, _ := i.Auth()
	switch {
	case kind != "":
		return fmt.Sprintf("with %s and a password of %d letters that count", kind, len(pass))
	case i.Strict.V && i.AuthType.V != "":
		return "without a password (vrrp_strict drops it)"
	}
	return "without a password"
}

var vrrpVersionMismatch = &Rule{
	ID:       "vrrp-version-mismatch",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			ref, odd := r.odd(func(i *fact.VRRPInstance) (string, bool) {
				return strconv.Itoa(i.Version.V), i.Version.Known() && !i.Partial
			})
			for _, i := range odd {
				p.Report(versionWord(i), "%s speaks VRRP version %d and %s version %d: each drops the other's adverts, and both hold %s",
					host(i).Name, i.Version.V, host(ref).Name, ref.Version.V, r.name()).On(host(i)).In(line(i.Node, versionWord(i))).
					Related(versionWord(ref), "version %d here", ref.Version.V).Help("set one `version` on all members").Same(r.name())
			}
		}
	},
}

func versionWord(i *fact.VRRPInstance) conf.Word {
	if !i.Version.Written() && i.Keepalived.Version.Written() {
		return i.Keepalived.Version.Word
	}
	return written(i, i.Version)
}

var vrrpAdvertMismatch = &Rule{
	ID:       "vrrp-advert-mismatch",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			ref, odd := r.odd(func(i *fact.VRRPInstance) (string, bool) {
				return i.Advert.V.String() + strconv.Itoa(i.Version.V), i.Advert.Known() && i.Version.Known()
			})
			for _, i := range odd {
				switch {
				case i.Version.V != ref.Version.V:
				case i.Version.V == 2:
					p.Report(written(i, i.Advert), "%s sends adverts every %s and %s every %s: in VRRP version 2 each drops the other's, and both hold %s",
						host(i).Name, i.Advert.V, host(ref).Name, ref.Advert.V, r.name()).On(host(i)).In(line(i.Node, i.Advert.Word)).
						Related(written(ref, ref.Advert), "every %s here", ref.Advert.V).Help("write the same advert_int on all members").Same(r.name())
				default:
					p.Report(written(i, i.Advert), "%s sends adverts every %s and %s every %s: how soon a dead holder of %s is replaced depends on who held it",
						host(i).Name, i.Advert.V, host(ref).Name, ref.Advert.V, r.name()).On(host(i)).In(line(i.Node, i.Advert.Word)).
						Related(written(ref, ref.Advert), "every %s here", ref.Advert.V).Weigh(diag.Warning).Help("write the same advert_int on all members").Same(r.name())
				}
			}
		}
	},
}

var vrrpPriorityEqual = &Rule{
	ID:       "vrrp-priority-equal",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			for n, i := range r.members {
				if !i.Priority.Known() || i.Partial || i.Owner() {
					continue
				}
				for _, o := range r.members[:n] {
					if !o.Priority.Known() || o.Partial || o.Priority.V != i.Priority.V {
						continue
					}
					f := p.Report(written(i, i.Priority), "%s and %s have priority %d for %s: both take it at the same moment, the higher address wins, and no file says whose that is",
						host(i).Name, host(o).Name, i.Priority.V, r.name()).On(host(i)).In(line(i.Node, i.Priority.Word)).
						Related(written(o, o.Priority), "%d here", o.Priority.V).Help("give each member a priority of its own").Same(r.name())
					if !i.Priority.Written() {
						f.Proof("without a priority keepalived takes %d", i.Priority.V)
					}
					break
				}
			}
		}
	},
}

var vrrpStateMaster = &Rule{
	ID:       "vrrp-state-master",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			var first *fact.VRRPInstance
			for _, i := range r.members {
				if !i.State.Written() || i.State.V != "MASTER" {
					continue
				}
				if first == nil {
					first = i
					continue
				}
				p.Report(i.State.Word, "%s is state MASTER on %s and on %s: one file is a copy of the other, and keepalived ignores nopreempt and preempt_delay of a MASTER", r.name(), host(first).Name, host(i).Name).
					On(host(i)).In(line(i.Node, i.State.Word)).Related(first.State.Word, "MASTER here").
					Help("write state BACKUP on all members: the priority decides").Same(r.name())
			}
		}
	},
}

var vrrpStateInverted = &Rule{
	ID:       "vrrp-state-inverted",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				if !i.State.Written() || i.State.V != "MASTER" || !i.Priority.Written() {
					continue
				}
				for _, o := range r.others(i) {
					if o.State.Known() && o.State.V == "BACKUP" && o.Priority.Known() && o.Priority.V > i.Priority.V {
						p.Report(i.State.Word, "%s is MASTER of %s by name and %s by priority: %d is below %d, and the address goes to %s",
							host(i).Name, r.name(), host(o).Name, i.Priority.V, o.Priority.V, host(o).Name).On(host(i)).In(line(i.Node, i.State.Word)).
							Related(i.Priority.Word, "%s", host(i).Name).Related(written(o, o.Priority), "%s", host(o).Name).
							Help("write state BACKUP on all members, and the highest priority where the address should be").Same(r.name())
						break
					}
				}
			}
		}
	},
}

var vrrpNoPreemptLower = &Rule{
	ID:       "vrrp-nopreempt-lower",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				stays, known := i.StaysBackup()
				if !stays || !known {
					continue
				}
				others := r.others(i)
				back := slices.IndexFunc(others, func(o *fact.VRRPInstance) bool {
					stays, known := o.StaysBackup()
					return known && !stays && o.NoPreempt.Known() && !o.NoPreempt.V && o.Priority.Known() && o.Priority.V > i.Priority.V
				})
				if back < 0 || slices.ContainsFunc(others, func(o *fact.VRRPInstance) bool { return !o.Priority.Known() || o.Priority.V <= i.Priority.V }) {
					continue
				}
				o := others[back]
				p.Report(i.NoPreempt.Word, "nopreempt of %s, whose priority is the lowest, does nothing: %s takes %s back as soon as it returns", host(i).Name, host(o).Name, r.name()).
					On(host(i)).In(line(i.Node, i.NoPreempt.Word)).Related(o.Name, "nopreempt is not here").
					Help("write nopreempt, and state BACKUP, on all members").Same(r.name())
			}
		}
	},
}

var vrrpSyncMismatch = &Rule{
	ID:       "vrrp-sync-mismatch",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			ref, odd := r.odd(func(i *fact.VRRPInstance) (string, bool) {
				return strconv.FormatBool(i.Group != nil), whole(i)
			})
			for _, i := range odd {
				in, out := i, ref
				if in.Group == nil {
					in, out = ref, i
				}
				p.Report(out.Name, "%s moves alone on %s and together with others on %s: after a failure its addresses can be on two hosts", r.name(), host(out).Name, host(in).Name).
					On(host(out)).In(out.Node).Related(in.Group.Name, "the group is on %s", host(in).Name).Help("write the same vrrp_sync_group on all members").Same(in.Group.Name.Text)
			}
		}
	},
}
