package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var membersPoolRules = []*Rule{membersServers, membersServerName, membersOrder, membersCookie, membersTable, membersCheck, membersServerState}

// pools are the pools that both members use, each with its twin, where all servers are known.
func (t twins) pools() func(yield func(a, b *fact.Pool) bool) {
	return func(yield func(a, b *fact.Pool) bool) {
		for a, b := range t.sections() {
			if a.Pool == nil || b.Pool == nil || a.Pool.Partial || b.Pool.Partial || !a.Pool.Used && !b.Pool.Used {
				continue
			}
			if !yield(a.Pool, b.Pool) {
				return
			}
		}
	}
}

// pairs are the servers of two pools that have one address.
func (t twins) pairs(a, b *fact.Pool) func(yield func(x, y *fact.Server) bool) {
	return func(yield func(x, y *fact.Server) bool) {
		at := map[string]*fact.Server{}
		for _, s := range b.Servers {
			at[t.b.spotOf(s)] = s
		}
		for _, s := range a.Servers {
			if o := at[t.a.spotOf(s)]; o != nil && s.Node.Cond == nil && o.Node.Cond == nil && !yield(s, o) {
				return
			}
		}
	}
}

var membersServers = &Rule{
	ID:       "members-servers",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				p.otherServers(t, a, b)
			}
			for _, s := range []struct{ has, lacks side }{{t.a, t.b}, {t.b, t.a}} {
				for _, x := range s.has.Proxies {
					if x.Kind != "backend" || !x.Pool.Used || x.Node.Cond != nil || len(x.Pool.Servers) == 0 || s.lacks.byName["backend "+x.Name.Text] != nil {
						continue
					}
					p.Report(x.Name, "backend %q is on %s and not on %s: failover changes what is served", x.Name.Text, s.has.Host.Name, s.lacks.Host.Name).On(s.has.Host, s.lacks.Host).
						Help("write the same backends on all members")
				}
			}
		}
	},
}

func (p *Pass) otherServers(t twins, a, b *fact.Pool) {
	extra := func(in side, of *fact.Pool, not side, than *fact.Pool) (only []*fact.Server) {
		there := map[string]bool{}
		for _, s := range than.Servers {
			there[not.spotOf(s)] = true
		}
		for _, s := range of.Servers {
			if !there[in.spotOf(s)] && s.Eligible() && s.Node.Cond == nil && !onBalancer(s) {
				only = append(only, s)
			}
		}
		return only
	}
	onA, onB := extra(t.a, a, t.b, b), extra(t.b, b, t.a, a)
	switch {
	case len(onA) == 0 && len(onB) == 0:
	case len(onA) > 0 && len(onB) > 0:
		p.Report(onB[0].Address, "%s sends requests of %q to %s, %s to %s: failover changes the pool", t.b.Host.Name, b.Name.Text, onB[0].Address.Text, t.a.Host.Name, onA[0].Address.Text).
			On(t.b.Host, t.a.Host).In(onB[0].Node).Related(onA[0].Address, "%s asks this one", t.a.Host.Name).Help("write the same servers on all members")
	default:
		has, lacks, s, pool := t.a, t.b, onA, b
		if len(onA) == 0 {
			has, lacks, s, pool = t.b, t.a, onB, a
		}
		f := p.Report(s[0].Address, "%s sends requests of %q to %s, %s does not: failover changes the pool", has.Host.Name, pool.Name.Text, s[0].Address.Text, lacks.Host.Name).
			On(has.Host, lacks.Host).In(s[0].Node).Related(pool.Name, "not in %q of %s", pool.Name.Text, lacks.Host.Name).Help("write the same servers on all members")
		if len(s) > 1 {
			f.Message = fmt.Sprintf("%s sends requests of %q to %d servers that %s does not know: failover changes the pool", has.Host.Name, pool.Name.Text, len(s), lacks.Host.Name)
		}
	}
}

// local reports whether a server is on the balancer itself.
func onBalancer(s *fact.Server) bool { return s.Addr.IsValid() && s.Addr.IsLoopback() || s.Unix != "" }

var membersServerName = &Rule{
	ID:       "members-server-name",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				if len(a.Proxy.Stick) == 0 || len(b.Proxy.Stick) == 0 || !sticks(a.Proxy) {
					continue
				}
				for x, y := range t.pairs(a, b) {
					if x.Name.Text != y.Name.Text {
						p.Report(y.Name, "%s calls the server %q, %s %q: a stick table remembers names, and clients lose their server at failover", t.b.Host.Name, y.Name.Text, t.a.Host.Name, x.Name.Text).
							On(t.b.Host, t.a.Host).In(y.Node).Related(x.Name, "%s calls it this", t.a.Host.Name).Help("use one name for it")
						break
					}
				}
			}
		}
	},
}

// sticks reports whether clients are tied to servers by a table.
func sticks(x *fact.Proxy) bool {
	return slices.ContainsFunc(x.Stick, func(n *conf.Node) bool { return n.Name() == "stick" && n.Arg(1).Text != "store-response" })
}

var membersOrder = &Rule{
	ID:       "members-order",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				if !a.Balance.Known() || !b.Balance.Known() || a.Balance.V != b.Balance.V || !hashes(a.Balance.V) || len(a.Servers) != len(b.Servers) || slices.ContainsFunc(a.Servers, func(s *fact.Server) bool { return s.ID.Written() }) {
					continue
				}
				for i, x := range a.Servers {
					y := b.Servers[i]
					if t.a.spotOf(x) != t.b.spotOf(y) && slices.ContainsFunc(b.Servers, func(o *fact.Server) bool { return t.b.spotOf(o) == t.a.spotOf(x) }) {
						p.Report(y.Name, "%s and %s list the servers of %q in another order: balance %s counts by it, and clients change their server at failover", t.a.Host.Name, t.b.Host.Name, b.Name.Text, b.Balance.V).
							On(t.b.Host, t.a.Host).In(y.Node).Related(x.Name, "%s has %s here", t.a.Host.Name, x.Name.Text).Help("write the servers in one order on all members")
						break
					}
				}
			}
		}
	},
}

// hashes reports whether a server is chosen by something of the request.
func hashes(balance string) bool {
	switch name, _, _ := strings.Cut(balance, " "); name {
	case "source", "uri", "url_param", "hash", "rdp-cookie":
		return true
	default:
		return strings.HasPrefix(name, "hdr(") || strings.HasPrefix(name, "rdp-cookie(")
	}
}

var membersCookie = &Rule{
	ID:       "members-cookie",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				x, y := a.Proxy.Cookie, b.Proxy.Cookie
				switch {
				case x == nil && y == nil:
					continue
				case x == nil || y == nil || !t.same(x, y):
					p.drift(t, a.Proxy, b.Proxy, x, y, "%s and %s tie clients of %q to servers by different cookies: they lose their server, and their session there, at failover", t.a.Host.Name, t.b.Host.Name, a.Name.Text)
					continue
				}
				if k, l := last(a.Node.Body, "dynamic-cookie-key"), last(b.Node.Body, "dynamic-cookie-key"); k != nil && l != nil && !t.same(k, l) {
					p.drift(t, a.Proxy, b.Proxy, k, l, "%s and %s make the cookies of %q with different keys: clients lose their server, and their session there, at failover", t.a.Host.Name, t.b.Host.Name, a.Name.Text)
				}
				for s, o := range t.pairs(a, b) {
					if s.Cookie.Known() && o.Cookie.Known() && s.Cookie.V != o.Cookie.V {
						p.Report(o.Cookie.Word, "%s calls the server %q in its cookie, %s %q: clients lose it, and their session there, at failover", t.b.Host.Name, o.Cookie.V, t.a.Host.Name, s.Cookie.V).
							On(t.b.Host, t.a.Host).In(o.Node).Related(s.Cookie.Word, "%s calls it this", t.a.Host.Name).Help("write the same value on all members").Same(t.names() + a.Name.Text)
					}
				}
			}
		}
	},
}

var membersTable = &Rule{
	ID:       "members-table",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.sections() {
				x, y := stickTable(a), stickTable(b)
				if x == nil || y == nil || !slices.ContainsFunc(x.Words, func(w conf.Word) bool { return w.Text == "peers" }) {
					continue
				}
				if tableType(x) != tableType(y) {
					p.drift(t, a, b, x, y, "the table of %q is of another type on %s than on %s: neither learns from the other, although they are connected", a.Name.Text, t.a.Host.Name, t.b.Host.Name)
				}
			}
		}
	},
}

func stickTable(x *fact.Proxy) *conf.Node {
	var found *conf.Node
	for _, n := range x.Stick {
		if n.Name() == "stick-table" {
			found = n
		}
	}
	return found
}

// about is what two tables must have in common to learn from each other: type, length of the key, what is stored.
func tableType(n *conf.Node) string {
	var parts []string
	for i := 1; i+1 < len(n.Words); i++ {
		switch n.Words[i].Text {
		case "type", "len", "store", "peers":
			parts = append(parts, n.Words[i].Text+" "+n.Words[i+1].Text)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

var membersCheck = &Rule{
	ID:       "members-check",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				if x, y := t.differ(checkLines(a.Check), checkLines(b.Check)); x != nil || y != nil {
					p.drift(t, a.Proxy, b.Proxy, x, y, "%s and %s check the servers of %q in different ways: they disagree who is up", t.a.Host.Name, t.b.Host.Name, a.Name.Text)
					continue
				}
				for s, o := range t.pairs(a, b) {
					at, other, what, is, was := checkDiffers(s, o)
					if what == "" {
						continue
					}
					p.Report(at, "%s checks servers of %q with %s %s, %s with %s: they disagree who is up", t.b.Host.Name, a.Name.Text, what, is, t.a.Host.Name, was).
						On(t.b.Host, t.a.Host).Related(other, "%s says this", t.a.Host.Name).Help("write the same check on all members").Same(t.names() + a.Name.Text)
				}
			}
		}
	},
}

func checkLines(c *fact.Check) []*conf.Node {
	if c == nil {
		return nil
	}
	return append([]*conf.Node{c.Node}, c.Rules...)
}

// checkDiffers is the first difference of the checks of two server lines, the place on b before that on a.
func checkDiffers(a, b *fact.Server) (at, other conf.Word, what, is, was string) {
	if a.Checked.Known() && b.Checked.Known() && a.Checked.V != b.Checked.V {
		on := map[bool]string{true: "on", false: "off"}
		return atServer(b.Checked.Word, b), atServer(a.Checked.Word, a), "check", on[b.Checked.V], on[a.Checked.V]
	}
	if !a.Checked.V {
		return
	}
	for _, v := range []struct {
		name string
		a, b fact.Value[int]
	}{{"port", a.CheckPort, b.CheckPort}, {"fall", a.Fall, b.Fall}, {"rise", a.Rise, b.Rise}} {
		if v.a.Known() && v.b.Known() && v.a.V != v.b.V {
			return atServer(v.b.Word, b), atServer(v.a.Word, a), v.name, fmt.Sprint(v.b.V), fmt.Sprint(v.a.V)
		}
	}
	for _, v := range []struct {
		name string
		a, b fact.Value[time.Duration]
	}{{"inter", a.Inter, b.Inter}, {"fastinter", a.FastInter, b.FastInter}, {"downinter", a.DownInter, b.DownInter}} {
		if v.a.Known() && v.b.Known() && v.a.V != v.b.V {
			return atServer(v.b.Word, b), atServer(v.a.Word, a), v.name, durationText(v.b.V), durationText(v.a.V)
		}
	}
	return
}

func atServer(w conf.Word, s *fact.Server) conf.Word {
	if w.Pos.IsValid() {
		return w
	}
	return s.Address
}

var membersServerState = &Rule{
	ID:       "members-server-state",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for a, b := range t.pools() {
				for s, o := range t.pairs(a, b) {
					if !s.Down.Known() || !o.Down.Known() || !s.Weight.Known() || !o.Weight.Known() || s.Eligible() == o.Eligible() {
						continue
					}
					out, in, off, on := o, s, t.b, t.a
					if o.Eligible() {
						out, in, off, on = s, o, t.a, t.b
					}
					at := out.Down.Word
					if !out.Down.V {
						at = out.Weight.Word
					}
					p.Report(atServer(at, out), "%s keeps %s out of %q, %s does not: failover changes the pool", off.Host.Name, out.Name.Text, a.Name.Text, on.Host.Name).
						On(off.Host, on.Host).In(out.Node).Related(in.Address, "in use on %s", on.Host.Name).Help("write the same on all members")
				}
			}
		}
	},
}
