package lint

import (
	"fmt"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/sim"
)

// Rules about what one failure takes away.
var spofRules = slices.Concat([]*Rule{spofBalancer, spofVIP, spofWeb, spofApp, spofServer, spofMachine, spofZone}, spofDatabaseRules, poolRules)

// failures are what each part of a stack costs, by the simulator, and where that is to be told.
type failures struct {
	model  *sim.Model
	sites  map[string]bool         // services that are of a site
	never  map[string]bool         // services that nothing serves, whatever is up
	hosts  map[*fact.Host][]string // lost services
	part   map[*fact.Host]part     // what the host is: balancer, web, app
	sole   map[string][]*fact.Server
	front  []*fact.Listener // what clients come to
	judged []judged         // pools of balancers and web servers, in the order of the files
}

// part is what a host does in the way of a request.
type part string

const (
	atBalancer part = "balancer"
	atWeb      part = "web"
	atApp      part = "app"
)

func failuresOf(s *fact.Stack) *failures {
	f := &failures{model: sim.New(s), sites: map[string]bool{}, never: map[string]bool{}, hosts: map[*fact.Host][]string{}, part: map[*fact.Host]part{},
		sole: map[string][]*fact.Server{}}
	for _, s := range f.model.Services {
		f.sites[s.Name] = f.sites[s.Name] || s.Site != ""
	}
	for _, name := range f.model.Served(nil).Names() {
		f.never[name] = true
	}
	asked := map[*fact.Listener]bool{}
	for _, e := range s.Edges {
		if e.Listener != nil {
			asked[e.Listener] = true
		}
	}
	var pools []*fact.Pool
	for _, h := range s.Hosts {
		pools = append(pools, poolsOf(h)...)
		for _, l := range h.Listeners {
			if (l.Layer == fact.LayerHAProxy || l.Layer == fact.LayerNginx) && !asked[l] && !l.Addr.IsLoopback() && l.Unix == "" {
				f.front = append(f.front, l)
			}
		}
	}
	if slices.ContainsFunc(f.front, func(l *fact.Listener) bool { return l.Layer == fact.LayerHAProxy }) {
		f.front = slices.DeleteFunc(f.front, func(l *fact.Listener) bool { return l.Layer != fact.LayerHAProxy })
	}
	f.judged = judge(pools)
	for _, p := range pools {
		if p.Used && !p.Partial && len(p.Servers) == 1 && !sim.Out(p.Servers[0]) {
			if key := standsOn(p.Servers[0]); key != "" {
				f.sole[key] = append(f.sole[key], p.Servers[0])
			}
		}
	}
	for id, c := range f.model.Components {
		if c.Kind == sim.Host {
			f.hosts[c.Host] = f.lost(sim.ID(id))
			f.part[c.Host] = f.partOf(c.Host)
		}
	}
	return f
}

// poolsOf are the pools that the host's balancer and its web server ask, in the order of the files.
func poolsOf(h *fact.Host) []*fact.Pool {
	var all []*fact.Pool
	if h.HAProxy != nil {
		for _, x := range h.HAProxy.Proxies {
			all = append(all, x.Pool)
		}
	}
	if h.Nginx != nil {
		all = append(all, h.Nginx.Upstreams...)
		for _, s := range slices.Concat(h.Nginx.Servers, h.Nginx.Streams) {
			for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
				if l != nil && l.Pass != nil && l.Pass.Pool != nil && l.Pass.Pool.Direct {
					all = append(all, l.Pass.Pool)
				}
			}
		}
	}
	seen := map[*fact.Pool]bool{} // a nested location inherits the pass
	return slices.DeleteFunc(all, func(p *fact.Pool) bool {
		again := p == nil || seen[p]
		seen[p] = true
		return again
	})
}

// lost are the services that a failure costs.
func (f *failures) lost(down sim.ID) []string {
	return slices.DeleteFunc(f.model.Served(sim.Set{down}).Names(), func(name string) bool { return f.never[name] })
}

// costs are the services that a host alone serves: of sites, or of databases.
func (f *failures) costs(h *fact.Host, sites bool) []string {
	return slices.DeleteFunc(slices.Clone(f.hosts[h]), func(name string) bool { return sites != f.sites[name] })
}

func (f *failures) partOf(h *fact.Host) part {
	if i := slices.IndexFunc(f.front, func(l *fact.Listener) bool { return l.Host == h }); i >= 0 {
		if h.HAProxy == nil && h.Keepalived == nil {
			return atWeb
		}
		return atBalancer
	}
	for _, s := range f.sole["host "+h.Name] {
		if l := s.To.Listener; l != nil {
			if l.Layer == fact.LayerNginx {
				return atWeb
			}
			return atApp
		}
	}
	switch h.Role {
	case "web":
		return atWeb
	case "app":
		return atApp
	}
	return ""
}

// standsOn names the machine that a server is on; empty where no file tells, and where it is the pool's own.
func standsOn(s *fact.Server) string {
	switch e := s.To; {
	case e != nil && (e.VIP != nil || e.To == s.Pool.Host):
		return ""
	case e != nil && e.To != nil:
		return "host " + e.To.Name
	case s.Addr.IsValid():
		return s.Addr.Unmap().String()
	}
	return ""
}

// enumerated joins words as a sentence does.
func enumerated(list []string) string {
	switch n := len(list); {
	case n == 0:
		return ""
	case n == 1:
		return list[0]
	case n > 5:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:4], ", "), n-4)
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

func areLost(list []string) string {
	if len(list) == 1 {
		return list[0] + " is lost"
	}
	return enumerated(list) + " are lost"
}

// hostWord is the place of a host where no statement is about it: its entry in the manifest, else the begin of its files.
func hostWord(h *fact.Host) conf.Word {
	for _, a := range h.Addresses {
		if a.Why == "manifest" && a.Word.Pos.IsValid() {
			return a.Word
		}
	}
	if h.Source != nil {
		for _, t := range h.Source.Trees {
			if len(t.Body) > 0 {
				return t.Body[0].Words[0]
			}
		}
	}
	return conf.Word{}
}

var spofBalancer = &Rule{
	ID:       "spof-balancer",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		f := p.failures()
		for _, h := range p.Hosts {
			lost := f.hosts[h]
			if !f.onlyBalancer(h) || len(f.costs(h, true)) == 0 || p.partnerElsewhere(h) {
				continue
			}
			at, node := f.frontWord(h)
			if i := f.instance(h); i != nil {
				at, node = i.Name, i.Node
			}
			p.Report(at, "%s is the only load balancer: when it is down, %s", h.Name, areLost(lost)).On(h).In(node).
				Proof("with %s down: %s", h.Name, areLost(lost)).
				Help("add a second balancer with the same haproxy.cfg, and let keepalived on both hold the virtual address in turn")
		}
	},
}

// onlyBalancer reports whether clients come to the host and to no other.
func (f *failures) onlyBalancer(h *fact.Host) bool {
	return f.part[h] == atBalancer && !slices.ContainsFunc(f.front, func(l *fact.Listener) bool { return l.Host != h })
}

// frontWord is where clients come to on the host.
func (f *failures) frontWord(h *fact.Host) (conf.Word, *conf.Node) {
	for _, l := range f.front {
		switch {
		case l.Host != h:
		case len(l.Proxies) > 0:
			return l.Proxies[0].Name, l.Proxies[0].Node
		case len(l.Servers) > 0 && l.Word.Pos.IsValid():
			return l.Word, l.Servers[0].Node
		}
	}
	return hostWord(h), nil
}

// instance is the host's first with a virtual address.
func (f *failures) instance(h *fact.Host) *fact.VRRPInstance {
	if h.Keepalived != nil {
		for _, i := range h.Keepalived.Instances {
			if len(i.VIPs) > 0 {
				return i
			}
		}
	}
	return nil
}

// unseen reports whether another host may do the same work, and no file of it is there.
func (p *Pass) unseen(h *fact.Host, role string) bool {
	return slices.ContainsFunc(p.Hosts, func(o *fact.Host) bool {
		return o != h && (o.Role == role || o.Role == "") && (o.Source == nil || len(o.Source.Trees) == 0)
	})
}

// partnerElsewhere reports whether other members hold the host's addresses in turn with it, or may: members whose files are
// not there.
func (p *Pass) partnerElsewhere(h *fact.Host) bool {
	for _, c := range p.Clusters {
		if len(c.Hosts) > 1 && slices.Contains(c.Hosts, h) {
			return true
		}
	}
	if p.unseen(h, "lb") {
		return true
	}
	if p.Complete || h.Keepalived == nil {
		return false
	}
	return slices.ContainsFunc(h.Keepalived.Instances, func(i *fact.VRRPInstance) bool { return len(i.Peers) > 0 })
}

var spofVIP = &Rule{
	ID:       "spof-vip",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		f := p.failures()
		for _, c := range p.Clusters {
			h := c.Hosts[0]
			if len(c.Hosts) > 1 || p.partnerElsewhere(h) || f.onlyBalancer(h) && len(f.costs(h, true)) > 0 {
				continue
			}
			i := c.Members[0].Instances[0]
			r := p.Report(i.Name, "no other host can hold %s: when %s is down, nobody answers there", vipsOf(i), h.Name).On(h).In(i.Node)
			for _, l := range f.front {
				if l.Host != h {
					r.Related(l.Word, "%s serves too, and holds no virtual address in turn with %s", l.Host.Name, h.Name)
					break
				}
			}
			if lost := f.hosts[h]; len(lost) > 0 {
				r.Proof("with %s down: %s", h.Name, areLost(lost))
			}
			r.Help("write the same vrrp_instance on a second host, with a priority of its own")
		}
	},
}

var spofWeb = &Rule{
	ID:       "spof-web",
	Severity: diag.Error,
	Absence:  true,
	Run:      func(p *Pass) { p.only(atWeb, "web server") },
}

var spofApp = &Rule{
	ID:       "spof-app",
	Severity: diag.Error,
	Absence:  true,
	Run:      func(p *Pass) { p.only(atApp, "application server") },
}

// only reports hosts of a layer that are alone in what they serve, at the server lines that lead to no other.
func (p *Pass) only(at part, what string) {
	f := p.failures()
	for _, h := range p.Hosts {
		lost := f.costs(h, true)
		if f.part[h] != at || len(lost) == 0 {
			continue
		}
		servers := f.sole["host "+h.Name]
		if len(servers) == 0 && slices.ContainsFunc(f.front, func(l *fact.Listener) bool { return l.Host == h }) {
			word, node := f.frontWord(h)
			p.Report(word, "%s is the only %s: when it is down, %s", h.Name, what, areLost(lost)).On(h).In(node).
				Proof("with %s down: %s", h.Name, areLost(lost)).Help("add a second %s, and a pair of balancers in front of both", what)
		}
		for _, s := range servers {
			p.alone(s, h.Name, what, lost).On(h).Same(h.Name)
		}
	}
}

// alone says that a pool has one server.
func (p *Pass) alone(s *fact.Server, name, what string, lost []string) *Finding {
	to := fmt.Sprintf("%q", s.Pool.Name.Text)
	help := fmt.Sprintf("add a second %s to %s", what, to)
	if s.Pool.Direct {
		to = s.Node.Name()
		help = fmt.Sprintf("write an upstream with two servers or more, and name it in %s", to)
	}
	r := p.Report(s.Address, "%s is the only %s that %s leads to: when it is down, %s", name, what, to, areLost(lost)).In(s.Node).
		Proof("with %s down: %s", name, areLost(lost)).Help("%s", help)
	return r
}

var spofServer = &Rule{
	ID:       "spof-server",
	Severity: diag.Error,
	Absence:  true,
	Run: func(p *Pass) {
		f := p.failures()
		// Of hosts with a place of their own the other rules tell.
		for id, c := range f.model.Components {
			name, key := c.Name, c.Name
			switch {
			case c.Kind == sim.Host && f.part[c.Host] == "":
				key = "host " + c.Name
			case c.Kind != sim.Outside:
				continue
			}
			servers := f.sole[key]
			if len(servers) == 0 {
				continue
			}
			lost := slices.DeleteFunc(f.lost(sim.ID(id)), func(name string) bool { return strings.HasPrefix(name, "db/") })
			if len(lost) == 0 {
				continue
			}
			for _, s := range servers {
				p.alone(s, name, "server", lost).On(s.Pool.Host).Same(key)
			}
		}
	},
}
