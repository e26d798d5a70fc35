package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpInstanceRules = []*Rule{
	vrrpPriorityOwner, vrrpPriorityRange, vrrpStateCase, vrrpIDMissing, vrrpIDDuplicate, vrrpInterfaceMissing, vrrpInterfaceLoopback, vrrpStrict,
	vrrpNoPreemptMaster, vrrpPreemptDelay, vrrpAuthNoPass, vrrpAuthLong, vrrpAuthVersion, vrrpAdvertRounded, vrrpDetectSlow, vrrpDontTrack,
	vrrpSyncUndefined, vrrpRealTime, vrrpSMTP,
}

// last is the statement of a block that counts; nil without one, or where a condition makes that unsure.
func last(body []*conf.Node, name string) *conf.Node {
	var found *conf.Node
	for n := range conf.Named(body, name) {
		if found = n; n.Cond != nil {
			return nil
		}
	}
	return found
}

// variable reports whether a word holds something that keepalived, or a tool or a person before it, would replace.
func variable(w conf.Word) bool { return strings.ContainsAny(w.Text, "$~") || placeholder(w) }

var placeholders = regexp.MustCompile(`^<[^<>]*>?|^%[A-Za-z_]+%|__[A-Z][A-Z_0-9]*__|^@[A-Z_]+@|GOES_HERE|^(YOUR|CHANGE)_?[A-Z_]*$|^_*[A-Z]+_(IP|VIP|ADDRESS|INTERFACE|PASS|PASSWORD|PRIORITY|STATE)(/[0-9]+)?$`)

// placeholder reports whether a word stands for something that is still to be filled in.
func placeholder(w conf.Word) bool {
	return placeholders.MatchString(w.Text) && !conflict.MatchString(w.Text)
}

var vrrpPriorityOwner = &Rule{
	ID:       "vrrp-priority-owner",
	Severity: diag.Error,
	Run: func(p *Pass) {
		partners := map[*fact.VRRPInstance]*fact.VRRPInstance{} // that own the addresses too
		for _, r := range routers(p.Stack) {
			for _, i := range r.members {
				for _, o := range r.others(i) {
					if o.Owner() {
						partners[i] = o
					}
				}
			}
		}
		for i := range instances(p.Stack) {
			if !i.Owner() || i.Partial {
				continue
			}
			at, why := i.Priority.Word, "priority 255"
			if !i.Priority.Written() {
				at, why = written(i, i.State), "state MASTER without a priority, which is 255,"
			}
			weighted := slices.IndexFunc(i.Tracks, func(t *fact.Track) bool { return !t.Late && t.Weight.Known() && t.Weight.V != 0 && t.Script != nil })
			f := p.Report(at, "%s makes %s the owner of %s", why, host(i).Name, vipsOf(i)).On(host(i)).In(line(i.Node, at)).
				Help("write a priority of 1 to 254")
			switch {
			case weighted >= 0:
				t := i.Tracks[weighted]
				f.Message += ": keepalived ignores the weight of " + strconv.Quote(t.Word.Text) + ", and the address stays when it fails"
				f.Related(t.Weight.Word, "weight %d", t.Weight.V)
			case partners[i] != nil:
				f.Message += ", and " + host(partners[i]).Name + " too: both take it at once when they start"
				f.Related(written(partners[i], partners[i].Priority), "the other owner").Same(vipsOf(i))
			default:
				f.Message += ": it takes the address at once when it starts, and no weight or nopreempt counts"
				f.Weigh(diag.Warning)
			}
		}
	},
}

var vrrpPriorityRange = &Rule{
	ID:       "vrrp-priority-range",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			n := last(i.Node.Body, "priority")
			if n == nil || !i.Priority.Written() || i.Priority.V != 100 || len(n.Words) < 2 || variable(n.Words[1]) {
				continue
			}
			if v, err := strconv.Atoi(strings.TrimPrefix(n.Words[1].Text, "+")); err == nil && v == 100 {
				continue
			}
			p.Report(n.Words[1], "keepalived takes no priority %q and goes on with 100: who holds %s is not what the file says", n.Words[1].Text, vipsOf(i)).
				On(host(i)).In(n).Help("write a number from 1 to 254")
		}
	},
}

var vrrpStateCase = &Rule{
	ID:       "vrrp-state-case",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			for n := range conf.Named(i.Node.Body, "state") {
				w := n.Arg(1)
				if len(n.Words) < 2 || w.Text == "MASTER" || w.Text == "BACKUP" || variable(w) {
					continue
				}
				f := p.Report(w, "keepalived knows no state %q and takes BACKUP", w.Text).On(host(i)).In(n).Help("write MASTER or BACKUP, in capital letters")
				if strings.EqualFold(w.Text, "backup") {
					f.Weigh(diag.Info)
				}
			}
		}
	},
}

var vrrpIDMissing = &Rule{
	ID:       "vrrp-id-missing",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if !i.RouterID.Known() || i.RouterID.V != 0 || i.Partial {
				continue
			}
			const then = "keepalived drops the instance, and %s is never on %s"
			if n := last(i.Node.Body, "virtual_router_id"); n != nil {
				if placeholder(n.Arg(1)) {
					continue
				}
				p.Report(n.Arg(1), "virtual_router_id %q is no number from 1 to 255: "+then, n.Arg(1).Text, vipsOf(i), host(i).Name).On(host(i)).In(n).
					Help("write a number from 1 to 255 that no other cluster of the network has").Same(vipsOf(i))
				continue
			}
			p.Report(i.Name, "%q has no virtual_router_id: "+then, i.Name.Text, vipsOf(i), host(i).Name).On(host(i)).In(i.Node).
				Help("write virtual_router_id with a number from 1 to 255, the same on all members").Same(vipsOf(i))
		}
	},
}

var vrrpIDDuplicate = &Rule{
	ID:       "vrrp-id-duplicate",
	Severity: diag.Error,
	Run: func(p *Pass) {
		type network struct {
			id    int
			iface string
			v6    bool
		}
		for k := range keepaliveds(p.Stack) {
			first := map[network]*fact.VRRPInstance{}
			for _, i := range k.Instances {
				if !i.RouterID.Written() || !i.Interface.Written() || i.Partial || len(i.VIPs) == 0 || vmac(i) {
					continue
				}
				n := network{i.RouterID.V, i.Interface.V, isV6(i)}
				o := first[n]
				if o == nil {
					first[n] = i
					continue
				}
				// keepalived tells unicast instances apart by their peers.
				if len(i.Peers) > 0 != (len(o.Peers) > 0) || len(i.Peers) > 0 && !slices.ContainsFunc(i.Peers, func(p fact.VRRPPeer) bool { return listed(o, p.Addr) }) {
					continue
				}
				p.Report(i.RouterID.Word, "%q and %q are both router %d on %s: each takes the other's adverts for its own", o.Name.Text, i.Name.Text, n.id, n.iface).
					On(k.Host).In(line(i.Node, i.RouterID.Word)).Related(o.RouterID.Word, "%q", o.Name.Text).
					Help("give each instance a virtual_router_id of its own, the same on all members")
			}
		}
	},
}

// vmac reports whether the instance has an interface of its own.
func vmac(i *fact.VRRPInstance) bool {
	return slices.ContainsFunc(i.Node.Body, func(n *conf.Node) bool { return n.Name() == "use_vmac" || n.Name() == "use_ipvlan" })
}

var vrrpInterfaceMissing = &Rule{
	ID:       "vrrp-interface-missing",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.Interface.State == fact.Default && i.Source.State == fact.Default && !i.Partial {
				p.Report(i.Name, "%q has no interface: keepalived drops the instance, and %s is never on %s", i.Name.Text, vipsOf(i), host(i).Name).
					On(host(i)).In(i.Node).Help("write the interface of the network that the addresses are in")
			}
		}
	},
}

var vrrpInterfaceLoopback = &Rule{
	ID:       "vrrp-interface-loopback",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.Interface.Written() && i.Interface.V == "lo" {
				p.Report(i.Interface.Word, "no advert leaves through lo: keepalived drops %q, and %s is never on %s", i.Name.Text, vipsOf(i), host(i).Name).
					On(host(i)).In(line(i.Node, i.Interface.Word)).Help("write the interface of the network; an address may be on lo: `dev lo` behind it")
			}
		}
	},
}

var vrrpStrict = &Rule{
	ID:       "vrrp-strict",
	Severity: diag.Error,
	Run: func(p *Pass) {
		done := map[conf.Word]bool{}
		for i := range instances(p.Stack) {
			if i.Accept.State == fact.Unknown || i.Accept.V || i.Partial || len(i.VIPs) == 0 {
				continue
			}
			at, what := i.Accept.Word, "no_accept"
			if !i.Accept.Written() {
				at, what = i.Strict.Word, "vrrp_strict"
				if in := line(i.Node, at); in != nil {
					what = "strict_mode"
				}
			}
			if done[at] {
				continue
			}
			done[at] = true
			f := p.Report(at, "%s drops all packets to %s: the address moves, and nobody can reach what it is for", what, vipsOf(i)).On(host(i)).
				Related(i.Name, "applies to %q", i.Name.Text).Help("remove %s; it is for routers that forward and do not answer", what)
			if what != "vrrp_strict" {
				f.In(line(i.Node, at))
			} else if len(i.Peers) > 0 {
				f.Proof("it forbids unicast peers as well: keepalived 2.4 does not start with both")
			}
			if what != "vrrp_strict" && service(host(i)) == "" && len(i.Keepalived.Virtual) == 0 && !slices.ContainsFunc(i.Tracks, func(t *fact.Track) bool { return t.Kind == "script" || t.Kind == "process" }) {
				f.Weigh(diag.Warning) // a router, perhaps: it asks for this by name
			}
		}
	},
}

var vrrpNoPreemptMaster = &Rule{
	ID:       "vrrp-nopreempt-master",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.NoPreempt.Written() && i.NoPreempt.V && i.State.Written() && i.State.V == "MASTER" {
				p.Report(i.NoPreempt.Word, "keepalived clears nopreempt of a MASTER: %s comes back to %s after every repair, a second interruption", vipsOf(i), host(i).Name).
					On(host(i)).In(line(i.Node, i.NoPreempt.Word)).Related(i.State.Word, "state MASTER").Help("write state BACKUP on all members")
			}
		}
	},
}

var vrrpPreemptDelay = &Rule{
	ID:       "vrrp-preempt-delay",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if !i.Delay.Written() || i.Delay.V == 0 {
				continue
			}
			if i.State.Written() && i.State.V == "MASTER" {
				p.Report(i.Delay.Word, "keepalived clears preempt_delay of a MASTER: %s takes %s back before it is ready", host(i).Name, vipsOf(i)).
					On(host(i)).In(line(i.Node, i.Delay.Word)).Related(i.State.Word, "state MASTER").Help("write state BACKUP on all members")
			} else if i.NoPreempt.Written() && i.NoPreempt.V {
				p.Report(i.Delay.Word, "keepalived clears preempt_delay where nopreempt is: nothing waits for it").
					On(host(i)).In(line(i.Node, i.Delay.Word)).Related(i.NoPreempt.Word, "nopreempt").Help("remove one of them")
			}
		}
	},
}

var vrrpAdvertRounded = &Rule{
	ID:       "vrrp-advert-rounded",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if !i.Advert.Written() || !i.Version.Known() || i.Version.V != 2 {
				continue
			}
			s, err := strconv.ParseFloat(i.Advert.Word.Text, 64)
			if err != nil || s <= 0 || s == float64(int(s)) || s > 255 {
				continue
			}
			p.Report(i.Advert.Word, "VRRP version 2 counts whole seconds: adverts are sent every %s, and a dead host is replaced later than meant", i.Advert.V).
				On(host(i)).In(line(i.Node, i.Advert.Word)).Help("write `version 3` on all members, or whole seconds")
		}
	},
}

const slow = 30 * time.Second // longer than any client waits

var vrrpDetectSlow = &Rule{
	ID:       "vrrp-detect-slow",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if d, known := i.MasterDown(); known && d >= slow && i.Advert.Written() {
				p.Report(i.Advert.Word, "%s takes %s to replace a dead holder of %s", host(i).Name, d.Round(time.Second), vipsOf(i)).
					On(host(i)).In(line(i.Node, i.Advert.Word)).Proof("%d lost adverts of %s each", i.DownAdverts.V, i.Advert.V).Help("write advert_int 1")
			}
		}
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				d, known := s.Detect(false)
				if !known || d.Max < slow || !s.Used || len(k.Instances) == 0 {
					continue
				}
				at := s.Interval.Word
				if !s.Interval.Written() {
					at = s.Fall.Word
				}
				p.Report(at, "%q needs up to %s to find that the service is dead: so long the address stays where nothing answers", s.Name.Text, d.Max).
					On(k.Host).In(line(s.Node, at)).Proof("interval %s × fall %d", s.Interval.V, s.Fall.V).Help("check every second or two, and fail at the second or third")
			}
		}
	},
}

var vrrpDontTrack = &Rule{
	ID:       "vrrp-dont-track-primary",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if n := last(i.Node.Body, "dont_track_primary"); n != nil {
				p.Report(n.Words[0], "%s keeps %s while its interface %s is down", host(i).Name, vipsOf(i), i.Interface.V).On(host(i)).In(n).
					Help("remove dont_track_primary; it is for a cable between two hosts").Same(vipsOf(i))
			}
		}
	},
}

var vrrpSyncUndefined = &Rule{
	ID:       "vrrp-sync-undefined",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if k.Partial || k.Host.Partial {
				continue
			}
			names := map[string]bool{}
			var list []string
			for _, i := range k.Instances {
				names[i.Name.Text] = true
				list = append(list, i.Name.Text)
			}
			for _, g := range k.Groups {
				for _, m := range g.Members {
					if names[m.Text] || variable(m) {
						continue
					}
					p.Report(m, "no vrrp_instance is named %q: keepalived leaves it out, and the group %q does not move together", m.Text, g.Name.Text).
						On(k.Host).In(g.Node).Help("%s", meant(m.Text, list, "name an instance of this file"))
				}
			}
		}
	},
}

var vrrpRealTime = &Rule{
	ID:       "vrrp-real-time",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if k.Partial || k.Globals["vrrp_rlimit_rttime"] != nil || k.Globals["rlimit_rttime"] != nil || len(k.Instances) == 0 {
				continue
			}
			for _, name := range []string{"vrrp_rt_priority", "max_auto_priority"} {
				n := k.Globals[name]
				if n == nil {
					continue
				}
				if v, err := strconv.Atoi(n.Arg(1).Text); err == nil && v <= 0 {
					continue
				}
				p.Report(n.Words[0], "%s lets keepalived run in real time, where the kernel ends a process that uses the processor for 10 ms at a stretch: on a busy host that is in the middle of a takeover", name).
					On(k.Host).In(n).Help("write vrrp_rlimit_rttime 1000000 beside it")
				break
			}
		}
	},
}

var vrrpSMTP = &Rule{
	ID:       "vrrp-smtp",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			n := last(i.Node.Body, "smtp_alert")
			if n == nil || i.Keepalived.Partial || i.Keepalived.Globals["notification_email"] != nil {
				continue
			}
			if w := n.Arg(1).Text; w == "off" || w == "false" || w == "no" {
				continue
			}
			p.Report(n.Words[0], "nobody gets the mails: global_defs has no notification_email").On(host(i)).In(n).
				Help("write notification_email and smtp_server in global_defs, or remove smtp_alert")
		}
	},
}
