package conf

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
)

// merge makes hosts of claims, and groups of hosts.
func (f *finder) merge(disk *store) ([]*Group, map[*Group]string, []string) {
	slices.SortStableFunc(f.claims, func(a, b claim) int { return cmp.Compare(a.place, b.place) })
	type key struct{ parent, name string }
	hosts := map[key]*Host{}
	var order []key
	why := map[key][]string{}
	above := map[string]bool{} // folders with hosts in them
	for _, c := range f.claims {
		d := c.parent
		if c.dir != "" {
			d = path.Dir(c.dir)
		}
		for !above[d] {
			above[d] = true
			d = path.Dir(d)
		}
	}
	for _, c := range f.claims {
		if c.dir != "" {
			if c.parent = path.Dir(c.dir); above[c.dir] {
				c.parent = c.dir // a host, and the folder of other hosts
			}
		}
		if !c.whole && !c.named && len(c.mounts) > 0 && f.shared[c.mounts[0].place] {
			continue
		}
		for _, place := range slices.Sorted(maps.Keys(f.names)) { // the deepest last
			if below(c.place, place) {
				c.name, c.assumed = f.names[place], ""
			}
		}
		k := key{f.parent(c), c.name}
		if h := hosts[k]; h != nil && slices.ContainsFunc(h.found, func(a File) bool {
			return slices.ContainsFunc(c.found, func(b File) bool {
				return a.Path == b.Path && h.Place(a.Path) != c.mounts[0].place
			})
		}) {
			k.name = path.Base(path.Dir(c.place)) + "-" + c.name
			c.assumed = "two files claim to be host " + c.name + "; this one is " + c.place
		}
		h := hosts[k]
		if h == nil {
			h = &Host{Name: k.name, disk: disk, within: f.within[c.place], named: c.named}
			hosts[k] = h
			order = append(order, k)
		}
		for _, m := range c.mounts {
			h.mount(m)
		}
		h.found = append(h.found, c.found...)
		h.whole = h.whole || c.whole
		if c.assumed != "" {
			why[k] = append(why[k], c.assumed)
		}
	}

	parents := map[string]bool{}
	for _, k := range order {
		parents[k.parent] = true
	}
	for dir := range f.mans {
		parents[dir] = true
	}
	common := commonFolder(parents)
	groups := map[string]*Group{}
	group := func(parent string) *Group {
		name := strings.TrimPrefix(strings.TrimPrefix(parent, common), "/")
		if common == "." && parent != "." {
			name = parent
		} else if parent == common {
			name = ""
		}
		if groups[name] == nil {
			groups[name] = &Group{Name: name}
		}
		return groups[name]
	}
	manifests := map[*Group]string{}
	for dir, place := range f.mans {
		manifests[group(dir)] = place
	}
	var assumed []string
	for _, k := range order {
		g, h := group(k.parent), hosts[k]
		h.Group = g.Name
		g.Hosts = append(g.Hosts, h)
		for _, w := range why[k] {
			assumed = append(assumed, strings.TrimPrefix(g.Name+"/"+h.Name, "/")+": "+w)
		}
	}
	var out []*Group
	for _, g := range groups {
		out = append(out, g)
	}
	return out, manifests, assumed
}

// parent is the folder that sets the group of a claim apart: its manifest's, else the nearest one that is no mere
// container.
func (f *finder) parent(c claim) string {
	for d := c.parent; ; d = path.Dir(d) {
		if f.mans[d] != "" {
			return d
		}
		if d == "." || d == "/" || d == path.Dir(d) {
			break
		}
	}
	d := c.parent
	for d != "." && d != "/" && d != ".." && !strings.HasSuffix(d, "/..") && (containers[path.Base(d)] || tiers[path.Base(d)]) {
		d = path.Dir(d)
	}
	return d
}

// commonFolder is the folder that all lie in.
func commonFolder(dirs map[string]bool) string {
	common, first := "", true
	for d := range dirs {
		if first {
			common, first = d, false
			continue
		}
		for !below(d, common) {
			if common == "." || common == "/" || common == ".." {
				return "."
			}
			common = path.Dir(common)
		}
	}
	return common
}
