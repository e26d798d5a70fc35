package fact

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"stackgen/pkg/conf"
)

// bind reads the addresses of n's i-th word, with the options behind it.
func (r *haproxyReader) bind(p *Proxy, n *conf.Node, i int) {
	if i >= len(n.Words) {
		return
	}
	var l Listener // what all the addresses have in common
	l.Host, l.Layer = r.Host, LayerHAProxy
	l.Proxies = []*Proxy{p}
	l.TLS.Word, l.HTTP2.Word, l.Proxy.Word = n.Words[0], n.Words[0], n.Words[0]
	var alpn Value[string]
	alpn.Word = n.Words[0]
	var certs []conf.Word
	v4v6, v6only := false, false
	for k := i + 1; k < len(n.Words); {
		name := n.Words[k]
		takes := haproxyTakes("bind", name.Text)
		val := n.Arg(k + 1)
		missing := k+takes >= len(n.Words)
		k += 1 + takes
		if missing {
			continue
		}
		switch name.Text {
		case "ssl":
			l.TLS = r.flag(n, name, true)
		case "accept-proxy":
			l.Proxy = r.flag(n, name, true)
		case "alpn":
			alpn = r.textOf(n, val, true)
		case "no-alpn":
			alpn = r.means(n, name, "")
		case "proto":
			l.HTTP2 = r.flag(n, val, val.Text == "h2")
		case "crt", "default-crt":
			certs = append(certs, val)
		case "crt-list":
			certs = append(certs, r.crtList(val)...)
		case "v4v6":
			v4v6 = true
		case "v6only":
			v6only = true
		}
	}
	if alpn.State != Default && l.HTTP2.State == Default {
		l.HTTP2 = Value[bool]{V: hasProtocol(alpn.V, "h2"), Word: alpn.Word, State: alpn.State}
	}

	for _, w := range splitWord(n.Words[i]) {
		one := l
		a, ok := r.address(n, w)
		one.Word, one.Known = w, ok && n.Cond == nil && (a.port > 0 || a.unix != "")
		one.Addr, one.Port, one.To, one.Unix = a.addr, a.port, a.to, a.unix
		switch {
		case a.datagram:
			one.Port, one.To, one.Known = 0, 0, false // no TCP connection reaches it
		case a.unix != "":
		case a.name != "":
			one.Known = false
		case a.addr.Is6() && a.addr.IsUnspecified():
			// Linux gives IPv4 clients to a socket of "::" unless it is told not to.
			one.V6, one.V4 = true, v4v6 || !v6only
		default:
			one.V6, one.V4 = a.addr.Is6(), !a.addr.Is6()
		}
		if a.addr.IsUnspecified() {
			one.Addr = netip.Addr{}
		}
		p.Binds = append(p.Binds, &Bind{Proxy: p, Word: w, Node: n, Certs: certs, ALPN: alpn, Datagram: a.datagram, Listener: &one})
	}
}

func hasProtocol(alpn, name string) bool {
	for one := range strings.SplitSeq(alpn, ",") {
		if strings.TrimSpace(one) == name {
			return true
		}
	}
	return false
}

// crtList are the certificates that a crt-list names, or the list itself where it is not in the host's tree.
func (r *haproxyReader) crtList(w conf.Word) []conf.Word {
	if r.Host.Source == nil {
		return []conf.Word{w}
	}
	f, ok := r.Host.Source.File(w.Text)
	if !ok {
		return []conf.Word{w}
	}
	name := r.Host.Source.Place(w.Text)
	var certs []conf.Word
	off, line := 0, 0
	for text := range strings.Lines(string(f.Data)) {
		line++
		if words := strings.Fields(text); len(words) > 0 && words[0][0] != '#' {
			at := strings.Index(text, words[0])
			c := conf.Word{Text: words[0], Raw: words[0], Off: off + at}
			c.Pos.File, c.Pos.Line, c.Pos.Col = name, line, 1+utf8.RuneCountInString(text[:at])
			certs = append(certs, c)
		}
		off += len(text)
	}
	return certs
}

// splitWord cuts a list of addresses at its commas. Each part has its own place, unless quotes or escapes hide it.
func splitWord(w conf.Word) []conf.Word {
	if strings.IndexByte(w.Text, ',') < 0 {
		return []conf.Word{w}
	}
	var parts []conf.Word
	at := 0
	for text := range strings.SplitSeq(w.Text, ",") {
		part := w
		part.Text = text
		if w.Raw == w.Text {
			part.Raw = text
			part.Off += at
			part.Pos.Col += utf8.RuneCountInString(w.Text[:at])
		}
		parts = append(parts, part)
		at += len(text) + 1
	}
	return parts
}

// haproxyAddress is an address as str2sa_range understands it.
type haproxyAddress struct {
	addr     netip.Addr // invalid: a name, or a socket
	name     string
	port, to int // 0: none, or relative
	unix     string
	datagram bool // UDP, QUIC
}

// address reads a word that holds an address. !ok: it holds a variable, or what cannot be connected to from outside.
func (r *haproxyReader) address(n *conf.Node, w conf.Word) (haproxyAddress, bool) {
	text, ok := r.expand(w)
	a, valid := parseHAProxyAddress(text)
	if !ok {
		// "${VIP}:80" has lost its address, but the port is written.
		a.addr, a.name, a.unix = netip.Addr{}, "", ""
		if !strings.HasSuffix(w.Text, ":"+strconv.Itoa(a.port)) {
			a.port, a.to = 0, 0
		}
	}
	return a, ok && valid
}

func parseHAProxyAddress(s string) (a haproxyAddress, ok bool) {
	any := netip.IPv4Unspecified()
	prefix, rest, found := strings.Cut(s, "@")
	if found && prefix != "" && !strings.ContainsAny(prefix, "/:[") {
		s = rest
		a.datagram = strings.HasPrefix(prefix, "udp") || strings.HasPrefix(prefix, "quic") || strings.HasPrefix(prefix, "dgram")
		switch prefix = prefix[strings.IndexByte(prefix, '+')+1:]; prefix {
		case "ipv6", "tcp6", "udp6", "quic6", "mptcp6":
			any = netip.IPv6Unspecified()
		case "ipv4", "tcp4", "udp4", "quic4", "tcp", "udp", "mptcp", "mptcp4", "ip":
		case "unix", "uxst", "uxdg":
			a.unix = s
			return a, s != ""
		case "abns", "abnsz":
			a.unix = prefix + "@" + s
			return a, s != ""
		default: // fd, sockpair, rhttp
			return a, false
		}
	}
	if strings.HasPrefix(s, "/") {
		a.unix = s
		return a, true
	}
	host, port := s, ""
	if i := strings.LastIndexAny(s, ":]"); i >= 0 && s[i] == ':' {
		host, port = s[:i], s[i+1:]
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		a.addr = addr
	} else if host == "" || host == "*" {
		a.addr = any
	} else {
		a.name = host
	}
	if port == "" {
		return a, a.name == "" || !strings.ContainsAny(a.name, ":[]")
	}
	from, to, isRange := strings.Cut(port, "-")
	if port[0] == '+' || port[0] == '-' {
		return a, true // relative to the port that the client asked for
	}
	var err error
	if a.port, err = strconv.Atoi(from); err != nil {
		return a, false
	}
	a.to = a.port
	if isRange {
		if a.to, err = strconv.Atoi(to); err != nil {
			return a, false
		}
	}
	return a, a.port >= 0 && a.port <= a.to && a.to <= 65535 && !strings.ContainsAny(a.name, ":[]")
}
