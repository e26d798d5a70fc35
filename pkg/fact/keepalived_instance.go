package fact

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

func (k *Keepalived) instance(n *conf.Node, defined map[string]*VRRPScript) *VRRPInstance {
	at, body := n.Words[0], n.Body
	i := &VRRPInstance{Keepalived: k, Name: n.Arg(1), Node: n, Partial: n.Cond != nil || vrrpGaps(body)}
	i.State = vrrpState(body, at)
	i.Interface = vrrpLast(body, at, "", vrrpText, "interface")
	i.RouterID = vrrpLast(body, at, 0, vrrpID, "virtual_router_id")
	i.priority(body, at)
	i.Delay = vrrpLast(body, at, 0, vrrpDelay, "preempt_delay")
	i.NoPreempt = vrrpFlag(body, at, false, "nopreempt", "preempt")
	i.Source = vrrpLast(body, at, netip.Addr{}, vrrpAddr, "unicast_src_ip", "mcast_src_ip")
	i.AuthType, i.AuthPass = vrrpAuth(body, at)
	i.DownAdverts = vrrpLast(body, at, 0, vrrpAdverts, "down_timer_adverts")
	if i.DownAdverts.State == Default {
		i.DownAdverts.V, i.DownAdverts.State = 3, k.unsaid()
		if g := k.Globals["vrrp_down_timer_adverts"]; g != nil {
			i.DownAdverts = vrrpLast([]*conf.Node{g}, at, 3, vrrpAdverts, g.Name())
		}
	}

	i.Strict = vrrpLast(body, at, false, vrrpSwitch, "strict_mode")
	if i.Strict.State == Default {
		i.Strict = k.Strict
	}
	i.Accept = vrrpFlag(body, at, false, "accept", "no_accept")
	if i.Accept.State == Default {
		i.Accept.V = !i.Strict.V || i.Priority.V == 255
		if !i.Strict.Known() || i.Strict.V && !i.Priority.Known() {
			i.Accept.State = Unknown
		}
	}

	v6 := i.addresses(body, at)
	i.version(body, at, v6)
	i.advert(body, at)
	i.Tracks = k.tracks(body, defined, false)
	i.Notify = vrrpNotify(body)
	return i
}

// vrrpGaps reports whether statements of a block may be missing. A setting that depends on a condition is itself unknown;
// only in a list it makes the list partial.
func vrrpGaps(body []*conf.Node) bool {
	for _, n := range body {
		if vrrpOpaque(n) || n.Block && n.Cond != nil {
			return true
		}
		for _, c := range n.Body {
			if c.Cond != nil || vrrpOpaque(c) {
				return true
			}
		}
	}
	return false
}

// vrrpState reads the state: MASTER stays, whatever comes later; what keepalived does not know is BACKUP.
func vrrpState(body []*conf.Node, at conf.Word) Value[string] {
	master := false
	return vrrpLast(body, at, "BACKUP", func(n *conf.Node) (string, reading) {
		s, r := vrrpText(n)
		if r != taken {
			return s, r
		}
		if s == "MASTER" {
			master = master || n.Cond == nil
			return s, taken
		}
		if master && s == "BACKUP" {
			return s, ignored
		}
		return "BACKUP", taken
	}, "state")
}

func vrrpID(n *conf.Node) (int, reading) {
	v, ok := vrrpNumber(n.Arg(1).Text)
	switch {
	case vrrpUnknown(n.Arg(1)):
		return 0, unreadable
	case !ok || v < 1 || v > 255:
		return 0, ignored
	}
	return v, taken
}

// priority without a valid number is 100; a MASTER without any priority is the owner of the addresses, 255.
func (i *VRRPInstance) priority(body []*conf.Node, at conf.Word) {
	i.Priority = vrrpLast(body, at, 0, func(n *conf.Node) (int, reading) {
		v, r := vrrpID(n)
		if r == ignored {
			return 100, taken
		}
		return v, r
	}, "priority")
	if i.Priority.State == Default {
		i.Priority.V = 100
		if i.State.V == "MASTER" {
			i.Priority.V = 255
		}
		if !i.State.Known() {
			i.Priority.State = Unknown
		}
	}
}

func vrrpDelay(n *conf.Node) (time.Duration, reading) {
	v, ok := vrrpSeconds(n.Arg(1).Text)
	switch {
	case !ok:
		return 0, unreadable
	case v > 1000*time.Second:
		return 0, taken
	}
	return v, taken
}

func vrrpAdverts(n *conf.Node) (int, reading) {
	v, ok := vrrpNumber(n.Arg(1).Text)
	switch {
	case vrrpUnknown(n.Arg(1)):
		return 0, unreadable
	case !ok || v < 1 || v > 100:
		return 0, ignored
	}
	return v, taken
}

func vrrpAddr(n *conf.Node) (netip.Addr, reading) {
	a, ok := parseVRRPAddr(n.Arg(1).Text)
	switch {
	case vrrpUnknown(n.Arg(1)):
		return a, unreadable
	case !ok:
		return a, ignored
	}
	return a, taken
}

// parseVRRPAddr is inet_pton: no zone.
func parseVRRPAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}

// vrrpAuth reads all authentication blocks as one.
func vrrpAuth(body []*conf.Node, at conf.Word) (kind, pass Value[string]) {
	var all []*conf.Node
	for _, n := range body {
		if vrrpOpaque(n) {
			all = append(all, n)
		} else if n.Name() == "authentication" {
			all = append(all, n.Body...)
		}
	}
	kind = vrrpLast(all, at, "", func(n *conf.Node) (string, reading) {
		s, r := vrrpText(n)
		if r == taken && s != "PASS" && s != "AH" {
			r = ignored
		}
		return s, r
	}, "auth_type")
	return kind, vrrpLast(all, at, "", vrrpText, "auth_pass")
}

// addresses reads peers and virtual addresses, and reports whether the instance is one of IPv6: as the first address is.
func (i *VRRPInstance) addresses(body []*conf.Node, at conf.Word) Value[bool] {
	k := i.Keepalived
	var v6 Value[bool]
	family := func(a netip.Addr, unsure bool) (fits bool) {
		if v6.State == Default {
			v6 = Value[bool]{V: a.Is6(), State: Written}
			if unsure {
				v6.State = Unknown
			}
		}
		return !v6.Known() || v6.V == a.Is6()
	}
	ttl := false
	for _, n := range body {
		switch name := n.Name(); name {
		case "native_ipv6":
			family(netip.IPv6Unspecified(), n.Cond != nil)
		case "unicast_src_ip", "mcast_src_ip":
			if a, r := vrrpAddr(n); r == taken {
				family(a, n.Cond != nil)
			}
		case "unicast_peer":
			for _, l := range n.Body {
				if len(l.Words) == 0 || vrrpOpaque(l) && l.Unread {
					continue
				}
				p := VRRPPeer{Word: l.Words[0], Node: l}
				if a, ok := parseVRRPAddr(p.Word.Text); ok && l.Cond == nil && family(a, false) {
					p.Addr = a
				}
				ttl = ttl || slices.ContainsFunc(l.Words, func(w conf.Word) bool { return w.Text == "min_ttl" || w.Text == "max_ttl" })
				i.Peers = append(i.Peers, p)
			}
		case "virtual_ipaddress", "virtual_ipaddress_excluded":
			for _, l := range n.Body {
				if l.Cond != nil || len(l.Words) == 0 || vrrpOpaque(l) {
					continue // the instance is partial
				}
				a := i.address(l)
				a.Excluded = name == "virtual_ipaddress_excluded"
				if !a.Excluded && a.Prefix.IsValid() && !a.Malformed {
					a.Malformed = !family(a.Prefix.Addr(), false)
				}
				i.VIPs = append(i.VIPs, a)
			}
		}
		if strings.HasPrefix(n.Name(), "unicast_") {
			i.Unicast = true
		}
	}

	i.CheckSrc = vrrpLast(body, at, false, vrrpSwitch, "check_unicast_src")
	switch {
	case i.CheckSrc.State != Default:
	case ttl:
		i.CheckSrc = Value[bool]{V: true, Word: i.Peers[0].Word, State: Written}
	default:
		i.CheckSrc = k.globalFlag("vrrp_check_unicast_src")
	}
	if v6.State == Default && i.Partial {
		v6.State = Unknown
	}
	return v6
}

// vrrpOptions are the words of an address line that take another word.
var vrrpOptions = []string{"dev", "brd", "broadcast", "scope", "label", "peer", "preferred_lft", "track_group"}

// vrrpFlags are those that stand alone.
var vrrpFlags = []string{"home", "-nodad", "nodad", "mngtmpaddr", "noprefixroute", "autojoin", "no_track", "use_vmac"}

// address reads a line of virtual_ipaddress. A second address on the line is not configured.
func (i *VRRPInstance) address(n *conf.Node) *VRRPAddress {
	a := &VRRPAddress{Instance: i, Node: n, Word: n.Words[0], Dev: i.Interface}
	if a.Dev.Known() {
		a.Dev.State = Default
	}
	found := false
	for j := 0; j < len(n.Words); j++ {
		w := n.Words[j]
		switch {
		case w.Text == "dev":
			j++
			a.Dev = Value[string]{V: n.Arg(j).Text, Word: n.Arg(j), State: Written}
			if vrrpUnknown(a.Dev.Word) {
				a.Dev.State = Unknown
			}
		case slices.Contains(vrrpOptions, w.Text):
			j++
		case slices.Contains(vrrpFlags, w.Text) || found:
		default:
			found = true
			a.Word = w
			a.Prefix, a.Written, a.Malformed = vrrpPrefix(w.Text)
		}
	}
	if !found {
		a.Malformed = true
	}
	return a
}

// vrrpPrefix reads an address with or without a prefix length. As keepalived does, it takes the digits at the front of the
// length, and the full length for one that is too long.
func vrrpPrefix(s string) (p netip.Prefix, written, malformed bool) {
	ip, length, written := strings.Cut(s, "/")
	a, ok := parseVRRPAddr(ip)
	if !ok {
		return p, written, true
	}
	bits := a.BitLen()
	if written {
		digits := length[:len(length)-len(strings.TrimLeft(length, "0123456789"))]
		v, _ := vrrpNumber(digits)
		bits = min(v, bits)
	}
	return netip.PrefixFrom(a, bits), written, false
}

// version: the first valid statement stands, else IPv6 is 3 and IPv4 what global_defs says.
func (i *VRRPInstance) version(body []*conf.Node, at conf.Word, v6 Value[bool]) {
	set := false
	i.Version = vrrpLast(body, at, 0, func(n *conf.Node) (int, reading) {
		v, r := vrrpVersion(n)
		if set {
			return v, ignored
		}
		set = r == taken && n.Cond == nil
		return v, r
	}, "version")
	if i.Version.State != Default {
		return
	}
	i.Version.V = 3
	global := i.Keepalived.Version
	if global.Known() && global.V == 3 || v6.Known() && v6.V {
		return
	}
	i.Version.V = global.V
	if !global.Known() || !v6.Known() {
		i.Version.State = Unknown
	}
}

// Advertisement intervals: those of version 2 are whole seconds, those of version 3 have 12 bits of hundredths.
const (
	minAdvert  = 10 * time.Millisecond
	maxAdvert  = 255 * time.Second
	maxAdvert3 = 4095 * 10 * time.Millisecond
)

func (i *VRRPInstance) advert(body []*conf.Node, at conf.Word) {
	i.Advert = vrrpLast(body, at, time.Second, func(n *conf.Node) (time.Duration, reading) {
		v, ok := vrrpSeconds(n.Arg(1).Text)
		switch {
		case vrrpUnknown(n.Arg(1)):
			return 0, unreadable
		case !ok || v < minAdvert || v > maxAdvert:
			return 0, ignored
		}
		return v, taken
	}, "advert_int")
	v2, v3 := max(i.Advert.V.Round(time.Second), time.Second), min(i.Advert.V, maxAdvert3)
	switch {
	case !i.Version.Known() && v2 != v3:
		i.Advert.State = Unknown
	case i.Version.V == 2:
		i.Advert.V = v2
	default:
		i.Advert.V = v3
	}
}
