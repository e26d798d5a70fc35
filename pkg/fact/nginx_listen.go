package fact

import (
	"net/netip"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// listen reads the listen lines of a server. Those with one address share a listener, and with it their options: nginx
// has one socket, and speaks TLS on it if any of the lines says ssl. Without a line it is port 80 (for root) on IPv4.
func (r *nginxReader) listen(s *NginxServer, context string) {
	some := false
	for d := range conf.Named(s.Node.Body, "listen") {
		some = true
		if len(d.Words) < 2 || datagram(d) {
			continue
		}
		l := r.listener(s, context, d.Arg(1))
		nl := &NginxListen{Word: d.Arg(1), Node: d, Listener: l}
		for _, w := range d.Words[2:] {
			on := Value[bool]{V: true, Word: w, State: Written}
			switch w.Text {
			case "default_server", "default":
				nl.Explicit = true
			case "ssl":
				l.TLS = on
			case "http2", "spdy":
				l.HTTP2 = on
			case "proxy_protocol":
				l.Proxy = on
			case "ipv6only=off":
				l.V4 = l.V4 || !l.Addr.IsValid()
			}
		}
		s.Listen = append(s.Listen, nl)
	}
	if !some && context == "http" && !s.Root.unread {
		w := s.Node.Arg(0)
		w.Text = "*:80"
		l := r.listener(s, context, w)
		s.Listen = append(s.Listen, &NginxListen{Word: s.Node.Arg(0), Listener: l})
	}
}

// datagram reports whether a listen line opens a UDP socket.
func datagram(d *conf.Node) bool {
	for _, w := range d.Words[2:] {
		if w.Text == "quic" || w.Text == "udp" || w.Text == "http3" {
			return true
		}
	}
	return false
}

// listener is the listener at an address, which may have been opened by another server.
func (r *nginxReader) listener(s *NginxServer, context string, w conf.Word) *Listener {
	l := parseListen(w)
	key := context + " " + w.Text
	if l.Known {
		key = context + " " + l.Unix + " " + l.Addr.String() + " " + strconv.FormatBool(l.V6) + " " + strconv.Itoa(l.Port) + "-" + strconv.Itoa(l.To)
	}
	if old := r.listeners[key]; old != nil {
		if old.Servers[len(old.Servers)-1] != s {
			old.Servers = append(old.Servers, s)
		}
		return old
	}
	l.Host, l.Layer, l.Servers = r.n.Host, LayerNginx, []*NginxServer{s}
	r.listeners[key] = l
	r.opened = append(r.opened, l)
	return l
}

// parseListen reads "80", "*:80", "10.0.0.1", "10.0.0.1:80", "[::]:80", "8080-8090" and "unix:/run/nginx.sock".
func parseListen(w conf.Word) *Listener {
	l := &Listener{Word: w}
	l.TLS.Word, l.HTTP2.Word, l.Proxy.Word = w, w, w
	if path, ok := strings.CutPrefix(w.Text, "unix:"); ok {
		l.Unix, l.Known = path, path != "" && !strings.Contains(path, "$")
		return l
	}
	host, port := "*", w.Text
	switch i := strings.LastIndexByte(w.Text, ':'); {
	case strings.HasSuffix(w.Text, "]"):
		host, port = w.Text, "80"
	case i >= 0:
		host, port = w.Text[:i], w.Text[i+1:]
	case strings.IndexFunc(w.Text, func(c rune) bool { return (c < '0' || c > '9') && c != '-' }) >= 0:
		host, port = w.Text, "80"
	}
	first, last, ranged := strings.Cut(port, "-")
	var ok bool
	if l.Port, ok = nginxPort(first); !ok {
		return l
	}
	if l.To = l.Port; ranged {
		if l.To, ok = nginxPort(last); !ok || l.To < l.Port {
			l.Port, l.To = 0, 0
			return l
		}
	}
	if host == "*" {
		l.V4, l.Known = true, true
		return l
	}
	a, ok := nginxAddr(host)
	if !ok {
		return l
	}
	l.V4, l.V6, l.Known = a.Is4(), a.Is6(), true
	if !a.IsUnspecified() {
		l.Addr = a
	}
	return l
}

func nginxPort(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && n > 0
}

// nginxAddr is an address of a listen or server line. localhost is the only name that every host knows.
func nginxAddr(s string) (netip.Addr, bool) {
	if s == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	if in, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(in, "]")
	} else if strings.Contains(s, ":") {
		return netip.Addr{}, false // IPv6 needs its brackets
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

// settleListeners takes over what the default server of each listener says for the whole socket: "ssl on", gone since
// 1.25.1, and "http2 on", there since 1.25.1.
func (r *nginxReader) settleListeners() {
	for _, l := range r.opened {
		s := l.DefaultServer()
		for name, v := range map[string]*Value[bool]{"ssl": &l.TLS, "http2": &l.HTTP2} {
			if v.Written() {
				continue
			}
			if d := s.Root.Other[name]; d != nil {
				*v = Value[bool]{V: d.Arg(1).Text == "on", Word: d.Arg(1), State: Written}
			} else if s.Root.Partial {
				v.State = Unknown
			}
		}
	}
	r.opened = nil
}

// DefaultServer is the server of nginx that answers where no name fits: the one with default_server, or the first. Nil
// where the listener is not nginx's.
func (l *Listener) DefaultServer() *NginxServer {
	for _, s := range l.Servers {
		for _, nl := range s.Listen {
			if nl.Listener == l && nl.Explicit {
				return s
			}
		}
	}
	if len(l.Servers) == 0 {
		return nil
	}
	return l.Servers[0]
}
