package sim

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// singles are the components whose failure alone costs a service, with what it costs, and what was never served.
func singles(m *Model) map[string]string {
	out := map[string]string{}
	if lost := m.Served(nil).Names(); len(lost) > 0 {
		out["nothing"] = strings.Join(lost, " ")
	}
	for id, c := range m.Components {
		if lost := cost(m, Set{ID(id)}); lost != "" {
			out[c.String()] = lost
		}
	}
	return out
}

func cost(m *Model, down Set) string {
	healthy := m.Served(nil)
	lost := slices.DeleteFunc(m.Served(down).Names(), func(name string) bool { return !healthy.Serves(name) })
	return strings.Join(lost, " ")
}

func services(m *Model) string {
	var names []string
	for _, s := range m.Services {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// TestExamples: what every rendered example serves, and what it loses by one failure: with two hosts in every tier that is
// the primary, and where it runs.
func TestExamples(t *testing.T) {
	minimal := map[string]string{
		"lb1": "minimal/static minimal/dynamic", "haproxy@lb1": "minimal/static minimal/dynamic", "keepalived@lb1": "minimal/static minimal/dynamic",
		"web1": "minimal/static minimal/dynamic", "nginx@web1": "minimal/static minimal/dynamic",
		"app1": "minimal/dynamic", "app@app1": "minimal/dynamic",
		"db1": "db/read db/write", "mysqld@db1": "db/read db/write",
	}
	primary := func(more ...string) map[string]string {
		out := map[string]string{"db1": "db/write"}
		for _, name := range more {
			out[name] = "db/write"
		}
		return out
	}
	for name, want := range map[string]struct {
		services string
		singles  map[string]string
	}{
		"minimal":       {"minimal/static minimal/dynamic", minimal},
		"foobar":        {"foobar/static foobar/dynamic", primary("mysqld@db1")},
		"db-vip":        {"db-vip/static db-vip/dynamic", primary("mysqld@db1")},
		"fast-failover": {"fast-failover/static fast-failover/dynamic", primary("mysqld@db1")},
		"ipv6":          {"ipv6/static ipv6/dynamic", primary("mysqld@db1")},
		"mariadb":       {"mariadb/static mariadb/dynamic", primary("mariadbd@db1")},
		"php-fpm":       {"php-fpm/static php-fpm/dynamic", primary("mysqld@db1")},
		"tls":           {"shop/static shop/dynamic", primary("mysqld@db1")},
		"two-sites":     {"blog/static blog/dynamic shop/static shop/dynamic", primary("mysqld@db1")},
		"active-active": {"media/static shop/static shop/dynamic", primary("mysqld@db1")},
		"kitchen-sink":  {"media/static shop/static shop/dynamic", primary("mysqld@db1", "zone:az1", "machine:hv5")},
		"zones":         {"zones/static zones/dynamic", primary("mysqld@db1", "zone:az1", "machine:hv5")},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := conf.Load([]string{filepath.Join("../../golden", name)}, conf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m := New(fact.Read(in, fact.Options{})[0])
			if got := services(m); got != want.services+" db/read db/write" {
				t.Errorf("services: %s", got)
			}
			if d := cmp.Diff(want.singles, singles(m)); d != "" {
				t.Error(d)
			}
			if len(m.Unknown) > 0 {
				t.Errorf("taken to be up: %s of %s: %s", m.Unknown[0].At, m.Unknown[0].Host.Name, m.Unknown[0].Why)
			}
		})
	}
}

// TestScenarios: small stacks as people write them. The comment of each archive says what is expected: a line for each
// failure with what it costs, "nothing" for what was never served.
func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no scenario")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for line := range strings.Lines(string(ar.Comment)) {
				if what, lost, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(line, "#") {
					want[what] = strings.TrimSpace(lost)
				}
			}
			var in []conf.File
			for _, f := range ar.Files {
				host, path, _ := strings.Cut(f.Name, "/")
				in = append(in, conf.File{Host: host, Path: "/" + path, Kind: kindOf(path), Data: f.Data})
			}
			m := New(fact.Read(conf.FromFiles("", in), fact.Options{Complete: true})[0])
			got := singles(m)
			for what := range want {
				if !strings.Contains(what, " ") {
					continue
				}
				var down Set
				for _, name := range strings.Fields(what) { // several at once
					id, ok := m.Find(name)
					if !ok {
						t.Errorf("no component %s", name)
					}
					down = append(down, id)
				}
				got[what] = cost(m, down)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%v\n%s", services(m), d)
			}
		})
	}
}

func kindOf(path string) conf.Kind {
	switch filepath.Base(path) {
	case "haproxy.cfg":
		return conf.HAProxy
	case "keepalived.conf":
		return conf.Keepalived
	case "nginx.conf":
		return conf.Nginx
	case "my.cnf":
		return conf.MySQL
	}
	if strings.HasSuffix(path, ".env") {
		return conf.Env
	}
	return conf.Other
}
