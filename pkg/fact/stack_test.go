package fact_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// rendered is an example's topology and its files, with or without the manifest.
func rendered(t testing.TB, name string, manifest bool) (*model.Topology, []conf.File) {
	t.Helper()
	data, err := examples.Stack(name)
	if err != nil {
		t.Fatal(err)
	}
	top, faults := model.Load(model.Source{Name: "stack.yaml", Data: data}, nil, nil)
	if top == nil {
		t.Fatal(faults)
	}
	var files []conf.File
	for _, f := range render.Render(top) {
		if manifest || f.Host != "" {
			files = append(files, f.File)
		}
	}
	return top, files
}

func readOne(t testing.TB, files []conf.File, opts fact.Options) *fact.Stack {
	t.Helper()
	stacks := fact.Read(conf.FromFiles("", files), opts)
	if len(stacks) != 1 {
		t.Fatalf("%d stacks", len(stacks))
	}
	return stacks[0]
}

func byHost[T any](s *fact.Stack, get func(*fact.Host) T) map[string]T {
	m := map[string]T{}
	for _, h := range s.Hosts {
		m[h.Name] = get(h)
	}
	return m
}

func addresses(h *fact.Host) []string {
	var all []string
	for _, a := range h.Addresses {
		all = append(all, a.Addr.String())
	}
	slices.Sort(all)
	return all
}

// TestRendered compares the facts of every example with its topology, once with the manifest and once from the daemons' files
// alone.
func TestRendered(t *testing.T) {
	for _, name := range examples.Names() {
		for _, manifest := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/manifest=%v", name, manifest), func(t *testing.T) {
				top, files := rendered(t, name, manifest)
				s := readOne(t, files, fact.Options{})
				if s.Complete != manifest {
					t.Errorf("complete is %v", s.Complete)
				}
				if len(s.NotRead) > 0 {
					t.Errorf("not read: %v", s.NotRead)
				}

				addrs, roles := map[string][]string{}, map[string]string{}
				for _, h := range top.Hosts() {
					list := []string{h.Address.String()}
					if h.Address6.IsValid() {
						list = append(list, h.Address6.String())
					}
					slices.Sort(list)
					addrs[h.Name], roles[h.Name] = list, string(h.Role)
				}
				if diff := cmp.Diff(roles, byHost(s, func(h *fact.Host) string { return h.Role })); diff != "" {
					t.Errorf("roles (-topology +facts):\n%s", diff)
				}
				found := byHost(s, addresses)
				if !manifest { // no file says every address: a web server listens on all of its own
					for host, list := range addrs {
						addrs[host] = slices.DeleteFunc(list, func(a string) bool { return !slices.Contains(found[host], a) })
						if len(found[host]) == 0 && len(top.Hosts()) > 4 { // nothing names a balancer without a partner
							t.Errorf("%s: no address", host)
						}
					}
				}
				if diff := cmp.Diff(addrs, found, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("addresses (-topology +facts):\n%s", diff)
				}

				var vips, held []netip.Addr
				for _, v := range top.VIPs {
					for _, p := range []netip.Prefix{v.Address, v.Address6} {
						if p.IsValid() {
							vips = append(vips, p.Addr())
						}
					}
				}
				for _, c := range s.Clusters {
					held = append(held, c.VIPs...)
					if len(c.Hosts) != len(top.LB.Nodes) {
						t.Errorf("cluster %q of %d hosts, the topology has %d balancers", c.Name, len(c.Hosts), len(top.LB.Nodes))
					}
				}
				slices.SortFunc(vips, netip.Addr.Compare)
				slices.SortFunc(held, netip.Addr.Compare)
				if !slices.Equal(vips, held) {
					t.Errorf("clusters hold %v, the topology has %v", held, vips)
				}

				if len(s.Edges) == 0 {
					t.Error("no edge")
				}
				for _, e := range s.Edges {
					if e.To == nil || e.Listener == nil {
						t.Errorf("%s: %q on %s leads nowhere: to %v, listener %v", e.Server.Address.Pos, e.Server.Address.Text, e.From.Name, e.To != nil, e.Listener != nil)
					}
				}

				if top.DB == nil {
					return
				}
				flavour := "mysql"
				if top.MariaDB() {
					flavour = "mariadb"
				}
				for _, h := range s.Hosts {
					d := h.Database
					if (d != nil) != (h.Role == "db") {
						t.Errorf("%s: a database: %v", h.Name, d != nil)
					}
					if d == nil {
						continue
					}
					if d.Flavour.V != flavour {
						t.Errorf("%s: flavour %q", h.Name, d.Flavour.V)
					}
					role := "replica"
					if h.Name == top.DB.Primary[0].Name {
						role = "primary"
					}
					if !d.Role.Known() || d.Role.V != role {
						t.Errorf("%s: role %q, want %q", h.Name, d.Role.V, role)
					}
					if (d.Source != nil) != (role == "replica") || d.Source != nil && d.Source.Addr != top.DB.Primary[0].Address && d.Source.Addr != top.DB.Primary[0].Address6 {
						t.Errorf("%s: replicates from %v", h.Name, d.Source)
					}
				}
			})
		}
	}
}
