package render

import (
	"net/netip"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// dnsTTL in seconds: the VIP moves between hosts, the name does not, so an hour would do; five minutes leave room for
// moving the whole stack.
const dnsTTL = "300"

// dnsFile is a fragment of a zone file (RFC 1035 section 5) with every domain of every site.
func dnsFile(t *model.Topology) File {
	var p page
	put := func(path, statement string) { p.put(path, 0, statement, "") }
	put("sites", "; Addresses of the sites' domains: the virtual IPs, as the world sees them.")
	put("sites", "; Add these records to the zones that hold the domains; names are absolute, the order does not matter.")
	for _, s := range t.Sites {
		vip := "vips." + s.VIP
		for _, d := range s.Domains {
			for _, a := range publicAddresses(t.VIP(s.VIP)) {
				kind, key := "A", ".public"
				if a.Is6() {
					kind = "AAAA"
					if t.VIP(s.VIP).Address6.IsValid() {
						key = ".public6"
					}
				}
				put(vip+key, d+".\t"+dnsTTL+"\tIN\t"+kind+"\t"+a.String())
			}
		}
	}
	return p.file("", "dns.zone", conf.Other, configMode)
}

// publicAddresses are what DNS shows for a virtual IP.
func publicAddresses(v model.VIP) []netip.Addr {
	if v.Public6.IsValid() {
		return []netip.Addr{v.Public, v.Public6}
	}
	return []netip.Addr{v.Public}
}
