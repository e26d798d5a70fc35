package lint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
	"stackgen/pkg/lint"
)

// nasty are texts that have no file in golden: what is empty, unfinished, too large, or names itself.
var nasty = []string{
	"", "\x00", "\xff\xfe", "{", "}", ";", "[", "\"", "a", "a\n", "\ufeff[mysqld]\nserver_id=18446744073709551616\n",
	"global\ndefaults\nfrontend\nbackend\nlisten\npeers\nuserlist\n",
	"listen a\n bind\n bind :\n bind :0\n bind :1-99999\n bind []:80\n bind fd@3\n bind /s\n server\n server x\n server x :\n server x :70000 check inter\n use_backend\n use_backend %[a]\n default_backend a\n timeout\n cookie\n option httpchk\n",
	"listen a\n server-template x 99999999 y:80\n default-server weight 300\n server b 10.0.0.1:80 weight -1 check port 0 addr x\n",
	".if\n.elif\n.else\n.endif\n.if defined(A)\nbackend b\n server s [::1]:80\n",
	"vrrp_instance\nvrrp_instance {\n}\nvrrp_instance a {\n priority x\n virtual_router_id 999999999999\n advert_int -1\n unicast_peer {\n  x\n }\n virtual_ipaddress {\n  10.0.0.300\n  /24\n  ::/129\n }\n track_script {\n  a weight\n }\n}\n",
	"vrrp_sync_group g {\n group {\n  g\n }\n}\nvrrp_script s {\n script \"\"\n weight 300 reverse\n}\ninclude *\n$A=$A\n$A\n@x vrrp_instance b {\n",
	"http{server{listen;listen x:y;server_name ;location{}location a b c{}proxy_pass;proxy_pass http://;return;try_files;}upstream{}upstream u{server;server :0;server u;}server{location /{proxy_pass http://u$x;}}}",
	"stream{upstream s{server s;}server{listen 1;proxy_pass s;}}http{server{rewrite ( x last;location ~ ({if(){return 200;}}}}",
	"[mysqld]\nserver_id\nbind_address=*,::,x\nport=0\nlog_bin=\nskip_\nloose_\nreplicate_do_db\n=\n[mysqld-9.9]\nread_only=maybe\n!include my.cnf\n",
	"DB_WRITE=\nDB_READ=,:,x:y\nLISTEN=[::\nDATABASE_URL=mysql://@:/\nDATABASE_URL='mysql://u:p@h:1/d?x'\n",
	`{"version":1,"hosts":{"lb1":{"addresses":["x",""]},"":{}},"tiers":{"web":{"role":"web","hosts":["lb1","nobody"]}},"vips":{"v":{"addresses":["10.0.0.1"]}},"accept":[{}]}`,
	"#!/bin/sh\ncurl\ncurl -m\nkillall -0\nnc -z\nsource=10.0.0.1\nCHANGE MASTER TO MASTER_HOST='$x',\n",
}

// FuzzRun: whatever files say, every rule ends, and says what it says at a place.
func FuzzRun(f *testing.F) {
	env := map[string]string{"kitchen-sink": "app1/etc/default/shop", "db-vip": "app1/etc/default/app", "mariadb": "app1/etc/default/app"}
	for stack := range env {
		read := func(name string) string {
			data, err := os.ReadFile(filepath.Join("..", "..", "golden", stack, filepath.FromSlash(name)))
			if err != nil {
				f.Fatal(err)
			}
			return string(data)
		}
		f.Add(read("lb1/etc/haproxy/haproxy.cfg"), read("lb1/etc/keepalived/keepalived.conf"), read("web1/etc/nginx/nginx.conf"), read("db2/etc/mysql/my.cnf"),
			read(env[stack]), read(conf.ManifestName), read("db2/etc/mysql/bootstrap.sh"))
	}
	for _, s := range nasty {
		f.Add(s, s, s, s, s, s, s)
	}
	f.Fuzz(func(t *testing.T, haproxy, keepalived, nginx, mysql, env, manifest, script string) {
		files := []conf.File{
			{Host: "lb1", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: []byte(haproxy)},
			{Host: "lb1", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: []byte(keepalived)},
			{Host: "lb1", Path: "/etc/keepalived/check-haproxy", Data: []byte(script)},
			{Host: "lb2", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: []byte(keepalived)},
			{Host: "lb2", Path: "/etc/hosts", Data: []byte(env)},
			{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte(nginx)},
			{Host: "app1", Path: "/etc/default/app", Kind: conf.Env, Data: []byte(env)},
			{Host: "db1", Path: "/etc/mysql/my.cnf", Kind: conf.MySQL, Data: []byte(mysql)},
			{Host: "db1", Path: "/etc/mysql/bootstrap.sh", Data: []byte(script)},
			{Host: "db2", Path: "/etc/mysql/my.cnf", Kind: conf.MySQL, Data: []byte(strings.ReplaceAll(mysql, "1", "2"))},
			{Path: conf.ManifestName, Kind: conf.JSON, Data: []byte(manifest)},
		}
		for _, complete := range []bool{false, true} {
			in := conf.FromFiles("", files)
			r := lint.Run(in, fact.Read(in, fact.Options{Complete: complete}), lint.Options{Profile: lint.Strict})
			for _, d := range append(r.Findings, r.Accepted...) {
				if d.Pos.File == "" || d.Message == "" || d.Rule == "" || d.Fingerprint == "" {
					t.Errorf("a finding without a place, a message, a rule or a name: %+v", d)
				}
			}
		}
	})
}
