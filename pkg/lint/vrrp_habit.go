package lint

import (
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// An nginx habit: keepalived has no sign at the end of a statement, and takes it as part of the word.
var vrrpSemicolon = &Rule{
	ID:       "vrrp-semicolon",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			visit(k.Tree.Body, "", func(n *conf.Node, _ string, keywords map[string]bool) {
				w := n.Words[len(n.Words)-1]
				if len(n.Words) < 2 || !keywords[n.Name()] || n.Block || !strings.HasSuffix(w.Raw, ";") || n.Name() == "auth_pass" || strings.HasPrefix(n.Name(), "notify") || n.Name() == "script" {
					return
				}
				p.Report(w, "keepalived takes the semicolon as part of the word: %q is not %q", w.Text, strings.TrimRight(w.Text, ";")).
					On(k.Host).In(n).Help("remove the semicolon").Same("semicolon " + w.Pos.File)
			})
		}
	},
}

// sampleDirector reports whether a virtual_server is one of the file that keepalived is shipped with.
func sampleDirector(n *conf.Node) bool {
	return slices.Contains([]string{"10.10.10.2", "10.10.10.3"}, n.Arg(1).Text) && n.Arg(2).Text == "1358"
}

var vrrpSample = &Rule{
	ID:       "vrrp-sample",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if n := k.Globals["notification_email"]; n != nil {
				for _, l := range n.Body {
					if w := l.Words; len(w) > 0 && strings.HasSuffix(w[0].Text, "@firewall.loc") {
						p.Report(w[0], "%q is of the sample: mails go to a domain that is not yours", w[0].Text).On(k.Host).In(l).Help("write an address of your own, or remove the block").Same("mail")
						break
					}
				}
			}
			for _, n := range k.Virtual {
				if sampleDirector(n) {
					p.Report(n.Arg(1), "virtual_server %s %s is of the sample: keepalived asks servers that do not exist", n.Arg(1).Text, n.Arg(2).Text).On(k.Host).In(n).Help("remove it").Same("director " + strconv.Itoa(len(n.Words)))
				}
			}
		}
	},
}
