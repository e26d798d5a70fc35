package conf

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"

	"stackgen/pkg/diag"
)

const (
	maxDepth  = 64 // blocks in blocks; real files reach six
	maxErrors = 50 // HAProxy's own limit
)

// The least a slab holds, each for the allocator's largest class of small objects: 32 KiB with a header of a word.
const (
	slabWords = 32760 / int(unsafe.Sizeof(Word{}))
	slabNodes = 32760 / int(unsafe.Sizeof(Node{}))
	slabLists = 16376 / int(unsafe.Sizeof((*Node)(nil)))
	slabMost  = 8192 // of words and nodes: what a large file has in one piece
)

// parsers keeps what slabs have left, and lists that each file fills anew: a stack has many files of a few kilobytes.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// parser holds what the readers of all languages share: the data, a cursor that turns offsets into places, and the tree
// under construction. Words, nodes and child lists are cut from slabs, since a large file has millions of them.
type parser struct {
	tree *Tree
	name string
	s    string

	off, line, col int // the cursor: a byte offset and its place

	words []Word // slab; the words of the statement being read are words[first:]
	first int
	nodes []Node
	lists []*Node

	cond     *Node   // what statements read now depend on
	children []*Node // of all open blocks, the innermost last
	open     []block
	comments []Word
	skipped  int // blocks open beyond maxDepth

	// nginx: the first word without a closing quote, whether that is told, and the number of errors up to there.
	unquoted       *Word
	unquotedTold   bool
	unquotedErrors int

	unsure bool // keepalived: a definition holds braces, so that counting them proves nothing
}

type block struct {
	node   *Node
	start  int     // of its children
	others []*Node // keepalived: further heads of the same block, of which a host reads one
}

// start makes p ready for a file. A file's data never changes, so the words of the tree are pieces of it.
func (p *parser) start(f File, name string) {
	*p = parser{
		tree: &Tree{File: f}, name: name, s: unsafe.String(unsafe.SliceData(f.Data), len(f.Data)), line: 1, col: 1,
		words: p.words, first: len(p.words), nodes: p.nodes, lists: p.lists,
		children: p.children[:0], open: p.open[:0], comments: p.comments[:0],
	}
}

// finish completes the tree and lets go of everything in it but the slabs.
func (p *parser) finish() *Tree {
	t := p.tree
	t.Body = p.take(0)
	if len(p.comments) > 0 {
		p.first = len(p.words)
		p.room(len(p.comments))
		p.words = append(p.words, p.comments...)
		t.Comments = p.words[p.first:len(p.words):len(p.words)]
	}
	diag.Sort(t.Errors)
	p.tree, p.s, p.cond, p.unquoted = nil, "", nil, nil
	if cap(p.children) > slabLists || cap(p.comments) > slabWords {
		p.children, p.comments = nil, nil // of a large file
	}
	clear(p.children[:cap(p.children)])
	clear(p.open[:cap(p.open)])
	clear(p.comments)
	return t
}

// pos is the place of a byte offset. Calls with rising offsets cost one pass over the data.
func (p *parser) pos(off int) diag.Pos {
	if off < p.off {
		return p.posBehind(off)
	}
	i, line, col := p.off, p.line, p.col
	for i < off {
		if c := p.s[i]; c < utf8.RuneSelf {
			i++
			col++
			if c == '\n' {
				line++
				col = 1
			}
			continue
		}
		_, n := utf8.DecodeRuneInString(p.s[i:])
		if i+n > off {
			break // a reader with a line buffer cuts the character in two
		}
		i += n
		col++
	}
	p.off, p.line, p.col = i, line, col
	return diag.Pos{File: p.name, Line: line, Col: col + off - i}
}

func (p *parser) posBehind(off int) diag.Pos {
	line := p.line - strings.Count(p.s[off:p.off], "\n")
	start := strings.LastIndexByte(p.s[:off], '\n') + 1
	return diag.Pos{File: p.name, Line: line, Col: 1 + utf8.RuneCountInString(p.s[start:off])}
}

func (p *parser) errorf(off int, format string, args ...any) *diag.Diagnostic {
	if len(p.tree.Errors) > maxErrors {
		return new(diag.Diagnostic) // is thrown away
	}
	return p.report(p.pos(off), format, args...)
}

func (p *parser) report(pos diag.Pos, format string, args ...any) *diag.Diagnostic {
	d := diag.Diagnostic{Pos: pos, Severity: diag.Error, Rule: "syntax", Message: fmt.Sprintf(format, args...)}
	switch n := len(p.tree.Errors); {
	case n > maxErrors:
		return &d
	case n == maxErrors:
		d.Message = "too many syntax errors: what follows is not shown"
	}
	p.tree.Errors = append(p.tree.Errors, d)
	return &p.tree.Errors[len(p.tree.Errors)-1]
}

// bom steps over a byte order mark, which no daemon knows: each reads it as part of the first word.
func (p *parser) bom() {
	const mark = "\ufeff"
	if strings.HasPrefix(p.s, mark) {
		p.errorf(0, "the file starts with a UTF-8 byte order mark, which %s reads as part of the first word", p.tree.File.Kind).
			Help = "save the file as UTF-8 without a byte order mark"
		p.pos(len(mark))
	}
}

// word adds s[start:end] to the statement.
func (p *parser) word(start, end int, text string) {
	n := len(p.words)
	if n == cap(p.words) {
		p.room(min((len(p.s)-start)/12, slabMost))
		n = len(p.words)
	}
	p.words = p.words[:n+1]
	w := &p.words[n]
	w.Text, w.Raw, w.Pos, w.Off = text, p.s[start:end], p.pos(start), start
}

// room makes a slab with room for n words behind those of the statement, if there is none.
func (p *parser) room(n int) {
	if pending := p.words[p.first:]; cap(p.words)-len(p.words) < max(n, 1) {
		p.words = append(make([]Word, 0, max(n+len(pending), 2*len(pending), slabWords)), pending...)
		p.first = 0
	}
}

// plain adds a word that means what is written.
func (p *parser) plain(start, end int) { p.word(start, end, p.s[start:end]) }

func (p *parser) pending() bool { return len(p.words) > p.first }

// node makes a node of the words read since the last one.
func (p *parser) node() *Node {
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = make([]Node, 0, max(min((len(p.s)-p.off)/24, slabMost), slabNodes))
	}
	p.nodes = p.nodes[:len(p.nodes)+1]
	n := &p.nodes[len(p.nodes)-1]
	n.Words, n.Cond = p.words[p.first:len(p.words):len(p.words)], p.cond
	p.first = len(p.words)
	return n
}

// add ends the statement and puts it into the innermost block.
func (p *parser) add() *Node {
	n := p.node()
	if p.skipped == 0 {
		p.children = append(p.children, n)
	}
	return n
}

// push opens n, the node added last, as a block.
func (p *parser) push(n *Node, off int) {
	n.Block = true
	if p.skipped > 0 || len(p.open) == maxDepth {
		if p.skipped == 0 {
			p.errorf(off, "more than %d blocks inside each other: what stands in this one is not read", maxDepth)
		}
		p.skipped++
		return
	}
	p.open = append(p.open, block{node: n, start: len(p.children)})
}

// pop closes the innermost block; false if none is open.
func (p *parser) pop() bool {
	if p.skipped > 0 {
		p.skipped--
		return true
	}
	if len(p.open) == 0 {
		return false
	}
	b := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	b.node.Body = p.take(b.start)
	for _, n := range b.others {
		n.Body = b.node.Body
	}
	return true
}

// take moves the children from start on into a list of their own.
func (p *parser) take(start int) []*Node {
	kids := p.children[start:]
	if len(kids) == 0 {
		return nil
	}
	if cap(p.lists)-len(p.lists) < len(kids) {
		p.lists = make([]*Node, 0, max(len(kids), slabLists))
	}
	from := len(p.lists)
	p.lists = append(p.lists, kids...)
	p.children = p.children[:start]
	return p.lists[from:len(p.lists):len(p.lists)]
}

// unclosed reports the blocks open at the end of the file, once, and closes them.
func (p *parser) unclosed() {
	if len(p.open) > 0 && !p.unsure {
		in := p.open[len(p.open)-1].node
		d := p.errorf(len(p.s), "the file ends inside a block: a %q is missing", "}")
		if len(in.Words) > 0 {
			d.Related = []diag.Related{{Pos: in.Words[0].Pos, Message: fmt.Sprintf("block %q opens here", in.Name())}}
		}
	}
	p.closeAll()
}

func (p *parser) closeAll() {
	p.skipped = 0
	for p.pop() {
	}
}

// comment keeps s[start:end], which starts with a marker.
func (p *parser) comment(start, end int) {
	raw := strings.TrimRight(p.s[start:end], " \t\r\n")
	p.comments = append(p.comments, Word{
		Text: strings.TrimSpace(strings.TrimLeft(raw, `#!;\`)), Raw: raw, Pos: p.pos(start), Off: start,
	})
}

// lineEnd is the offset of the line feed that ends the line at off, or of the end of the data.
func (p *parser) lineEnd(off int) int {
	if n := strings.IndexByte(p.s[off:], '\n'); n >= 0 {
		return off + n
	}
	return len(p.s)
}

// isSpace is the C library's isspace.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
