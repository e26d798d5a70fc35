package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpCheckRules = []*Rule{vrrpCheckVIP, vrrpCheckPort, vrrpCheckSocket, vrrpCheckProcess, vrrpCheckBackend, vrrpCheckShared, vrrpCheckName}

// checks are the scripts that some instance tracks, each with the first that does.
func checks(s *fact.Stack) func(yield func(*fact.VRRPInstance, *fact.Track) bool) {
	return func(yield func(*fact.VRRPInstance, *fact.Track) bool) {
		for k := range keepaliveds(s) {
			seen := map[*fact.VRRPScript]bool{}
			for _, i := range k.Instances {
				for _, t := range i.Tracks {
					if t.Script == nil || t.Late || t.Script.Asks == nil || seen[t.Script] {
						continue
					}
					seen[t.Script] = true
					if !yield(i, t) {
						return
					}
				}
			}
		}
	}
}

// on is the statement that says what a check runs.
func on(s *fact.VRRPScript) *conf.Node {
	if len(s.Command) == 0 {
		return s.Node
	}
	return line(s.Node, s.Command[0])
}

// holds are the virtual addresses of a host.
func holds(h *fact.Host, a netip.Addr) *fact.VRRPAddress {
	if h.Keepalived == nil || !a.IsValid() {
		return nil
	}
	for _, i := range h.Keepalived.Instances {
		for _, v := range i.VIPs {
			if v.Prefix.Addr().Unmap() == a.Unmap() && !v.Malformed {
				return v
			}
		}
	}
	return nil
}

var vrrpCheckVIP = &Rule{
	ID:       "vrrp-check-vip",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			a := t.Script.Asks
			v := holds(host(i), a.Addr)
			if v == nil {
				continue
			}
			f := p.Report(a.Word, "%q asks the virtual address %s", t.Script.Name.Text, a.Addr).On(host(i)).In(on(t.Script)).Related(v.Word, "the virtual address").
				Help("ask 127.0.0.1, so that each member asks itself")
			if w, _, _ := i.Weight(t); w == 0 {
				f.Message += ": while no member holds it the check fails on all of them, and none ever takes it"
			} else {
				f.Message += ": a backup asks the holder, and finds out nothing about itself"
			}
		}
	},
}

// listening says whether something of the host is known to answer at an address and port, or at the port elsewhere.
func listening(h *fact.Host, a netip.Addr, port int) (there, elsewhere *fact.Listener, known bool) {
	known = !h.Partial
	for _, l := range h.Listeners {
		switch {
		case !l.Known || l.Port == 0 && l.Unix == "":
			known = false
		case l.Covers(a, port):
			there = l
		case l.Unix == "" && port >= l.Port && port <= l.To:
			elsewhere = l
		}
	}
	return there, elsewhere, known
}

// mentions reports whether some word of a file ends with a port: a stats socket, a peer, a log server.
func mentions(body []*conf.Node, suffix string) bool {
	for _, n := range body {
		if slices.ContainsFunc(n.Words, func(w conf.Word) bool { return strings.HasSuffix(w.Text, suffix) }) || mentions(n.Body, suffix) {
			return true
		}
	}
	return false
}

var vrrpCheckPort = &Rule{
	ID:       "vrrp-check-port",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			h, a := host(i), t.Script.Asks
			if h.HAProxy == nil && h.Nginx == nil || a.Kind != "http" && a.Kind != "tcp" || a.Port == 0 || !a.Addr.IsLoopback() && !owns(h, a.Addr) || holds(h, a.Addr) != nil {
				continue
			}
			there, elsewhere, known := listening(h, a.Addr, a.Port)
			if there != nil || !known {
				continue
			}
			if h.HAProxy != nil && elsewhere == nil && mentions(h.HAProxy.Tree.Body, fmt.Sprintf(":%d", a.Port)) {
				continue
			}
			then := "the check fails on every member, and none takes " + vipsOf(i)
			if w, _, _ := i.Weight(t); w != 0 {
				then = "the check always fails, and its weight decides nothing"
			}
			at := netip.AddrPortFrom(a.Addr, uint16(a.Port))
			if elsewhere != nil {
				p.Report(a.Word, "%q asks %s, and %s listens on %s only: %s", t.Script.Name.Text, at, elsewhere.Layer, elsewhere.Word.Text, then).
					On(h).In(on(t.Script)).Related(elsewhere.Word, "listens here").Help("listen on 127.0.0.1 as well, with a health check of its own")
				continue
			}
			f := p.Report(a.Word, "%q asks %s, where nothing listens: %s", t.Script.Name.Text, at, then).On(h).In(on(t.Script)).Help("ask a port that the service listens on")
			for _, l := range h.Listeners {
				if l.Unix == "" && l.Addr.IsLoopback() {
					f.Related(l.Word, "%s listens here", l.Layer)
				}
			}
		}
	},
}

var vrrpCheckSocket = &Rule{
	ID:       "vrrp-check-socket",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			h, a := host(i), t.Script.Asks
			user := t.Script.User
			if user.State == fact.Default {
				user = i.Keepalived.User
			}
			if a.Kind != "socket" || h.HAProxy == nil || h.HAProxy.Global == nil || !user.Written() || user.V == "root" {
				continue
			}
			for n := range conf.Named(h.HAProxy.Global.Body, "stats") {
				if n.Arg(1).Text != "socket" || strings.TrimPrefix(n.Arg(2).Text, "unix@") != a.Path {
					continue
				}
				option := map[string]string{}
				for j := 3; j+1 < len(n.Words); j++ {
					option[n.Words[j].Text] = n.Words[j+1].Text
				}
				mode := option["mode"]
				if mode == "" || mode[len(mode)-1] == '6' || mode[len(mode)-1] == '7' || option["user"] == user.V || option["uid"] != "" || option["gid"] != "" {
					continue
				}
				group := ""
				if l := line(i.Keepalived.Global, user.Word); l != nil {
					group = l.Arg(2).Text
				}
				if option["group"] != "" && (group == option["group"] || user.V != "nobody") {
					continue
				}
				p.Report(a.Word, "%s may not open %s (mode %s): the check fails on every member, and none takes %s", user.V, a.Path, mode, vipsOf(i)).On(h).In(on(t.Script)).
					Related(n.Arg(2), "the socket").Related(user.Word, "who runs the check").Help("ask HAProxy by HTTP on 127.0.0.1, or give the socket a group that %s is in", user.V)
			}
		}
	},
}

var vrrpCheckProcess = &Rule{
	ID:       "vrrp-check-process",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			a := t.Script.Asks
			if a.Kind != "process" || slices.ContainsFunc(tracking(i), func(o *fact.Track) bool {
				return o.Script != nil && (o.Script.Asks == nil || o.Script.Asks.Kind != "process") && o.Kind != "interface"
			}) {
				continue
			}
			name := a.Process
			switch {
			case name == "":
				name = "a process"
			case host(i).HAProxy != nil && !strings.Contains(name, "haproxy"):
				continue // vrrp-track-other
			}
			f := p.Report(a.Word, "%q sees that %s exists, not that it answers: one that hangs, or listens nowhere, keeps %s", t.Script.Name.Text, name, vipsOf(i)).
				On(host(i)).In(on(t.Script)).Help("ask the service itself, as with curl on a health address of its own on 127.0.0.1")
			if t.Kind == "process" {
				f.Weigh(diag.Info)
			}
		}
	},
}

// asked are the proxies of HAProxy that answer a check.
func asked(h *fact.Host, a *fact.Probe) []*fact.Proxy {
	var out []*fact.Proxy
	if l, _, _ := listening(h, a.Addr, a.Port); l != nil && l.Layer == fact.LayerHAProxy {
		out = l.Proxies
	}
	return out
}

// own reports whether a proxy may answer a path itself.
func own(x *fact.Proxy, path string) bool {
	if x.Monitor.State == fact.Unknown || x.Monitor.V != "" && x.Monitor.V == path {
		return true
	}
	answers := func(n *conf.Node) bool {
		return n.Name() == "stats" || n.Name() == "http-request" && slices.Contains([]string{"return", "deny", "redirect", "use-service", "auth", "tarpit", "reject"}, n.Arg(1).Text) ||
			n.Name() == "redirect" || n.Cond != nil
	}
	if slices.ContainsFunc(x.Node.Body, answers) || slices.ContainsFunc(x.Rules, answers) {
		return true
	}
	return x.Defaults != nil && slices.ContainsFunc(x.Defaults.Body, answers)
}

var vrrpCheckBackend = &Rule{
	ID:       "vrrp-check-backend",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			h, a := host(i), t.Script.Asks
			if w, counts, known := i.Weight(t); a.Kind != "http" || !a.Addr.IsLoopback() && !owns(h, a.Addr) || w != 0 || !counts || !known {
				continue
			}
			for _, x := range asked(h, a) {
				if own(x, a.Path) {
					continue
				}
				pool := x.Pool
				for _, r := range x.Routes {
					if r.Pool == nil || r.Pool.Proxy != nil && own(r.Pool.Proxy, a.Path) {
						pool = nil // it may be answered there
						break
					}
					pool = r.Pool
				}
				if pool == nil || len(pool.Servers) == 0 {
					continue
				}
				p.Report(a.Word, "%q asks %s, which HAProxy passes on to %q: when the servers behind it fail, all members fail the check, and %s is nowhere", t.Script.Name.Text, a.Path, pool.Name.Text, vipsOf(i)).
					On(h).In(on(t.Script)).Related(x.Name, "asked here").Related(pool.Servers[0].Address, "answered there").
					Help("let HAProxy answer itself: `monitor-uri` in a frontend on 127.0.0.1")
				break
			}
		}
	},
}

var vrrpCheckShared = &Rule{
	ID:       "vrrp-check-shared",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			h, a := host(i), t.Script.Asks
			w, counts, known := i.Weight(t)
			if a.Kind != "http" && a.Kind != "tcp" && a.Kind != "ping" || w != 0 || !counts || !known || a.Name == "" {
				continue
			}
			if a.Addr.IsValid() && (a.Addr.IsLoopback() || a.Addr.IsUnspecified() || owns(h, a.Addr) || holds(h, a.Addr) != nil || len(h.Addresses) == 0) || strings.EqualFold(a.Name, h.Name) {
				continue
			}
			p.Report(a.Word, "%q asks %s, which all members share: when it fails all of them fail the check, and %s is nowhere", t.Script.Name.Text, a.Name, vipsOf(i)).
				On(h).In(on(t.Script)).Help("ask what only this host has, or give the check a weight, so that one member keeps the address")
		}
	},
}

var vrrpCheckName = &Rule{
	ID:       "vrrp-check-name",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i, t := range checks(p.Stack) {
			a := t.Script.Asks
			if a.Scheme != "https" || a.Lax || !a.Addr.IsLoopback() || a.Name != a.Addr.String() && a.Name != "localhost" {
				continue
			}
			p.Report(a.Word, "%q asks %s by https: no certificate is for that name, so the check always fails", t.Script.Name.Text, a.Name).
				On(host(i)).In(on(t.Script)).Help("ask by http on a port of its own, or use curl --resolve with the site's name")
		}
	},
}
