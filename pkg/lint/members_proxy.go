package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var membersProxyRules = []*Rule{membersBind, membersTLS, membersCertificate, membersRoute, membersHTTPRule, membersTimeout, membersMaxConn, membersMode}

// serves is what a bind is on the other member: a listener that takes the same connections there. An address that only
// one of them ever has asks for nothing.
func (t twins) serves(b *fact.Bind, from, to side) (l *fact.Listener, needed bool) {
	switch {
	case b.Unix != "" || !b.Known || b.Port == 0 || b.Node.Cond != nil:
		return nil, false
	case !b.Addr.IsValid() || b.Addr.IsUnspecified():
		for _, l := range to.Host.Listeners {
			if l.Unix == "" && b.Port >= l.Port && b.Port <= l.To && !(l.Addr.IsValid() && l.Addr.IsLoopback()) {
				return l, true
			}
		}
		return nil, true
	case b.Addr.IsLoopback():
		return nil, false
	case hasAddress(from.Host, b.Addr):
		for _, a := range to.Host.Addresses {
			if l := listenerAt(to.Host, a.Addr, b.Port); l != nil {
				return l, true
			}
		}
		return nil, len(to.Host.Addresses) > 0
	case holds(from.Host, b.Addr) != nil && holds(to.Host, b.Addr) == nil:
		return nil, false
	}
	return listenerAt(to.Host, b.Addr, b.Port), true
}

var membersBind = &Rule{
	ID:       "members-bind",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for _, s := range []struct{ has, lacks side }{{t.a, t.b}, {t.b, t.a}} {
				if !wholeHost(s.lacks.Host) {
					continue
				}
				for _, x := range s.has.Proxies {
					for _, b := range x.Binds {
						l, needed := t.serves(b, s.has, s.lacks)
						if l != nil || !needed {
							continue
						}
						f := p.Report(b.Word, "%s listens on %s, %s does not: what %q serves is gone after a failover", s.has.Host.Name, b.Word.Text, s.lacks.Host.Name, x.Name.Text).
							On(s.has.Host, s.lacks.Host).In(b.Node).Help("bind the same addresses on all members").Same(t.names() + x.Name.Text)
						if o := s.lacks.like(x); o != nil {
							f.Related(o.Name, "not here")
						}
					}
				}
			}
		}
	},
}

// bindings are the binds of one side with what answers at the same place of the other.
func (t twins) bindings() func(yield func(a, b *fact.Bind) bool) {
	return func(yield func(a, b *fact.Bind) bool) {
		binds := map[*fact.Listener]*fact.Bind{}
		for _, x := range t.b.Proxies {
			for _, b := range x.Binds {
				binds[b.Listener] = b
			}
		}
		for _, x := range t.a.Proxies {
			for _, a := range x.Binds {
				l, _ := t.serves(a, t.a, t.b)
				if b := binds[l]; b != nil && b.Node.Cond == nil && !yield(a, b) {
					return
				}
			}
		}
	}
}

var membersTLS = &Rule{
	ID:       "members-tls",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.bindings() {
				if a.TLS.Known() && b.TLS.Known() && a.TLS.V != b.TLS.V {
					tls, plain, on, off := a, b, t.a, t.b
					if b.TLS.V {
						tls, plain, on, off = b, a, t.b, t.a
					}
					p.Report(plain.Word, "%s speaks TLS on %s, %s does not: every client fails after a failover", on.Host.Name, plain.Word.Text, off.Host.Name).On(off.Host, on.Host).In(plain.Node).
						Related(tls.TLS.Word, "TLS on %s", on.Host.Name).Help("write the same bind line on all members")
					continue
				}
				if a.Proxy != nil && a.Listener.Proxy.Known() && b.Listener.Proxy.Known() && a.Listener.Proxy.V != b.Listener.Proxy.V {
					p.Report(b.Word, "one of %s expects the PROXY header on %s and the other does not: every connection fails on one of them", t.names(), b.Word.Text).On(t.b.Host, t.a.Host).In(b.Node).
						Related(a.Word, "on %s", t.a.Host.Name).Help("write the same bind line on all members")
				}
			}
		}
	},
}

var membersCertificate = &Rule{
	ID:       "members-certificate",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			p.otherTLSDefaults(t)
			for a, b := range t.bindings() {
				if !a.TLS.V || !b.TLS.V || len(a.Certs) == 0 || len(b.Certs) == 0 {
					continue
				}
				if x, y, ok := otherCertificate(t, a.Certs, b.Certs); ok {
					f := p.Report(y, "%s and %s show different certificates on %s: which one clients see, and when it ends, depends on who has the address", t.a.Host.Name, t.b.Host.Name, b.Word.Text).
						On(t.b.Host, t.a.Host).In(b.Node).Related(x, "on %s", t.a.Host.Name)
					f.Help("install the same certificates on all members")
					continue
				}
				x, y := tlsOptions(a.Node), tlsOptions(b.Node)
				if x != y {
					p.Report(b.Word, "%s and %s take other versions or ciphers of TLS on %s: some clients fail after a failover", t.a.Host.Name, t.b.Host.Name, b.Word.Text).On(t.b.Host, t.a.Host).In(b.Node).
						Related(a.Word, "on %s", t.a.Host.Name).Help("write the same bind line on all members")
				}
			}
		}
	},
}

// otherTLSDefaults reports ssl-default-bind-… lines of global that differ.
func (p *Pass) otherTLSDefaults(t twins) {
	if t.a.Global == nil || t.b.Global == nil {
		return
	}
	defaults := func(n *conf.Node) []*conf.Node {
		return slices.DeleteFunc(slices.Clone(n.Body), func(n *conf.Node) bool { return !strings.HasPrefix(n.Name(), "ssl-default-bind-") })
	}
	x, y := t.differ(defaults(t.a.Global), defaults(t.b.Global))
	at, other := y, x
	if y == nil {
		at, other = x, y
	}
	if at == nil {
		return
	}
	f := p.Report(at.Words[0], "%s and %s take other versions or ciphers of TLS: some clients fail after a failover", t.a.Host.Name, t.b.Host.Name).On(t.b.Host, t.a.Host).In(at).
		Help("write the same on all members")
	if other != nil {
		f.Related(other.Words[0], "on %s", t.a.Host.Name)
	}
}

// otherCertificate is the first certificate that one side alone has. Files may be called after their host.
func otherCertificate(t twins, a, b []conf.Word) (x, y conf.Word, differ bool) {
	name := func(s side, w conf.Word) string {
		return strings.ReplaceAll(path.Clean(w.Text), s.Host.Name, "(own name)")
	}
	in := func(w string, s side, list []conf.Word) bool {
		return slices.ContainsFunc(list, func(o conf.Word) bool { return name(s, o) == w })
	}
	for _, w := range b {
		if !in(name(t.b, w), t.a, a) {
			return a[0], w, true
		}
	}
	for _, w := range a {
		if !in(name(t.a, w), t.b, b) {
			return w, b[0], true
		}
	}
	return x, y, false
}

// tlsOptions are the words of a bind line that say which TLS it speaks, in one order.
func tlsOptions(n *conf.Node) string {
	var parts []string
	for i, w := range n.Words {
		switch w.Text {
		case "alpn", "ciphers", "ciphersuites", "ssl-min-ver", "ssl-max-ver", "verify", "curves":
			parts = append(parts, w.Text+" "+n.Arg(i+1).Text)
		case "no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "strict-sni", "force-tlsv12", "force-tlsv13", "no-alpn":
			parts = append(parts, w.Text)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

var membersRoute = &Rule{
	ID:       "members-route",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.sections() {
				if x, y := t.differ(routes(a), routes(b)); x != nil || y != nil {
					p.drift(t, a, b, x, y, "%s and %s send the requests of %q to different places: failover changes what is served", t.a.Host.Name, t.b.Host.Name, a.Name.Text)
				}
			}
		}
	},
}

// routes are the lines that say where requests go, acls first: HAProxy looks at them by name.
func routes(x *fact.Proxy) []*conf.Node {
	var acls, uses []*conf.Node
	for _, n := range x.Rules {
		if n.Name() == "acl" {
			acls = append(acls, n)
		}
	}
	for _, r := range x.Routes {
		uses = append(uses, r.Node)
	}
	if len(uses) == 0 {
		return nil
	}
	return append(acls, uses...)
}

var membersHTTPRule = &Rule{
	ID:       "members-rule",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.sections() {
				if x, y := t.differ(ruled(a), ruled(b)); x != nil || y != nil {
					p.drift(t, a, b, x, y, "%s and %s have different rules in %q: what is let in, or told to the servers, depends on who has the address", t.a.Host.Name, t.b.Host.Name, a.Name.Text)
				}
			}
		}
	},
}

func ruled(x *fact.Proxy) []*conf.Node {
	return slices.DeleteFunc(slices.Clone(x.Rules), func(n *conf.Node) bool { return n.Name() == "acl" && len(x.Routes) > 0 })
}

var membersTimeout = &Rule{
	ID:       "members-timeout",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.sections() {
				for _, name := range []string{"client", "server", "connect", "queue", "http-request", "http-keep-alive", "tunnel", "check"} {
					x, inA := a.Timeouts[name]
					y, inB := b.Timeouts[name]
					if name == "client" && a.Kind == "backend" || a.Kind == "frontend" && (name == "server" || name == "connect" || name == "queue" || name == "check" || name == "tunnel") {
						continue
					}
					if !inA || !inB || !x.Known() || !y.Known() || x.V == y.V {
						continue
					}
					p.Report(y.Word, "timeout %s is %s on %s and %s on %s: they do not serve alike", name, durationText(y.V), t.b.Host.Name, durationText(x.V), t.a.Host.Name).On(t.b.Host, t.a.Host).
						Related(x.Word, "on %s", t.a.Host.Name).Help("write the same on all members").Same(t.names() + name + durationText(max(x.V, time.Nanosecond)) + durationText(y.V))
				}
			}
		}
	},
}

var membersMaxConn = &Rule{
	ID:       "members-maxconn",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		report := func(t twins, what string, x, y fact.Value[int]) {
			if !x.Written() && !y.Written() || !x.Known() || !y.Known() || x.V == y.V {
				return
			}
			p.Report(y.Word, "maxconn of %s is %s on %s and %s on %s: one of them carries less", what, limitText(y), t.b.Host.Name, limitText(x), t.a.Host.Name).On(t.b.Host, t.a.Host).
				Related(x.Word, "on %s", t.a.Host.Name).Help("write the same on all members").Same(t.names() + what)
		}
		for _, t := range eachTwins(p.Stack) {
			report(t, "the whole HAProxy", t.a.MaxConn, t.b.MaxConn)
			for a, b := range t.sections() {
				if a.Kind != "backend" {
					report(t, a.Name.Text, a.MaxConn, b.MaxConn)
				}
			}
			for a, b := range t.pools() {
				for x, y := range t.pairs(a, b) {
					report(t, "servers of "+a.Name.Text, x.MaxConn, y.MaxConn)
				}
			}
		}
	},
}

func limitText(v fact.Value[int]) string {
	if v.V == 0 {
		return "not set"
	}
	return strconv.Itoa(v.V)
}

var membersMode = &Rule{
	ID:       "members-mode",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.sections() {
				if x, y := a.Mode, b.Mode; x.Known() && y.Known() && x.V != y.V {
					p.Report(y.Word, "%q is in mode %s on %s and in mode %s on %s: failover changes what its rules do", b.Name.Text, y.V, t.b.Host.Name, x.V, t.a.Host.Name).
						On(t.b.Host, t.a.Host).Related(x.Word, "on %s", t.a.Host.Name).Help("write the same mode on all members").Same(t.names() + x.V)
				}
				if x, y := a.Balance, b.Balance; a.Pool != nil && b.Pool != nil && x.Known() && y.Known() && x.V != y.V {
					p.Report(y.Word, "%q is balanced by %s on %s and by %s on %s: the load is spread in another way after a failover", b.Name.Text, y.V, t.b.Host.Name, x.V, t.a.Host.Name).
						On(t.b.Host, t.a.Host).Related(x.Word, "on %s", t.a.Host.Name).Help("write the same balance on all members").Weigh(diag.Warning).Same(t.names() + b.Name.Text)
				}
			}
		}
	},
}
