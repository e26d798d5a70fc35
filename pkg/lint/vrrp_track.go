package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpTrackRules = []*Rule{vrrpNoTrack, vrrpWeightGap, vrrpNoPreemptWeight, vrrpWeightRange, vrrpWeightClamp, vrrpSyncWeight, vrrpTrackOther, vrrpTrackDiffers, vrrpSyncMissing}

// tracking are the tracks that may tell how a service is; those of an instance's sync group count, since it moves as one.
func tracking(i *fact.VRRPInstance) []*fact.Track {
	about := func(list []*fact.Track) []*fact.Track {
		return slices.DeleteFunc(slices.Clone(list), func(t *fact.Track) bool { return t.Kind == "interface" })
	}
	out := about(i.Tracks)
	if i.Group == nil {
		return out
	}
	for _, o := range i.Keepalived.Instances {
		if o != i && o.Group == i.Group {
			out = append(out, about(o.Tracks)...)
		}
	}
	return out
}

var vrrpNoTrack = &Rule{
	ID:       "vrrp-no-track",
	Severity: diag.Error,
	Run: func(p *Pass) {
		partner := map[*fact.VRRPInstance]*fact.Track{}
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				for _, o := range r.others(i) {
					if t := tracking(o); len(t) > 0 {
						partner[i] = t[0]
					}
				}
			}
		}
		for k := range keepaliveds(p.Stack) {
			what := service(k.Host)
			// A director's keepalived does the work itself. A check that nobody names is vrrp-script-unreferenced.
			if k.Partial || k.Host.Partial || what == "" && len(k.Virtual) > 0 || slices.ContainsFunc(k.Scripts, func(s *fact.VRRPScript) bool { return !s.Used }) {
				continue
			}
			for _, i := range k.Instances {
				if i.Partial || len(tracking(i)) > 0 || len(i.VIPs) == 0 || what == "" && forwards(i) {
					continue
				}
				f := p.Report(i.Name, "").On(k.Host).In(i.Node)
				if what == "" {
					f.Message = fmt.Sprintf("%s stays on %s when the service that uses it dies there: %q tracks none", vipsOf(i), k.Host.Name, i.Name.Text)
					f.Weigh(diag.Warning).Help("track a script that asks the service; a router that only forwards needs none")
				} else {
					f.Message = fmt.Sprintf("%s stays on %s when %s dies there: %q tracks nothing", vipsOf(i), k.Host.Name, what, i.Name.Text)
					f.Help("write a vrrp_script that asks %s, and name it in track_script", what)
				}
				if t := partner[i]; t != nil {
					f.Related(t.Word, "another member tracks this")
				}
				f.Same(vipsOf(i))
			}
		}
	},
}

// forwards reports whether an instance looks like a router's: it moves together with one of another interface, or takes
// routes or tracked connections along.
func forwards(i *fact.VRRPInstance) bool {
	notify := i.Notify
	if i.Group != nil {
		notify = append(slices.Clone(notify), i.Group.Notify...)
		if slices.ContainsFunc(i.Keepalived.Instances, func(o *fact.VRRPInstance) bool { return o.Group == i.Group && o.Interface.V != i.Interface.V }) {
			return true
		}
	}
	return slices.ContainsFunc(notify, func(n *conf.Node) bool { return strings.Contains(n.Arg(1).Text, "conntrack") }) ||
		slices.ContainsFunc(i.Node.Body, func(n *conf.Node) bool { return n.Name() == "virtual_routes" })
}

// dies says what a failing track means.
func dies(t *fact.Track, h *fact.Host) string {
	if t.Kind == "interface" {
		return fmt.Sprintf("its interface %s fails", t.Word.Text)
	}
	name := strings.ToLower(t.Word.Text)
	if t.Script != nil {
		for _, w := range t.Script.Command {
			name += " " + strings.ToLower(w.Text)
		}
		if a := t.Script.Asks; a != nil && a.Process == "" && a.Addr.IsLoopback() && h.HAProxy != nil && h.Nginx == nil {
			name += " haproxy"
		}
	}
	switch {
	case strings.Contains(name, "haproxy"):
		return "its HAProxy dies"
	case strings.Contains(name, "nginx"):
		return "its nginx dies"
	}
	return fmt.Sprintf("its check %q fails", t.Word.Text)
}

var vrrpWeightGap = &Rule{
	ID:       "vrrp-weight-gap",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, r := range routers(p.Stack) {
			holder, others := r.holder()
			if holder == nil {
				continue
			}
			enough := slices.ContainsFunc(holder.Tracks, func(t *fact.Track) bool { return fact.CanMove(holder, t, others).Moves })
			for _, t := range holder.Tracks {
				w, counts, known := holder.Weight(t)
				m := fact.CanMove(holder, t, others)
				if w == 0 || !counts || !known || !m.Known || m.Moves || m.Best == nil || len(m.Held) > 0 {
					continue
				}
				stops, sure := ends(t)
				if stops {
					continue
				}
				best, other := host(m.Best).Name, m.BestEffect.Priority
				reaches := fmt.Sprintf("%d", other)
				if d := other - m.Best.Priority.V; d > 0 {
					reaches = fmt.Sprintf("%d + %d = %d", m.Best.Priority.V, d, other)
				} else if d < 0 {
					reaches = fmt.Sprintf("%d - %d = %d", m.Best.Priority.V, -d, other)
				}
				sign := ">"
				if m.Failed.Priority == other {
					sign = "="
				}
				f := p.Report(t.Weight.Word, "VIP %s cannot leave %s when %s: a failing check leaves it at priority %d", r.name(), host(holder).Name, dies(t, host(holder)), m.Failed.Priority).
					On(host(holder)).In(t.Node).Related(written(m.Best, m.Best.Priority), "%s with a passing check reaches only %s", best, reaches).
					Proof("failing %s %d %s passing %s %d, so %s never takes over", host(holder).Name, m.Failed.Priority, sign, best, other, best).
					Help("remove `weight`, so that a failing check puts %s in FAULT; or make the weight larger than the difference of the priorities", host(holder).Name).
					Weigh(severity(enough || !sure, diag.Warning, diag.Error)).Same(r.name() + " " + t.Word.Text)
				if !sure {
					f.Proof("the script is not in the input: unless it stops keepalived itself")
				}
			}
		}
	},
}

// endsKeepalived is what a check script does that gives the address up without VRRP's arithmetic.
var endsKeepalived = regexp.MustCompile(`(?m)^[^#\n]*(systemctl\s+(stop|kill)\s+keepalived|(service|init\.d/)\s*keepalived\s+stop|(killall|pkill|kill)\b[^\n]*keepalived)`)

// ends reports whether a check stops keepalived itself when it fails, and whether that is known: a script that is not in
// the input may.
func ends(t *fact.Track) (yes, known bool) {
	s := t.Script
	switch {
	case s == nil || s.Kind != "script":
		return false, true
	case s.Text != nil:
		return endsKeepalived.Match(s.Text.Data), true
	}
	for _, w := range s.Command {
		yes = yes || endsKeepalived.MatchString(w.Text)
	}
	return yes, s.Asks != nil || len(s.Command) > 0 && shellCommand(s.Command[0].Text)
}

// shellCommand reports whether a command is one of a package: what it does is known by its name.
func shellCommand(name string) bool {
	dir, base := path.Split(name)
	return (dir == "" || dir == "/bin/" || dir == "/sbin/" || dir == "/usr/bin/" || dir == "/usr/sbin/") && !strings.Contains(base, ".") && base != "sh" && base != "bash"
}

// holder is the member that holds the addresses when all is well.
func (r router) holder() (holder *fact.VRRPInstance, others []*fact.VRRPInstance) {
	if len(r.members) < 2 {
		return nil, nil
	}
	best := fact.Effect{}
	for _, i := range r.members {
		e := i.Effect()
		if !e.Known {
			return nil, nil
		}
		if holder == nil || e.Priority > best.Priority {
			holder, best = i, e
		}
	}
	return holder, r.others(holder)
}

var vrrpNoPreemptWeight = &Rule{
	ID:       "vrrp-nopreempt-weight",
	Severity: diag.Error,
	Run: func(p *Pass) {
		paired := map[*fact.VRRPInstance]bool{}
		for _, r := range routers(p.Stack) {
			if len(r.members) < 2 {
				continue
			}
			for _, i := range r.members {
				paired[i] = true
			}
			for _, holder := range r.members {
				others := r.others(holder)
				for _, t := range holder.Tracks {
					w, counts, known := holder.Weight(t)
					m := fact.CanMove(holder, t, others)
					if w == 0 || !counts || !known || !m.Known || m.Moves || len(m.Held) == 0 {
						continue
					}
					stops, sure := ends(t)
					if stops {
						continue
					}
					held := m.Held[0]
					p.Report(held.NoPreempt.Word, "%s may not take %s over when %s on %s: a weight only lowers the priority, and nopreempt leaves the address with whoever has it",
						host(held).Name, r.name(), strings.TrimPrefix(dies(t, host(holder)), "its "), host(holder).Name).
						On(host(held)).In(line(held.Node, held.NoPreempt.Word)).Related(t.Weight.Word, "weight of %q on %s", t.Word.Text, host(holder).Name).
						Proof("failing %s %d < passing %s %d, and %s does not preempt", host(holder).Name, m.Failed.Priority, host(held).Name, held.Effect().Priority, host(held).Name).
						Help("remove `weight`: a check without one puts the host in FAULT, which nopreempt allows for").
						Weigh(severity(sure, diag.Error, diag.Warning)).Same(r.name())
				}
			}
		}
		for i := range instances(p.Stack) {
			stays, known := i.StaysBackup()
			if paired[i] || !stays || !known {
				continue
			}
			for _, t := range i.Tracks {
				w, counts, known := i.Weight(t)
				if w == 0 || !counts || !known || t.Kind == "file" || t.Kind == "interface" {
					continue
				}
				stops, sure := ends(t)
				if stops {
					continue
				}
				p.Report(i.NoPreempt.Word, "a member with nopreempt never takes %s from one whose check %q fails: a weight only lowers the priority", vipsOf(i), t.Word.Text).
					On(host(i)).In(line(i.Node, i.NoPreempt.Word)).Related(t.Weight.Word, "weight %d", t.Weight.V).
					Weigh(severity(sure, diag.Error, diag.Warning)).
					Help("remove `weight`: a check without one puts the host in FAULT, which nopreempt allows for")
				break
			}
		}
	},
}

var vrrpWeightRange = &Rule{
	ID:       "vrrp-weight-range",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		report := func(h *fact.Host, t fact.Value[int], what string) *Finding {
			return p.Report(t.Word, "weight %s of %q is out of range: keepalived logs an error, and what it goes on with depends on its version", t.Word.Text, what).
				On(h).Help("write a weight of -253 to 253")
		}
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				n := last(s.Node.Body, "weight")
				if n != nil && outOfRange(n.Arg(1).Text) {
					report(k.Host, fact.Value[int]{Word: n.Arg(1)}, s.Name.Text).In(n)
				}
			}
			seen := map[*fact.Track]bool{}
			for _, i := range k.Instances {
				for _, t := range i.Tracks {
					if len(t.Node.Words) > 2 && t.Node.Words[1].Text == "weight" && outOfRange(t.Node.Words[2].Text) && !seen[t] {
						seen[t] = true
						report(k.Host, fact.Value[int]{Word: t.Node.Words[2]}, t.Word.Text).In(t.Node)
					}
				}
			}
		}
	},
}

// outOfRange reports whether a number is no weight, whatever it is the weight of.
func outOfRange(s string) bool {
	var n int
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || strings.ContainsAny(s, "$.") {
		return false
	}
	return n < -254 || n > 254
}

var vrrpWeightClamp = &Rule{
	ID:       "vrrp-weight-clamp",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		sum := func(i *fact.VRRPInstance) (n int, heaviest *fact.Track) {
			n = i.Priority.V
			for _, t := range i.Tracks {
				w, counts, known := i.Weight(t)
				if !known || t.Kind == "file" {
					return 0, nil
				}
				if counts && w > 0 && !t.Reverse {
					n += w
					if heaviest == nil || w > heaviest.Weight.V {
						heaviest = t
					}
				}
			}
			return n, heaviest
		}
		paired := map[*fact.VRRPInstance]bool{}
		for _, r := range routers(p.Stack) {
			full := 0
			for _, i := range r.members {
				if e := i.Effect(); e.Known && e.Priority == 254 {
					full++
				}
			}
			for _, i := range r.members {
				paired[i] = len(r.members) > 1 && full < 2
			}
		}
		for i := range instances(p.Stack) {
			if !i.Effect().Known || i.Owner() || paired[i] {
				continue
			}
			if n, t := sum(i); n > 254 && t != nil {
				p.Report(t.Weight.Word, "%s with its weights is cut to 254: where another member reaches it too, its higher priority does not count", host(i).Name).
					On(host(i)).In(t.Node).Related(written(i, i.Priority), "priority %d", i.Priority.V).Proof("%d with all weights is %d > 254", i.Priority.V, n).
					Help("keep priority and weights together below 254").Same(vipsOf(i))
			}
		}
	},
}

var vrrpSyncWeight = &Rule{
	ID:       "vrrp-sync-weight",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.Group == nil || i.Owner() || i.Partial {
				continue
			}
			for _, t := range i.Tracks {
				_, counts, known := i.Weight(t)
				if counts || !known || t.Group || t.Late || t.Script == nil || !t.Weight.Known() || t.Weight.V == 0 {
					continue
				}
				p.Report(t.Word, "keepalived ignores %q of %q, since it has a weight and the instance is in a sync group: %s stays when the check fails", t.Word.Text, i.Name.Text, vipsOf(i)).
					On(host(i)).In(t.Node).Related(t.Weight.Word, "weight %d", t.Weight.V).Related(i.Group.Name, "the group").
					Help("track the script in the group, or remove its weight")
			}
		}
	},
}

var vrrpTrackOther = &Rule{
	ID:       "vrrp-track-other",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			h := host(i)
			tracks := tracking(i)
			if len(tracks) == 0 || i.Partial || !slices.ContainsFunc(h.Listeners, func(l *fact.Listener) bool {
				return l.Layer == fact.LayerHAProxy && l.Unix == "" && !l.Addr.IsLoopback()
			}) {
				continue
			}
			other := func(t *fact.Track) bool {
				a := (*fact.Probe)(nil)
				if t.Script != nil {
					a = t.Script.Asks
				}
				return a != nil && (a.Kind == "process" && a.Process != "" && !strings.Contains(a.Process, "haproxy") || a.Kind == "ping" || a.Kind == "other")
			}
			if slices.ContainsFunc(tracks, func(t *fact.Track) bool { return !other(t) }) {
				continue
			}
			t := tracks[0]
			p.Report(t.Word, "%s stays on %s when HAProxy dies there: %q asks for something else", vipsOf(i), h.Name, t.Word.Text).On(h).In(t.Node).
				Related(t.Script.Asks.Word, "what it asks for").Help("track a script that asks HAProxy").Same(vipsOf(i))
		}
	},
}
