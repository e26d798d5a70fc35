package fact

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
)

const haproxyPath = "/etc/haproxy/haproxy.cfg"

// haproxyOf reads text as the haproxy.cfg of lb1, with other files of the host beside it.
func haproxyOf(t testing.TB, text string, others ...conf.File) *HAProxy {
	t.Helper()
	files := []conf.File{{Host: "lb1", Path: haproxyPath, Kind: conf.HAProxy, Data: []byte(text)}}
	for _, f := range others {
		f.Host = "lb1"
		files = append(files, f)
	}
	h := conf.FromFiles("", files).Groups[0].Hosts[0]
	return readHAProxy(&Host{Name: h.Name, Source: h}, h.Tree(conf.HAProxy))
}

// show is a value as tests compare it: "name=V", "name=?" where unknown, nothing where it is the default.
func show[T any](name string, v Value[T]) string {
	switch v.State {
	case Written:
		return fmt.Sprintf(" %s=%v", name, v.V)
	case Unknown:
		return " " + name + "=?"
	}
	return ""
}

func showServer(s *Server) string {
	addr := s.Unix
	if addr == "" {
		addr = "?"
		if s.Addr.IsValid() {
			addr = s.Addr.String()
		}
		addr = fmt.Sprintf("%s %d", addr, s.Port)
	}
	out := s.Name.Text + " " + addr + show("check", s.Checked) + show("backup", s.Backup) + show("down", s.Down) +
		show("weight", s.Weight) + show("maxconn", s.MaxConn) + show("ssl", s.TLS) + show("verify", s.Verify) +
		show("send-proxy", s.SendProxy) + show("proto", s.Proto) + show("cookie", s.Cookie) + show("id", s.ID) +
		show("port", s.CheckPort) + show("addr", s.CheckAddr) + show("inter", s.Inter) + show("fast", s.FastInter) +
		show("down-inter", s.DownInter) + show("fall", s.Fall) + show("rise", s.Rise) + show("on-down", s.OnMarkedDown) +
		show("observe", s.Observe) + show("slowstart", s.SlowStart)
	if s.CheckTLS.V {
		out += " check-ssl"
	}
	if s.CheckSendProxy.V {
		out += " check-send-proxy"
	}
	return out
}

func showListener(l *Listener) string {
	addr := l.Unix
	if addr == "" {
		addr = "any"
		if l.Addr.IsValid() {
			addr = l.Addr.String()
		}
		addr = fmt.Sprintf("%s %d", addr, l.Port)
		if l.To != l.Port {
			addr += fmt.Sprintf("-%d", l.To)
		}
		if l.V4 {
			addr += " v4"
		}
		if l.V6 {
			addr += " v6"
		}
	}
	out := addr + show("tls", l.TLS) + show("h2", l.HTTP2) + show("proxy", l.Proxy)
	if !l.Known {
		out += " unknown"
	}
	return out
}

func showProxy(p *Proxy) string {
	var b strings.Builder
	used := ""
	if p.Pool != nil && p.Pool.Used {
		used = " used"
	}
	if p.Pool != nil && p.Pool.Partial {
		used += " partial"
	}
	fmt.Fprintf(&b, "%s %s%s%s%s%s%s%s%s%s\n", p.Kind, p.Name.Text, used, show("mode", p.Mode), show("disabled", p.Disabled),
		show("balance", p.Balance), show("hash", p.Hash), show("retries", p.Retries), show("maxconn", p.MaxConn), show("monitor", p.Monitor))
	for _, name := range slices.Sorted(maps.Keys(p.Timeouts)) {
		fmt.Fprintf(&b, "  timeout%s\n", show(name, p.Timeouts[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Options)) {
		fmt.Fprintf(&b, "  option%s\n", show(name, p.Options[name]))
	}
	for _, l := range p.Binds {
		fmt.Fprintf(&b, "  bind %s", showListener(l.Listener))
		for _, c := range l.Certs {
			fmt.Fprintf(&b, " crt %s", c.Text)
		}
		b.WriteString("\n")
	}
	for _, r := range p.Routes {
		pool := "-"
		if r.Pool != nil {
			pool = r.Pool.Name.Text
		}
		fmt.Fprintf(&b, "  route%s -> %s default=%v cond=%d\n", show("to", r.Backend), pool, r.Default, len(r.Cond))
	}
	if c := p.Check; c != nil {
		fmt.Fprintf(&b, "  check %s %s %s %s", c.Kind, c.Method.V, c.URI.V, c.Version.V)
		fmt.Fprintf(&b, "%s%s%s%s%s%s rules=%d", show("uri", c.URI), show("host", c.Host), show("port", c.Port), show("user", c.User),
			show("ssl", c.TLS), show("timeout", c.Timeout), len(c.Rules))
		if c.Expect != nil {
			fmt.Fprintf(&b, " expect %s", c.Expect.Arg(2).Text)
		}
		b.WriteString("\n")
	}
	if p.Pool != nil {
		for _, s := range p.Pool.Servers {
			fmt.Fprintf(&b, "  server %s\n", showServer(s))
		}
	}
	return b.String()
}

// TestHAProxy reads the traps of the language one by one. "#" lines of want are dropped.
func TestHAProxy(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"mode is tcp unless written", `
backend b
    server s 10.0.0.1:80
`, `
backend b
  server s 10.0.0.1 80
`},
		{"defaults: the last above counts, named or not, and starts anew", `
defaults
    mode http
    timeout client 30s
    retries 5
frontend a
    bind :80
defaults web
    mode http
    timeout connect 5
defaults other from web
    timeout connect 4s
frontend b
    bind :81
frontend c from web
    bind :82
backend d from nosuch
`, `
frontend a mode=http retries=5
  timeout client=30s
  bind any 80 v4
frontend b mode=http
  timeout connect=4s
  bind any 81 v4
frontend c mode=http
  timeout connect=5ms
  bind any 82 v4
backend d
`},
		{"times", `
backend b
    timeout connect 5
    timeout server 5m
    timeout queue 10us
    timeout check 3 s
    timeout tunnel 1h30m
    timeout client banana
    timeout http-request 99999999999999999999s
    contimeout 7
    timeout connect
    srvtimeout 8
`, `
backend b
  timeout check=3ms
  timeout client=?
  timeout connect=?
  timeout http-request=?
  timeout queue=10µs
  timeout server=8ms
  timeout tunnel=?
`},
		{"options and their negation", `
defaults
    option redispatch
    option httplog
frontend f
    bind :80
    no option redispatch
    option dontlognull
`, `
frontend f
  option dontlognull=true
  option httplog=true
  option redispatch=false
  bind any 80 v4
`},
		{"default-server reaches the servers below, and the last word wins", `
defaults
    default-server inter 1s fall 5
backend b
    server a 10.0.0.1:80 check
    default-server check inter 500 rise 1 ssl
    server b 10.0.0.2:80
    server c 10.0.0.3:80 no-check no-ssl inter 3s inter 4s
    default-server no-check disabled
    server d 10.0.0.4:80 enabled
`, `
backend b
  server a 10.0.0.1 80 check=true inter=1s fall=5
  server b 10.0.0.2 80 check=true ssl=true inter=500ms fall=5 rise=1 check-ssl
  server c 10.0.0.3 80 check=false ssl=false inter=4s fall=5 rise=1
  server d 10.0.0.4 80 check=false down=false ssl=true inter=500ms fall=5 rise=1 check-ssl
`},
		{"options with values that look like options", `
backend b
    server a 10.0.0.1:80 cookie check weight 0 backup
    server b 10.0.0.2:80 guid check id 7
    server c 10.0.0.3:80 chekc weight
    server d 10.0.0.4:80 weight "${W}" check
    server e 10.0.0.5:80 source 10.0.0.9 usesrc clientip interface eth0 check
    server f 10.0.0.6:80 set-proxy-v2-tlv-fmt(0x20) check check
`, `
backend b
  server a 10.0.0.1 80 backup=true weight=0 cookie=check
  server b 10.0.0.2 80 id=7
  server c 10.0.0.3 80 weight=?
  server d 10.0.0.4 80 check=true weight=?
  server e 10.0.0.5 80 check=true
  server f 10.0.0.6 80 check=true
`},
		{"what a check takes from the server line", `
backend b
    server a 10.0.0.1:443 check ssl verify none send-proxy-v2
    server b 10.0.0.2:443 check ssl verify none send-proxy port 8080
    server c 10.0.0.3:443 check ssl addr 10.0.0.9 check-ssl check-send-proxy
    server d 10.0.0.4:443 check ssl no-check-ssl
    server e 10.0.0.5:80 track c/x
`, `
backend b
  server a 10.0.0.1 443 check=true ssl=true verify=none send-proxy=v2 check-ssl check-send-proxy
  server b 10.0.0.2 443 check=true ssl=true verify=none send-proxy=v1 port=8080
  server c 10.0.0.3 443 check=true ssl=true addr=10.0.0.9 check-ssl check-send-proxy
  server d 10.0.0.4 443 check=true ssl=true
  server e 10.0.0.5 80 check=true
`},
		{"addresses of servers", `
backend b
    server a 10.0.0.1
    server b [2001:db8::1]:80
    server c 2001:db8::1:80
    server d ipv4@10.0.0.1:80
    server e unix@/run/x.sock
    server f /run/y.sock
    server g abns@name
    server h web1.example.com:80
    server i 10.0.0.1:+100
    server j "${WEB}:80"
    server k "${WEB}"
    server l 10.0.0.1:eighty
    server m ipv6@[2001:db8::2]:81
    server broken
`, `
backend b partial
  server a 10.0.0.1 0
  server b 2001:db8::1 80
  server c 2001:db8::1 80
  server d 10.0.0.1 80
  server e /run/x.sock
  server f /run/y.sock
  server g abns@name
  server h ? 80
  server i 10.0.0.1 0
  server j ? 80
  server k ? 0
  server l ? 0
  server m 2001:db8::2 81
`},
		{"addresses of binds", `
frontend f
    bind :80
    bind *:81
    bind 10.0.0.1:80,10.0.0.2:443 ssl crt /a.pem
    bind :8000-8010
    bind [::]:80
    bind :::81 v4v6
    bind [::]:82 v6only
    bind ipv6@:83
    bind ipv4@*:84 accept-proxy
    bind unix@/run/x.sock
    bind /run/y.sock mode 660
    bind abns@z
    bind fd@3
    bind "${VIP}:85"
    bind www.example.com:86
    bind quic4@:443 ssl crt /a.pem alpn h3
    bind :443 ssl crt /a.pem crt /b.pem alpn h2,http/1.1 transparent interface eth0
    bind :444 ssl crt /a.pem alpn http/1.1
    bind :445 proto h2
`, `
frontend f
  bind any 80 v4
  bind any 81 v4
  bind 10.0.0.1 80 v4 tls=true crt /a.pem
  bind 10.0.0.2 443 v4 tls=true crt /a.pem
  bind any 8000-8010 v4
  bind any 80 v4 v6
  bind any 81 v4 v6
  bind any 82 v6
  bind any 83 v4 v6
  bind any 84 v4 proxy=true
  bind /run/x.sock
  bind /run/y.sock
  bind abns@z
  bind any 0 v4 unknown
  bind any 85 v4 unknown
  bind any 86 unknown
  bind any 0 tls=true h2=false unknown crt /a.pem
  bind any 443 v4 tls=true h2=true crt /a.pem crt /b.pem
  bind any 444 v4 tls=true h2=false crt /a.pem
  bind any 445 v4 h2=true
`},
		{"variables that the file sets", `
global
    setenv VIP 10.0.0.10
    presetenv PORT 80
    setenv WEB "10.0.0.${N}"
    setenv GONE 1
    unsetenv GONE
frontend f
    bind "${VIP}:$PORT"
    bind "${VIP-10.9.9.9}:81"
    maxconn "$GONE"
    bind ${VIP}:82
    default_backend b
backend b
    server a "${WEB}:80"
    server b "\$WEB:80"
`, `
frontend f maxconn=?
  bind 10.0.0.10 80 v4
  bind 10.0.0.10 81 v4
  bind any 82 unknown
  route to=b -> b default=true cond=0
backend b used
  server a ? 80
  server b ? 80
`},
		{"conditions leave things unknown", `
frontend f
    mode tcp
    .if defined(X)
    mode http
    bind :80
    .else
    bind :81
    .endif
    .if defined(Y)
    use_backend b
    mode tcp
    .endif
backend b
    balance source
    .if defined(X)
    balance source
    server a 10.0.0.1:80 check
    option httpchk GET /x
    .endif
    server b 10.0.0.2:80 check
`, `
frontend f mode=?
  bind any 80 v4 unknown
  bind any 81 v4 unknown
  route to=? -> - default=false cond=0
backend b used partial balance=source
  option httpchk=?
  check http GET /x HTTP/1.0 uri=? host=? port=? user=? rules=0
  server a 10.0.0.1 80 check=? backup=? down=? weight=?
  server b 10.0.0.2 80 check=true
`},
		{"routes, and what requests can reach", `
frontend f
    bind :80
    use_backend one if { path_beg /one }
    use_backend be_%[path,word(1,/)] if x
    use_backend nosuch unless y
    default_backend two
frontend unbound
    default_backend three
frontend off
    disabled
    bind :82
    default_backend three
listen l
    bind :81
    server a 10.0.0.1:80
listen nobody
    server a 10.0.0.1:80
backend one
backend two
backend three
backend be_x
backend logs
    mode log
global
    log backend@logs local0
`, `
frontend f
  bind any 80 v4
  route to=one -> one default=false cond=5
  route to=? -> - default=false cond=2
  route to=nosuch -> - default=false cond=2
  route to=two -> two default=true cond=0
frontend unbound
  route to=three -> three default=true cond=0
frontend off disabled=true
  route to=three -> three default=true cond=0
listen l used
  bind any 81 v4
  server a 10.0.0.1 80
listen nobody
  server a 10.0.0.1 80
backend one used
backend two used
backend three
backend be_x used
backend logs used mode=log
`},
		{"a default_backend of defaults, the last one, and a listen with its address in the old place", `
defaults
    default_backend b
frontend f
    bind :80
frontend g
    bind :81
    default_backend x
    default_backend c
listen l 10.0.0.1:90,:91
    server a 10.0.0.1:80
backend b
backend c
`, `
frontend f
  bind any 80 v4
  route to=b -> b default=true cond=0
frontend g
  bind any 81 v4
  route to=c -> c default=true cond=0
listen l used
  bind 10.0.0.1 90 v4
  bind any 91 v4
  route to=b -> b default=true cond=0
  server a 10.0.0.1 80
backend b used
backend c used
`},
		{"dispatch, server-template, and statements of other sections", `
userlist u
    user server
resolvers r
    nameserver a 10.0.0.53:53
backend a
    dispatch 10.0.0.1:80
backend b
    server-template web 5 web.example.com:80 check
`, `
backend a
  server dispatch 10.0.0.1 80
backend b partial
`},
		{"httpchk, old and new", `
defaults
    timeout check 3s
backend a
    option httpchk
backend b
    option httpchk /health
backend c
    option httpchk HEAD /health
backend d
    option httpchk GET /health HTTP/1.1\r\nHost:\ www.example.com
backend e
    option httpchk GET /health HTTP/1.1 www.example.com
backend f
    option httpchk GET /old
    http-check connect port 8080 ssl sni x
    http-check send meth GET uri /new ver HTTP/1.1 hdr X-A b hdr Host www.example.com
    http-check expect status 200
    server s 10.0.0.1:80 check
backend g
    option httpchk
    http-check connect port 1
    http-check send uri /1
    http-check connect port 2
    http-check send uri /2
backend h
    http-check expect status 200
`, `
backend a
  timeout check=3s
  option httpchk=true
  check http OPTIONS / HTTP/1.0 timeout=3s rules=0
backend b
  timeout check=3s
  option httpchk=true
  check http OPTIONS /health HTTP/1.0 uri=/health timeout=3s rules=0
backend c
  timeout check=3s
  option httpchk=true
  check http HEAD /health HTTP/1.0 uri=/health timeout=3s rules=0
backend d
  timeout check=3s
  option httpchk=true
  check http GET /health HTTP/1.1 uri=/health host=www.example.com timeout=3s rules=0
backend e
  timeout check=3s
  option httpchk=true
  check http GET /health HTTP/1.1 uri=/health host=www.example.com timeout=3s rules=0
backend f
  timeout check=3s
  option httpchk=true
  check http GET /new HTTP/1.1 uri=/new host=www.example.com port=8080 ssl=true timeout=3s rules=3 expect status
  server s 10.0.0.1 80 check=true port=8080 check-ssl
backend g
  timeout check=3s
  option httpchk=true
  check http OPTIONS /1 HTTP/1.0 uri=? host=? port=? ssl=? timeout=3s rules=4
backend h
  timeout check=3s
`},
		{"checks that replace each other, and what they inherit", `
defaults
    option httpchk GET /d
    http-check expect status 200
backend a
backend b
    http-check expect status 404
backend c
    option httpchk GET /own
backend d
    option httpchk
    option mysql-check user probe post-41
backend e
    option tcp-check
    tcp-check connect
    tcp-check expect string x
    server s 10.0.0.1:443 check ssl
backend f
    option redis-check
`, `
backend a
  option httpchk=true
  check http GET /d HTTP/1.0 uri=/d rules=1 expect status
backend b
  option httpchk=true
  check http GET /d HTTP/1.0 uri=? host=? rules=1 expect status
backend c
  option httpchk=true
  check http GET /own HTTP/1.0 uri=/own rules=0
backend d
  option httpchk=true
  option mysql-check=true
  check mysql    user=probe rules=0
backend e
  option httpchk=true
  option tcp-check=true
  check tcp-check    ssl=false rules=2 expect string
  server s 10.0.0.1 443 check=true ssl=true
backend f
  option httpchk=true
  option redis-check=true
  check redis    rules=0
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			for _, p := range haproxyOf(t, test.in).Proxies {
				got.WriteString(showProxy(p))
			}
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got.String()); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestHAProxyRules(t *testing.T) {
	hp := haproxyOf(t, `
defaults d
    http-request deny if x
frontend f from d
    bind :80
    acl x src 10.0.0.0/8
    http-request set-header A b
    tcp-request connection accept
    stick-table type ip size 1m
    cookie S insert
    log global
`)
	p := hp.Proxies[0]
	var names []string
	for _, n := range p.Rules {
		names = append(names, n.Name())
	}
	if diff := cmp.Diff([]string{"http-request", "acl", "http-request", "tcp-request"}, names); diff != "" {
		t.Error(diff)
	}
	if len(p.Stick) != 1 || p.Cookie == nil || p.Defaults != hp.Tree.Body[0] {
		t.Errorf("stick %d, cookie %v, defaults %v", len(p.Stick), p.Cookie, p.Defaults)
	}
}

func TestHAProxyPeers(t *testing.T) {
	hp := haproxyOf(t, `
global
    localpeer lb2
    maxconn 5000
peers old
    peer lb1 10.0.0.1:1024
    peer lb2 10.0.0.2:1024
    table t type ip size 1m
peers new
    bind 10.0.0.2:1025 ssl crt /a.pem
    server lb2
    server lb1 10.0.0.1:1025
    server lb3 "${X}:1025"
`)
	var got []string
	for _, ps := range hp.Peers {
		for _, p := range ps.List {
			got = append(got, fmt.Sprintf("%s %s %v %d", ps.Name.Text, p.Name.Text, p.Addr, p.Port))
		}
	}
	for _, l := range hp.Host.Listeners {
		got = append(got, showListener(l))
	}
	want := []string{
		"old lb1 10.0.0.1 1024", "old lb2 10.0.0.2 1024",
		"new lb2 10.0.0.2 1025", "new lb1 10.0.0.1 1025", "new lb3 invalid IP 1025",
		"10.0.0.2 1024 v4", "10.0.0.2 1025 v4 tls=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if hp.LocalPeer.V != "lb2" || hp.MaxConn.V != 5000 || hp.Global == nil {
		t.Errorf("localpeer %v, maxconn %v", hp.LocalPeer, hp.MaxConn)
	}
}

// TestHAProxyPlaces holds that facts point at their words, defaults at what they follow, and parts at their part.
func TestHAProxyPlaces(t *testing.T) {
	hp := haproxyOf(t, "defaults\n    mode http\nlisten l\n    bind 10.0.0.1:80,10.0.0.2:443\n    server a 10.0.0.1:80 check inter 5s\n")
	p := hp.Proxies[0]
	s := p.Pool.Servers[0]
	at := func(w conf.Word) string { return fmt.Sprintf("%d:%d %s", w.Pos.Line, w.Pos.Col, w.Text) }
	got := []string{
		at(p.Mode.Word), at(p.Retries.Word), at(p.Binds[0].Word), at(p.Binds[1].Word), at(s.Inter.Word), at(s.Checked.Word), at(s.Rise.Word),
		at(s.FastInter.Word), at(s.Address),
	}
	want := []string{"2:10 http", "1:1 defaults", "4:10 10.0.0.1:80", "4:22 10.0.0.2:443", "5:38 5s", "5:26 check", "5:5 server", "5:5 server", "5:14 10.0.0.1:80"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.FastInter.V != 5*time.Second || s.Rise.V != 2 || s.CheckPort.V != 80 {
		t.Errorf("defaults: fastinter %v, rise %v, port %v", s.FastInter.V, s.Rise.V, s.CheckPort.V)
	}
}

func TestServerOption(t *testing.T) {
	hp := haproxyOf(t, `
backend b
    default-server resolvers dns init-addr none
    default-server init-addr last
    server a web:80 sni str(a) init-addr libc,none allow-0rtt
    server b web:80 sni
    default-server resolvers later
`)
	servers := hp.Proxies[0].Pool.Servers
	for _, test := range []struct {
		server     int
		name, want string
	}{
		{0, "sni", "str(a)"}, {0, "init-addr", "libc,none"}, {0, "resolvers", "dns"}, {0, "allow-0rtt", "allow-0rtt"},
		{1, "init-addr", "last"}, {1, "sni", "sni"}, {1, "weight", ""},
	} {
		w, ok := servers[test.server].Option(test.name)
		if w.Text != test.want || ok != (test.want != "") {
			t.Errorf("server %d: %s is %q, %v; want %q", test.server, test.name, w.Text, ok, test.want)
		}
	}
}

func TestHAProxyOtherFiles(t *testing.T) {
	hp := haproxyOf(t, `
frontend f
    bind :443 ssl crt /a.pem crt-list /etc/haproxy/list.txt
    bind :444 ssl crt-list /etc/haproxy/gone.txt
    filter spoe engine agent config /etc/haproxy/spoe.conf
backend agents
backend other
`,
		conf.File{Path: "/etc/haproxy/list.txt", Data: []byte("# all of them\n/b.pem [alpn h2] b.example.com\n\n  /c.pem\n")},
		conf.File{Path: "/etc/haproxy/spoe.conf", Data: []byte("[agent]\nspoe-agent a\n    use-backend agents\n")})
	f := hp.Proxies[0]
	var got []string
	for _, b := range f.Binds {
		for _, c := range b.Certs {
			got = append(got, fmt.Sprintf("%s:%d:%d", c.Text, c.Pos.Line, c.Pos.Col))
		}
	}
	want := []string{"/a.pem:3:23", "/b.pem:2:1", "/c.pem:4:3", "/etc/haproxy/gone.txt:4:28"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !hp.Proxies[1].Pool.Used || hp.Proxies[2].Pool.Used {
		t.Error("the filter's file uses the backend agents, and only that")
	}
}

func FuzzReadHAProxy(f *testing.F) {
	f.Add("global\n setenv A \"${B}\"\ndefaults x from y\n option httpchk\nlisten l :80,\n bind\n server\n server a\n server a b weight\n http-check send hdr\n http-check connect port\n use_backend\n filter spoe config\n")
	f.Add("peers p\n peer\n bind\n server a\nfrontend f\n bind \"${\"\n bind @\n bind [\n bind :-\n bind \"$A-${B-x}\":1-\n default-server inter\n dispatch\n")
	f.Fuzz(func(t *testing.T, text string) {
		h := &Host{Name: "lb1"}
		hp := readHAProxy(h, conf.Parse(conf.File{Host: "lb1", Path: haproxyPath, Kind: conf.HAProxy, Data: []byte(text)}, "h"))
		for _, p := range hp.Proxies {
			showProxy(p)
			if p.Pool != nil {
				for _, s := range p.Pool.Servers {
					s.Option("sni")
				}
			}
		}
	})
}

func manyServers(n int) string {
	var b strings.Builder
	b.WriteString("defaults\n    mode http\nbackend b\n    default-server check inter 2s\n")
	for i := range n {
		fmt.Fprintf(&b, "    server web%d 10.%d.%d.%d:80 cookie web%d weight %d id %d\n", i, i>>16, i>>8&255, i&255, i, i%200, i+1)
	}
	return b.String()
}

func TestHAProxyManyServers(t *testing.T) {
	const n = 30_000
	tree := conf.Parse(conf.File{Path: haproxyPath, Kind: conf.HAProxy, Data: []byte(manyServers(n))}, "h")
	start := time.Now()
	hp := readHAProxy(&Host{Name: "lb1"}, tree)
	if d := time.Since(start); d > 10*time.Second { // 0.2 s on an idle machine; a loop in a loop would take minutes
		t.Errorf("%d servers took %v to read", n, d)
	}
	servers := hp.Proxies[0].Pool.Servers
	if last := servers[len(servers)-1]; len(servers) != n || last.ID.V != n || last.Cookie.V != fmt.Sprint("web", n-1) {
		t.Errorf("%d servers, the last with id %d", len(servers), last.ID.V)
	}
}

func BenchmarkReadHAProxy(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := conf.Parse(conf.File{Path: haproxyPath, Kind: conf.HAProxy, Data: []byte(manyServers(n))}, "h")
			b.ReportAllocs()
			for b.Loop() {
				readHAProxy(&Host{Name: "lb1"}, tree)
			}
		})
	}
}

// TestHAProxyGolden reads what the examples render: nothing of it may stay unknown.
func TestHAProxyGolden(t *testing.T) {
	paths, err := filepath.Glob("../../golden/*/*" + haproxyPath)
	if err != nil || len(paths) == 0 {
		t.Skipf("no rendered haproxy.cfg: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		host := filepath.Base(strings.TrimSuffix(path, haproxyPath))
		h := &Host{Name: host}
		hp := readHAProxy(h, conf.Parse(conf.File{Host: host, Path: haproxyPath, Kind: conf.HAProxy, Data: data}, path))
		binds, servers, peers := 0, 0, 0
		for _, p := range hp.Proxies {
			if strings.Contains(showProxy(p), "=?") {
				t.Errorf("%s: something is unknown:\n%s", path, showProxy(p))
			}
			if !p.Mode.Written() || p.Defaults == nil {
				t.Errorf("%s: %s %s has no mode or no defaults", path, p.Kind, p.Name.Text)
			}
			for _, r := range p.Routes {
				if r.Pool == nil || !r.Pool.Used {
					t.Errorf("%s:%d: the route leads nowhere", path, r.Node.Words[0].Pos.Line)
				}
			}
			binds += len(p.Binds)
			if p.Pool == nil {
				continue
			}
			servers += len(p.Pool.Servers)
			if len(p.Pool.Servers) > 0 && (p.Check == nil || p.Pool.Partial) {
				t.Errorf("%s: backend %s has no check, or is incomplete", path, p.Name.Text)
			}
			for _, s := range p.Pool.Servers {
				if !s.Checked.V || !s.Addr.IsValid() || s.Port == 0 || s.Inter.State != Written {
					t.Errorf("%s: server %s", path, showServer(s))
				}
			}
		}
		for _, ps := range hp.Peers {
			for _, p := range ps.List {
				if peers++; !p.Addr.IsValid() || p.Port == 0 {
					t.Errorf("%s: peer %s has no address", path, p.Name.Text)
				}
			}
		}
		for _, l := range h.Listeners {
			if !l.Known {
				t.Errorf("%s: listener %s", path, showListener(l))
			}
		}
		for _, want := range []struct {
			word string
			got  int
		}{{"bind", binds}, {"server", servers}, {"peer", peers}} {
			if n := strings.Count(string(data), "\n    "+want.word+" "); n != want.got {
				t.Errorf("%s: %d %s lines, read %d", path, n, want.word, want.got)
			}
		}
	}
}
