package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stackgen/pkg/diag"
)

// Source is one file to read. Name is what places in it are called.
type Source struct {
	Name string
	Data []byte
}

// Load reads a topology, merges the overlays over it (RFC 7396), sets the targets given by name ("haproxy": "2.6"),
// fills in every default and checks the whole. The topology is nil if there is any error; the list holds them all, sorted.
func Load(src Source, overlays []Source, targets map[string]string) (*Topology, []diag.Diagnostic) {
	t := &Topology{origins: origins{}}
	p := newProblems(t)
	if tree := merged(src, overlays, p); tree != nil && knownFormat(tree, p) {
		decode(tree, t, p)
		retarget(t, targets, p)
		fill(t, p)
		check(t, p)
	}
	if len(p.list) > 0 {
		diag.Sort(p.list)
		return nil, p.list
	}
	return t, nil
}

// merged returns the topology's tree in the long form, overlays merged over it; nil if a file cannot be read at all.
func merged(src Source, overlays []Source, p *problems) *node {
	tree := parse(src, p)
	if tree != nil && tree.kind != mapping {
		p.add(tree.pos, "start with `stackgen: 1`, or let `stackgen init` make a topology", "expected a mapping, not %s", tree.what())
		tree = nil
	}
	if tree != nil {
		noNulls(tree, p)
	}
	name := "www" // of the site that `domain` makes, should the stack have no name fit for it
	if tree != nil {
		if n := tree.get("name"); n != nil && n.tag == "!!str" && hostName.MatchString(n.text) {
			name = n.text
		}
		normalise(tree, name, p)
	}
	for _, o := range overlays {
		over := parse(o, p)
		switch {
		case over == nil:
			tree = nil
		case over.kind != mapping:
			p.add(over.pos, "", "expected a mapping, not %s", over.what())
			tree = nil
		default:
			normalise(over, name, p)
			if tree != nil {
				merge(tree, over)
			}
		}
	}
	return tree
}

// noNulls reports every key of a topology that has no value: `tls:` could mean on as well as off. In an overlay null deletes.
func noNulls(n *node, p *problems) {
	for _, item := range n.items {
		noNulls(item, p)
	}
	for _, e := range n.entries {
		if e.value.isNull() {
			p.add(e.key.pos, "write one, or remove the key", "%q has no value", e.key.text)
			e.value.tag = badTag
		}
		noNulls(e.value, p)
	}
}

// knownFormat reports whether the tree says it is of the one format there is. A tree of another one is not read.
func knownFormat(tree *node, p *problems) bool {
	v := tree.get("stackgen")
	if v == nil {
		p.add(tree.pos, "write `stackgen: 1` at the top", "the key \"stackgen\" is missing, which names the format")
		return true
	}
	if v.tag == badTag {
		return true
	}
	if v.tag != "!!int" || v.text != "1" {
		p.add(v.pos, "write `stackgen: 1`", "format %s is not known; this program reads format 1", v.what())
		return false
	}
	return true
}

// retarget sets the versions asked for on the command line. They have no place.
func retarget(t *Topology, targets map[string]string, p *problems) {
	fields := map[string]*Version{
		"haproxy": &t.Targets.HAProxy, "keepalived": &t.Targets.Keepalived, "nginx": &t.Targets.Nginx,
		"mysql": &t.Targets.MySQL, "mariadb": &t.Targets.MariaDB,
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		value := targets[name]
		field, ok := fields[name]
		if !ok {
			known := slices.Sorted(maps.Keys(fields))
			p.add(diag.Pos{}, didYouMean(name, known), "unknown target %q", name)
			continue
		}
		known := enums[targetEnums[name]]
		if !slices.Contains(known, value) {
			p.add(diag.Pos{}, "", "target %s=%s is not supported: %s is one of %s", name, value, name, strings.Join(known, ", "))
			continue
		}
		if err := field.UnmarshalText([]byte(value)); err != nil {
			panic(err) // enums holds versions
		}
		path := "targets." + name
		t.origins[path] = Origin{Why: fmt.Sprintf("--target %s=%s", name, value)}
		delete(p.bad, path)
	}
	_, mysql := targets["mysql"]
	_, mariadb := targets["mariadb"]
	switch {
	case mysql && mariadb:
		p.add(diag.Pos{}, "", "targets mysql and mariadb exclude each other")
	case mysql:
		t.Targets.MariaDB = Version{}
		delete(t.origins, "targets.mariadb")
	case mariadb:
		t.Targets.MySQL = Version{}
		delete(t.origins, "targets.mysql")
	}
}
