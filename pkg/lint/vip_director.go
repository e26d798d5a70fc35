package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vipDirector = &Rule{
	ID:       "vip-director",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, n := range k.Virtual {
				a, err := netip.ParseAddr(n.Arg(1).Text)
				if err != nil || n.Cond != nil {
					continue
				}
				var port int
				if _, err := fmt.Sscan(n.Arg(2).Text, &port); err != nil {
					continue
				}
				i := slices.IndexFunc(k.Host.Listeners, func(l *fact.Listener) bool { return l.Known && l.Layer == fact.LayerHAProxy && l.Covers(a, port) })
				if i < 0 {
					continue
				}
				p.Report(n.Words[0], "keepalived passes %s to servers of its own before HAProxy sees a packet: HAProxy's %q gets nothing", netip.AddrPortFrom(a, uint16(port)), k.Host.Listeners[i].Word.Text).
					On(k.Host).In(n).Related(k.Host.Listeners[i].Word, "HAProxy listens here too").Help("remove the virtual_server; samples of keepalived.conf have one")
			}
		}
	},
}

var vipDirectorUnheld = &Rule{
	ID:       "vip-director-unheld",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			var some *fact.VRRPAddress
			unknown := k.Partial || k.Host.Partial
			for _, i := range k.Instances {
				unknown = unknown || i.Partial
				for _, v := range i.VIPs {
					unknown = unknown || !v.Prefix.IsValid()
					some = v
				}
			}
			if some == nil || unknown {
				continue
			}
			for _, n := range k.Virtual {
				a, err := netip.ParseAddr(n.Arg(1).Text)
				if err != nil || n.Cond != nil || holds(k.Host, a) != nil || owns(k.Host, a) || sampleDirector(n) {
					continue
				}
				p.Report(n.Arg(1), "no instance holds %s: unless somebody else gives %s the address, what virtual_server passes on there never comes", a, k.Host.Name).
					On(k.Host).In(n).Related(some.Word, "this is a virtual address").Help("write the address in virtual_ipaddress, or the virtual one here").Same(a.String())
			}
		}
	},
}
