package model

import (
	"encoding"
	"reflect"
	"strings"
)

// shape is what the tags of a struct say about its form in YAML. Decoder, normalisation, explanation and schema all
// follow it, so they cannot disagree.
type shape struct {
	fields []field          // in the order of the declaration
	byKey  map[string]field // the same by key
	keys   []string
	name   []int // index of the field that holds the entry's own key; nil: the struct is no entry
	scalar string
}

type field struct {
	key   string
	index []int
	typ   reflect.Type
	id    string // Type.Field, as in enums
}

// shapes holds the shape of every struct of a topology.
var shapes = func() map[reflect.Type]*shape {
	all := map[reflect.Type]*shape{}
	shapeOf(reflect.TypeFor[Topology](), all)
	return all
}()

func shapeOf(t reflect.Type, all map[reflect.Type]*shape) *shape {
	if s := all[t]; s != nil {
		return s
	}
	s := &shape{byKey: map[string]field{}}
	all[t] = s
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch option {
		case "key":
			s.name = f.Index
			continue
		case "inline":
			inner := shapeOf(f.Type, all)
			for _, g := range inner.fields {
				g.index = append([]int{f.Index[0]}, g.index...)
				s.add(g)
			}
			s.name, s.scalar = append([]int{f.Index[0]}, inner.name...), inner.scalar
			continue
		case "scalar":
			s.scalar = key
		}
		s.add(field{key, f.Index, f.Type, t.Name() + "." + f.Name})
		if e := element(f.Type); e.Kind() == reflect.Struct && !isText(e) {
			shapeOf(e, all)
		}
	}
	return s
}

func (s *shape) add(f field) {
	s.fields = append(s.fields, f)
	s.byKey[f.key] = f
	s.keys = append(s.keys, f.key)
}

// element is the type below pointers and slices.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// isText reports whether values of t are written as one scalar that t itself reads.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// isKeyed reports whether t is a slice of entries, written as a mapping from their names.
func isKeyed(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && shapes[t.Elem()] != nil && shapes[t.Elem()].name != nil
}
