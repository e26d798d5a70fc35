package lint

import (
	"slices"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/sim"
)

var spofMachine = &Rule{
	ID:       "spof-machine",
	Severity: diag.Error,
	Run: func(p *Pass) {
		p.shared(sim.Machine, func(h *fact.Host) string { return h.RunsOn }, "run on", "machine")
	},
}

var spofZone = &Rule{
	ID:       "spof-zone",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		p.shared(sim.Zone, func(h *fact.Host) string { return h.Zone }, "are in", "zone")
	},
}

// shared reports machines or zones whose failure costs what no single host, and no machine in the zone, costs.
func (p *Pass) shared(kind sim.Kind, of func(*fact.Host) string, are, what string) {
	f := p.failures()
	members := map[string][]*fact.Host{}
	for _, h := range p.Hosts {
		if name := of(h); name != "" {
			members[name] = append(members[name], h)
		}
	}
	for id, c := range f.model.Components {
		hosts := members[c.Name]
		if c.Kind != kind || len(hosts) < 2 {
			continue
		}
		known := map[string]bool{}
		for _, h := range hosts {
			for _, name := range f.hosts[h] {
				known[name] = true
			}
			if machine, ok := f.model.Find("machine:" + h.RunsOn); ok && kind == sim.Zone {
				for _, name := range f.lost(machine) {
					known[name] = true
				}
			}
		}
		lost := slices.DeleteFunc(f.lost(sim.ID(id)), func(name string) bool { return known[name] })
		if len(lost) == 0 {
			continue
		}
		together := f.together(hosts, lost)
		var names []string
		for _, h := range together {
			names = append(names, h.Name)
		}
		r := p.Report(hostWord(together[0]), "%s %s %s %s: when it is down, %s", enumerated(names), are, what, c.Name, areLost(lost)).On(together...)
		for _, h := range together[1:] {
			r.Related(hostWord(h), "%s, in the same %s", h.Name, what)
		}
		r.Proof("with %s down: %s", c, areLost(lost)).Help("put the hosts of one tier into different %ss", what)
	}
}

// together are those of the hosts that would each save one of the services alone; all, where that takes several of them.
func (f *failures) together(hosts []*fact.Host, lost []string) []*fact.Host {
	var out []*fact.Host
	saved := map[string]bool{}
	for _, h := range hosts {
		var others sim.Set
		for _, o := range hosts {
			if id, ok := f.model.Find(o.Name); ok && o != h {
				others = append(others, id)
			}
		}
		saves := slices.DeleteFunc(slices.Clone(lost), func(name string) bool { return !f.model.Served(others).Serves(name) })
		if len(saves) > 0 {
			out = append(out, h)
		}
		for _, name := range saves {
			saved[name] = true
		}
	}
	if len(saved) < len(lost) {
		return hosts
	}
	return out
}
