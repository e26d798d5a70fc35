package lint

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var mysqlReachRules = []*Rule{bindLoopback, skipNetworking, bindForeign, bindVIP, bindWildcard, bindName, sourceUnreachable, sourceSelf,
	sourceUnknown, portClamped, adminWildcard}

// dialled says why other hosts must reach the database; empty where nothing says so.
func dialled(p *Pass) map[*fact.Database]string {
	why := map[*fact.Database]string{}
	for _, r := range p.replications() {
		for _, d := range r.members {
			why[d] = "it is replicated with " + r.other(d).Host.Name
		}
	}
	return why
}

var bindLoopback = &Rule{ID: "mysql-bind-loopback", Severity: diag.Error, Run: func(p *Pass) {
	why := dialled(p)
	for _, d := range databases(p.Stack) {
		o := d.Options["bind_address"]
		if why[d] == "" || o == nil || !o.Value.Known() || d.Listen == nil || !loopbackOnly(o.Value.V) {
			continue
		}
		p.option(d, "bind_address", "%s accepts connections from itself alone, and %s: nothing reaches it", d.Host.Name, why[d]).
			Help("set \"bind_address\" to the host's own address")
	}
}}

func loopbackOnly(bind string) bool {
	for a := range strings.SplitSeq(bind, ",") {
		addr, err := netip.ParseAddr(strings.TrimSpace(a))
		if strings.TrimSpace(a) != "localhost" && (err != nil || !addr.IsLoopback()) {
			return false
		}
	}
	return true
}

var skipNetworking = &Rule{ID: "mysql-skip-networking", Severity: diag.Error, Run: func(p *Pass) {
	why := dialled(p)
	for _, d := range databases(p.Stack) {
		name := "skip_networking"
		if grant := d.Bool("skip_grant_tables"); is(d, mysql) && grant.Written() && grant.V {
			name = "skip_grant_tables" // implies it in MySQL
		}
		if on := d.Bool(name); why[d] == "" || !on.Written() || !on.V {
			continue
		}
		p.option(d, name, "%s listens on no port with %q, and %s: nothing reaches it", d.Host.Name, name, why[d]).Help("remove the line")
	}
}}

// binds are the addresses that bind_address names.
func binds(d *fact.Database) []netip.Addr {
	o := d.Options["bind_address"]
	if o == nil || !o.Value.Known() {
		return nil
	}
	var all []netip.Addr
	for a := range strings.SplitSeq(o.Value.V, ",") {
		if addr, err := netip.ParseAddr(strings.TrimSpace(a)); err == nil && !addr.IsUnspecified() && !addr.IsLoopback() {
			all = append(all, addr.Unmap())
		}
	}
	return all
}

var bindForeign = &Rule{ID: "mysql-bind-foreign", Severity: diag.Error, Run: func(p *Pass) {
	type owner struct {
		host *fact.Host
		at   fact.Address
	}
	owners := map[netip.Addr][]owner{}
	all := databases(p.Stack)
	if len(all) == 0 {
		return
	}
	for _, h := range p.Hosts {
		for _, a := range h.Addresses {
			owners[a.Addr.Unmap()] = append(owners[a.Addr.Unmap()], owner{h, a})
		}
	}
	first := map[netip.Addr]*fact.Database{}
	runs := p.replications()
	for _, d := range all {
		for _, addr := range binds(d) {
			for _, o := range owners[addr] {
				known := slices.ContainsFunc(d.Host.Addresses, func(a fact.Address) bool { return a.Addr.Unmap() == addr })
				if o.host == d.Host || known || vipHolder(p.Stack, addr) != nil {
					continue
				}
				p.option(d, "bind_address", "%s is the address of %s: on %s MySQL does not start, and MariaDB starts and is reached by nobody", addr, o.host.Name, d.Host.Name).
					On(o.host).Related(o.at.Word, "%s has it", o.host.Name).Help("set \"bind_address\" to the host's own address")
			}
			one := first[addr]
			if one == nil {
				first[addr] = d
				continue
			}
			if len(owners[addr]) > 1 || len(owners[addr]) == 1 && owners[addr][0].at.Why == "manifest" {
				continue
			}
			if vipHolder(p.Stack, addr) == nil && sameRun(runs, one, d) {
				p.option(d, "bind_address", "%s and %s both listen on %s: where it is not the host's own, MySQL does not start, and MariaDB starts and is reached by nobody", one.Host.Name, d.Host.Name, addr).
					On(one.Host).relate(one, "bind_address").Help("set \"bind_address\" to each host's own address").Same(addr.String())
			}
		}
	}
}}

// sameRun reports whether two databases replicate with each other.
func sameRun(runs []*replication, a, b *fact.Database) bool {
	return slices.ContainsFunc(runs, func(r *replication) bool {
		return slices.Contains(r.members, a) && slices.Contains(r.members, b)
	})
}

// vipHolder is an instance that holds a virtual address; nil where it is none.
func vipHolder(s *fact.Stack, addr netip.Addr) *fact.VRRPAddress {
	for _, c := range s.Clusters {
		if !slices.Contains(c.VIPs, addr) {
			continue
		}
		for _, m := range c.Members {
			for _, i := range m.Instances {
				for _, v := range i.VIPs {
					if v.Prefix.Addr().Unmap() == addr {
						return v
					}
				}
			}
		}
	}
	return nil
}

var bindVIP = &Rule{ID: "mysql-bind-vip", Severity: diag.Error, Run: func(p *Pass) {
	for _, d := range databases(p.Stack) {
		for _, addr := range binds(d) {
			if v := vipHolder(p.Stack, addr); v != nil {
				p.option(d, "bind_address", "%s is a virtual address: while another host holds it MySQL does not start, and the holder is not reached at its own address", addr).
					Related(v.Word, "%s holds it at times", v.Instance.Keepalived.Host.Name).
					Help("set \"bind_address\" to \"*\", or to the host's own address")
			}
		}
	}
}}

var bindWildcard = perOption("mysql-bind-wildcard-list", diag.Error, "bind_address", func(p *Pass, d *fact.Database, o *fact.Option) {
	parts := strings.Split(o.Value.V, ",")
	if len(parts) < 2 {
		return
	}
	for _, a := range parts {
		switch a = strings.TrimSpace(a); a {
		case "*", "0.0.0.0", "::":
			p.option(d, "bind_address", "%q stands for every address and may not be one of several: the server does not start", a).
				Help("write it alone, or list addresses alone")
			return
		}
	}
})

var bindName = perOption("mysql-bind-name", diag.Info, "bind_address", func(p *Pass, d *fact.Database, o *fact.Option) {
	for a := range strings.SplitSeq(o.Value.V, ",") {
		a, _, _ = strings.Cut(strings.TrimSpace(a), "/")
		_, err := netip.ParseAddr(a)
		if err != nil && a != "" && a != "*" && a != "localhost" && !strings.ContainsAny(a, "${}<>%") {
			p.option(d, "bind_address", "%q is a name: the server does not start while it does not resolve", a).Help("write the address")
		}
	}
})

var sourceUnreachable = &Rule{ID: "mysql-source-unreachable", Severity: diag.Error, Run: func(p *Pass) {
	hosts := addressesOf(p.Stack)
	for _, d := range databases(p.Stack) {
		h := hosts.source(d)
		if h == nil || h == d.Host || h.Database == nil {
			continue
		}
		from := h.Database
		if from.Partial || d.Source.Port == 0 || from.Listen == nil || from.Listen.Addr.IsLoopback() {
			continue // mysql-skip-networking and mysql-bind-loopback say so
		}
		ours := func(l *fact.Listener) bool { return l.Layer == fact.LayerDatabase }
		if slices.ContainsFunc(from.Host.Listeners, func(l *fact.Listener) bool {
			return ours(l) && (!l.Known || l.Covers(d.Source.Addr, d.Source.Port))
		}) {
			continue
		}
		name := "port"
		if from.Listen.Port == d.Source.Port {
			name = "bind_address"
			if slices.ContainsFunc(binds(from), func(a netip.Addr) bool { return vipHolder(p.Stack, a) != nil || foreignTo(p.Stack, from.Host, a) }) {
				continue // mysql-bind-vip and mysql-bind-foreign say so
			}
		}
		p.Report(d.Source.Word, "%s replicates from %s, where %s does not listen: nothing is replicated", d.Host.Name, addrPort(d.Source), from.Host.Name).
			On(d.Host, from.Host).relate(from, name).Help("make the two agree")
	}
}}

// foreignTo reports whether another host has the address, or its database listens there.
func foreignTo(s *fact.Stack, h *fact.Host, addr netip.Addr) bool {
	return slices.ContainsFunc(s.Hosts, func(o *fact.Host) bool {
		return o != h && (o.Database != nil && slices.Contains(binds(o.Database), addr) ||
			slices.ContainsFunc(o.Addresses, func(a fact.Address) bool { return a.Addr.Unmap() == addr }))
	})
}

func addrPort(s *fact.DatabaseSource) string {
	return netip.AddrPortFrom(s.Addr, uint16(s.Port)).String()
}

var sourceSelf = &Rule{ID: "mysql-source-self", Severity: diag.Error, Run: func(p *Pass) {
	hosts := addressesOf(p.Stack)
	for _, d := range databases(p.Stack) {
		if d.Source == nil || !d.Source.Addr.IsValid() {
			continue
		}
		if h := hosts.source(d); h == d.Host || d.Source.Addr.IsLoopback() {
			p.Report(d.Source.Word, "%s is told to replicate from itself: it takes no write of the primary", d.Host.Name).On(d.Host).
				Help("name the primary's address")
		}
	}
}}

var sourceUnknown = &Rule{ID: "mysql-source-unknown", Severity: diag.Warning, Absence: true, Run: func(p *Pass) {
	hosts := addressesOf(p.Stack)
	for _, d := range databases(p.Stack) {
		if d.Source == nil || !d.Source.Addr.IsValid() || d.Source.Addr.IsLoopback() || vipHolder(p.Stack, d.Source.Addr) != nil {
			continue
		}
		if h := hosts.source(d); h == nil || h != d.Host && h.Database == nil && h.HAProxy == nil && !h.Partial {
			p.Report(d.Source.Word, "%s replicates from %s, where the stack has no database", d.Host.Name, d.Source.Addr).On(d.Host).
				Help("name the primary's address, or give stackgen that host's files too")
		}
	}
}}

var portClamped = perOption("mysql-port-range", diag.Error, "port", func(p *Pass, d *fact.Database, o *fact.Option) {
	n, err := strconv.ParseInt(o.Value.V, 10, 64)
	if err == nil && (n <= 0 || n > 65535) {
		taken := "65535"
		if n <= 0 {
			taken = "3306"
		}
		p.option(d, "port", "%d is no port, and the server listens on %s without a word", n, taken).Help("write a port from 1 to 65535")
	}
})

var adminWildcard = perOption("mysql-admin-address-wildcard", diag.Error, "admin_address", func(p *Pass, d *fact.Database, o *fact.Option) {
	if a := strings.TrimSpace(o.Value.V); a == "*" || a == "0.0.0.0" || a == "::" {
		p.option(d, "admin_address", "%q is no single address: MySQL does not start", a).Help("name one address of the host")
	}
})
