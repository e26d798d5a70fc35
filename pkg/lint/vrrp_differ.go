package lint

import (
	"fmt"
	"slices"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// verdict is how a member judges a check, where that is known: its weight, and how long a failure takes.
func verdict(t *fact.Track) (string, bool) {
	s := t.Script
	if s == nil || s.Kind != "script" || t.Late || !t.Weight.Known() || !s.Interval.Known() || !s.Fall.Known() {
		return "", false
	}
	weight := fmt.Sprintf("weight %d", t.Weight.V)
	if t.Weight.V == 0 {
		weight = "no weight"
	}
	return fmt.Sprintf("%s, after %d failures at intervals of %s", weight, s.Fall.V, s.Interval.V), true
}

var vrrpTrackDiffers = &Rule{
	ID:       "vrrp-track-differs",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			first := map[string]*fact.Track{}
			by := map[*fact.Track]*fact.VRRPInstance{}
			for _, i := range r.members {
				if !whole(i) {
					continue
				}
				for _, t := range i.Tracks {
					is, known := verdict(t)
					o := first[t.Word.Text]
					if !known {
						continue
					}
					if o == nil {
						first[t.Word.Text], by[t] = t, i
						continue
					}
					was, _ := verdict(o)
					if is == was || by[o] == i {
						continue
					}
					p.Report(t.Word, "%s and %s judge %q differently: a failover of one is not that of the other", host(by[o]).Name, host(i).Name, t.Word.Text).
						On(host(i)).In(t.Node).Related(o.Word, "%s: %s", host(by[o]).Name, was).Proof("%s: %s", host(by[o]).Name, was).Proof("%s: %s", host(i).Name, is).
						Help("write the same check on all members; the priorities alone say who is preferred").Same(r.name() + " " + t.Word.Text)
				}
			}
		}
	},
}

// A director that translates addresses needs its inner address where its outer one is: the servers answer by it.
var vrrpSyncMissing = &Rule{
	ID:       "vrrp-sync-missing",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			nat := slices.IndexFunc(k.Virtual, func(n *conf.Node) bool {
				l := last(n.Body, "lb_kind")
				if l == nil {
					l = last(n.Body, "lvs_method")
				}
				return l != nil && l.Arg(1).Text == "NAT"
			})
			if nat < 0 || k.Partial || k.Host.Partial || len(k.Instances) < 2 {
				continue
			}
			one := k.Instances[0]
			for _, i := range k.Instances[1:] {
				if i.Group != nil || one.Group != nil || i.Partial || one.Partial || !i.Interface.Known() || !one.Interface.Known() || i.Interface.V == one.Interface.V || i.Priority.V != one.Priority.V {
					continue
				}
				p.Report(i.Name, "%q and %q are in no sync group: where one of them fails over alone, requests come by one director and answers go by the other", one.Name.Text, i.Name.Text).
					On(k.Host).In(i.Node).Related(one.Name, "on %s", one.Interface.V).Related(k.Virtual[nat].Words[0], "translates addresses").
					Help("write both into one vrrp_sync_group").Same(one.Name.Text + " " + i.Name.Text)
				break
			}
		}
	},
}
