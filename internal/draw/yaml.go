package draw

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// node is a value of a topology in the long form: a mapping in the order of its keys, a list, or a scalar.
type node struct {
	kind  kind
	text  string // of a scalar
	quote bool   // a scalar that is a string, whatever it looks like
	keys  []string
	items []*node // the mapping's values or the list's items
}

type kind int

const (
	scalar kind = iota
	mapping
	list
)

func str(s string) *node            { return &node{text: s, quote: true} }
func plain(s string) *node          { return &node{text: s} } // a number, boolean, address, duration or size
func num(n int) *node               { return plain(strconv.Itoa(n)) }
func flag(b bool) *node             { return plain(strconv.FormatBool(b)) }
func object() *node                 { return &node{kind: mapping} }
func items(all ...*node) *node      { return &node{kind: list, items: all} }
func entry(k string, v *node) *node { return object().set(k, v) }

func (n *node) set(key string, value *node) *node {
	n.keys, n.items = append(n.keys, key), append(n.items, value)
	return n
}

// get returns the value at a path of keys, nil where there is none.
func (n *node) get(path ...string) *node {
	for _, key := range path {
		var found *node
		for i, k := range n.keys {
			if k == key {
				found = n.items[i]
			}
		}
		if found == nil {
			return nil
		}
		n = found
	}
	return n
}

// alone returns the value of the only key of a mapping, nil where there are others.
func (n *node) alone(key string) *node {
	if n.kind == mapping && len(n.keys) == 1 && n.keys[0] == key {
		return n.items[0]
	}
	return nil
}

// printer writes nodes as YAML in the styles that people use.
type printer struct {
	t *rapid.T
	b strings.Builder
}

func (p *printer) coin(label string) bool { return rapid.Bool().Draw(p.t, label) }

// block writes the entries of a mapping or the items of a list, one a line; what is small may stand on one.
func (p *printer) block(n *node, indent int) {
	for i, value := range n.items {
		p.b.WriteString(strings.Repeat(" ", indent))
		if n.kind == mapping {
			p.word(n.keys[i], true)
			p.b.WriteByte(':')
		} else {
			p.b.WriteByte('-')
		}
		if value.kind == scalar || len(value.items) == 0 || p.coin("flow") {
			p.b.WriteByte(' ')
			p.flow(value)
			p.b.WriteByte('\n')
			continue
		}
		p.b.WriteByte('\n')
		p.block(value, indent+2)
	}
}

func (p *printer) flow(n *node) {
	switch n.kind {
	case scalar:
		p.word(n.text, n.quote)
		return
	case mapping:
		p.b.WriteByte('{')
	case list:
		p.b.WriteByte('[')
	}
	for i, value := range n.items {
		if i > 0 {
			p.b.WriteString(", ")
		}
		if n.kind == mapping {
			p.word(n.keys[i], true)
			p.b.WriteString(": ")
		}
		p.flow(value)
	}
	p.b.WriteByte("}]"[n.kind-mapping])
}

// bare is a string that YAML reads as that string without quotes.
var bare = regexp.MustCompile(`^[a-zA-Z/][a-zA-Z0-9._/-]*$`)

// words that YAML, or a reader of another version of it, takes for something else.
var reserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)

func (p *printer) word(s string, isString bool) {
	switch {
	case !isString && !strings.ContainsAny(s, ":"):
		p.b.WriteString(s)
	case bare.MatchString(s) && !reserved.MatchString(s) && p.coin("bare"):
		p.b.WriteString(s)
	default:
		p.b.WriteString(Quote(s))
	}
}

// Quote writes any string, even one that no topology may hold, as a double-quoted scalar. Bytes that are not UTF-8 stay.
func Quote(s string) string {
	b := []byte{'"'}
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, s[0])
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'x', hex[r>>4], hex[r&15])
		case r >= 0x80 && !strconv.IsPrint(r):
			b = append(b, '\\', 'U')
			h := strconv.FormatInt(int64(r), 16)
			b = append(append(b, "00000000"[len(h):]...), h...)
		default:
			b = append(b, s[:size]...)
		}
		s = s[size:]
	}
	return string(append(b, '"'))
}
