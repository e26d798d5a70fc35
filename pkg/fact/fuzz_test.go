package fact_test

import (
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// FuzzRead: whatever files say, facts come out, and the edges hold together.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"kitchen-sink", "db-vip", "mariadb"} {
		_, files := rendered(f, name, true)
		data := map[conf.Kind][]byte{}
		var script []byte
		for _, file := range files {
			if data[file.Kind] == nil && file.Kind != conf.Other {
				data[file.Kind] = file.Data
			}
			if file.Path == "/etc/mysql/bootstrap.sh" {
				script = file.Data
			}
		}
		f.Add(data[conf.HAProxy], data[conf.Keepalived], data[conf.Nginx], data[conf.MySQL], data[conf.Env], data[conf.JSON], script)
	}
	f.Fuzz(func(t *testing.T, haproxy, keepalived, nginx, mysql, env, manifest, script []byte) {
		in := conf.FromFiles("", []conf.File{
			{Host: "lb1", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: haproxy},
			{Host: "lb1", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: keepalived},
			{Host: "lb2", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: keepalived},
			{Host: "lb2", Path: "/etc/hosts", Data: env},
			{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: nginx},
			{Host: "app1", Path: "/etc/default/app", Kind: conf.Env, Data: env},
			{Host: "db1", Path: "/etc/mysql/my.cnf", Kind: conf.MySQL, Data: mysql},
			{Host: "db1", Path: "/etc/mysql/bootstrap.sh", Data: script},
			{Host: "db1", Path: "/etc/sysctl.conf", Data: env},
			{Path: conf.ManifestName, Kind: conf.JSON, Data: manifest},
		})
		for _, s := range fact.Read(in, fact.Options{}) {
			for _, e := range s.Edges {
				if e.Server.To != e || e.Listener != nil && e.Listener.Host != e.To {
					t.Errorf("%s: an edge that does not hold together", e.Server.Address.Pos)
				}
			}
			for _, c := range s.Clusters {
				if len(c.Hosts) != len(c.Members) || c.Why == "" || len(c.Hosts) == 0 {
					t.Errorf("cluster %q", c.Name)
				}
			}
		}
	})
}
