package conf

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"stackgen/pkg/diag"
)

// FuzzParse: whatever the data, in every language, reading ends, each word stands at its offset, words come in the order
// of the file, and places agree with offsets.
func FuzzParse(f *testing.F) {
	for kind := HAProxy; kind <= JSON; kind++ {
		for _, data := range testInputs(f, kind) {
			f.Add(data)
		}
	}
	for _, data := range []string{
		strings.Repeat("a {\n", 70), strings.Repeat("[", 70), strings.Repeat(".if 1\n", 20), strings.Repeat("é", 600) + " é\xff é", "\xc3\n\xa9 a\xff;",
		"\x80 \x80 \x80;", "$A= \\\n", "@", "~", "~SEQ(a,", "'\\", "a '\\\\", "[[", "x_by_lua_block {--[==[",
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		for kind := Other; kind <= JSON; kind++ {
			checkTree(t, Parse(File{Kind: kind, Data: []byte(data)}, "f"), data)
		}
		if strings.Count(data, "[")+strings.Count(data, "{") < maxDepth {
			tree := Parse(File{Kind: JSON, Data: []byte(data)}, "f")
			if json.Valid([]byte(data)) != (len(tree.Errors) == 0) {
				t.Fatalf("encoding/json has another verdict than %v on %q", tree.Errors, data)
			}
		}
	})
}

func checkTree(t *testing.T, tree *Tree, data string) {
	t.Helper()
	place := func(off int) diag.Pos {
		start := strings.LastIndexByte(data[:off], '\n') + 1
		return diag.Pos{File: "f", Line: 1 + strings.Count(data[:off], "\n"), Col: 1 + utf8.RuneCountInString(data[start:off])}
	}
	last := -1
	check := func(w Word) {
		t.Helper()
		if w.Off < 0 || w.Off+len(w.Raw) > len(data) || data[w.Off:w.Off+len(w.Raw)] != w.Raw {
			t.Fatalf("%s: %q does not stand at offset %d of %q", tree.File.Kind, w.Raw, w.Off, data)
		}
		if p := place(w.Off); w.Pos != p {
			t.Fatalf("%s: %q stands at %v, not at %v, in %q", tree.File.Kind, w.Raw, p, w.Pos, data)
		}
	}
	var walk func(nodes []*Node, depth int)
	walk = func(nodes []*Node, depth int) {
		if depth > maxDepth && len(nodes) > 0 {
			t.Fatalf("%s: blocks %d deep", tree.File.Kind, depth)
		}
		for i, n := range nodes {
			for _, w := range n.Words {
				check(w)
				if w.Off <= last {
					t.Fatalf("%s: %q at %d comes after a word at %d in %q", tree.File.Kind, w.Raw, w.Off, last, data)
				}
				last = w.Off
			}
			if !n.Block && len(n.Body) > 0 {
				t.Fatalf("%s: %q has a body and is no block", tree.File.Kind, n.Name())
			}
			if len(n.Words) == 0 && !n.Block {
				t.Fatalf("%s: an empty statement in %q", tree.File.Kind, data)
			}
			// The heads of one block share its body.
			if len(n.Body) == 0 || i+1 == len(nodes) || len(nodes[i+1].Body) == 0 || nodes[i+1].Body[0] != n.Body[0] {
				walk(n.Body, depth+1)
			}
		}
	}
	walk(tree.Body, 0)
	last = -1
	for _, w := range tree.Comments {
		check(w)
		if w.Off <= last {
			t.Fatalf("%s: the comment at %d comes after one at %d", tree.File.Kind, w.Off, last)
		}
		last = w.Off
	}
	if len(tree.Errors) > maxErrors+1 {
		t.Fatalf("%d errors", len(tree.Errors))
	}
	for _, d := range tree.Errors {
		if d.Rule != "syntax" || d.Severity != diag.Error || d.Message == "" || d.Pos.File != "f" || !d.Pos.IsValid() || d.Pos.Col < 1 {
			t.Fatalf("%s: bad diagnostic %+v", tree.File.Kind, d)
		}
		if d.Pos.Line > strings.Count(data, "\n")+1 {
			t.Fatalf("%s: a diagnostic behind the end: %+v", tree.File.Kind, d)
		}
	}
}
