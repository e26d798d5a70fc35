package model

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestKitchenSink proves that the example with every key has every key.
func TestKitchenSink(t *testing.T) {
	name := "../../examples/kitchen-sink/stack.yaml"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	top, errs := Load(Source{name, data}, nil, nil)
	if top == nil {
		t.Fatal(errs)
	}
	var written []string
	for path, o := range top.origins {
		if o.Pos.IsValid() {
			written = append(written, path)
		}
	}
	all := strings.Join(written, "\n")
	keys := everyKey(reflect.TypeFor[Topology](), "")
	if len(keys) < 100 {
		t.Fatalf("only %d keys found in the types", len(keys))
	}
	for _, key := range keys {
		if key == `targets\.mariadb` { // excludes targets.mysql
			continue
		}
		if !regexp.MustCompile(`(?m)^` + key + `(\.|$)`).MatchString(all) {
			t.Errorf("kitchen-sink does not write %s", strings.ReplaceAll(key, `[^.]+`, "NAME"))
		}
	}
}

// everyKey returns a pattern for the path of every key of a type.
func everyKey(t reflect.Type, prefix string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Struct {
			return nil
		}
		return everyKey(t.Elem(), prefix+`[^.]+\.`)
	case reflect.Struct:
	default:
		return nil
	}
	var keys []string
	for f := range t.Fields() {
		tag, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			keys = append(keys, everyKey(f.Type, prefix)...)
		case tag != "":
			keys = append(keys, prefix+tag)
			keys = append(keys, everyKey(f.Type, prefix+tag+`\.`)...)
		}
	}
	return keys
}
