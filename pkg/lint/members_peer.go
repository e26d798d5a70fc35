package lint

import (
	"net/netip"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var membersPeerRules = []*Rule{membersPeers, membersLocalPeer}

var membersPeers = &Rule{
	ID:       "members-peers",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			for _, a := range t.a.Peers {
				for _, b := range t.b.Peers {
					if a.Name.Text == b.Name.Text {
						p.otherPeers(t, a, b)
					}
				}
			}
		}
	},
}

func (p *Pass) otherPeers(t twins, a, b *fact.Peers) {
	byName := map[string]*fact.Peer{}
	byAddr := map[netip.AddrPort]*fact.Peer{}
	for _, e := range a.List {
		byName[e.Name.Text] = e
		if e.Addr.IsValid() {
			byAddr[netip.AddrPortFrom(e.Addr, uint16(e.Port))] = e
		}
	}
	for _, e := range b.List {
		if !e.Addr.IsValid() || e.Port == 0 {
			continue
		}
		o := byName[e.Name.Text]
		switch {
		case o != nil && o.Addr.IsValid() && (o.Addr != e.Addr || o.Port != e.Port):
			p.Report(e.Word, "peer %q is %s on %s and %s on %s: one of them connects to nothing, and the tables are not shared", e.Name.Text, e.Word.Text, t.b.Host.Name, o.Word.Text, t.a.Host.Name).
				On(t.b.Host, t.a.Host).Related(o.Word, "on %s", t.a.Host.Name).Help("write the same peers on all members").Same(t.names() + b.Name.Text + e.Name.Text)
		case o == nil:
			other := byAddr[netip.AddrPortFrom(e.Addr, uint16(e.Port))]
			if other == nil && len(a.List) == 0 {
				continue
			}
			f := p.Report(e.Name, "%s knows a peer %q, %s does not: HAProxy refuses a peer by a name it does not know, and the tables are not shared", t.b.Host.Name, e.Name.Text, t.a.Host.Name).
				On(t.b.Host, t.a.Host).Help("write the same peers on all members").Same(t.names() + b.Name.Text)
			if other != nil {
				f.Related(other.Name, "%s calls it %q", t.a.Host.Name, other.Name.Text)
			} else {
				f.Related(a.Name, "not here")
			}
			return
		}
	}
	there := map[string]bool{}
	for _, e := range b.List {
		there[e.Name.Text] = true
	}
	for _, e := range a.List {
		if !there[e.Name.Text] && len(b.List) > 0 {
			p.Report(e.Name, "%s knows a peer %q, %s does not: HAProxy refuses a peer by a name it does not know, and the tables are not shared", t.a.Host.Name, e.Name.Text, t.b.Host.Name).
				On(t.a.Host, t.b.Host).Related(b.Name, "not here").Help("write the same peers on all members").Same(t.names() + b.Name.Text)
			return
		}
	}
}

var membersLocalPeer = &Rule{
	ID:       "members-localpeer",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for _, t := range eachTwins(p.Stack) {
			if len(t.a.Peers) == 0 || len(t.b.Peers) == 0 {
				continue
			}
			if x, y := t.a.LocalPeer, t.b.LocalPeer; x.Written() && y.Written() && x.V == y.V {
				p.Report(y.Word, "%s and %s both call themselves %q: each takes the other for itself, and the tables are not shared", t.a.Host.Name, t.b.Host.Name, y.V).
					On(t.b.Host, t.a.Host).Related(x.Word, "on %s", t.a.Host.Name).Help("write localpeer %s on %s", t.b.Host.Name, t.b.Host.Name)
			}
		}
		for _, h := range p.Hosts {
			x := h.HAProxy
			if x == nil || h.Partial || !x.LocalPeer.Written() {
				continue
			}
			for _, peers := range x.Peers {
				if len(peers.List) == 0 || peers.Node.Cond != nil || inPeers(peers, x.LocalPeer.V) {
					continue
				}
				p.Report(x.LocalPeer.Word, "%q is none of the peers %q: HAProxy drops the section, and the tables are not shared", x.LocalPeer.V, peers.Name.Text).On(h).
					Related(peers.Name, "the peers").Help("write localpeer with the name that the peers give %s", h.Name)
			}
		}
	},
}

func inPeers(peers *fact.Peers, name string) bool {
	for _, e := range peers.List {
		if e.Name.Text == name {
			return true
		}
	}
	return false
}
