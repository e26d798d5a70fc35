package lint

import (
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/sim"
)

// Rules about pools that carry less than they seem to.
var poolRules = []*Rule{poolNoServer, poolOneActive, poolAllBackup, poolDuplicateAddress, poolSameHost, poolNoCheck, poolBackupUnused, poolCheckConnect}

// judged is a pool that requests take and whose servers are all known.
type judged struct {
	*fact.Pool
	in []*fact.Server // those that take requests at times
}

// judge leaves out the pools of which no file tells all. Of a part of a configuration, which has no listener, it takes them.
func judge(pools []*fact.Pool) []judged {
	var out []judged
	for _, o := range pools {
		if !o.Used && len(o.Host.Listeners) > 0 || o.Partial || o.Node == nil || o.Node.Cond != nil || slices.ContainsFunc(o.Servers, func(s *fact.Server) bool {
			return s.Node == nil || s.Node.Cond != nil || !s.Down.Known() || !s.Weight.Known() || !s.Backup.Known()
		}) {
			continue
		}
		j := judged{o, o.Servers}
		if slices.ContainsFunc(o.Servers, sim.Out) {
			j.in = slices.DeleteFunc(slices.Clone(o.Servers), sim.Out)
		}
		out = append(out, j)
	}
	return out
}

// outBy says what keeps a server out.
func outBy(s *fact.Server) string {
	if s.Down.V {
		if s.Down.Word.Text != "" {
			return s.Down.Word.Text
		}
		return "down"
	}
	return "weight 0"
}

var poolNoServer = &Rule{
	ID:       "pool-no-server",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			if len(o.Servers) == 0 || len(o.in) > 0 {
				continue
			}
			s := o.Servers[0]
			r := p.Report(s.Address, "no server of %q takes requests: every request that comes to it fails", o.Name.Text).On(o.Host).In(s.Node).
				Help("take %q off the servers that should work", outBy(s))
			for _, s := range o.Servers[1:] {
				r.Related(s.Address, "%s", outBy(s))
			}
		}
	},
}

var poolOneActive = &Rule{
	ID:       "pool-one-active",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			if len(o.Servers) < 2 || len(left) != 1 {
				continue
			}
			r := p.Report(left[0].Address, "%q has %d servers, and only %s takes requests: when that is down, they fail", o.Name.Text, len(o.Servers), left[0].Address.Text).
				On(o.Host).In(left[0].Node)
			for _, s := range o.Servers {
				if sim.Out(s) {
					r.Related(s.Address, "%s: it takes none", outBy(s))
				}
			}
			r.Help("put another server of the pool to work; a server that is to stand by is a `backup`")
		}
	},
}

var poolAllBackup = &Rule{
	ID:       "pool-all-backup",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			if len(left) < 2 && (o.Layer != fact.LayerNginx || len(left) != len(o.Servers)) || len(left) == 0 || slices.ContainsFunc(left, func(s *fact.Server) bool { return !s.Backup.V }) {
				continue
			}
			if o.Layer == fact.LayerNginx {
				p.Report(left[0].Address, "all servers of %q are backups: nginx refuses to start", o.Name.Text).On(o.Host).In(left[0].Node).
					Weigh(diag.Error).Help("take `backup` off the servers that should work")
				continue
			}
			if o.Proxy != nil {
				if all, ok := o.Proxy.Options["allbackups"]; ok && (all.V || !all.Known()) {
					continue
				}
			}
			r := p.Report(left[0].Address, "all servers of %q are backups: the first that is up takes every request, the others none", o.Name.Text).On(o.Host).In(left[0].Node)
			for _, s := range left[1:] {
				r.Related(s.Address, "a backup too")
			}
			r.Help("take `backup` off the servers that should share the work, or write `option allbackups`")
		}
	},
}

// literal reports whether a server's address is written as one, so that two equal ones are one machine.
func literal(s *fact.Server) bool {
	text := s.Address.Text
	if _, rest, ok := strings.Cut(text, "@"); ok {
		text = rest
	}
	if _, err := netip.ParseAddrPort(text); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return err == nil
}

var poolDuplicateAddress = &Rule{
	ID:       "pool-duplicate-address",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			first := make(map[netip.AddrPort]*fact.Server, len(left))
			for _, s := range left {
				if s.Port == 0 || !s.Addr.IsValid() {
					continue
				}
				at := netip.AddrPortFrom(s.Addr.Unmap(), uint16(s.Port))
				one := first[at]
				if one == nil {
					first[at] = s
					continue
				}
				if !literal(s) || !literal(one) {
					continue
				}
				r := p.Report(s.Address, "%s stands in %q twice: the second server is the first once more, and fails with it", s.Address.Text, o.Name.Text).
					On(o.Host).In(s.Node).Related(one.Address, "first here").Help("write the address of the server that is meant, or remove the line")
				if slices.ContainsFunc(left, func(o *fact.Server) bool { return o.Address.Text != s.Address.Text }) {
					r.Weigh(diag.Warning) // others are left
				}
			}
		}
	},
}

var poolSameHost = &Rule{
	ID:       "pool-same-host",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			if len(left) < 2 {
				continue
			}
			key := standsOn(left[0])
			elsewhere := func(s *fact.Server) bool { return standsOn(s) != key }
			other := func(s *fact.Server) bool { return s.Address.Text != left[0].Address.Text }
			if key == "" || slices.ContainsFunc(left, elsewhere) || !slices.ContainsFunc(left, other) { // pool-duplicate-address
				continue
			}
			name, _ := strings.CutPrefix(key, "host ")
			r := p.Report(left[0].Address, "all %d servers of %q are on %s: when that is down, all of them are", len(left), o.Name.Text, name).On(o.Host).In(left[0].Node)
			for _, s := range left[1:] {
				r.Related(s.Address, "on %s too", name)
			}
			r.Help("put a server of the pool on another host")
			f := p.failures()
			id, ok := f.model.Find(name)
			lost := []string(nil)
			if ok {
				lost = f.lost(id)
			}
			if len(lost) == 0 || !p.Complete {
				r.Weigh(diag.Warning)
			} else {
				r.Proof("with %s down: %s", name, areLost(lost))
			}
		}
	},
}

// checkless are the servers of a balancer's pool that nobody asks whether they are well.
func checkless(o judged) (list []*fact.Server, known bool) {
	if o.Layer != fact.LayerHAProxy || o.Proxy == nil || o.Proxy.Mode.V == "log" || o.Proxy.Mode.V == "spop" {
		return nil, false
	}
	for _, s := range o.in {
		if !s.Checked.Known() {
			return nil, false
		}
		if s.Checked.V {
			continue
		}
		if _, agent := s.Option("agent-check"); agent {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

var poolNoCheck = &Rule{
	ID:       "pool-no-check",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			list, known := checkless(o)
			active := slices.DeleteFunc(slices.Clone(list), func(s *fact.Server) bool { return s.Backup.V })
			if !known || len(left) < 2 || len(active) == 0 || slices.ContainsFunc(left, func(s *fact.Server) bool { return s.Backup.V }) {
				continue
			}
			s := list[0]
			what := s.Name.Text
			if len(list) == len(left) {
				what = "a server"
			}
			r := p.Report(s.Name, "nobody asks the servers of %q whether they are well: when %s is down, requests still go there and fail", o.Name.Text, what).On(o.Host).In(s.Node)
			if len(list) < len(left) {
				r.Message = "nobody asks " + what + " whether it is well: when it is down, requests still go there and fail"
			}
			for _, s := range list[1:] {
				r.Related(s.Name, "not asked either")
			}
			if again := o.Proxy.Options["redispatch"]; again.V || !again.Known() {
				r.Weigh(diag.Warning) // some are sent to another server after they have waited
			}
			r.Help("write `check` on the servers, or once in a default-server line")
		}
	},
}

var poolBackupUnused = &Rule{
	ID:       "pool-backup-unused",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			list, known := checkless(o)
			b := slices.IndexFunc(left, func(s *fact.Server) bool { return s.Backup.V })
			a := slices.IndexFunc(list, func(s *fact.Server) bool { return !s.Backup.V })
			if !known || a < 0 || b < 0 {
				continue
			}
			p.Report(left[b].Name, "backup %s never takes a request: nobody asks %s whether it is well, so that it counts as up for ever", left[b].Name.Text, list[a].Name.Text).
				On(o.Host).In(left[b].Node).Related(list[a].Name, "no check here").Help("write `check` on %s", list[a].Name.Text)
		}
	},
}

var poolCheckConnect = &Rule{
	ID:       "pool-check-connect",
	Severity: diag.Info,
	Run: func(p *Pass) {
		for _, o := range p.failures().judged {
			left := o.in
			list, known := checkless(o)
			if !known || len(list) > 0 || len(left) < 2 || o.Proxy.Mode.V != "http" || !o.Proxy.Mode.Known() || o.Check != nil && o.Check.Kind != "tcp" {
				continue
			}
			p.Report(o.Name, "the check of %q only connects: a server that accepts connections and answers nothing but errors stays in", o.Name.Text).On(o.Host).In(o.Node).
				Help("write `option httpchk` with a path that the servers answer when they are well")
		}
	},
}
