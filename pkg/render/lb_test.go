package render

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/model"
)

// lbStack is a stack to which a test adds what it is about; the added keys replace these.
const lbStack = `stackgen: 1
name: lbtest
targets: {haproxy: "3.0", keepalived: "2.3", nginx: "1.26", mysql: "9.7"}
vips: {www: 10.0.10.10/24}
sites: {example: {domains: [www.example.com, example.com]}}
lb: {interface: eth0, nodes: {lb1: 10.0.10.11, lb2: 10.0.10.12, lb3: 10.0.10.13}}
web: {web1: 10.0.10.21, web2: 10.0.10.22}
app: {app1: 10.0.10.31}
db: {primary: {db1: 10.0.10.41}, replicas: {db2: 10.0.10.42}}
`

// load reads lbStack with overlays merged over it.
func load(t *testing.T, overlays ...string) *model.Topology {
	t.Helper()
	var over []model.Source
	for _, o := range overlays {
		over = append(over, model.Source{Name: "overlay.yaml", Data: []byte("stackgen: 1\n" + o)})
	}
	top, problems := model.Load(model.Source{Name: "stack.yaml", Data: []byte(lbStack)}, over, nil)
	if top == nil {
		t.Fatalf("the test's own stack: %v", problems)
	}
	return top
}

// lbFile returns one file of a host; nil: it is not rendered.
func lbFile(top *model.Topology, host, path string) *File {
	for _, f := range lbFiles(top) {
		if f.Host == host && f.Path == path {
			return &f
		}
	}
	return nil
}

// statements are the lines of a file without reasons, outer blanks and empty lines.
func statements(f *File) []string {
	var all []string
	for line := range strings.Lines(string(f.Data)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// section returns the statements between a head and the next section of haproxy.cfg.
func section(f *File, head string) []string {
	var all []string
	inside := false
	for line := range strings.Lines(string(f.Data)) {
		if line[0] != ' ' {
			inside = strings.TrimSpace(line) == head
			continue
		}
		line, _, _ = strings.Cut(line, "  #")
		if line = strings.TrimSpace(line); inside && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

func withPrefix(lines []string, prefix string) []string {
	var all []string
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			all = append(all, l)
		}
	}
	return all
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func wantAll(t *testing.T, f *File, want ...string) {
	t.Helper()
	have := statements(f)
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("%s lacks %q:\n%s", f.Name(), w, f.Data)
		}
	}
}

func TestEveryLineHasAnOrigin(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/stack.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	for _, name := range examples {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		top, problems := model.Load(model.Source{Name: name, Data: data}, nil, nil)
		if top == nil {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		for _, f := range lbFiles(top) {
			if lines := bytes.Count(f.Data, []byte("\n")); lines != len(f.Origin) {
				t.Errorf("%s: %s has %d lines and %d origins", name, f.Name(), lines, len(f.Origin))
			}
			if !bytes.HasSuffix(f.Data, []byte("\n")) {
				t.Errorf("%s: %s does not end with a newline, which HAProxy refuses", name, f.Name())
			}
			for i, path := range f.Origin {
				if !top.Origin(path).Pos.IsValid() {
					t.Errorf("%s: %s:%d comes from %q, which has no place", name, f.Name(), i+1, path)
				}
			}
			if f.Mode != 0o644 && !bytes.HasPrefix(f.Data, []byte("#!/bin/sh\n")) {
				t.Errorf("%s: %s has mode %o and is no script", name, f.Name(), f.Mode)
			}
		}
	}
}

func TestMembersShareHAProxy(t *testing.T) {
	top := load(t)
	one, two := lbFile(top, "lb1", haproxyPath), lbFile(top, "lb2", haproxyPath)
	if h := newHAProxy(top); &h.file(top.LB.Nodes[0]).Data[0] != &h.file(top.LB.Nodes[1]).Data[0] {
		t.Error("the members' equal files are rendered twice")
	}
	if !bytes.Equal(one.Data, two.Data) {
		t.Error("the members differ without a reason")
	}

	top = load(t, "lb: {rate_limit: {requests: 50, per: 10s}}\n")
	one, two = lbFile(top, "lb1", haproxyPath), lbFile(top, "lb2", haproxyPath)
	var differ []string
	a, b := statements(one), statements(two)
	for i := range a {
		if a[i] != b[i] {
			differ = append(differ, a[i], b[i])
		}
	}
	wantLines(t, differ, "localpeer lb1", "localpeer lb2")
	wantLines(t, section(one, "peers lbs"), "peer lb1 10.0.10.11:10000", "peer lb2 10.0.10.12:10000", "peer lb3 10.0.10.13:10000")
	wantLines(t, section(one, "backend st_src from base"), "stick-table type ipv6 size 200k expire 20s peers lbs store http_req_rate(10s)")
	front := section(one, "frontend fe_sites from base")
	track := slices.Index(front, "http-request track-sc0 src,ipmask(32,64) table st_src")
	deny := slices.Index(front, "http-request deny deny_status 429 if { sc_http_req_rate(0,st_src) gt 50 }")
	if track < 0 || deny < track {
		t.Errorf("a limit that counts nothing: track %d, deny %d in %q", track, deny, front)
	}
}

func TestNewHostChangesOnlyItsLines(t *testing.T) {
	for _, sticky := range []string{"none", "source", "cookie"} {
		before := load(t, "lb: {sticky: "+sticky+"}\n")
		after := load(t, "lb: {sticky: "+sticky+", nodes: {lb9: 10.0.10.19}}\nweb: {nodes: {web9: 10.0.10.29}}\n")
		for _, path := range []string{haproxyPath, keepalivedPath, checkPath} {
			old, new := statements(lbFile(before, "lb2", path)), statements(lbFile(after, "lb2", path))
			for _, line := range new {
				if !slices.Contains(old, line) && !strings.Contains(line, "web9") && !strings.Contains(line, "10.0.10.19") {
					t.Errorf("%s: %q is new", path, line)
				}
			}
			for _, line := range old {
				if !slices.Contains(new, line) {
					t.Errorf("%s: %q is gone", path, line)
				}
			}
		}
	}
}

func TestServersSayEverything(t *testing.T) {
	top := load(t, `
lb: {client_ip: proxy, sticky: cookie, check: {interval: 2s, fall: 3, rise: 2}}
web: {port: 8080, maxconn: 400, nodes: {web1: {weight: 7}, web2: {backup: true}}}
`)
	be := section(lbFile(top, "lb1", haproxyPath), "backend be_example from base")
	wantLines(t, withPrefix(be, "default-server"),
		"default-server check inter 2s fastinter 500ms fall 3 rise 2 pool-purge-delay 5s maxconn 400")
	wantLines(t, withPrefix(be, "server"),
		"server web1 10.0.10.21:8080 weight 7 cookie web1 send-proxy-v2 check-send-proxy",
		"server web2 10.0.10.22:8080 backup cookie web2 send-proxy-v2 check-send-proxy")
	wantLines(t, withPrefix(be, "cookie"), "cookie SRV httponly indirect nocache insert")
	wantLines(t, withPrefix(be, "http-check"),
		"http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host www.example.com", "http-check expect status 200")

	be = section(lbFile(load(t, "lb: {sticky: source}\n"), "lb1", haproxyPath), "backend be_example from base")
	wantLines(t, withPrefix(be, "balance"), "balance source")
	wantLines(t, withPrefix(be, "hash-type"), "hash-type consistent")
	for _, line := range withPrefix(be, "server") {
		if !strings.Contains(line, " id ") {
			t.Errorf("%q takes its place on the ring from its place in the list", line)
		}
	}
}

func TestTimeoutsFollowTheChain(t *testing.T) {
	top := load(t, `
timeouts: {request: 1s, connect: 200ms, idle: 30s}
sites:
  example:
    routes:
      /: {app: app}
      /api/: {app: app, request_timeout: 10s}
      /api/fast/: {app: app}
      /api/also/: {app: app, request_timeout: 10s}
`)
	f := lbFile(top, "lb1", haproxyPath)
	// R 1 s, C 0.2 s: N 2.4, S 2.64. /api/: N 20.4, S 22.44, B 2·(0.2+22.44) = 45.28 s.
	wantLines(t, withPrefix(section(f, "defaults base"), "timeout"),
		"timeout connect 200ms", "timeout server 2640ms", "timeout client 45280ms", "timeout http-request 10s",
		"timeout http-keep-alive 30s", "timeout check 2s")
	wantLines(t, withPrefix(section(f, "backend be_example from base"), "http-request set-timeout"),
		"http-request set-timeout server 22440ms if { path_beg /api/ }",
		"http-request set-timeout server 2640ms if { path_beg /api/fast/ }")
	for _, line := range withPrefix(section(f, "defaults base"), "retry-on") {
		if strings.ContainsAny(line, "0123456789") {
			t.Errorf("%q repeats an answer", line)
		}
	}
}

func TestOneVIPBindsEveryAddress(t *testing.T) {
	f := lbFile(load(t), "lb1", haproxyPath)
	wantLines(t, withPrefix(section(f, "frontend fe_sites from base"), "bind"), "bind :80")
	top := load(t, "vips: {www: {address6: \"2001:db8::10/64\"}}\nlb: {nodes: {lb1: {address6: \"2001:db8::11\"}, lb2: {address6: \"2001:db8::12\"}, lb3: {address6: \"2001:db8::13\"}}}\n")
	f = lbFile(top, "lb1", haproxyPath)
	wantLines(t, withPrefix(section(f, "frontend fe_sites from base"), "bind"), "bind :80", "bind [::]:80 v6only")
	if lbFile(top, "lb1", "/etc/sysctl.d/60-stackgen.conf") != nil {
		t.Error("a sysctl file, though no bind names a VIP")
	}
}

const twoVIPs = `
vips: {www: null, shop: 10.0.10.8/24, media: {address: 10.0.10.9/24, prefer: lb2}}
sites:
  example: null
  shop:  {domains: [www.example.com, example.com], vip: shop, tls: {certificate: /etc/haproxy/certs/shop.pem}}
  blog:  {domains: [blog.example.com], vip: shop, tls: {certificate: /etc/haproxy/certs/blog.pem, profile: modern, redirect: false}}
  media: {domains: [media.example.com], vip: media}
`

func TestSeveralVIPsBindTheirOwn(t *testing.T) {
	top := load(t, twoVIPs)
	f := lbFile(top, "lb2", haproxyPath)
	shop := section(f, "frontend fe_vip_shop from base")
	wantLines(t, withPrefix(shop, "bind"), "bind 10.0.10.8:80",
		"bind 10.0.10.8:443 ssl crt-list /etc/haproxy/fe_vip_shop.crt-list alpn h2,http/1.1")
	wantLines(t, withPrefix(shop, "acl"), "acl host_shop req.hdr(host),host_only,lower -m str www.example.com",
		"acl host_shop req.hdr(host),host_only,lower -m str example.com", "acl host_blog req.hdr(host),host_only,lower -m str blog.example.com")
	wantLines(t, withPrefix(shop, "http-request redirect"), "http-request redirect scheme https code 301 if !{ ssl_fc } host_shop")
	wantLines(t, shop[len(shop)-2:], "use_backend be_blog if host_blog", "default_backend be_shop")
	media := section(f, "frontend fe_vip_media from base")
	wantLines(t, withPrefix(media, "bind"), "bind 10.0.10.9:80")
	wantLines(t, media[len(media)-1:], "default_backend be_media")
	wantAll(t, lbFile(top, "lb2", "/etc/haproxy/fe_vip_shop.crt-list"),
		"/etc/haproxy/certs/shop.pem [ssl-min-ver TLSv1.2]", "/etc/haproxy/certs/blog.pem [ssl-min-ver TLSv1.3]")
	wantLines(t, statements(lbFile(top, "lb2", "/etc/sysctl.d/60-stackgen.conf")), "net.ipv4.ip_nonlocal_bind = 1")
	wantAll(t, f, "http-response set-header Strict-Transport-Security max-age=15552000 if { ssl_fc }")
}

func TestFrontendsLeaveTheCheckItsSlots(t *testing.T) {
	for _, overlay := range []string{"", "db: {vip: www}\n", "lb: {maxconn: 100}\ndb: {vip: www}\n", twoVIPs} {
		top := load(t, overlay)
		f := lbFile(top, "lb1", haproxyPath)
		local, sum := frontendMaxConn(t, f, "frontend fe_local from base"), 0
		for _, head := range frontends(f) {
			sum += frontendMaxConn(t, f, head)
		}
		if local == 0 || sum > top.LB.MaxConn {
			t.Errorf("%q: frontends take %d of %d, the local one %d", overlay, sum, top.LB.MaxConn, local)
		}
	}
}

func frontends(f *File) []string {
	var heads []string
	for line := range strings.Lines(string(f.Data)) {
		if strings.HasPrefix(line, "frontend ") {
			heads = append(heads, strings.TrimSpace(line))
		}
	}
	return heads
}

func frontendMaxConn(t *testing.T, f *File, head string) int {
	t.Helper()
	limits := withPrefix(section(f, head), "maxconn ")
	if len(limits) != 1 {
		t.Fatalf("%q limits itself %d times", head, len(limits))
	}
	n, err := strconv.Atoi(strings.TrimPrefix(limits[0], "maxconn "))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIPv6Only(t *testing.T) {
	top := load(t, `
vips: {www: "2001:db8::10/64"}
lb: {stats: "[::1]:8404", rate_limit: {requests: 50}, nodes: {lb1: "2001:db8::11", lb2: "2001:db8::12", lb3: "2001:db8::13"}}
web: {web1: "2001:db8::21", web2: "2001:db8::22"}
app: {app1: "2001:db8::31"}
db: {primary: {db1: "2001:db8::41"}, replicas: {db2: "2001:db8::42"}}
`)
	f := lbFile(top, "lb1", haproxyPath)
	wantAll(t, f, "bind [::1]:8404", "bind [::]:80 v6only", "server web1 [2001:db8::21]:80", "peer lb2 [2001:db8::12]:10000")
	wantLines(t, withPrefix(section(f, "frontend fe_sites from base"), "bind"), "bind [::]:80 v6only")
	wantAll(t, lbFile(top, "lb1", checkPath),
		"exec /usr/bin/curl --silent --fail --noproxy '*' --output /dev/null --max-time 2 http://[::1]:8404/healthz")
	wantAll(t, lbFile(top, "lb1", keepalivedPath), "unicast_src_ip 2001:db8::11", "2001:db8::10/64 dev eth0 preferred_lft 0")
}

func TestDatabaseCheckBytes(t *testing.T) {
	// The packet that real servers accepted: MySQL 9.7 and MariaDB 10.11.
	want := "400000" + "01" + "01820800" + "ffffff00" + "ff" + strings.Repeat("00", 23) +
		hex.EncodeToString([]byte("sg_check")) + "00" + "00" + hex.EncodeToString([]byte("caching_sha2_password")) + "00"
	if got := hex.EncodeToString(mysqlLogin("sg_check", "caching_sha2_password", 255)); got != want {
		t.Errorf("login\n got %s\nwant %s", got, want)
	}

	top := load(t, "db: {vip: www}\n")
	f := lbFile(top, "lb1", haproxyPath)
	write := section(f, "backend be_db_write from database")
	wantLines(t, withPrefix(write, "server"), "server db1 10.0.10.41:3306", "server db2 10.0.10.42:3306")
	wantLines(t, write[len(write)-4:len(write)-3], "tcp-check expect comment writable rbinary 020000040130")
	wantLines(t, withPrefix(section(f, "frontend fe_db_write from database"), "tcp-request"),
		"tcp-request connection reject unless application", "tcp-request inspect-delay 1s",
		"tcp-request content accept unless { nbsrv(be_db_write) gt 1 }", "tcp-request content reject if WAIT_END")
	wantLines(t, withPrefix(section(f, "frontend fe_db_read from database"), "acl"), "acl application src 10.0.10.31")
	wantAll(t, f, "use_backend be_db_read if { nbsrv(be_db_read) ge 1 }", "timeout client 1h", "tcp-check expect comment read-only rbinary 020000040131",
		"tcp-check send-binary "+hex.EncodeToString([]byte("\x20\x00\x00\x00\x03SELECT @@global.super_read_only"))+" comment query")
	if http := withPrefix(section(f, "defaults database"), "option http"); http != nil {
		t.Errorf("HTTP options in a TCP section: %q", http)
	}
	maria := load(t, "targets: {mysql: null, mariadb: \"11.8\"}\ndb: {vip: www}\n")
	wantAll(t, lbFile(maria, "lb1", haproxyPath), "tcp-check send-binary "+
		hex.EncodeToString([]byte("\x1a\x00\x00\x00\x03SELECT @@global.read_only"))+" comment query",
		"tcp-check send-binary "+hex.EncodeToString(mysqlLogin("stackgen_check", "mysql_native_password", 45))+" comment login")
}

func TestHAProxyTime(t *testing.T) {
	for ms, want := range map[int64]string{200: "200ms", 2000: "2s", 64000: "64s", 70400: "70400ms", 60000: "60s", 300000: "5m", 3600000: "1h", 0: "0s", 172800000: "48h"} {
		if got := haproxyTime(millis(ms)); got != want {
			t.Errorf("%d ms: got %s, want %s", ms, got, want)
		}
	}
}

func TestRawLinesStandInTheirSections(t *testing.T) {
	top := load(t, `raw:
  haproxy: {global: [nbthread 4], defaults: [option splice-auto], frontend: [http-request set-header X-Edge a], backend: [fullconn 100]}
  keepalived: {global_defs: [vrrp_iptables], vrrp_instance: [debug 0]}
`)
	f := lbFile(top, "lb1", haproxyPath)
	for head, line := range map[string]string{"global": "nbthread 4", "defaults base": "option splice-auto",
		"frontend fe_sites from base": "http-request set-header X-Edge a", "backend be_example from base": "fullconn 100"} {
		if !slices.Contains(section(f, head), line) {
			t.Errorf("%q is not in %q", line, head)
		}
	}
	wantAll(t, lbFile(top, "lb1", keepalivedPath), "vrrp_iptables", "debug 0")
}

func BenchmarkBalancers(b *testing.B) {
	top, problems := model.Load(model.Source{Name: "stack.yaml", Data: []byte(lbStack)}, nil, nil)
	if top == nil {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		lbFiles(top)
	}
}
