package model

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// source is where the descriptions of the schema stand: the comments of the types.
//
//go:embed model.go
var source []byte

// Schema returns the JSON Schema (draft 2020-12) of a topology, for editors. It knows the short forms. It accepts every
// topology that Load accepts, odd spellings of numbers aside, and refuses unknown keys, wrong types and unknown words; what needs arithmetic is Load's.
func Schema() []byte {
	s := schemer{docs: docs(), defs: jsonschema.Definitions{}}
	top := reflect.TypeFor[Topology]()
	root := s.object(top)
	root.Version = jsonschema.Version
	root.Title = "stackgen topology"
	root.Definitions = s.defs
	root.Required = []string{"stackgen", "name"}
	version, _ := root.Properties.Get("stackgen")
	version.Const = 1

	short := func(key, name string, form *jsonschema.Schema) {
		form.Description = "short form of " + name
		root.Properties.Set(key, form)
		both := &jsonschema.Schema{Required: []string{key, name}}
		root.AllOf = append(root.AllOf, &jsonschema.Schema{Not: both})
	}
	short("vip", "vips", s.value(reflect.TypeFor[VIP]()))
	short("domain", "sites", &jsonschema.Schema{Type: "string", Not: &jsonschema.Schema{Pattern: `^www\.`}})
	short("app", "apps", s.value(reflect.TypeFor[App]()))

	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // a schema is plain data
	}
	return append(text, '\n')
}

type schemer struct {
	docs map[string]string // by type, and by Type.Field
	defs jsonschema.Definitions
}

// object is the schema of the mapping that stands for a struct.
func (s schemer) object(typ reflect.Type) *jsonschema.Schema {
	o := &jsonschema.Schema{
		Type: "object", Description: s.docs[typ.Name()],
		Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range shapes[typ].fields {
		v := s.member(f)
		v.Description = s.docs[f.id]
		o.Properties.Set(f.key, v)
	}
	return o
}

// member is the schema of a field's value.
func (s schemer) member(f field) *jsonschema.Schema {
	var words []any
	for _, word := range enums[f.id] {
		words = append(words, word)
	}
	if f.typ == reflect.TypeFor[Version]() { // a string, or what other YAML readers make of it without quotes
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Enum: words}, {Type: "number"}}}
	}
	v := s.value(f.typ)
	v.Enum = words
	return v
}

// value is the schema of one value. Structs are defined once and referred to.
func (s schemer) value(typ reflect.Type) *jsonschema.Schema {
	switch {
	case typ.Kind() == reflect.Pointer:
		return s.value(typ.Elem())
	case isText(typ):
		return textSchema(typ)
	case typ.Kind() == reflect.Struct:
		if s.defs[typ.Name()] == nil {
			s.defs[typ.Name()] = &jsonschema.Schema{} // a type within itself would come back here
			s.defs[typ.Name()] = s.definition(typ)
		}
		return &jsonschema.Schema{Ref: "#/$defs/" + typ.Name()}
	case isKeyed(typ):
		return &jsonschema.Schema{Type: "object", AdditionalProperties: s.value(typ.Elem())}
	case typ.Kind() == reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: s.value(typ.Elem())}
	case typ.Kind() == reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case typ.Kind() == reflect.Float64:
		return &jsonschema.Schema{Type: "number", Minimum: "0"}
	case typ.Kind() == reflect.String:
		return &jsonschema.Schema{Type: "string"}
	}
	return &jsonschema.Schema{Type: "integer", Minimum: "0"}
}

// definition is the schema of a struct in all its forms.
func (s schemer) definition(typ reflect.Type) *jsonschema.Schema {
	o := s.object(typ)
	var other *jsonschema.Schema
	if scalar := shapes[typ].scalar; scalar != "" {
		other = s.member(shapes[typ].byKey[scalar])
	}
	if nodes, tier := shapes[typ].byKey["nodes"]; tier {
		// Keys of the long form are no hosts: what has one of them is in the long form.
		other = s.value(nodes.typ)
		var keys []any
		for _, key := range shapes[typ].keys {
			keys = append(keys, key)
		}
		other.PropertyNames = &jsonschema.Schema{Not: &jsonschema.Schema{Enum: keys}}
		one := uint64(1)
		other.MinProperties = &one
	}
	if other == nil {
		return o
	}
	description := o.Description
	o.Description = ""
	return &jsonschema.Schema{Description: description, OneOf: []*jsonschema.Schema{other, o}}
}

// textSchema is the schema of a type that reads its own text. An address is a matter of Load: patterns of IPv6 help nobody.
func textSchema(typ reflect.Type) *jsonschema.Schema {
	switch typ {
	case reflect.TypeFor[netip.Addr]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9A-Fa-f:.]+$`}
	case reflect.TypeFor[netip.Prefix]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9A-Fa-f:.]+/[0-9]+$`}
	case reflect.TypeFor[netip.AddrPort]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9A-Fa-f:.\[\]]+:[0-9]+$`}
	case reflect.TypeFor[Duration]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: `^(0|[0-9]+d|([0-9]*\.?[0-9]*(ns|us|µs|ms|s|m|h))+)$`}, {Const: 0}}}
	case reflect.TypeFor[Size]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: `^[0-9]+[KMGT]?$`}, {Type: "integer", Minimum: "0"}}}
	case reflect.TypeFor[Date]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
	}
	panic(fmt.Sprintf("model: no schema for %v", typ))
}

// docs reads the comments of model.go: by type ("LB"), and by field ("LB.Sticky").
func docs() map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "model.go", source, parser.ParseComments)
	if err != nil {
		panic(err) // it was compiled
	}
	all := map[string]string{}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			typ, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			all[typ.Name.Name] = strings.Join(strings.Fields(decl.Doc.Text()), " ")
			fields, ok := typ.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range fields.Fields.List {
				for _, name := range f.Names {
					all[typ.Name.Name+"."+name.Name] = strings.TrimSpace(f.Comment.Text())
				}
			}
		}
	}
	return all
}
