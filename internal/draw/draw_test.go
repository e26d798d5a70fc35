package draw

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stackgen/pkg/model"
)

// TestEveryKey proves that no key of the format is left out: a key that is new in the model fails here until it is drawn.
func TestEveryKey(t *testing.T) {
	missing := map[string]bool{}
	formatKeys(reflect.TypeFor[model.Topology](), "", func(path string) { missing[path] = true })
	if len(missing) < 100 {
		t.Fatalf("only %d keys found in the model: its tags are read wrongly", len(missing))
	}
	gen := rapid.Custom(func(t *rapid.T) *node {
		d := drawer{t: t}
		return d.stack()
	})
	for seed := 1; seed <= 300 && len(missing) > 0; seed++ {
		drawnKeys(gen.Example(seed), reflect.TypeFor[model.Topology](), "", func(path string) { delete(missing, path) })
	}
	for path := range missing {
		t.Errorf("never drawn: %s", path)
	}
}

// TestEveryVersion holds the versions that are drawn to those that are supported.
func TestEveryVersion(t *testing.T) {
	for name, want := range model.Supported() {
		if got := strings.Join(versions[name], " "); got != want {
			t.Errorf("drawn for %s: %s; supported: %s", name, got, want)
		}
	}
}

// TestOptions holds the options to what they promise.
func TestOptions(t *testing.T) {
	gen := Generator(Options{Pairs: true, Unsized: true, Targets: map[string]string{"haproxy": "2.9", "mariadb": "10.11"}})
	for seed := range 50 {
		text := gen.Example(seed)
		top, errs := model.Load(model.Source{Name: "drawn", Data: []byte(text)}, nil, nil)
		if len(errs) > 0 {
			t.Fatalf("seed %d: %v\n%s", seed, errs, text)
		}
		if top.Load != nil || top.Web.MaxConn != 0 {
			t.Errorf("seed %d is sized", seed)
		}
		if top.Targets.HAProxy.String() != "2.9" || top.Targets.MariaDB.String() != "10.11" {
			t.Errorf("seed %d is for %v", seed, top.Targets)
		}
		if len(top.LB.Nodes) < 2 || len(top.Web.Nodes) < 2 || len(top.Apps) == 0 || top.DB == nil || len(top.DB.Replicas) == 0 {
			t.Errorf("seed %d has a tier of one", seed)
		}
		for _, a := range top.Apps {
			if len(a.Nodes) < 2 {
				t.Errorf("seed %d has one host in tier %s", seed, a.Name)
			}
		}
	}
}

// formatKeys calls found with the path of every key of the format; * stands for the name of an entry.
func formatKeys(typ reflect.Type, path string, found func(string)) {
	typ, many := bareType(typ)
	if typ.Kind() != reflect.Struct || isText(typ) {
		return
	}
	if many {
		path += "*."
	}
	for f := range typ.Fields() {
		key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			formatKeys(f.Type, path, found)
		case f.IsExported() && option != "key":
			found(path + key)
			formatKeys(f.Type, path+key+".", found)
		}
	}
}

// drawnKeys calls found with the paths of the keys of a drawn value.
func drawnKeys(n *node, typ reflect.Type, path string, found func(string)) {
	typ, many := bareType(typ)
	if typ.Kind() != reflect.Struct || isText(typ) {
		return
	}
	if many {
		for _, item := range n.items {
			drawnKeys(item, typ, path+"*.", found)
		}
		return
	}
	for f := range typ.Fields() {
		key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if option == "inline" {
			drawnKeys(n, f.Type, path, found)
		} else if i := slices.Index(n.keys, key); i >= 0 {
			found(path + key)
			drawnKeys(n.items[i], f.Type, path+key+".", found)
		}
	}
}

// bareType is the type below pointers and slices, and whether there was a slice.
func bareType(typ reflect.Type) (bare reflect.Type, many bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		many = many || typ.Kind() == reflect.Slice
		typ = typ.Elem()
	}
	return typ, many
}

func isText(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
