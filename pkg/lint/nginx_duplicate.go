package lint

import (
	"cmp"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var nginxDuplicate = &Rule{ID: "nginx-duplicate", Severity: diag.Error, Run: func(p *Pass) {
	p.nginxBlocks(func(b nginxBlock) {
		if len(b.host.Nginx.Tree.Errors) > 0 {
			return // a block that an error left open takes in its neighbours
		}
		first := map[string]*conf.Node{}
		twice := func(key string, n *conf.Node, at conf.Word, format string, args ...any) {
			one := first[key]
			if one == nil {
				first[key] = n
				return
			}
			p.Report(at, format+": nginx does not start", args...).On(b.host).In(n).Related(one.Words[0], "the first is here").
				Help("leave one of them out")
		}
		for _, n := range b.body {
			if !inFile(n) || n.Cond != nil {
				continue
			}
			switch name := n.Name(); {
			case name == "location":
				if kind, path := locationKey(n); kind != "~" {
					twice("location "+kind+" "+path.Text, n, path, "location %q stands twice in one block", path.Text)
				}
			case name == "upstream" && len(n.Words) == 2:
				twice("upstream "+n.Arg(1).Text, n, n.Arg(1), "upstream %q is defined twice", n.Arg(1).Text)
			case nginxDirectives()[name].once && !b.guessed():
				twice(name, n, n.Words[0], "directive %q stands twice in one block", name)
			}
		}
	})
	for _, h := range p.Hosts {
		if h.Nginx != nil {
			p.duplicateListens(h)
		}
	}
}}

// locationKey is what must be unique in a block: "=", "@" or "" for a prefix, whether or not it ends the search, and the
// path. "~": a regular expression, of which the first wins.
func locationKey(n *conf.Node) (string, conf.Word) {
	switch mod := n.Arg(1); {
	case mod.Text == "=" && len(n.Words) == 3:
		return "=", n.Arg(2)
	case mod.Text == "^~" && len(n.Words) == 3:
		return "", n.Arg(2)
	case len(n.Words) != 2 || mod.Text == "" || mod.Text[0] == '~' || mod.Text[0] == '=' || mod.Text[0] == '^':
		return "~", mod // "=/x", written together, is rare enough
	default:
		return "", mod
	}
}

func (p *Pass) duplicateListens(h *fact.Host) {
	defaults := map[*fact.Listener]*fact.NginxListen{}
	for _, s := range h.Nginx.Servers {
		seen := map[*fact.Listener]*fact.NginxListen{}
		for _, l := range s.Listen {
			if l.Node == nil || !l.Known {
				continue
			}
			if one := seen[l.Listener]; one != nil {
				p.Report(l.Word, "this server listens on %s twice: nginx does not start", cmp.Or(l.Word.Text, "it")).On(h).In(l.Node).
					Related(one.Word, "the first is here").Help("leave one of them out")
				continue
			}
			seen[l.Listener] = l
			if !l.Explicit {
				continue
			}
			if one := defaults[l.Listener]; one != nil {
				p.Report(l.Word, "two servers are the default server of %s: nginx does not start", l.Word.Text).On(h).In(l.Node).
					Related(one.Word, "the first is here").Help("take \"default_server\" off one of them")
				continue
			}
			defaults[l.Listener] = l
		}
	}
}
