package render

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tufanbarisyildirim/gonginx/parser"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// webStack has every kind of route, both address families and all protocols; %s is the nginx it is for.
const webStack = `
stackgen: 1
name: shop
targets: {nginx: "%s"}
vips:
  www:   {address: 10.0.10.10/24, address6: "2001:db8::10/64"}
  media: 10.0.10.9/24
sites:
  shop:
    domains: [www.example.com, example.com]
    vip: www
    body_max: 1G
    routes:
      /:        {app: shop}
      /api/:    {app: api, request_timeout: 120s}
      /live/:   {app: shop, websocket: true}
      /assets/: {static: true}
  media:
    domains: [media.example.com]
    vip: media
    health: /alive
    routes: {/: {static: true}, /py/: py}
lb:
  nodes: {lb1: {address: 10.0.10.11, address6: "2001:db8::11"}, lb2: {address: 10.0.10.12, address6: "2001:db8::12"}}
web:
  nodes: {web1: {address: 10.0.10.21, address6: "2001:db8::21"}, web2: {address: 10.0.10.22, address6: "2001:db8::22"}}
apps:
  shop: {keepalive: 0, nodes: {app1: {address: 10.0.10.31, weight: 2}, app2: "2001:db8::32", app3: {address: 10.0.10.33, backup: true}}}
  api:  {protocol: fastcgi, keepalive: 4, balance: random, nodes: {api1: 10.0.10.34, api2: 10.0.10.35}}
  py:   {protocol: uwsgi, balance: round_robin, nodes: {py1: 10.0.10.36}}
timeouts: {request: 1s, connect: 200ms}
raw:
  nginx: {main: ["worker_priority -1;"], events: ["multi_accept on;"], http: ["gzip on;"], server: ["charset utf-8;"]}
`

func loadString(t testing.TB, text string) *model.Topology {
	t.Helper()
	top, problems := model.Load(model.Source{Name: "stack.yaml", Data: []byte(text)}, nil, nil)
	for _, p := range problems {
		t.Error(p)
	}
	if top == nil {
		t.FailNow()
	}
	return top
}

func loadExample(t testing.TB, name string) *model.Topology {
	t.Helper()
	data, err := os.ReadFile("../../examples/" + name + "/stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return loadString(t, string(data))
}

// squeeze leaves the statements of a file: no comments, one blank between words.
func squeeze(data []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if i := strings.Index(line, "# "); i >= 0 {
			line = line[:i]
		}
		if words := strings.Fields(line); len(words) > 0 {
			b.WriteString(strings.Join(words, " "))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestNginxStatements(t *testing.T) {
	old := squeeze(nginxConf(loadString(t, fmt.Sprintf(webStack, "1.22"))).text)
	for _, want := range []string{
		"worker_priority -1;\nevents {", // raw lines end their block
		"multi_accept on;\n}",
		"charset utf-8;\n}",
		"gzip on;\n}\n",
		"keepalive_timeout 75s;", // 60 s of the clients and 15 s
		"set_real_ip_from 10.0.10.11;\nset_real_ip_from 2001:db8::11;\nset_real_ip_from 10.0.10.12;\nset_real_ip_from 2001:db8::12;\nreal_ip_header X-Forwarded-For;",
		"geo $realip_remote_addr $from_lb {\ndefault 0;\n10.0.10.11 1;\n2001:db8::11 1;\n10.0.10.12 1;\n2001:db8::12 1;\n}",
		"proxy_connect_timeout 200ms;\nproxy_next_upstream error timeout;\nproxy_next_upstream_tries 2;",
		"upstream shop {\nzone shop 1m;\nleast_conn;\n" +
			"server 10.0.10.31:8080 weight=2 max_fails=50 fail_timeout=2s;\n" +
			"server [2001:db8::32]:8080 max_fails=50 fail_timeout=2s;\n" +
			"server 10.0.10.33:8080 max_fails=50 fail_timeout=2s backup;\n}",
		"upstream api {\nzone api 1m;\nrandom two least_conn;\nserver 10.0.10.34:9000 max_fails=50 fail_timeout=2s;\n" +
			"server 10.0.10.35:9000 max_fails=50 fail_timeout=2s;\nkeepalive 4;\nkeepalive_timeout 60s;",
		"upstream py {\nzone py 1m;\nserver 10.0.10.36:3031 max_fails=50 fail_timeout=2s;\n}",
		"server {\nlisten 80 default_server;\nlisten [::]:80 default_server;\nserver_name _;\nlocation = /healthz {",
		"return 200 \"ok\\n\";\n}\nlocation = /alive {", // each distinct path, there too
		"server {\nlisten 80;\nlisten [::]:80;\nserver_name www.example.com example.com;\nroot /srv/www/shop;\nclient_max_body_size 1G;",
		"location ~ \\.php(?:/|$) {\nerror_page 418 = @app;\nreturn 418;\n}",
		"location / {\ntry_files $uri @app;\n",
		"location @app {\nproxy_pass http://shop;\nproxy_set_header Connection close;\n",
		"proxy_read_timeout 1s;\nproxy_send_timeout 1s;\nproxy_next_upstream_timeout 2400ms;", // 2·(0.2+1)
		"location ^~ /api/ {\nfastcgi_pass api;\ninclude stackgen/fastcgi_params;\n",
		"fastcgi_param SCRIPT_FILENAME /srv/api/public/index.php;\nfastcgi_param SCRIPT_NAME /index.php;\nfastcgi_keep_conn on;\n" +
			"fastcgi_read_timeout 120s;\nfastcgi_send_timeout 120s;\nfastcgi_next_upstream_timeout 240400ms;", // 2·(0.2+120)
		"location ^~ /live/ {\nproxy_pass http://shop;\nproxy_set_header Upgrade $upgrade;\nproxy_set_header Connection $connection_upgrade;\n",
		"proxy_read_timeout 3600s;",
		"location /assets/ {\ntry_files $uri $uri/ =404;\n",
		"location / {\ntry_files $uri $uri/ =404;\n",
		"location ^~ /py/ {\nuwsgi_pass py;\ninclude stackgen/uwsgi_params;\nuwsgi_read_timeout 1s;",
		"listen 127.0.0.1:8081;",
	} {
		if !strings.Contains(old, want) {
			t.Errorf("missing:\n%s", want)
		}
	}
	for _, never := range []string{"keepalive 0;", "non_idempotent", "http_5", "include /", "proxy_protocol"} {
		if strings.Contains(old, never) {
			t.Errorf("%q must not be there", never)
		}
	}
	if t.Failed() {
		t.Log(old)
	}

	// 1.30 keeps connections by itself, and older ones refuse the 0.
	recent := squeeze(nginxConf(loadString(t, fmt.Sprintf(webStack, "1.30"))).text)
	if got := strings.ReplaceAll(recent, "keepalive 0;\n", ""); got != old || got == recent {
		t.Error("1.30 must differ from 1.22 in keepalive 0 and in nothing else")
	}
}

func TestNginxProxyProtocol(t *testing.T) {
	top := loadString(t, strings.Replace(fmt.Sprintf(webStack, "1.26"), "\nlb:\n", "\nlb:\n  client_ip: proxy\n", 1))
	for line := range strings.Lines(squeeze(nginxConf(top).text)) {
		switch {
		case strings.HasPrefix(line, "listen 127."):
			if strings.Contains(line, "proxy_protocol") {
				t.Error("the local status page has no balancer before it:", line)
			}
		case strings.HasPrefix(line, "listen "):
			if !strings.HasSuffix(line, " proxy_protocol;\n") {
				t.Error("a socket has one protocol:", line)
			}
		case strings.HasPrefix(line, "real_ip_header "):
			if line != "real_ip_header proxy_protocol;\n" {
				t.Error(line)
			}
		}
	}
}

// The text and gonginx's reading of it agree: what is meant as one statement is one.
func TestNginxReadsBack(t *testing.T) {
	p := nginxConf(loadString(t, fmt.Sprintf(webStack, "1.30")))
	c, err := parser.NewStringParser(string(p.text), parser.WithSkipValidDirectivesErr()).Parse()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(c.FindDirectives("location")); got != 3+8+4+2 {
		t.Errorf("%d locations", got)
	}
	if p.depth != 0 {
		t.Errorf("%d blocks are left open", p.depth)
	}
}

func TestWebFiles(t *testing.T) {
	top := loadString(t, fmt.Sprintf(webStack, "1.26"))
	files := webFiles(top)
	var names []string
	shared := map[string]*byte{}
	for _, f := range files {
		names = append(names, f.Name())
		if first, ok := shared[f.Path]; ok && first != &f.Data[0] {
			t.Errorf("%s was rendered more than once", f.Path)
		}
		shared[f.Path] = &f.Data[0]
		checkOrigins(t, top, f)
	}
	var want []string
	for _, host := range []string{"web1", "web2"} {
		want = append(want, host+"/etc/nginx/nginx.conf", host+"/etc/nginx/stackgen/mime.types", host+"/etc/nginx/stackgen/fastcgi_params",
			host+"/etc/nginx/stackgen/uwsgi_params", host+"/etc/systemd/system/nginx.service.d/stackgen.conf")
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if names := webFiles(loadExample(t, "foobar")); len(names) != 2*3 {
		t.Errorf("%d files; parameters of protocols nobody speaks?", len(names))
	}
}

// checkOrigins wants one origin per line, none of them below a key that cannot exist.
func checkOrigins(t *testing.T, top *model.Topology, f File) {
	t.Helper()
	if f.Origin == nil {
		return
	}
	if lines := bytes.Count(f.Data, []byte("\n")); lines != len(f.Origin) {
		t.Errorf("%s: %d lines, %d origins", f.Name(), lines, len(f.Origin))
	}
	tops := []string{"", "name", "sites", "lb", "web", "apps", "db", "timeouts", "raw"}
	for i, o := range f.Origin {
		if first, _, _ := strings.Cut(o, "."); !slices.Contains(tops, first) {
			t.Errorf("%s:%d: no such section: %q", f.Name(), i+1, o)
		}
		if !top.Origin(o).Pos.IsValid() {
			t.Errorf("%s:%d: %q leads nowhere", f.Name(), i+1, o)
		}
	}
}

// Another application server changes only its own line.
func TestNginxGrows(t *testing.T) {
	const more = "app3: 10.0.10.33"
	data, err := os.ReadFile("../../examples/foobar/stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), more) {
		t.Fatal("the example has changed")
	}
	small := nginxConf(loadString(t, string(data)))
	large := nginxConf(loadString(t, strings.Replace(string(data), more, more+", app4: 10.0.10.34", 1)))
	var left []string
	for line := range strings.Lines(string(large.text)) {
		if !strings.HasSuffix(line, "# app4\n") {
			left = append(left, line)
		}
	}
	if strings.Join(left, "") != string(small.text) {
		t.Error("app4 changed lines that do not name it")
	}
}

func TestServerNames(t *testing.T) {
	for _, c := range []struct {
		longest, count int
		want           string
	}{
		{46, 1, ""}, // 8 + 48 + 8 = 64: nginx's own size where a cache line is 64 bytes
		{47, 1, "server_names_hash_bucket_size 128;\n"},
		{111, 1, "server_names_hash_bucket_size 256;\n"},
		{20, 101, "server_names_hash_max_size 1024;\n"},
	} {
		domains := make([]string, c.count)
		for i := range domains {
			domains[i] = strings.Repeat("x", c.longest)
		}
		n := new(nginxPage)
		n.serverNames(&model.Topology{Sites: []model.Site{{Name: "a", Domains: domains}}})
		if got := squeeze(n.text); got != c.want {
			t.Errorf("%d domains of %d characters: got %q, want %q", c.count, c.longest, got, c.want)
		}
	}
}

func TestMimeTypes(t *testing.T) {
	seen := map[string]string{}
	for line := range strings.Lines(mimeTable) {
		words := strings.Fields(line)
		if len(words) < 2 || strings.Count(words[0], "/") != 1 {
			t.Errorf("no type with extensions: %q", line)
		}
		for _, ext := range words[1:] {
			if other, ok := seen[ext]; ok {
				t.Errorf("%q is %s and %s", ext, other, words[0]) // nginx would take the last and warn
			}
			seen[ext] = words[0]
		}
	}
	if !bytes.Contains(mimeTypes(), []byte("    text/css css;\n")) {
		t.Error("the table is not in the file")
	}
}

func TestNginxWord(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", `""`},
		{"a b", `"a b"`},
		{"x; return 500", `"x; return 500"`},
		{"ok\n", `"ok\n"`},
		{`{"a":1}`, `'{"a":1}'`},
		{`it's "x"`, `"it's \"x\""`},
		{`/\.(?!x)`, `/\.(?!x)`},
		{`\.a{1,2}`, `"\\.a{1,2}"`},
		{`tab\there`, `"tab\\there"`}, // a backslash and a t, not a tab
		{`end\`, `"end\\"`},
		{"# no comment", `"# no comment"`},
		{"${x}", `"${x}"`},
	} {
		if got := nginxWord(c.in); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
		if got, ok := nginxUnquote(nginxWord(c.in)); !ok || got != c.in {
			t.Errorf("%q is read as %q", c.in, got)
		}
	}
}

func FuzzNginxWord(f *testing.F) {
	for _, s := range []string{"", "a", `\`, `\n`, "\n", `"'`, "};#", "${a}", `\\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := nginxUnquote(nginxWord(s)); !ok || got != s {
			t.Errorf("%q is written %s and read as %q, one word: %v", s, nginxWord(s), got, ok)
		}
	})
}

// nginxUnquote reads one word as ngx_conf_read_token does; false if the text is not exactly one.
func nginxUnquote(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	body := s
	if q := s[0]; q == '"' || q == '\'' {
		if len(s) < 2 || s[len(s)-1] != q {
			return "", false
		}
		body = s[1 : len(s)-1]
		for i := 0; i < len(body); i++ {
			if body[i] == '\\' {
				i++ // hides what follows, the closing quote too
				if i == len(body) {
					return "", false
				}
			} else if body[i] == q {
				return "", false
			}
		}
	} else {
		if s[0] == '#' {
			return "", false
		}
		for i := 0; i < len(body); i++ {
			switch body[i] {
			case '\\':
				i++
				if i == len(body) {
					return "", false
				}
			case ' ', '\t', '\r', '\n', ';', '{', '}':
				return "", false
			}
		}
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '\\' && i+1 < len(body) {
			if j := strings.IndexByte(`"'\trn`, body[i+1]); j >= 0 {
				b.WriteByte("\"'\\\t\r\n"[j])
				i++
				continue
			}
		}
		b.WriteByte(body[i])
	}
	return b.String(), true
}

func BenchmarkNginx(b *testing.B) {
	foobar := loadExample(b, "foobar")
	wide := loadExample(b, "foobar")
	wide.Apps[0].Nodes = nil
	for i := range 1000 {
		wide.Apps[0].Nodes = append(wide.Apps[0].Nodes, model.Server{
			Node: model.Node{Name: fmt.Sprintf("app%d", i), Address: netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})}, Weight: 1})
	}
	for name, top := range map[string]*model.Topology{"foobar": foobar, "1000 application servers": wide} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				webFiles(top)
				appFiles(top)
			}
		})
	}
}

func TestAppFiles(t *testing.T) {
	direct := loadExample(t, "foobar")
	files := appFiles(direct)
	if len(files) != 3 {
		t.Fatalf("%d files", len(files))
	}
	const want = "LISTEN=10.0.10.32:8080\nREQUEST_TIMEOUT_MS=30000\nKEEPALIVE_S=75\n" +
		"DB_WRITE=10.0.10.41:3306\nDB_READ=10.0.10.42:3306,10.0.10.41:3306\nDB_TIMEOUT_MS=10000\n"
	f := files[1]
	if got := squeeze(f.Data); got != want || f.Name() != "app2/etc/default/app" || f.Kind != conf.Env {
		t.Errorf("%s (%v) is\n%s", f.Name(), f.Kind, got)
	}
	other := strings.NewReplacer("app1", "app2", "10.0.10.31", "10.0.10.32").Replace(string(files[0].Data))
	if other != string(f.Data) {
		t.Error("app1 and app2 differ in more than name and address")
	}
	for _, f := range files {
		checkOrigins(t, direct, f)
		for line := range strings.Lines(string(f.Data)) {
			if strings.Contains(strings.TrimPrefix(line, "#"), "#") {
				t.Errorf("%s: systemd reads the comment as part of the value: %q", f.Name(), line)
			}
		}
	}
}

func TestAppFilesOfStack(t *testing.T) {
	stack := fmt.Sprintf(webStack, "1.26")
	if text := squeeze(appFiles(loadString(t, stack))[1].Data); !strings.HasPrefix(text, "LISTEN=[2001:db8::32]:8080\n") {
		t.Errorf("an IPv6 address needs brackets:\n%s", text)
	}
	top := loadString(t, strings.ReplaceAll(stack, `"2001:db8::32"`, "10.0.10.32")+`
db: {vip: media, primary: {db1: 10.0.10.41}}
load: {concurrent: 90}
`)
	got := map[string]string{}
	for _, f := range appFiles(top) {
		got[f.Name()] = squeeze(f.Data)
	}
	for name, want := range map[string]string{
		"app2/etc/default/shop": "LISTEN=10.0.10.32:8080\nREQUEST_TIMEOUT_MS=1000\n",
		"api1/etc/default/api":  "LISTEN=10.0.10.34:9000\nREQUEST_TIMEOUT_MS=120000\n", // its route's, not the stack's
		"py1/etc/default/py": "LISTEN=10.0.10.36:3031\nREQUEST_TIMEOUT_MS=1000\nKEEPALIVE_S=75\n" +
			"MAX_CONCURRENT=90\nDB_WRITE=10.0.10.9:3306\nDB_READ=10.0.10.9:3307\nDB_TIMEOUT_MS=333\n",
	} {
		if !strings.HasPrefix(got[name], want) {
			t.Errorf("%s is\n%s, want\n%s", name, got[name], want)
		}
	}
	alone := loadString(t, "stackgen: 1\nname: a\ndomain: example.com\nvip: 10.0.0.9/24\nlb: {lb1: 10.0.0.1}\nweb: {web1: 10.0.0.2}\napp: {app1: 10.0.0.3}\n")
	if text := squeeze(appFiles(alone)[0].Data); strings.Contains(text, "DB_") {
		t.Errorf("no database, but\n%s", text)
	}
}
