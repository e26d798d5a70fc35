package conf

import (
	"testing"
)

func TestFromFiles(t *testing.T) {
	in := FromFiles("", []File{
		{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: Nginx, Data: []byte("events {}\nhttp { include conf.d/*.conf; include nope.conf; }\n")},
		{Host: "web1", Path: "/etc/nginx/conf.d/a.conf", Kind: Nginx, Data: []byte("server { listen 80; }\n")},
		{Host: "db1", Path: "/etc/mysql/my.cnf", Kind: MySQL, Data: []byte("[mysqld]\na=1\n!includedir /etc/mysql/conf.d/\nb=2\n")},
		{Host: "db1", Path: "/etc/mysql/conf.d/x.cnf", Kind: MySQL, Data: []byte("[mysqld]\nc=1\n")},
		{Path: ManifestName, Kind: JSON, Data: []byte(`{"version": 1, "hosts": {}}`)},
	})
	for _, h := range in.Groups[0].Hosts {
		for _, tr := range h.Trees {
			t.Log(h.Name, dump(tr))
		}
	}
	t.Log(in.NotRead, in.Assumed, in.Errors, in.Groups[0].Manifest)
}
