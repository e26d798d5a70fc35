package model

import (
	"strings"

	"stackgen/pkg/diag"
)

// Origin says where a value came from: the place where the user wrote it, or why it has the value it has.
type Origin struct {
	Pos diag.Pos // of the value; zero for a value nobody wrote
	Key diag.Pos // of its key
	Why string   // "default", or what it was derived from ("last byte of vips.www.address"); empty for a written value
}

// origins maps the path of a value to its origin. A path is the keys from the top, joined by dots, with the number of an
// item in a sequence: "lb.nodes.lb1.address", "sites.shop.domains.0". It is the path in the long form, whatever was written.
type origins map[string]Origin

// Origin returns where the value at path came from. For a value nobody wrote, Pos is that of the nearest written ancestor.
func (t *Topology) Origin(path string) Origin {
	o := t.origins[path]
	for !o.Pos.IsValid() {
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			if top, ok := t.origins[""]; ok {
				o.Pos, o.Key = top.Pos, top.Key
			}
			break
		}
		path = path[:i]
		if up, ok := t.origins[path]; ok {
			o.Pos, o.Key = up.Pos, up.Key
		}
	}
	return o
}

// written reports whether the user wrote a value at path or below it.
func (t *Topology) written(path string) bool {
	o, ok := t.origins[path]
	return ok && o.Pos.IsValid()
}
