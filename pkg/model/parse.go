package model

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"stackgen/pkg/diag"
)

// What a topology may take. A host needs some 60 bytes and 8 values, so a stack of 100,000 hosts is within all of them.
const (
	maxBytes  = 8 << 20
	maxValues = 1_000_000 // after aliases are replaced by what they stand for
	maxDepth  = 32
)

// The kinds of a node.
const (
	scalar   = yaml.ScalarNode
	mapping  = yaml.MappingNode
	sequence = yaml.SequenceNode
)

// node is a value of the file, aliases replaced. It is all that the rest of the package sees of YAML.
type node struct {
	pos     diag.Pos
	kind    yaml.Kind // scalar, mapping or sequence
	tag     string    // of a scalar as YAML 1.2 reads it: "!!str", "!!int", "!!null", …
	text    string    // of a scalar
	entries []entry   // of a mapping
	items   []*node   // of a sequence
}

type entry struct{ key, value *node }

func (n *node) isNull() bool { return n.kind == scalar && n.tag == "!!null" }

// get returns the value at key, nil where there is none.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key.text == key {
			return e.value
		}
	}
	return nil
}

func (n *node) what() string {
	switch {
	case n.kind == mapping:
		return "a mapping"
	case n.kind == sequence:
		return "a list"
	case n.isNull():
		return "nothing"
	}
	return fmt.Sprintf("%q", n.text)
}

// parse reads the one document of a source. It returns nil where there is none to go on with; p says why.
func parse(src Source, p *problems) *node {
	start := diag.Pos{File: src.Name, Line: 1, Col: 1}
	if len(src.Data) > maxBytes {
		p.add(start, "split the stack, or check that this is the file you meant",
			"the file has more than %d MiB; no topology of that size is read", maxBytes>>20)
		return nil
	}
	if !readable(src, p) {
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src.Data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		panic(err) // the options are constant
	}
	var doc, next yaml.Node
	err = loader.Load(&doc)
	if err == io.EOF || err == nil && len(doc.Content) == 1 && doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == "" {
		p.add(start, "write a topology, or let `stackgen init` make one", "the file is empty")
		return nil
	}
	if err != nil {
		syntax(src, err, p)
		return nil
	}
	c := converter{file: src.Name, p: p}
	top := c.convert(&doc, 0)
	if c.stopped {
		return nil
	}
	switch err := loader.Load(&next); {
	case err == nil:
		p.add(diag.Pos{File: src.Name, Line: next.Line, Col: next.Column}, "write each stack into a file of its own",
			"a second document starts here; a topology is one document")
	case err != io.EOF:
		syntax(src, err, p)
	}
	return top
}

// readable reports the first byte that no topology can contain. YAML itself would stop there too, without a place.
func readable(src Source, p *problems) bool {
	pos := diag.Pos{File: src.Name, Line: 1, Col: 1}
	data := bytes.TrimPrefix(src.Data, []byte("\ufeff"))
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			p.add(pos, "save the file as UTF-8", "byte 0x%02x is not UTF-8: this is no text file, or one in another encoding", data[i])
			return false
		case r == '\n':
			pos.Line, pos.Col = pos.Line+1, 0
		case r == '\r' && i+1 < len(data) && data[i+1] == '\n':
		case r == '\t':
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
			p.add(pos, "give a text file, or remove the character", "control character %U: this is no text file, or it was damaged", r)
			return false
		}
		pos.Col++
		i += size
	}
	return true
}

// syntax reports an error of the YAML reader in words for whoever wrote the file.
func syntax(src Source, err error, p *problems) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		p.add(diag.Pos{File: src.Name, Line: 1, Col: 1}, "", "not YAML: %v", err)
		return
	}
	mark := e.Mark
	if strings.Contains(e.ContextMsg, "flow") || strings.Contains(e.ContextMsg, "quoted scalar") {
		mark = e.ContextMark // where it was opened; Mark is where the search for its end was given up
	}
	pos := diag.Pos{File: src.Name, Line: max(mark.Line, 1), Col: max(mark.Column, 1)}
	if last := bytes.Count(src.Data, []byte("\n")) + 1; pos.Line > last { // the reader adds a line break that is missing at the end
		pos.Line, pos.Col = last, utf8.RuneCount(src.Data[bytes.LastIndexByte(src.Data, '\n')+1:])+1
	}
	switch {
	case strings.Contains(e.Message, "max depth"):
		p.add(pos, "", "values are nested more than %d deep", maxDepth)
	case strings.Contains(e.ContextMsg, "flow sequence"):
		p.add(pos, `write "," between the items and "]" after the last`, `this "[" is not closed`)
	case strings.Contains(e.ContextMsg, "flow mapping"):
		p.add(pos, `write "," between the entries and "}" after the last`, `this "{" is not closed`)
	case strings.Contains(e.ContextMsg, "quoted scalar") && strings.Contains(e.Message, "end of stream"):
		p.add(pos, "", "this quote is not closed")
	case strings.Contains(e.Message, "cannot start any token"):
		switch c := at(src.Data, mark.Index); c {
		case "\t":
			p.add(pos, "indent with spaces", "a tab cannot indent in YAML")
		default:
			p.add(pos, "put the value in quotes", "%q cannot start a value in YAML", c)
		}
	case strings.Contains(e.Message, "mapping values are not allowed"):
		p.add(pos, "put the value in quotes, or give the key the indentation of its neighbours",
			`":" cannot stand here: this would be a key inside a value`)
	case strings.Contains(e.Message, "did not find expected key"), strings.Contains(e.Message, "did not find expected '-'"):
		p.add(pos, "give the entries of one mapping or list the same indentation", "the indentation does not fit the lines above")
	default:
		p.add(pos, "", "not YAML: %s", e.Message)
	}
}

// at returns the character with that number; the YAML reader counts characters after a byte order mark.
func at(data []byte, index int) string {
	for _, r := range string(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		if index == 0 {
			return string(r)
		}
		index--
	}
	return ""
}

type converter struct {
	file    string
	p       *problems
	values  int
	stopped bool // a limit was passed; it is said once
}

func (c *converter) stop(pos diag.Pos, help, format string, args ...any) *node {
	if !c.stopped {
		c.p.add(pos, help, format, args...)
	}
	c.stopped = true
	return &node{pos: pos, kind: scalar, tag: "!!null"}
}

// convert turns y into a node, reports what no topology may contain, and leaves it out.
func (c *converter) convert(y *yaml.Node, depth int) *node {
	pos := diag.Pos{File: c.file, Line: y.Line, Col: y.Column}
	c.values++
	if c.values > maxValues {
		return c.stop(pos, "", "more than %d values, aliases counted as often as they are used", maxValues)
	}
	if depth > maxDepth {
		return c.stop(pos, "an anchor must not contain its own alias", "values are nested more than %d deep", maxDepth)
	}
	if c.stopped {
		return &node{pos: pos, kind: scalar, tag: "!!null"}
	}
	if y.Style&yaml.TaggedStyle != 0 {
		c.p.add(pos, "remove the tag", "tag %q: a topology has no types of its own", y.Tag)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return c.convert(y.Content[0], depth)
	case yaml.AliasNode:
		n := c.convert(y.Alias, depth+1)
		n.pos = pos
		return n
	case yaml.SequenceNode:
		n := &node{pos: pos, kind: y.Kind}
		for _, item := range y.Content {
			n.items = append(n.items, c.convert(item, depth+1))
		}
		return n
	case yaml.MappingNode:
		n := &node{pos: pos, kind: y.Kind, entries: make([]entry, 0, len(y.Content)/2)}
		first := make(map[string]diag.Pos, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content) && !c.stopped; i += 2 {
			key := c.convert(y.Content[i], depth+1)
			value := c.convert(y.Content[i+1], depth+1)
			before, again := first[key.text]
			switch {
			case key.kind != scalar:
				c.p.add(key.pos, "", "a key must be a word, not %s", key.what())
			case key.tag == "!!merge":
				c.p.add(key.pos, "write the keys out, or put what differs into an overlay", `merge keys ("<<") are not part of YAML 1.2`)
			case again:
				c.p.add(key.pos, "remove one of the two", "duplicate key %q", key.text)
				c.p.relatedAt(before, "first written here")
			default:
				first[key.text] = key.pos
				n.entries = append(n.entries, entry{key, value})
			}
		}
		return n
	}
	n := &node{pos: pos, kind: scalar, tag: y.ShortTag(), text: y.Value}
	for _, r := range y.Value {
		if !unicode.IsPrint(r) {
			help := "write printable characters on one line"
			c.p.add(pos, help, "the value contains %U, which could break out of its line in a daemon's file", r)
			n.tag = badTag
			break
		}
	}
	return n
}

// badTag marks a scalar that was reported already.
const badTag = "!bad"
