package lint

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/fact"
)

var linkRules = slices.Concat(linkListenRules, linkLoopRules, linkSpeakRules, linkHealthRules, linkClientRules, linkSchemeRules, linkTimeoutRules, linkSiteRules,
	membersPoolRules, membersProxyRules, membersPeerRules, membersWebRules)

// links are the connections that pools in use ask for.
func links(s *fact.Stack) iter.Seq[*fact.Edge] {
	return func(yield func(*fact.Edge) bool) {
		for _, e := range s.Edges {
			if takesRequests(e.Server) && !yield(e) {
				return
			}
		}
	}
}

// takesRequests reports whether requests may go to a server: it is not switched off, its pool is used, and no condition
// hangs on it.
func takesRequests(s *fact.Server) bool {
	return s.Eligible() && s.Pool.Used && s.Node.Cond == nil
}

// open reports whether all that a host listens on is known.
func wholeHost(h *fact.Host) bool {
	if h.Partial {
		return false
	}
	datagram := map[*fact.Listener]bool{}
	if h.HAProxy != nil {
		for _, x := range h.HAProxy.Proxies {
			for _, b := range x.Binds {
				datagram[b.Listener] = b.Datagram
			}
		}
	}
	return !slices.ContainsFunc(h.Listeners, func(l *fact.Listener) bool { return !datagram[l] && (!l.Known || l.Unix == "" && l.Port == 0) })
}

// listenerAt is what accepts connections to an address and port of a host. Without an address anything but loopback does.
func listenerAt(h *fact.Host, a netip.Addr, port int) *fact.Listener {
	var found *fact.Listener
	for _, l := range h.Listeners {
		exact := l.Addr.IsValid() && !l.Addr.IsUnspecified()
		switch {
		case l.Unix != "" || port < l.Port || port > l.To:
			continue
		case !a.IsValid():
			if exact && l.Addr.IsLoopback() {
				continue
			}
		case !l.Covers(a, port):
			continue
		}
		if exact && a.IsValid() {
			return l
		}
		if found == nil {
			found = l
		}
	}
	return found
}

// spot is where a listener listens, as one would write it.
func listenText(l *fact.Listener) string {
	switch {
	case l.Unix != "":
		return l.Unix
	case l.Addr.IsValid() && !l.Addr.IsUnspecified():
		return netip.AddrPortFrom(l.Addr, uint16(l.Port)).String()
	case l.V6 && !l.V4:
		return fmt.Sprintf("[::]:%d", l.Port)
	}
	return fmt.Sprintf(":%d", l.Port)
}

// daemon is what people call what stands in a layer.
func daemonOf(l fact.Layer) string {
	switch l {
	case fact.LayerHAProxy:
		return "HAProxy"
	case fact.LayerNginx:
		return "nginx"
	case fact.LayerDatabase:
		return "the database"
	}
	return "the application"
}

// entrances are the frontends and listen sections that lead to each pool of a HAProxy.
func entrances(x *fact.HAProxy) map[*fact.Pool][]*fact.Proxy {
	in := map[*fact.Pool][]*fact.Proxy{}
	add := func(pool *fact.Pool, p *fact.Proxy) {
		if pool != nil && !slices.Contains(in[pool], p) {
			in[pool] = append(in[pool], p)
		}
	}
	for _, p := range x.Proxies {
		if p.Kind == "listen" {
			add(p.Pool, p)
		}
		for _, r := range p.Routes {
			add(r.Pool, p)
		}
	}
	return in
}

// own is the host's address of one family, as far as it is known; of several the one in the network of near.
func ownAddress(h *fact.Host, near netip.Addr) netip.Addr {
	var found netip.Addr
	best := -1
	for _, a := range h.Addresses {
		addr := a.Addr.Unmap()
		if addr.Is4() != near.Unmap().Is4() {
			continue
		}
		if n := commonBits(addr, near.Unmap()); n > best {
			found, best = addr, n
		}
	}
	return found
}

// commonBits is the length of the longest prefix that two addresses of one family share.
func commonBits(a, b netip.Addr) int {
	n := 0
	for n < a.BitLen() {
		if p, err := a.Prefix(n + 1); err != nil || !p.Contains(b) {
			break
		}
		n++
	}
	return n
}

// neighbours reports whether two addresses are in one network of the usual size.
func neighbours(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	bits := 24
	if a.Is6() {
		bits = 64
	}
	return a.Is4() == b.Is4() && commonBits(a, b) >= bits
}

// and joins names: "lb1", "lb1 and lb2", "lb1, lb2 and lb3".
func joinNames(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n > 4:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), n-3)
	case n > 1:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return names[0]
}
