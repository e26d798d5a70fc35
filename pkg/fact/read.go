package fact

import (
	"cmp"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"stackgen/pkg/conf"
)

// Options says what the files cannot.
type Options struct {
	Complete bool                    // nothing is missing in the input
	Hosts    map[string][]netip.Addr // addresses by host name
	Targets  map[string]Version      // by daemon; before those of a manifest
	Manifest *conf.Manifest          // in place of the one in the input
}

// ParseVersion reads "3.0", "9.7.4" or "11.8-MariaDB"; what is no version is unknown.
func ParseVersion(s string) Version {
	major, rest, _ := strings.Cut(s, ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	v, err := strconv.Atoi(major)
	if err != nil || v < 0 {
		return Version{}
	}
	minor, _ := strconv.Atoi(rest)
	return Version{v, minor}
}

// Before reports whether v is known and older than major.minor.
func (v Version) Before(major, minor int) bool {
	return v != Version{} && cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor)) < 0
}

// Read says what the files mean: one stack for each group of the input.
func Read(in *conf.Input, opts Options) []*Stack {
	stacks := make([]*Stack, len(in.Groups))
	byGroup := map[string]*Stack{}
	var hosts []*Host
	var of []*Stack
	for i, g := range in.Groups {
		s := newStack(g, len(in.Groups) == 1, opts)
		stacks[i] = s
		byGroup[g.Name] = s
		for _, h := range s.Hosts {
			hosts = append(hosts, h)
			of = append(of, s)
		}
	}
	for _, n := range in.NotRead {
		if s := byGroup[n.Group]; s != nil {
			s.notRead(n)
		}
	}
	gaps := make([][]NotRead, len(hosts))
	inParallel(len(hosts), func(i int) { gaps[i] = of[i].readHost(hosts[i]) })
	for i, list := range gaps {
		for _, n := range list {
			n.Host = hosts[i].Name
			of[i].NotRead = append(of[i].NotRead, n)
		}
	}
	inParallel(len(stacks), func(i int) { stacks[i].assemble(in.Groups[i], opts) })
	return stacks
}

func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}

func newStack(g *conf.Group, only bool, opts Options) *Stack {
	s := &Stack{Name: g.Name, Manifest: g.Manifest, Targets: map[string]Version{}}
	if m := opts.Manifest; m != nil && (only || slices.ContainsFunc(g.Hosts, func(h *conf.Host) bool { _, ok := m.Hosts[h.Name]; return ok })) {
		s.Manifest = m
	}
	s.Complete = opts.Complete || s.Manifest != nil
	for _, h := range g.Hosts {
		s.Hosts = append(s.Hosts, &Host{Name: h.Name, Source: h})
	}
	if s.Manifest != nil {
		s.Name = cmp.Or(s.Manifest.Name, s.Name)
		for daemon, v := range s.Manifest.Targets {
			s.Targets[daemon] = ParseVersion(v)
		}
		var places *conf.Tree
		if s.Manifest == g.Manifest {
			places = g.Tree
		}
		s.addManifestHosts(places)
	}
	for daemon, v := range opts.Targets {
		switch daemon { // one database: the other flavour's target is not meant
		case "mysql":
			delete(s.Targets, "mariadb")
		case "mariadb":
			delete(s.Targets, "mysql")
		}
		s.Targets[daemon] = v
	}
	return s
}

// addManifestHosts takes over what the manifest says of hosts. One that has no file in the input is still a host.
func (s *Stack) addManifestHosts(places *conf.Tree) {
	found := make(map[string]*Host, len(s.Hosts))
	for _, h := range s.Hosts {
		found[h.Name] = h
	}
	for name, m := range s.Manifest.Hosts {
		h := found[name]
		if h == nil {
			h = &Host{Name: name, Partial: true}
			s.Hosts = append(s.Hosts, h)
			s.NotRead = append(s.NotRead, NotRead{Host: name, At: manifestHost(places, name), Why: "the manifest names it, and no file of it is in the input"})
		}
		h.Role, h.Tier, h.Zone, h.RunsOn, h.Capacity = m.Role, m.Tier, m.Zone, m.RunsOn, m.Capacity
	}
	slices.SortFunc(s.Hosts, func(a, b *Host) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.NotRead, func(a, b NotRead) int { return strings.Compare(a.Host, b.Host) })
}

func (s *Stack) notRead(n conf.NotRead) {
	at := conf.Word{Text: n.Path, Pos: n.From}
	if !at.Pos.IsValid() {
		at.Pos.File = n.Path
	}
	s.NotRead = append(s.NotRead, NotRead{Host: n.Host, At: at, Why: n.Why})
	// A file that nothing includes ("no include names it") takes nothing away from what the daemon reads.
	if !n.From.IsValid() && !n.Failed && strings.HasPrefix(n.Why, "no ") {
		return
	}
	if i, ok := slices.BinarySearchFunc(s.Hosts, n.Host, func(h *Host, name string) int { return strings.Compare(h.Name, name) }); ok {
		s.Hosts[i].Partial = true
	}
}

// readHost asks the readers of all daemons. It returns what only the meaning shows to be unreadable.
func (s *Stack) readHost(h *Host) (gaps []NotRead) {
	if h.Source == nil {
		return nil
	}
	for _, t := range h.Source.Trees {
		again := false // facts have one instance of a daemon on a host
		switch t.File.Kind {
		case conf.HAProxy:
			if again = h.HAProxy != nil; !again {
				h.HAProxy = readHAProxy(h, t)
			}
		case conf.Keepalived:
			if again = h.Keepalived != nil; !again {
				h.Keepalived, gaps = readKeepalived(h, t)
			}
		case conf.Nginx:
			if again = h.Nginx != nil; !again {
				h.Nginx = readNginx(h, t)
			}
		case conf.MySQL:
			if again = h.Database != nil; !again {
				h.Database = readDatabase(h, t, s.Targets)
			}
		case conf.Env:
			if a := readApp(h, t); a != nil {
				h.Apps = append(h.Apps, a)
			}
		}
		if again {
			h.Partial = true
			at := conf.Word{Text: t.File.Path}
			at.Pos.File = h.Source.Place(t.File.Path)
			gaps = append(gaps, NotRead{At: at, Why: "is of a second " + t.File.Kind.String() + " on the host"})
		}
	}
	h.Sysctl = readSysctl(h.Source)
	h.collect()
	if h.Role == "" {
		h.Role = h.runs()
	}
	return gaps
}

// runs is the role that the host's daemons tell; empty where they tell two.
func (h *Host) runs() string {
	switch {
	case h.HAProxy != nil && h.Keepalived != nil:
		return "lb"
	case h.Database != nil:
		if h.HAProxy != nil || h.Nginx != nil || len(h.Apps) > 0 {
			return ""
		}
		return "db"
	case h.HAProxy != nil:
		return "lb"
	case h.Nginx != nil:
		if h.Keepalived != nil {
			return "lb"
		}
		return "web"
	case len(h.Apps) > 0:
		return "app"
	case h.Keepalived != nil:
		return "lb"
	}
	return ""
}

// collect gathers the listeners of all daemons, each once.
func (h *Host) collect() {
	all := h.Listeners
	if h.HAProxy != nil {
		for _, p := range h.HAProxy.Proxies {
			for _, b := range p.Binds {
				all = append(all, b.Listener)
			}
		}
	}
	if h.Nginx != nil {
		for _, servers := range [][]*NginxServer{h.Nginx.Servers, h.Nginx.Streams} {
			for _, s := range servers {
				for _, l := range s.Listen {
					all = append(all, l.Listener)
				}
			}
		}
	}
	for _, a := range h.Apps {
		all = append(all, a.Listen...)
	}
	seen := make(map[*Listener]bool, len(all))
	h.Listeners = slices.DeleteFunc(all, func(l *Listener) bool {
		if l == nil || seen[l] {
			return true
		}
		seen[l] = true
		l.Host = h
		return false
	})
}

// pools are all groups of servers that the host's files ask, each once.
func (h *Host) pools() []*Pool {
	var all []*Pool
	if h.HAProxy != nil {
		for _, p := range h.HAProxy.Proxies {
			all = append(all, p.Pool)
		}
	}
	if n := h.Nginx; n != nil {
		all = append(all, n.Upstreams...)
		for _, servers := range [][]*NginxServer{n.Servers, n.Streams} {
			for _, s := range servers {
				if s.Root != nil && s.Root.Pass != nil {
					all = append(all, s.Root.Pass.Pool)
				}
				for _, l := range s.Locations {
					if l.Pass != nil {
						all = append(all, l.Pass.Pool)
					}
					for _, p := range l.Sometimes {
						all = append(all, p.Pool)
					}
				}
			}
		}
	}
	for _, a := range h.Apps {
		all = append(all, a.Write, a.Read)
	}
	seen := make(map[*Pool]bool, len(all))
	return slices.DeleteFunc(all, func(p *Pool) bool {
		if p == nil || seen[p] {
			return true
		}
		seen[p] = true
		return false
	})
}

// assemble finds out how the hosts of one stack hang together.
func (s *Stack) assemble(g *conf.Group, opts Options) {
	a := &assembly{Stack: s, pools: make([][]*Pool, len(s.Hosts)), ports: map[*Host]*ports{}, etc: map[*Host]map[string]netip.Addr{}}
	for i, h := range s.Hosts {
		a.pools[i] = h.pools()
	}
	var places *conf.Tree
	if s.Manifest == g.Manifest {
		places = g.Tree
	}
	a.vips()
	a.addresses(places, opts.Hosts)
	a.clusters()
	a.names()
	a.edges()
	a.databaseRoles()
	slices.Sort(s.Assumed)
	s.Assumed = slices.Compact(s.Assumed)
}

// assembly is a stack while it is put together.
type assembly struct {
	*Stack
	pools  [][]*Pool                     // by host
	vip    map[netip.Addr][]*VRRPAddress // none of a virtual address that only the manifest knows
	byAddr map[netip.Addr]*Host
	byName map[string]*Host
	ports  map[*Host]*ports
	etc    map[*Host]map[string]netip.Addr // /etc/hosts
}

func (s *Stack) assume(line string) { s.Assumed = append(s.Assumed, line) }

// manifestHost is the place of a host's key in the manifest; nowhere without a manifest that was read from a file.
func manifestHost(places *conf.Tree, name string) conf.Word {
	if places == nil {
		return conf.Word{}
	}
	for hosts := range conf.Named(places.Body, "hosts") {
		for h := range conf.Named(hosts.Body, name) {
			return h.Words[0]
		}
	}
	return conf.Word{}
}
