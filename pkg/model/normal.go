package model

import (
	"net/netip"
	"reflect"
	"strings"
)

// normalise rewrites the short forms in a topology's tree, or in an overlay's, as the long ones. What a short form
// stands for has the place of what was written. name is that of the stack.
func normalise(top *node, name string, p *problems) {
	long(top, "vip", "vips", p, func(v *node) *node { return wrap("www", v) })
	long(top, "domain", "sites", p, func(v *node) *node {
		if v.isNull() {
			return wrap(name, v)
		}
		return wrap(name, wrap("domains", domains(v, p)))
	})
	long(top, "app", "apps", p, func(v *node) *node { return wrap("app", v) })

	for _, e := range top.entries {
		switch e.key.text {
		case "lb":
			longTier(e.value, "lb", reflect.TypeFor[LB](), p)
		case "web":
			longTier(e.value, "web", reflect.TypeFor[Web](), p)
		case "apps":
			for _, a := range e.value.entries {
				longTier(a.value, a.key.text, reflect.TypeFor[App](), p)
			}
		}
	}
	longScalars(top, reflect.TypeFor[Topology]())
}

// wrap is the mapping with one key, at the place of its value.
func wrap(key string, value *node) *node {
	k := &node{pos: value.pos, kind: scalar, tag: "!!str", text: key}
	return &node{pos: value.pos, kind: mapping, entries: []entry{{k, value}}}
}

// long replaces the key short of the top by the key name with the value in its long form.
func long(top *node, short, name string, p *problems, form func(*node) *node) {
	first, second := -1, -1
	for i, e := range top.entries {
		if e.key.text != short && e.key.text != name {
			continue
		}
		if first < 0 {
			first = i
		} else {
			second = i
		}
	}
	if second >= 0 {
		p.add(top.entries[second].key.pos, "write all of them below \""+name+"\"",
			"%q beside %q: one is the short form of the other", top.entries[second].key.text, top.entries[first].key.text)
		p.relatedAt(top.entries[first].key.pos, "first written here")
		top.entries = append(top.entries[:second], top.entries[second+1:]...)
	}
	if first < 0 || top.entries[first].key.text != short {
		return
	}
	e := top.entries[first]
	e.key.text, e.value = name, form(e.value)
	for _, inner := range e.value.entries {
		inner.key.pos = e.key.pos
	}
	top.entries[first] = e
}

// domains is the list that `domain: D` stands for.
func domains(d *node, p *problems) *node {
	list := &node{pos: d.pos, kind: sequence}
	switch {
	case d.kind != scalar:
		p.add(d.pos, "write several below \"sites\"", "expected one domain, not %s", d.what())
		d = &node{pos: d.pos, kind: scalar, tag: badTag}
	case len(d.text) > 4 && d.text[:4] == "www.":
		p.add(d.pos, "write the domain without it, or the list you mean below \"sites\"",
			"%q begins with \"www.\", which the short form adds itself", d.text)
		d = &node{pos: d.pos, kind: scalar, tag: badTag}
	case plainDomain(d.text):
		www := *d
		www.text = "www." + d.text
		list.items = append(list.items, &www)
	}
	list.items = append(list.items, d)
	return list
}

// longTier puts the hosts of a tier in the short form below "nodes". The short form has no key but hosts.
func longTier(tier *node, name string, typ reflect.Type, p *problems) {
	if tier.kind != mapping || len(tier.entries) == 0 {
		return
	}
	s := shapes[typ]
	settings := ""
	for _, e := range tier.entries {
		if _, known := s.byKey[e.key.text]; known {
			settings = e.key.text
			break
		}
	}
	kept := tier.entries[:0]
	for _, e := range tier.entries {
		_, known := s.byKey[e.key.text]
		near := nearest(e.key.text, s.keys)
		switch {
		case !known && settings != "" && isHost(e.value):
			p.add(e.key.pos, "write the hosts of "+name+" below \"nodes\"",
				"host %q beside the setting %q: a tier has hosts only, or settings and \"nodes\"", e.key.text, settings)
		case settings == "" && near != "" && e.value.kind == scalar && !e.value.isNull() && !isHost(e.value):
			p.add(e.key.pos, "did you mean \""+near+"\"? Hosts then stand below \"nodes\"",
				"%q is no setting of %s, and %s is no host's address", e.key.text, name, e.value.what())
		default:
			kept = append(kept, e)
		}
	}
	tier.entries = kept
	if settings == "" {
		nodes := *tier
		*tier = *wrap("nodes", &nodes)
	}
}

// isHost reports whether the value looks like that of a host rather than that of a setting.
func isHost(n *node) bool {
	if n.kind == mapping {
		return n.get("address") != nil
	}
	_, err := netip.ParseAddr(n.text)
	return n.kind == scalar && err == nil
}

// longScalars replaces every scalar that stands for a mapping.
func longScalars(n *node, typ reflect.Type) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	s := shapes[typ]
	switch {
	case isKeyed(typ):
		for _, e := range n.entries {
			longScalars(e.value, typ.Elem())
		}
	case typ.Kind() == reflect.Slice:
		for _, item := range n.items {
			longScalars(item, typ.Elem())
		}
	case s == nil:
	case n.kind == scalar && !n.isNull() && s.scalar != "":
		value := *n
		*n = *wrap(s.scalar, &value)
	default:
		for _, e := range n.entries {
			if f, ok := s.byKey[e.key.text]; ok {
				longScalars(e.value, f.typ)
			}
		}
	}
}

// plainDomain reports whether d may be a domain at all: if not, one error about d is enough, and none about www.d.
func plainDomain(d string) bool {
	return d != "" && strings.Trim(strings.ToLower(d), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}
