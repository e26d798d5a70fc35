package lint

import (
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// twins are two members of a cluster whose HAProxy must do the same: one has to serve what the other did.
type twins struct{ a, b side }

// side is one of them.
type side struct {
	*fact.HAProxy
	byName map[string]*fact.Proxy // "frontend fe_web"; a listen section under both of its halves
}

// eachTwins compares the first member of every cluster with each of the others.
func eachTwins(s *fact.Stack) []twins {
	var all []twins
	for _, c := range s.Clusters {
		var first *fact.Host
		for _, h := range c.Hosts {
			switch {
			case h.HAProxy == nil || h.Partial || len(h.HAProxy.Proxies) == 0:
			case first == nil:
				first = h
			default:
				all = append(all, twins{newSide(first.HAProxy), newSide(h.HAProxy)})
			}
		}
	}
	return all
}

func newSide(x *fact.HAProxy) side {
	s := side{HAProxy: x, byName: map[string]*fact.Proxy{}}
	for _, p := range x.Proxies {
		if p.Node.Cond != nil {
			continue
		}
		for _, half := range halves(p) {
			if s.byName[half] == nil {
				s.byName[half] = p
			}
		}
	}
	return s
}

func halves(p *fact.Proxy) []string {
	switch p.Kind {
	case "listen":
		return []string{"frontend " + p.Name.Text, "backend " + p.Name.Text}
	}
	return []string{p.Kind + " " + p.Name.Text}
}

// like is the other side's section that does the same.
func (s side) like(p *fact.Proxy) *fact.Proxy { return s.byName[halves(p)[0]] }

// sections are the sections that both sides have, each with its twin.
func (t twins) sections() func(yield func(a, b *fact.Proxy) bool) {
	return func(yield func(a, b *fact.Proxy) bool) {
		for _, a := range t.a.Proxies {
			if b := t.b.like(a); b != nil && a.Node.Cond == nil && !yield(a, b) {
				return
			}
		}
	}
}

// neutral is a text without what differs between members for good reason: their own names and addresses.
func (s side) neutral(text string) string {
	if text == s.Host.Name || s.LocalPeer.Written() && text == s.LocalPeer.V {
		return "(own name)"
	}
	for _, a := range s.Host.Addresses {
		if at := strings.Index(text, a.Addr.String()); at >= 0 {
			end := at + len(a.Addr.String())
			if end < len(text) && text[end] >= '0' && text[end] <= '9' || at > 0 && (text[at-1] >= '0' && text[at-1] <= '9' || text[at-1] == '.') {
				continue
			}
			return text[:at] + "(own address)" + text[end:]
		}
	}
	return text
}

// same reports whether two statements say the same.
func (t twins) same(a, b *conf.Node) bool {
	return slices.EqualFunc(a.Words, b.Words, func(x, y conf.Word) bool {
		return x.Text == y.Text || t.a.neutral(x.Text) == t.b.neutral(y.Text)
	})
}

// differ finds the first statement that stands on one side alone, or in another order; both nil: there is none.
func (t twins) differ(a, b []*conf.Node) (x, y *conf.Node) {
	for i := 0; i < len(a) || i < len(b); i++ {
		switch {
		case i >= len(a):
			return nil, b[i]
		case i >= len(b):
			return a[i], nil
		case a[i].Cond != nil || b[i].Cond != nil:
			return nil, nil
		case !t.same(a[i], b[i]):
			return a[i], b[i]
		}
	}
	return nil, nil
}

// drift reports a difference of two sections: at the statement of one member, with that of the other beside it.
func (p *Pass) drift(t twins, a, b *fact.Proxy, x, y *conf.Node, format string, args ...any) *Finding {
	at, node, other, on, off := y, y, x, t.b, t.a
	where := a
	if y == nil {
		at, node, other, on, off = x, x, nil, t.a, t.b
		where = b
	}
	f := p.Report(at.Words[0], format, args...).On(on.Host, off.Host).In(node)
	if other != nil {
		f.Related(other.Words[0], "%s says this", off.Host.Name)
	} else {
		f.Related(where.Name, "%s has no such line", off.Host.Name)
	}
	return f.Help("write the same on all members")
}

func (t twins) names() string { return t.a.Host.Name + " and " + t.b.Host.Name }

// spotOf is the address and port of a server line, or its words where the address is a name.
func (s side) spotOf(srv *fact.Server) string {
	switch {
	case srv.Unix != "":
		return srv.Unix
	case srv.Addr.IsValid() && srv.Port != 0:
		if slices.ContainsFunc(s.Host.Addresses, func(a fact.Address) bool { return a.Addr == srv.Addr.Unmap() }) {
			return s.neutral(srv.Address.Text)
		}
		return netip.AddrPortFrom(srv.Addr, uint16(srv.Port)).String()
	}
	return srv.Address.Text
}
