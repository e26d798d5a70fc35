package render

import (
	"net/netip"
	"slices"

	"stackgen/pkg/model"
)

// lbFiles returns the files of the balancers. Whatever does not name the host is rendered once and shared.
func lbFiles(t *model.Topology) []File {
	haproxy := newHAProxy(t)
	shared := lbSharedFiles(t, haproxy)
	var files []File
	for _, n := range t.LB.Nodes {
		files = append(files, haproxy.file(n), keepalivedFile(t, n))
		for _, f := range shared {
			f.Host = n.Name
			files = append(files, f)
		}
	}
	return files
}

// lbSharedFiles returns the files that are the same on every balancer, without a host.
func lbSharedFiles(t *model.Topology, h *haproxy) []File {
	files := slices.Clone(h.certLists)
	files = append(files, checkScript(t))
	if t.LB.Failover.Mode == "fast" {
		files = append(files, watchScript(t), watchUnit(t))
	}
	files = append(files, keepalivedDropIn(t))
	if t.LB.MaxConn > unitMaxConn {
		files = append(files, haproxyDropIn(t))
	}
	if bindsVIPs(t) {
		files = append(files, sysctlFile(t))
	}
	return files
}

// An entrance is a frontend of sites and the addresses it listens on.
type entrance struct {
	frontend string
	path     string // of what the addresses come from
	listen   []listenAddress
	sites    []model.Site
}

// A listenAddress is an address of a VIP, or the unspecified address of a family.
type listenAddress struct {
	netip.Addr
	path string
}

// bindsVIPs reports whether the frontends listen on the VIPs' own addresses. They do where several VIPs carry sites, to
// tell them apart. Else they listen on every address, which works on a balancer that does not hold the VIP.
func bindsVIPs(t *model.Topology) bool { return len(siteVIPs(t)) > 1 }

func siteVIPs(t *model.Topology) []model.VIP {
	var vips []model.VIP
	for _, v := range t.VIPs {
		if slices.ContainsFunc(t.Sites, func(s model.Site) bool { return s.VIP == v.Name }) {
			vips = append(vips, v)
		}
	}
	return vips
}

func entrances(t *model.Topology) []entrance {
	vips := siteVIPs(t)
	if len(vips) == 1 {
		return []entrance{{"fe_sites", "vips." + vips[0].Name, anyAddress(t), t.Sites}}
	}
	var all []entrance
	for _, v := range vips {
		all = append(all, entrance{"fe_vip_" + v.Name, "vips." + v.Name, vipAddresses(v), t.SitesOf(v.Name)})
	}
	return all
}

func vipAddresses(v model.VIP) []listenAddress {
	list := []listenAddress{{v.Address.Addr(), "vips." + v.Name + ".address"}}
	if v.Address6.IsValid() {
		list = append(list, listenAddress{v.Address6.Addr(), "vips." + v.Name + ".address6"})
	}
	return list
}

// anyAddress returns the unspecified address of each family that a VIP or a balancer has.
func anyAddress(t *model.Topology) []listenAddress {
	var v4, v6 string
	see := func(a netip.Addr, path string) {
		switch {
		case a.Is4() && v4 == "":
			v4 = path
		case a.Is6() && v6 == "":
			v6 = path
		}
	}
	for _, v := range t.VIPs {
		for _, a := range vipAddresses(v) {
			see(a.Addr, a.path)
		}
	}
	for _, n := range t.LB.Nodes {
		for _, a := range n.AddressList() {
			see(a, nodePath("lb.nodes", n.Node, a))
		}
	}
	var list []listenAddress
	if v4 != "" {
		list = append(list, listenAddress{netip.IPv4Unspecified(), v4})
	}
	if v6 != "" {
		list = append(list, listenAddress{netip.IPv6Unspecified(), v6})
	}
	return list
}

// nodePath is the topology path of one address of a node.
func nodePath(tier string, n model.Node, a netip.Addr) string {
	if a == n.Address {
		return tier + "." + n.Name + ".address"
	}
	return tier + "." + n.Name + ".address6"
}

// familyAddress returns the node's address in the family of a, and whether it has one.
func familyAddress(n model.Node, a netip.Addr) (netip.Addr, bool) {
	for _, own := range n.AddressList() {
		if own.Is4() == a.Is4() {
			return own, true
		}
	}
	return netip.Addr{}, false
}
