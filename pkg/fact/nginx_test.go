package fact

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
)

func nginxOf(t *testing.T, text string) *Nginx {
	t.Helper()
	tree := conf.Parse(conf.File{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte(text)}, "web1/etc/nginx/nginx.conf")
	for _, e := range tree.Errors {
		t.Fatalf("%v: %s\n%s", e.Pos, e.Message, text)
	}
	return readNginx(&Host{Name: "web1"}, tree)
}

func (n *Nginx) location(t *testing.T, path string) *Location {
	t.Helper()
	for _, s := range n.Servers {
		for _, l := range s.Locations {
			if l.Path.Text == path {
				return l
			}
		}
	}
	t.Fatalf("no location %q", path)
	return nil
}

func listenerLine(l *Listener) string {
	var b strings.Builder
	switch {
	case !l.Known:
		return "unknown " + l.Word.Text
	case l.Unix != "":
		b.WriteString(l.Unix)
	case l.Addr.IsValid():
		fmt.Fprintf(&b, "%v port %d", l.Addr, l.Port)
	default:
		fmt.Fprintf(&b, "any port %d", l.Port)
	}
	if l.To != l.Port {
		fmt.Fprintf(&b, "-%d", l.To)
	}
	if l.V4 {
		b.WriteString(" v4")
	}
	if l.V6 {
		b.WriteString(" v6")
	}
	if l.TLS.V {
		b.WriteString(" tls")
	}
	if l.HTTP2.V {
		b.WriteString(" h2")
	}
	if l.Proxy.V {
		b.WriteString(" proxy")
	}
	return fmt.Sprintf("%s servers=%d", b.String(), len(l.Servers))
}

func listeners(n *Nginx) (lines []string) {
	seen := map[*Listener]bool{}
	for _, s := range append(n.Servers, n.Streams...) {
		for _, l := range s.Listen {
			if !seen[l.Listener] {
				seen[l.Listener] = true
				lines = append(lines, listenerLine(l.Listener))
			}
		}
	}
	return lines
}

func TestNginxListen(t *testing.T) {
	tests := []struct {
		servers string
		want    []string
	}{
		{"server { }", []string{"any port 80 v4 servers=1"}},
		{"server { listen 80; } server { listen *:80; } server { listen 0.0.0.0:80; } server { }", []string{"any port 80 v4 servers=4"}},
		{"server { listen 10.0.0.1:80; listen 10.0.0.1; listen 10.0.0.1:81; }", []string{"10.0.0.1 port 80 v4 servers=1", "10.0.0.1 port 81 v4 servers=1"}},
		{"server { listen [::]:80; } server { listen [::]:81 ipv6only=off; }", []string{"any port 80 v6 servers=1", "any port 81 v4 v6 servers=1"}},
		{"server { listen [2001:db8::1]; listen [2001:db8::1]:443 ssl; }", []string{"2001:db8::1 port 80 v6 servers=1", "2001:db8::1 port 443 v6 tls servers=1"}},
		{"server { listen 443; } server { listen 443 ssl http2 proxy_protocol; }", []string{"any port 443 v4 tls h2 proxy servers=2"}},
		{"server { listen 443 ssl; http2 on; } server { listen 444 ssl; } server { listen 444; http2 on; }", []string{"any port 443 v4 tls h2 servers=1", "any port 444 v4 tls servers=2"}},
		{"server { listen 443; } server { ssl on; listen 443 default_server; }", []string{"any port 443 v4 tls servers=2"}},
		{"ssl on; server { listen 443; }", []string{"any port 443 v4 tls servers=1"}},
		{"server { listen unix:/run/n.sock; }", []string{"/run/n.sock servers=1"}},
		{"server { listen 8080-8083; listen localhost:9; }", []string{"any port 8080-8083 v4 servers=1", "127.0.0.1 port 9 v4 servers=1"}},
		{"server { listen web1:80; listen 99999; listen 10.0.0.1:x; }", []string{"unknown web1:80", "unknown 99999", "unknown 10.0.0.1:x"}},
		{"server { listen 443 quic reuseport; listen 443 ssl; }", []string{"any port 443 v4 tls servers=1"}},
		{"} stream { server { listen 53 udp; } server { listen 3306; proxy_pass 10.0.0.1:3306; }", []string{"any port 3306 v4 servers=1"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, listeners(nginxOf(t, "http { "+tt.servers+" }"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.servers, diff)
		}
	}
}

func TestNginxInheritance(t *testing.T) {
	n := nginxOf(t, `
worker_processes auto;
events { worker_connections 4096; }
http {
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_read_timeout 1m30s;
  add_header A 1;
  allow 10.0.0.0/8;
  deny all;
  set_real_ip_from 10.0.0.1;
  auth_basic all;
  auth_basic_user_file /etc/users;
  error_page 404 /404.html;
  client_max_body_size 1m;
  server {
    root /srv;
    real_ip_header proxy_protocol;
    try_files $uri =404;
    location /plain { proxy_pass http://10.0.0.9; }
    location /own {
      proxy_set_header Connection "";
      proxy_read_timeout 500ms;
      add_header B 2;
      allow 192.0.2.1;
      set_real_ip_from 10.0.0.2;
      auth_basic off;
      client_max_body_size 2m;
      proxy_pass http://10.0.0.9;
      location /own/deep { alias /data/; internal; if ($host) { return 403; } location /own/deep/er { } }
    }
    location /bad { proxy_read_timeout soon; }
    location /missing { include nowhere.conf; }
  }
}`)
	show := func(l *Location) string {
		var b strings.Builder
		for _, h := range []string{"host", "x-real-ip", "connection"} {
			if l.Headers[h] != nil {
				b.WriteString(h + " ")
			}
		}
		fmt.Fprintf(&b, "read=%v/%d", l.Timeouts["proxy_read_timeout"].V, l.Timeouts["proxy_read_timeout"].State)
		fmt.Fprintf(&b, " connect=%v/%d", l.Timeouts["proxy_connect_timeout"].V, l.Timeouts["proxy_connect_timeout"].State)
		fmt.Fprintf(&b, " add_header=%d access=%d trusted=%v", len(l.All("add_header")), len(l.Access), l.Trusted[0].Prefix)
		fmt.Fprintf(&b, " realip=%s auth=%v try=%v return=%v", l.RealIP.V, l.Auth != nil, l.TryFiles != nil, l.Return != nil)
		for _, name := range []string{"root", "alias", "internal", "client_max_body_size", "error_page"} {
			if d := l.Other[name]; d != nil {
				fmt.Fprintf(&b, " %s=%s", name, d.Arg(1).Text)
			}
		}
		return b.String()
	}
	tests := map[string]string{
		"/plain":       "host x-real-ip read=1m30s/1 connect=1m0s/0 add_header=1 access=2 trusted=10.0.0.1/32 realip=proxy_protocol auth=true try=false return=false root=/srv client_max_body_size=1m error_page=404",
		"/own":         "connection read=500ms/1 connect=1m0s/0 add_header=1 access=1 trusted=10.0.0.2/32 realip=proxy_protocol auth=false try=false return=false root=/srv client_max_body_size=2m error_page=404",
		"/own/deep":    "connection read=500ms/1 connect=1m0s/0 add_header=1 access=1 trusted=10.0.0.2/32 realip=proxy_protocol auth=false try=false return=false alias=/data/ internal= client_max_body_size=2m error_page=404",
		"/own/deep/er": "connection read=500ms/1 connect=1m0s/0 add_header=1 access=1 trusted=10.0.0.2/32 realip=proxy_protocol auth=false try=false return=false alias=/data/ internal= client_max_body_size=2m error_page=404",
		"/bad":         "host x-real-ip read=0s/2 connect=1m0s/0 add_header=1 access=2 trusted=10.0.0.1/32 realip=proxy_protocol auth=true try=false return=false root=/srv client_max_body_size=1m error_page=404",
	}
	for path, want := range tests {
		if diff := cmp.Diff(want, show(n.location(t, path))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if n.Workers.V != 0 || !n.Workers.Written() || n.Conns.V != 4096 || len(n.RealIP) != 1 {
		t.Errorf("workers %+v, connections %+v, trusted %v", n.Workers, n.Conns, n.RealIP)
	}
	if s := n.Servers[0]; s.Root.TryFiles == nil || len(n.location(t, "/own/deep").Ifs) != 1 {
		t.Error("the server's try_files or the if is lost")
	}
	if w := n.location(t, "/plain").Timeouts["proxy_connect_timeout"].Word; w.Text != "proxy_pass" {
		t.Errorf("the place of a default is %q", w.Text)
	}
}

func TestNginxUnread(t *testing.T) {
	text := "http { server { server_name a; location = /x { return 200; } location / { include far.conf; } include more.conf; } }"
	tree := conf.Parse(conf.File{Kind: conf.Nginx, Data: []byte(text)}, "nginx.conf")
	var mark func([]*conf.Node)
	mark = func(body []*conf.Node) {
		for _, d := range body {
			d.Unread = d.Name() == "include"
			mark(d.Body)
		}
	}
	mark(tree.Body)
	n := readNginx(&Host{}, tree)
	l := n.location(t, "/")
	if v := l.Timeouts["proxy_read_timeout"]; !n.Partial || !l.Partial || v.Known() || l.RealIP.Known() {
		t.Errorf("partial %v %v, timeout %+v, real_ip_header %+v", n.Partial, l.Partial, v, l.RealIP)
	}
	if got, ok := n.Servers[0].Match("/x"); !ok || got.Path.Text != "/x" {
		t.Errorf("/x: %v, %v: an exact location is certain", got, ok)
	}
	if got, ok := n.Servers[0].Match("/y"); ok {
		t.Errorf("/y: %v: an include may have a location for it", got)
	}
}

func TestNginxUpstream(t *testing.T) {
	n := nginxOf(t, `http {
  upstream app {
    zone app 64k;
    least_conn;
    server 10.0.0.1:8080 weight=3 max_fails=0 fail_timeout=1m max_conns=100;
    server 10.0.0.2 backup;
    server unix:/run/app.sock down;
    server [2001:db8::1]:81;
    server app5.example:8080 resolve;
    server 10.0.0.6:$x;
    keepalive 32;
  }
  upstream idle { server 10.0.0.9; }
  server { location / { proxy_pass https://APP; proxy_ssl_verify on; } }
}`)
	app := n.Upstreams[0]
	var got []string
	for _, s := range app.Servers {
		got = append(got, fmt.Sprintf("%v %d %s weight=%d fails=%d/%v conns=%d backup=%v down=%v tls=%v verify=%s %s", s.Addr, s.Port, s.Unix, s.Weight.V,
			s.MaxFails.V, s.FailTimeout.V, s.MaxConn.V, s.Backup.V, s.Down.V, s.TLS.V, s.Verify.V, s.Proto.V))
	}
	want := []string{
		"10.0.0.1 8080  weight=3 fails=0/1m0s conns=100 backup=false down=false tls=true verify=required https",
		"10.0.0.2 80  weight=1 fails=1/10s conns=0 backup=true down=false tls=true verify=required https",
		"invalid IP 0 /run/app.sock weight=1 fails=1/10s conns=0 backup=false down=true tls=true verify=required https",
		"2001:db8::1 81  weight=1 fails=1/10s conns=0 backup=false down=false tls=true verify=required https",
		"invalid IP 8080  weight=1 fails=1/10s conns=0 backup=false down=false tls=true verify=required https",
		"10.0.0.6 0  weight=1 fails=1/10s conns=0 backup=false down=false tls=true verify=required https",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	if app.Balance.V != "least_conn" || app.Keepalive.V != 32 || app.Zone.Text != "app" || !app.Used || n.Upstreams[1].Used {
		t.Errorf("%+v", app)
	}
}

func TestNginxPass(t *testing.T) {
	tests := []struct{ location, want string }{
		{"proxy_pass http://app;", "app"},
		{"proxy_pass http://app/x/;", "app uri=/x/"},
		{"proxy_pass http://app$request_uri;", "app"},
		{"proxy_pass http://10.0.0.1;", "10.0.0.1:80 http"},
		{"proxy_pass https://10.0.0.1/a;", "10.0.0.1:443 https uri=/a"},
		{"proxy_pass http://[::1]:81;", "[::1]:81 http"},
		{"proxy_pass http://unix:/run/a.sock:/x/;", "unix:/run/a.sock http uri=/x/"},
		{"proxy_pass http://unix:/run/a.sock;", "unix:/run/a.sock http"},
		{"fastcgi_pass 127.0.0.1:9000;", "127.0.0.1:9000 fastcgi"},
		{"fastcgi_pass unix:/run/php.sock;", "unix:/run/php.sock fastcgi"},
		{"fastcgi_pass app;", "app"},
		{"uwsgi_pass uwsgi://app;", "app"},
		{"grpc_pass grpcs://10.0.0.1;", "10.0.0.1:443 grpc"},
		{"scgi_pass localhost:9;", "127.0.0.1:9 scgi"},
		{"set $b app; proxy_pass http://$b/;", "app uri=/"},
		{"set $h 10.0.0.1; set $p 8989; set $s http; proxy_pass $s://$h:$p;", "10.0.0.1:8989 http"},
		{"set $b app; if ($arg_x) { set $b other; } proxy_pass http://$b;", "variable used=app,other"},
		{"proxy_pass http://$one;", "app"},
		{"proxy_pass http://$two;", "variable used=app,other"},
		{"proxy_pass http://$host;", "variable used=app,other,unused"},
		{"proxy_pass $scheme://app;", "app"},
		{"if ($arg_y) { proxy_pass http://app; }", "none used=app"},
		{"limit_except GET { proxy_pass http://app; }", "none used=app"},
		{"proxy_pass nonsense;", "variable used="},
	}
	for _, tt := range tests {
		n := nginxOf(t, `http { map $host $one { default app; } map $host $two { default app; b other; }
server { location / { `+tt.location+` } }
upstream app { server 10.0.0.7; } upstream other { server 10.0.0.8; } upstream unused { server 10.0.0.9; } }`)
		var got string
		switch p := n.Servers[0].Locations[0].Pass; {
		case p == nil:
			got = "none"
		case p.Pool == nil:
			got = "variable"
		case !p.Pool.Direct:
			got = p.Pool.Name.Text
		default:
			s := p.Pool.Servers[0]
			got = s.Proto.V
			if s.Unix != "" {
				got = "unix:" + s.Unix + " " + got
			} else {
				got = fmt.Sprintf("%s %s", addrPort(s), got)
			}
		}
		if got == "none" || got == "variable" {
			var used []string
			for _, u := range n.Upstreams {
				if u.Used {
					used = append(used, u.Name.Text)
				}
			}
			got += " used=" + strings.Join(used, ",")
		} else if p := n.Servers[0].Locations[0].Pass; p.URI != "" {
			got += " uri=" + p.URI
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.location, got, tt.want)
		}
	}
}

func addrPort(s *Server) string {
	if s.Addr.Is6() {
		return fmt.Sprintf("[%v]:%d", s.Addr, s.Port)
	}
	return fmt.Sprintf("%v:%d", s.Addr, s.Port)
}

func TestNginxStream(t *testing.T) {
	n := nginxOf(t, `stream { upstream db { server 10.0.0.1:3306; }
server { listen 3306; proxy_pass db; proxy_protocol on; proxy_ssl on; } }`)
	s := n.Upstreams[0].Servers[0]
	if got := fmt.Sprintf("%v %s %s %v", n.Streams[0].Root.Pass.Pool == n.Upstreams[0], s.Proto.V, s.SendProxy.V, s.TLS.V); got != "true tcp v1 true" {
		t.Error(got)
	}
}

func TestNginxMixedPass(t *testing.T) {
	n := nginxOf(t, `http { upstream app { server 10.0.0.1; } server { location /a { proxy_pass http://app; } location /b { proxy_pass https://app; } } }`)
	if s := n.Upstreams[0].Servers[0]; s.TLS.Known() || s.Proto.Known() {
		t.Errorf("two ways to speak to one server: %+v %+v", s.TLS, s.Proto)
	}
}

func TestNginxUnits(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10": 10 * time.Second, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "1m 30s": 90 * time.Second, "1M": 720 * time.Hour, "0": 0, "1d12h": 36 * time.Hour, "1m30": 90 * time.Second,
		"30m1h": -1, "": -1, "-1": -1, "1x": -1, "s": -1, "99999999999999999y": -1, "1 2": -1,
	} {
		d, ok := NginxTime(text)
		if !ok {
			d = -1
		}
		if d != want {
			t.Errorf("time %q: %v, want %v", text, d, want)
		}
	}
	for text, want := range map[string]int64{"10": 10, "1k": 1024, "8M": 8 << 20, "1g": 1 << 30, "": -1, "k": -1, "-1": -1, "1x": -1, "99999999999g": -1} {
		n, ok := NginxSize(text)
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("size %q: %d, want %d", text, n, want)
		}
	}
}

func TestNginxAnswer(t *testing.T) {
	text := `http {
  upstream app { server 10.0.0.1; }
  server {
    rewrite ^/old/(.*)$ /new/$1;
    rewrite ^/away http://elsewhere/ permanent;
    error_page 502 =200 /sorry;
    location = /healthz { if (-f /drain) { return 503; } return 200 ok; }
    location = /plain { return 204; }
    location = /gone { return 301 https://$host/; }
    location = /url { return http://x/; }
    location = /closed { return 444; }
    location = /masked { return 502; }
    location /new/ { proxy_pass http://app; }
    location /lb { allow 10.0.0.11; deny all; proxy_pass http://app; }
    location /returns { deny all; return 200 x; }
    location /secret { auth_basic x; auth_basic_user_file f; }
    location /any { satisfy any; allow 10.0.0.11; deny all; auth_basic x; auth_basic_user_file f; }
    location /inner { internal; return 200 inner; }
    location /try { try_files $uri @app; }
    location /only { try_files $uri =404; }
    location /index { try_files $uri /inner; }
    location /status { stub_status; }
    location /lua { content_by_lua_block { ngx.say("}") } }
    location /post { limit_except POST { deny all; } proxy_pass http://app; }
    location /last { rewrite . /healthz last; }
    location /loop { rewrite . /loop/; }
    location ~ /\.(?!well-known) { return 404; }
    location @app { proxy_pass http://app; }
  }
}`
	s := nginxOf(t, text).Servers[0]
	show := func(a Answer) string {
		out := string(a.Outcome)
		if out == "" {
			out = "unknown"
		}
		if a.Status != 0 {
			out += fmt.Sprint(" ", a.Status)
		}
		if a.URL != "" {
			out += " " + a.URL
		}
		if a.Pass != nil {
			out += " " + a.Pass.Pool.Name.Text
		}
		if a.File {
			out += " file"
		}
		if len(a.Maybe) > 0 {
			out += " maybe"
		}
		return out
	}
	tests := []struct{ method, path, client, want string }{
		{"GET", "/healthz", "", "answered 200 maybe"},
		{"OPTIONS", "/healthz?x", "", "answered 200 maybe"},
		{"GET", "/plain", "", "answered 204"},
		{"GET", "/gone", "", "redirected 301 https://$host/"},
		{"GET", "/url", "", "redirected 302 http://x/"},
		{"GET", "/closed", "", "closed"},
		{"GET", "/masked", "", "unknown"},
		{"GET", "/new", "", "redirected 301 /new/"},
		{"GET", "/new/x", "", "proxied app"},
		{"GET", "/old/x", "", "proxied app"},
		{"GET", "/away/x", "", "redirected 301 http://elsewhere/"},
		{"GET", "/lb", "10.0.0.11", "proxied app"},
		{"GET", "/lb", "10.0.0.12", "forbidden 403"},
		{"GET", "/lb", "", "unknown"},
		{"GET", "/returns", "10.0.0.1", "answered 200"},
		{"GET", "/secret", "", "protected 401"},
		{"GET", "/any", "10.0.0.11", "static"},
		{"GET", "/any", "10.0.0.12", "protected 401"},
		{"GET", "/inner", "", "answered 404"},
		{"GET", "/try", "", "proxied app file"},
		{"GET", "/only", "", "answered 404 file"},
		{"GET", "/index", "", "answered 200 file"},
		{"GET", "/status", "", "answered 200"},
		{"GET", "/lua", "", "unknown"},
		{"GET", "/post", "", "forbidden 403"},
		{"POST", "/post", "", "proxied app"},
		{"GET", "/last", "", "answered 200 maybe"},
		{"GET", "/loop", "", "answered 500"},
		{"GET", "/none", "", "static"},
		{"OPTIONS", "/none", "", "answered 405"},
		{"GET", "/.git", "", "unknown"},
		{"GET", "/none%00", "", "unknown"},
		{"GET", "/a/../plain", "", "answered 204"},
	}
	for _, tt := range tests {
		if got := show(s.Answer(Request{Method: tt.method, Path: tt.path, Client: parseAddr(tt.client)})); got != tt.want {
			t.Errorf("%s %s from %q: %s, want %s", tt.method, tt.path, tt.client, got, tt.want)
		}
	}
}

func TestLoosen(t *testing.T) {
	for text, want := range map[string]string{
		`/\.(?!well-known/)`: `/\.(?:)`, `a++b`: `a+b`, `[(?!]a(?=b(c))d`: `[(?!]a(?:)d`, `(?>ab)c`: `(?:ab)c`, `a\++b`: `a\++b`, `(a)\1`: "",
	} {
		if got, ok := loosen(text); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", text, got, ok, want)
		}
	}
}

// What the examples render is read without a gap.
func TestNginxGolden(t *testing.T) {
	files, err := filepath.Glob("../../golden/*/web1/etc/nginx/nginx.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := nginxOf(t, string(data))
		if n.HTTP == nil || n.Partial || len(n.Servers) < 3 {
			t.Errorf("%s: %d servers, partial %v", file, len(n.Servers), n.Partial)
		}
		for _, p := range n.Upstreams {
			if !p.Used || len(p.Servers) == 0 || p.Balance.V == "round_robin" && p.Balance.Written() {
				t.Errorf("%s: upstream %s: %+v", file, p.Name.Text, p)
			}
			for _, s := range p.Servers {
				if !s.Addr.IsValid() || s.Port == 0 || !s.FailTimeout.Written() || !s.Proto.Written() {
					t.Errorf("%s: server %s is not read", file, s.Address.Text)
				}
			}
		}
		for _, s := range n.Servers {
			if len(s.Listen) == 0 {
				t.Errorf("%s: a server without a listener", file)
			}
			for _, l := range s.Locations {
				if l.Pass != nil && (l.Pass.Pool == nil || l.Pass.Pool.Direct) {
					t.Errorf("%s: %s leads to no upstream", file, l.Pass.Word.Text)
				}
			}
		}
		first := n.Servers[0].Listen[0].Listener
		s, ok := n.ServerFor(first, "nobody.example")
		if !ok || s != n.Servers[0] {
			t.Errorf("%s: an unknown name does not reach the default server", file)
		}
		if a := s.Answer(Request{Path: "/healthz"}); a.Status != 200 || len(a.Maybe) != 1 {
			t.Errorf("%s: /healthz is %+v", file, a)
		}
		if a := s.Answer(Request{Path: "/"}); a.Status != 421 || !a.Sure() {
			t.Errorf("%s: / of an unknown name is %+v", file, a)
		}
	}

	data, err := os.ReadFile("../../golden/foobar/web1/etc/nginx/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	n := nginxOf(t, string(data))
	if diff := cmp.Diff([]string{"any port 80 v4 servers=2", "127.0.0.1 port 8081 v4 servers=1"}, listeners(n)); diff != "" {
		t.Errorf("foobar's listeners (-want +got):\n%s", diff)
	}
	s, ok := n.ServerFor(n.Servers[0].Listen[0].Listener, "FooBar.com:80")
	if !ok || s != n.Servers[1] {
		t.Fatal("foobar.com does not reach its server")
	}
	a := s.Answer(Request{Path: "/cart?id=1"})
	if a.Outcome != Proxied || a.Pass.Pool.Name.Text != "app" || !a.File || len(a.Pass.Pool.Servers) != 3 || a.Location.Timeouts["proxy_read_timeout"].V != 30*time.Second {
		t.Errorf("/cart: %+v", a)
	}
}

func TestNginxLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	read := func(n int) time.Duration {
		var b strings.Builder
		b.WriteString("http { upstream app {\n")
		for i := range 10 * n {
			fmt.Fprintf(&b, "server 10.%d.%d.%d:8080 max_fails=3;\n", i>>16&255, i>>8&255, i&255)
		}
		b.WriteString("}\n")
		for i := range n {
			fmt.Fprintf(&b, "server { listen 80; server_name s%d.example; location / { proxy_pass http://app; proxy_read_timeout 5s; } }\n", i)
		}
		b.WriteString("}\n")
		tree := conf.Parse(conf.File{Kind: conf.Nginx, Data: []byte(b.String())}, "nginx.conf")
		start := time.Now()
		nginx := readNginx(&Host{}, tree)
		took := time.Since(start)
		if len(nginx.Upstreams[0].Servers) != 10*n || len(nginx.Servers[0].Listen[0].Servers) != n {
			t.Fatal("not all is read")
		}
		return took
	}
	small, large := read(300), read(3000)
	t.Logf("3,000 servers of an upstream and 300 server blocks: %v; ten times as many: %v", small, large)
	if large > 40*small && large > 2*time.Second {
		t.Errorf("ten times the servers take %v after %v", large, small)
	}
}

// Whatever a file says, it is read.
func TestNginxAnything(t *testing.T) {
	words := []string{
		"http", "stream", "server", "location", "upstream", "if", "limit_except", "map", "geo", "{", "{", "{", "}", "}", "}", ";", ";", ";", ";", "listen", "80", "[::", "server_name",
		"~(", "*.", ".", "proxy_pass", "http://", "https://$x/", "unix:", "set", "$x", "${x", "$x$x", "return", "200", "301", "rewrite", "^(", "(a)", "$9", "last", "try_files", "@a", "=404", "=",
		"error_page", "allow", "deny", "all", "10.0.0.0/8", "auth_basic", "proxy_set_header", "proxy_read_timeout", "1h", "include", "/", "/a/", "^~", "~", "~*x", "default", "break", "worker_processes",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		text := "http { server { "
		for range r.IntN(60) {
			text += words[r.IntN(len(words))] + " "
		}
		n := readNginx(&Host{}, conf.Parse(conf.File{Kind: conf.Nginx, Data: []byte(text)}, "nginx.conf"))
		for _, s := range n.Servers {
			for _, l := range s.Listen {
				n.ServerFor(l.Listener, "a.test")
			}
			for _, path := range []string{"/", "/a", "/a/b", ""} {
				s.Answer(Request{Path: path})
			}
		}
	}
}
