package render

import (
	"net/netip"
	"strconv"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

const (
	keepalivedPath = "/etc/keepalived/keepalived.conf"
	checkName      = "chk_haproxy"
	watchName      = "watch_haproxy"
)

// VRRP priorities. Near 255 a standby waits least before it takes over: its skew is (256-priority)/256 of an
// advertisement interval. 255 itself would be an address owner. Among equals the highest address wins (RFC 9568).
const (
	preferredPriority = 250
	otherPriority     = 249
)

// keepalivedFile is keepalived.conf of one member.
func keepalivedFile(t *model.Topology, n model.Balancer) File {
	var p page
	p.note("lb.nodes."+n.Name, 0, "keepalived.conf of "+n.Name+": the members differ in router_id, interface, priority and unicast addresses.\n"+
		"Rendered by stackgen; edit the topology, not this file.")
	p.vrrpGlobal(t, n)
	p.vrrpTracked(t)
	for _, v := range t.VIPs {
		name := "VI_" + v.Name
		if !v.Address6.IsValid() {
			p.vrrpInstance(t, n, v, name, v.Address, v.RouterID, "vips."+v.Name+".address")
			continue
		}
		p.gap()
		p.put("vips."+v.Name+".address6", 0, "vrrp_sync_group VG_"+v.Name+" {", "both families move together")
		p.put("vips."+v.Name+".address6", 4, "group {", "")
		p.put("vips."+v.Name+".address", 8, name, "")
		p.put("vips."+v.Name+".address6", 8, name+"_6", "")
		p.put("vips."+v.Name+".address6", 4, "}", "")
		p.put("vips."+v.Name+".address6", 0, "}", "")
		p.vrrpInstance(t, n, v, name, v.Address, v.RouterID, "vips."+v.Name+".address")
		p.vrrpInstance(t, n, v, name+"_6", v.Address6, v.RouterID6, "vips."+v.Name+".address6")
	}
	return p.file(n.Name, keepalivedPath, conf.Keepalived, configMode)
}

func (p *page) vrrpGlobal(t *model.Topology, n model.Balancer) {
	user, why := "nobody nogroup", "the check needs no rights"
	if !t.Targets.Keepalived.AtLeast(2, 3) {
		user, why = "root", "2.2.7 refuses every checked reload with another user"
	}
	refresh := "10"
	if len(t.VIPs) > 50 {
		refresh = "60"
	}
	p.gap()
	p.put("lb", 0, "global_defs {", "")
	p.put("lb.nodes."+n.Name, 4, "router_id "+n.Name, "")
	p.put("targets.keepalived", 4, "script_user "+user, why)
	p.put("lb", 4, "enable_script_security", "no script that another user could replace")
	p.put("lb", 4, "reload_check_config", "a broken file does not replace the running one")
	p.put("lb", 4, "max_auto_priority 50", "scheduled too late: real time, instead of a false failover")
	p.put("lb", 4, "vrrp_rlimit_rttime 1000000", "microseconds; the default of 10 ms kills it while it takes over")
	p.put("lb", 4, "vrrp_check_unicast_src", "adverts from the peers only")
	p.put("lb", 4, "vrrp_higher_prio_send_advert true", "after a healed split the clients learn the holder at once, not in 47 s")
	p.put("lb", 4, "vrrp_garp_master_delay 1", "seconds until the second round of ARP announcements")
	p.put("vips", 4, "vrrp_garp_master_refresh "+refresh, "seconds a stale ARP entry can live")
	p.put("lb", 4, "vrrp_garp_master_refresh_repeat 1", "")
	p.put("lb", 4, "vrrp_garp_lower_prio_delay 1", "announce again when a lower member had the VIP too")
	p.put("lb", 4, "vrrp_garp_lower_prio_repeat 2", "")
	p.raw("raw.keepalived.global_defs", t.Raw.Keepalived.GlobalDefs)
	p.put("lb", 0, "}", "")
}

// vrrpTracked defines what the instances track. It stands before them: keepalived knows no forward reference.
func (p *page) vrrpTracked(t *model.Topology) {
	f := t.LB.Failover
	p.gap()
	p.note("lb.failover", 0, "No weight: failure is FAULT, which alone moves the VIP under nopreempt.")
	p.put("lb.failover.check", 0, "vrrp_script "+checkName+" {", "")
	p.put("lb.stats", 4, "script "+checkPath, "the local HAProxy answers, not only exists")
	p.put("lb.failover.check.interval", 4, "interval "+scriptSeconds(t, f.Check.Interval), "")
	p.put("lb.failover.check.interval", 4, "timeout "+scriptSeconds(t, 3*f.Check.Interval), "above the limit in the script")
	p.put("lb.failover.check.fall", 4, "fall "+itoa(f.Check.Fall), "")
	p.put("lb.failover.check.rise", 4, "rise "+itoa(f.Check.Rise), "")
	p.put("lb", 4, "init_fail", "no VIP before HAProxy has answered")
	p.put("lb.failover.check", 0, "}", "")
	if f.Mode != "fast" {
		return
	}
	p.gap()
	p.note("lb.failover.mode", 0, "The watcher writes 1 here when HAProxy does not answer. Should the watcher die, the script above is left.")
	p.put("lb.failover.mode", 0, "vrrp_track_file "+watchName+" {", "")
	p.put("lb.failover.mode", 4, "file "+watchState, "")
	p.put("lb.failover.mode", 4, "weight 0", "anything but 0 is FAULT")
	p.put("lb.failover.mode", 4, "init_file 0 overwrite", "")
	p.put("lb.failover.mode", 0, "}", "")
}

// vrrpInstance is one address of a VIP on one member.
func (p *page) vrrpInstance(t *model.Topology, n model.Balancer, v model.VIP, name string, address netip.Prefix, router int, path string) {
	vip, f := "vips."+v.Name, t.LB.Failover
	nodeInterface := "lb.nodes." + n.Name + ".interface"
	priority := otherPriority
	if v.Prefer == n.Name {
		priority = preferredPriority
	}
	routerPath := vip + ".router_id"
	if path == vip+".address6" {
		routerPath += "6"
	}
	p.gap()
	p.put(path, 0, "vrrp_instance "+name+" {", "")
	p.put("lb", 4, "state BACKUP", "on every member: MASTER would clear nopreempt")
	p.put(nodeInterface, 4, "interface "+n.Interface, "")
	p.put("lb", 4, "version 3", "knows intervals below a second, no passwords in clear")
	p.put(routerPath, 4, "virtual_router_id "+itoa(router), "alone in its network")
	p.put(vip+".prefer", 4, "priority "+itoa(priority), "high: shorter wait before taking over")
	p.put("lb.failover.advert", 4, "advert_int "+seconds(f.Advert), "a lost holder is replaced after 3 of them")
	if f.Preempt {
		p.put("lb.failover.preempt_delay", 4, "preempt_delay "+seconds(f.PreemptDelay), "HAProxy's checks have found the servers by then")
	} else {
		p.put("lb.failover.preempt", 4, "nopreempt", "one interruption per failure, none at the repair")
	}
	p.vrrpPeers(t, n, address.Addr())
	p.put(path, 4, "virtual_ipaddress {", "")
	entry, why := address.String()+" dev "+n.Interface, ""
	if address.Addr().Is6() {
		entry, why = entry+" preferred_lft 0", "never the source of the balancer's own connections"
	}
	p.put(path, 8, entry, why)
	p.put(path, 4, "}", "")
	if address.Addr().Is4() {
		p.put("lb", 4, "promote_secondaries", "a VIP that leaves takes no other of its subnet along")
	}
	p.put("lb.failover.check", 4, "track_script {", "")
	p.put("lb.failover.check", 8, checkName, "")
	p.put("lb.failover.check", 4, "}", "")
	if f.Mode == "fast" {
		p.put("lb.failover.mode", 4, "track_file {", "")
		p.put("lb.failover.mode", 8, watchName, "")
		p.put("lb.failover.mode", 4, "}", "")
	}
	p.raw("raw.keepalived.vrrp_instance", t.Raw.Keepalived.VRRPInstance)
	p.put(path, 0, "}", "")
}

// vrrpPeers names the other members. A member alone, or one without an address of the VIP's family, sends to the
// multicast group.
func (p *page) vrrpPeers(t *model.Topology, n model.Balancer, vip netip.Addr) {
	own, ok := familyAddress(n.Node, vip)
	type peer struct {
		addr netip.Addr
		path string
	}
	var peers []peer
	for _, other := range t.LB.Nodes {
		if other.Name == n.Name {
			continue
		}
		a, has := familyAddress(other.Node, vip)
		ok = ok && has
		peers = append(peers, peer{a, nodePath("lb.nodes", other.Node, a)})
	}
	if !ok || len(peers) == 0 {
		return
	}
	p.put(nodePath("lb.nodes", n.Node, own), 4, "unicast_src_ip "+own.String(), "works where multicast does not")
	p.put("lb.nodes", 4, "unicast_peer {", "")
	for _, o := range peers {
		p.put(o.path, 8, o.addr.String()+" min_ttl 255 max_ttl 255", "from the same network only")
	}
	p.put("lb.nodes", 4, "}", "")
	p.put("lb.nodes", 4, "unicast_fault_no_peer", "never multicast by accident")
	p.put("lb.nodes", 4, "track_src_ip", "without its own address a member is FAULT")
}

// seconds prints a duration for keepalived: "1", "0.2".
func seconds(d model.Duration) string {
	return strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64)
}

// scriptSeconds prints an interval of scripts: before 2.3 keepalived takes whole seconds only.
func scriptSeconds(t *model.Topology, d model.Duration) string {
	if !t.Targets.Keepalived.AtLeast(2, 3) {
		return strconv.FormatInt(max(1, (d.Milliseconds()+999)/1000), 10)
	}
	return seconds(d)
}
