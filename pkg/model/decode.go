package model

import (
	"encoding"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// decode fills t from a tree in the long form. A value that cannot be read is reported, stays zero and is bad.
func decode(top *node, t *Topology, p *problems) {
	t.origins[""] = Origin{Pos: top.pos, Key: top.pos}
	d := decoder{p}
	d.value(top, reflect.ValueOf(t).Elem(), "")
}

type decoder struct{ *problems }

func (d decoder) wrong(n *node, path, help, format string, args ...any) {
	d.spoil(path)
	if n.tag != badTag {
		d.add(n.pos, help, format, args...)
	}
}

// child decodes the value of an entry, whose key is known.
func (d decoder) child(e entry, v reflect.Value, path string) {
	d.t.origins[path] = Origin{Pos: e.value.pos, Key: e.key.pos}
	d.value(e.value, v, path)
}

func (d decoder) value(n *node, v reflect.Value, path string) {
	typ := v.Type()
	switch {
	case typ.Kind() == reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		d.value(n, v.Elem(), path)
	case isText(typ):
		d.text(n, v, path)
	case typ.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case isKeyed(typ):
		if n.kind != mapping {
			d.wrong(n, path, "", "expected a mapping from names, not %s", n.what())
			return
		}
		entries := slices.DeleteFunc(n.entries, func(e entry) bool { return e.key.tag == badTag })
		v.Set(reflect.MakeSlice(typ, len(entries), len(entries)))
		name := shapes[typ.Elem()].name
		for i, e := range entries {
			v.Index(i).FieldByIndex(name).SetString(e.key.text)
			d.child(e, v.Index(i), join(path, e.key.text))
		}
	case typ.Kind() == reflect.Slice:
		if n.kind != sequence {
			d.wrong(n, path, "", "expected a list, not %s", n.what())
			return
		}
		v.Set(reflect.MakeSlice(typ, len(n.items), len(n.items)))
		for i, item := range n.items {
			d.child(entry{item, item}, v.Index(i), join(path, strconv.Itoa(i)))
		}
	default:
		d.plain(n, v, path)
	}
}

func (d decoder) structure(n *node, v reflect.Value, path string) {
	if v.Type() == reflect.TypeFor[Secret]() && n.kind != mapping {
		d.wrong(n, path, "write password: {file: /path/on/the/host}, and put the secret into that file", "a secret must not be in the topology")
		return
	}
	s := shapes[v.Type()]
	if n.kind != mapping {
		d.wrong(n, path, "its keys are "+strings.Join(s.keys, ", "), "expected a mapping, not %s", n.what())
		return
	}
	for _, e := range n.entries {
		f, ok := s.byKey[e.key.text]
		switch {
		case ok:
			d.child(e, v.FieldByIndex(f.index), join(path, f.key))
		case e.key.tag != badTag:
			d.add(e.key.pos, didYouMean(e.key.text, s.keys), "unknown key %q", e.key.text)
		}
	}
}

// text decodes a scalar that its type reads itself. Quotes make no difference: YAML keeps the text of 3.0 and 010.
func (d decoder) text(n *node, v reflect.Value, path string) {
	if n.kind != scalar || n.isNull() || n.tag == "!!bool" || n.tag == badTag {
		d.wrong(n, path, "", "expected %s, not %s", noun(v.Type()), n.what())
		return
	}
	err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text))
	switch a := v.Addr().Interface().(type) {
	case *netip.Addr:
		err = plainAddr(n, *a, err, "address, such as 10.0.10.11")
	case *netip.Prefix:
		err = plainAddr(n, a.Addr(), err, "address with the length of its network, such as 10.0.10.10/24")
	case *netip.AddrPort:
		err = plainAddr(n, a.Addr(), err, "address with a port, such as 127.0.0.1:8404")
	}
	if err != nil {
		v.SetZero()
		d.wrong(n, path, "", "%v", err)
	}
}

// plainAddr refuses what no configuration language of the stack can hold: zones, and IPv4 in IPv6's clothes.
func plainAddr(n *node, a netip.Addr, err error, what string) error {
	if err != nil || !a.IsValid() || a.Zone() != "" || a.Is4In6() {
		return fmt.Errorf("%q is no IP %s", n.text, what)
	}
	return nil
}

var (
	wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	number      = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

func (d decoder) plain(n *node, v reflect.Value, path string) {
	typ := v.Type()
	isString := n.tag == "!!str" || n.tag == "!!timestamp" // YAML 1.2 has no timestamps
	switch {
	case n.kind != scalar || n.isNull() || n.tag == badTag:
		d.wrong(n, path, "", "expected %s, not %s", noun(typ), n.what())
	case typ.Kind() == reflect.String && isString:
		v.SetString(n.text)
	case typ.Kind() == reflect.String:
		d.wrong(n, path, fmt.Sprintf("write \"%s\" in quotes", n.text), "expected a string, but YAML reads %s as something else", n.text)
	case typ.Kind() == reflect.Bool:
		if n.tag != "!!bool" || n.text != "true" && n.text != "false" {
			d.wrong(n, path, "", "%q is no boolean: write true or false", n.text)
			return
		}
		v.SetBool(n.text == "true")
	case typ.Kind() == reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if isString || !number.MatchString(n.text) || err != nil {
			d.wrong(n, path, "", "%s is no number: write digits without quotes", n.what())
			return
		}
		v.SetFloat(f)
	default:
		largest := int64(math.MaxInt32)
		if typ.Kind() == reflect.Uint32 {
			largest = math.MaxUint32
		}
		if isString || !wholeNumber.MatchString(n.text) {
			d.wrong(n, path, "", "%s is no whole number: write digits without quotes", n.what())
			return
		}
		i, err := strconv.ParseInt(n.text, 10, 64)
		if err != nil || i < 0 || i > largest {
			d.wrong(n, path, "", "%s is not between 0 and %d", n.text, largest)
			return
		}
		if typ.Kind() == reflect.Uint32 {
			v.SetUint(uint64(i))
		} else {
			v.SetInt(i)
		}
	}
}

// noun says what a scalar of typ is.
func noun(typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[netip.Addr]():
		return "an IP address"
	case reflect.TypeFor[netip.Prefix]():
		return "an address with the length of its network"
	case reflect.TypeFor[netip.AddrPort]():
		return "an address with a port"
	case reflect.TypeFor[Duration]():
		return "a duration"
	case reflect.TypeFor[Size]():
		return "a size"
	case reflect.TypeFor[Version]():
		return "a version"
	case reflect.TypeFor[Date]():
		return "a day"
	}
	switch typ.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
