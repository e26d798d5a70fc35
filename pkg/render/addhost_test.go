package render_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stackgen/internal/draw"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// TestAddHost: one host more changes no line but those that name it.
func TestAddHost(t *testing.T) {
	checkDraws(t, func(t *rapid.T) {
		text := draw.Topology(t, draw.Options{Pairs: true, Unsized: true})
		before := load(t, text)
		tiers := []string{"lb", "web", "db"}
		for _, a := range before.Apps {
			tiers = append(tiers, a.Name)
		}
		tier := rapid.SampledFrom(tiers).Draw(t, "tier")
		var example model.Host // whose families the new host has
		for _, h := range before.Hosts() {
			if h.Tier == tier {
				example = h
				break
			}
		}
		host, names := oneMore(example.Node)
		overlay := map[string]string{
			"lb": "lb: {nodes: {%s}}", "web": "web: {nodes: {%s}}", "db": "db: {replicas: {%s}}",
		}[tier]
		if overlay == "" {
			overlay = "apps: {" + draw.Quote(tier) + ": {nodes: {%s}}}"
		}
		after := load(t, text, fmt.Sprintf(overlay, host))
		if tier == "db" {
			id := after.DB.Replicas[len(after.DB.Replicas)-1].ServerID
			names = append(names, strconv.FormatUint(uint64(id), 10))
		}
		unchangedBut(t, render.Render(before), render.Render(after), names)
	})
}

// oneMore is a host like another, as YAML, and the words that name it.
func oneMore(like model.Node) (yaml string, names []string) {
	const name, v4, v6 = "one-more", "10.10.0.254", "fd00::fffe"
	a, addresses := like.Address.As16(), []string{}
	if like.Address.Is4() {
		b := like.Address.As4()
		b[3] = 250 // drawn ones end far below
		addresses = append(addresses, netip.AddrFrom4(b).String())
		a = like.Address6.As16()
	}
	if like.Address.Is6() || like.Address6.IsValid() {
		a[15] = 0xfa
		addresses = append(addresses, netip.AddrFrom16(a).String())
	}
	yaml = name + ": {address: " + draw.Quote(addresses[0])
	if len(addresses) > 1 {
		yaml += ", address6: " + draw.Quote(addresses[1])
	}
	return yaml + "}", append(addresses, name)
}

// unchangedBut compares two renderings. Lines are compared as a set: where a new one stands does not matter. The manifest is
// compared by what it says, without checksums, which follow from the other files.
func unchangedBut(t failer, before, after []render.File, names []string) {
	named := func(line string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(line, n) })
	}
	old := map[string]render.File{}
	for _, f := range before {
		old[f.Name()] = f
	}
	for _, f := range after {
		was, ok := old[f.Name()]
		delete(old, f.Name())
		switch {
		case !ok && f.Host != "one-more":
			t.Errorf("%s is new, and not a file of the new host", f.Name())
		case !ok || bytes.Equal(was.Data, f.Data):
		case f.Path == conf.ManifestName:
			if d := cmp.Diff(manifestWithout(t, was.Data, "one-more"), manifestWithout(t, f.Data, "one-more")); d != "" {
				t.Errorf("the manifest says more than that there is a new host:\n%s", d)
			}
		default:
			count := map[string]int{}
			for l := range strings.Lines(string(was.Data)) {
				count[l]--
			}
			for l := range strings.Lines(string(f.Data)) {
				count[l]++
			}
			gone, come := 0, 0
			for l, n := range count {
				switch {
				case n > 0 && named(l):
					come += n
				case n > 0:
					t.Errorf("%s has a new line that does not name the host: %s", f.Name(), l)
				case n < 0:
					gone -= n
				}
			}
			if gone > come {
				t.Errorf("%s lost %d lines and got %d:\n%s", f.Name(), gone, come, cmp.Diff(string(was.Data), string(f.Data)))
			}
		}
	}
	for name := range old {
		t.Errorf("%s is no longer rendered", name)
	}
}

// manifestWithout is a manifest without a host and without checksums.
func manifestWithout(t failer, data []byte, host string) *conf.Manifest {
	m, err := conf.DecodeManifest(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	delete(m.Hosts, host)
	for name, tier := range m.Tiers {
		tier.Hosts = slices.DeleteFunc(tier.Hosts, func(h string) bool { return h == host })
		m.Tiers[name] = tier
	}
	m.Files = slices.DeleteFunc(m.Files, func(f conf.ManifestFile) bool { return f.Host == host })
	for i := range m.Files {
		m.Files[i].SHA256 = ""
	}
	return m
}
