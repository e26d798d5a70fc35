package lint

import (
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpAuthNoPass = &Rule{
	ID:       "vrrp-auth-no-pass",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.AuthType.Written() && i.AuthPass.State == fact.Default && !i.Partial && (!i.Version.Known() || i.Version.V == 2) {
				p.Report(i.AuthType.Word, "there is no auth_pass: keepalived sends adverts without a password, and a member that has one drops them").
					On(host(i)).In(line(i.Node, i.AuthType.Word)).Help("write auth_pass on a line of its own, the same on all members, or remove the block everywhere")
			}
		}
	},
}

var vrrpAuthLong = &Rule{
	ID:       "vrrp-auth-long",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if kind, _, known := i.Auth(); known && kind != "" && len(i.AuthPass.V) > 8 && !placeholder(i.AuthPass.Word) {
				p.Report(i.AuthPass.Word, "the password is cut to 8 characters: passwords that begin alike are equal, whatever follows").
					On(host(i)).In(line(i.Node, i.AuthPass.Word)).Proof("%d characters are written, %d count", len(i.AuthPass.V), 8).Help("write at most 8 characters")
			}
		}
	},
}

var vrrpAuthVersion = &Rule{
	ID:       "vrrp-auth-version",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			if i.AuthType.Written() && i.Version.Known() && i.Version.V == 3 {
				p.Report(i.AuthType.Word, "VRRP version 3 has no authentication: keepalived ignores the block, and anyone in the network can take %s", vipsOf(i)).
					On(host(i)).In(line(i.Node, i.AuthType.Word)).Related(versionWord(i), "version 3").
					Help("remove the block, and list unicast peers with vrrp_check_unicast_src; or set version 2")
			}
		}
	},
}
