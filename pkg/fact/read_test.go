package fact_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

const vrrp = `vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.0.0.10/24
    }
}
`

// TestGroups: the same files in two folders are two stacks, whatever their addresses say.
func TestGroups(t *testing.T) {
	group := func(name string) *conf.Input {
		return conf.FromFiles(name, []conf.File{
			{Host: "lb1", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: []byte(vrrp)},
			{Host: name + "-web", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte("events {}\nhttp { server { listen 10.0.0.21:80; location / { proxy_pass http://10.0.0.10; } } }\n")},
		})
	}
	stacks := fact.Read(conf.Join(group("staging"), group("prod")), fact.Options{})
	if len(stacks) != 2 || stacks[0].Name != "prod" || stacks[1].Name != "staging" {
		t.Fatal(stacks)
	}
	for _, s := range stacks {
		if s.Complete {
			t.Errorf("%s is complete", s.Name)
		}
		if len(s.Clusters) != 1 || len(s.Clusters[0].Hosts) != 1 {
			t.Errorf("%s: clusters %v", s.Name, s.Clusters)
		}
		if len(s.Edges) != 1 || s.Edges[0].To != s.Hosts[0] {
			t.Errorf("%s: its web server does not ask its own balancer", s.Name)
		}
		if got := addresses(s.Hosts[1]); !slices.Equal(got, []string{"10.0.0.21"}) {
			t.Errorf("%s: %v", s.Name, got)
		}
	}
}

func TestOptions(t *testing.T) {
	in := conf.FromFiles("", []conf.File{
		{Host: "db1", Path: "/etc/mysql/my.cnf", Kind: conf.MySQL, Data: []byte("[mysqld]\nbind-address=10.0.0.41\n")},
		{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte("events {}\nhttp { server { listen 10.0.0.22:80; } }\n")},
		{Path: conf.ManifestName, Kind: conf.JSON, Data: []byte(`{"version": 1, "targets": {"mysql": "8.4", "nginx": "1.26"}, "hosts": {"db1": {"role": "db", "addresses": ["10.0.0.42"]}}}`)},
	})
	hosts := map[string][]netip.Addr{"db1": {netip.MustParseAddr("10.0.0.43")}, "web1": {netip.MustParseAddr("10.0.0.21"), netip.MustParseAddr("fd00::21")}}

	s := fact.Read(in, fact.Options{Hosts: hosts, Targets: map[string]fact.Version{"mariadb": {Major: 11, Minor: 8}}})[0]
	if got := byHost(s, addresses); !slices.Equal(got["db1"], []string{"10.0.0.42"}) || !slices.Equal(got["web1"], []string{"10.0.0.21", "fd00::21"}) {
		t.Errorf("addresses %v: a manifest goes before --hosts, which goes before the files", got)
	}
	want := map[string]fact.Version{"mariadb": {Major: 11, Minor: 8}, "nginx": {Major: 1, Minor: 26}}
	if fmt.Sprint(s.Targets) != fmt.Sprint(want) {
		t.Errorf("targets %v, want %v", s.Targets, want)
	}
	if d := s.Hosts[0].Database; d.Flavour.V != "mariadb" || d.Version.Major != 11 {
		t.Errorf("the database is %s %v", d.Flavour.V, d.Version)
	}

	s = fact.Read(in, fact.Options{Manifest: &conf.Manifest{Version: 1, Name: "other", Hosts: map[string]conf.ManifestHost{"db1": {Database: "replica"}}}})[0]
	if s.Name != "other" || !s.Complete || s.Hosts[0].Database.Role.V != "replica" || len(s.Targets) != 0 {
		t.Errorf("the manifest of the options does not replace the one in the input: %q %v %v", s.Name, s.Complete, s.Targets)
	}
	if got := byHost(s, addresses); !slices.Equal(got["db1"], []string{"10.0.0.41"}) || !slices.Equal(got["web1"], []string{"10.0.0.22"}) {
		t.Errorf("addresses %v", got)
	}
}

func TestParseVersion(t *testing.T) {
	for s, want := range map[string]fact.Version{
		"3.0": {Major: 3}, "9.7.4": {Major: 9, Minor: 7}, "11.8-MariaDB": {Major: 11, Minor: 8}, "2": {Major: 2}, "": {}, "x.1": {}, "-1.2": {},
	} {
		if got := fact.ParseVersion(s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

// BenchmarkRead reads the facts of 10, 1,000 and 10,000 hosts in rendered stacks of ten, already cut into statements.
func BenchmarkRead(b *testing.B) {
	_, files := rendered(b, "foobar", true)
	for _, stacks := range []int{1, 100, 1000} {
		inputs := make([]*conf.Input, stacks)
		for i := range inputs {
			inputs[i] = conf.FromFiles(fmt.Sprintf("stack%04d", i), files)
		}
		in := conf.Join(inputs...)
		b.Run(fmt.Sprintf("hosts=%d", stacks*10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := fact.Read(in, fact.Options{}); len(got) != stacks {
					b.Fatal(len(got))
				}
			}
		})
	}
}

// BenchmarkServers has one balancer with 100,000 servers, none of them a known host.
func BenchmarkServers(b *testing.B) {
	cfg := []byte("backend web\n")
	for i := range 100_000 {
		cfg = fmt.Appendf(cfg, "    server s%d 10.%d.%d.%d:80 check inter 2s weight %d\n", i, i>>16, i>>8&255, i&255, 1+i%7)
	}
	in := conf.FromFiles("", []conf.File{{Host: "lb1", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: cfg}})
	b.ReportAllocs()
	for b.Loop() {
		if s := fact.Read(in, fact.Options{})[0]; len(s.Edges) != 100_000 {
			b.Fatal(len(s.Edges))
		}
	}
}
