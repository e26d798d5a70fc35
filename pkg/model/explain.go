package model

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Explain writes the whole topology in the long form, with every default and derived value, each with a comment that says
// where it came from. What it writes is a topology again, and the same one. Optional values nobody gave are left out.
func (t *Topology) Explain(w io.Writer) error {
	e := explainer{t: t, w: bufio.NewWriter(w)}
	e.structure(reflect.ValueOf(*t), "", 0)
	return e.w.Flush()
}

type explainer struct {
	t *Topology
	w *bufio.Writer
}

// commentColumn is where comments begin, unless the line is longer.
const commentColumn = 48

func (e explainer) line(depth int, text, comment string) {
	text = strings.Repeat("  ", depth) + text
	if comment != "" {
		text += strings.Repeat(" ", max(2, commentColumn-utf8.RuneCountInString(text))) + "# " + comment
	}
	e.w.WriteString(text)
	e.w.WriteByte('\n')
}

// why says where the value at path came from, on one line.
func (e explainer) why(path string) string {
	o := e.t.origins[path]
	why := o.Why
	if o.Pos.IsValid() {
		why = o.Pos.String()
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?' // a file may be named with a line break
		}
		return r
	}, why)
}

func (e explainer) structure(v reflect.Value, path string, depth int) {
	for _, f := range shapes[v.Type()].fields {
		p := join(path, f.key)
		if value := v.FieldByIndex(f.index); !e.absent(value, p) {
			e.field(f.key, value, p, depth)
		}
	}
}

// absent reports whether the value is an optional one that nobody gave and nothing derived.
func (e explainer) absent(v reflect.Value, path string) bool {
	switch {
	case isText(v.Type()):
		z, ok := v.Interface().(interface{ IsZero() bool }) // versions and dates
		if ok && z.IsZero() || v.Type().PkgPath() == "net/netip" && v.IsZero() {
			return true
		}
	case v.Kind() == reflect.Pointer:
		return v.IsNil()
	case v.Kind() == reflect.Struct:
		for _, f := range shapes[v.Type()].fields {
			if !e.absent(v.FieldByIndex(f.index), join(path, f.key)) {
				return false
			}
		}
		return true
	case v.Kind() == reflect.Slice:
		return v.Len() == 0
	}
	_, known := e.t.origins[path]
	return !known && v.IsZero()
}

// field writes one key with its value, which is not absent.
func (e explainer) field(key string, v reflect.Value, path string, depth int) {
	key = quote(key)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case isText(v.Type()) || v.Kind() != reflect.Struct && v.Kind() != reflect.Slice:
		e.line(depth, key+": "+text(v), e.why(path))
	case v.Kind() == reflect.Struct:
		if e.absent(v, path) { // a section that is there and says nothing
			e.line(depth, key+": {}", e.why(path))
			return
		}
		e.line(depth, key+":", "")
		e.structure(v, path, depth+1)
	case isKeyed(v.Type()):
		e.line(depth, key+":", "")
		name := shapes[v.Type().Elem()].name
		for i := range v.Len() {
			k := v.Index(i).FieldByIndex(name).String()
			e.field(k, v.Index(i), join(path, k), depth+1)
		}
	default:
		e.line(depth, key+":", "")
		for i := range v.Len() {
			e.item(v.Index(i), join(path, strconv.Itoa(i)), depth+1)
		}
	}
}

// item writes one item of a list: a string, or a structure whose values are scalars.
func (e explainer) item(v reflect.Value, path string, depth int) {
	if v.Kind() != reflect.Struct {
		e.line(depth, "- "+text(v), e.why(path))
		return
	}
	mark := "- "
	for _, f := range shapes[v.Type()].fields {
		value, p := v.FieldByIndex(f.index), join(path, f.key)
		if !e.absent(value, p) {
			e.line(depth, mark+f.key+": "+text(value), e.why(p))
			mark = "  "
		}
	}
	if mark == "- " {
		e.line(depth, "- {}", e.why(path))
	}
}

// text is a scalar as it is written in YAML.
func text(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return quote(v.String())
	case v.Type() == reflect.TypeFor[Version]():
		return strconv.Quote(fmt.Sprint(v.Interface())) // other readers take 1.30 for 1.3
	case isText(v.Type()):
		return quote(fmt.Sprint(v.Interface()))
	case v.Kind() == reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// quote puts s in quotes unless it is a word, a path, an IPv4 address or the like that no YAML reader takes for something
// else. The characters of a topology are printable, so only two need a backslash.
func quote(s string) string {
	plain := s != "" && strings.IndexByte("-./", s[0]) < 0 || strings.HasPrefix(s, "/")
	for _, r := range s {
		plain = plain && (r == '-' || r == '_' || r == '.' || r == '/' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		plain = false
	}
	if _, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64); err == nil {
		plain = false // "1e3" is a string, and so is "inf"
	}
	if _, err := strconv.ParseInt(s, 0, 64); err == nil {
		plain = false
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
