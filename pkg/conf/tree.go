package conf

import (
	"iter"

	"stackgen/pkg/diag"
)

// Word is one word of a statement. Raw stands in the file's data at Off; Text is what the daemon makes of it: without
// quotes and escapes, but with variables as written, since only the host knows their values.
type Word struct {
	Text string
	Raw  string
	Pos  diag.Pos
	Off  int // in bytes
}

// Node is one statement, or a block with the statements in it.
type Node struct {
	Words []Word
	Body  []*Node
	Block bool

	// Unread marks an include whose files are not in the input: what they add at this place is unknown. An include that
	// was followed is replaced by what it names; one whose pattern matches nothing stays, unmarked.
	Unread bool

	// Cond is what the statement depends on: the .if, .elif or .else of HAProxy it stands below, or the "@id" or
	// "~SEQ(…)" before it in a keepalived.conf. Nil: the daemon reads the statement once, whatever the host.
	Cond *Node
}

// Name is the statement's keyword; empty for a block without one (an element of a JSON array).
func (n *Node) Name() string {
	if len(n.Words) == 0 {
		return ""
	}
	return n.Words[0].Text
}

// Arg is the i-th word, the keyword being word 0. A missing word is empty and stands at the keyword it should follow.
func (n *Node) Arg(i int) Word {
	if i < len(n.Words) {
		return n.Words[i]
	}
	if len(n.Words) == 0 {
		return Word{}
	}
	return Word{Pos: n.Words[0].Pos, Off: n.Words[0].Off}
}

// Args are the words after the keyword.
func (n *Node) Args() []Word {
	if len(n.Words) == 0 {
		return nil
	}
	return n.Words[1:]
}

// Named are the statements of body with this keyword, in the order of the file.
func Named(body []*Node, name string) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for _, n := range body {
			if n.Name() == name && !yield(n) {
				return
			}
		}
	}
}

// Tree is a file cut into statements. What the daemon refuses is in Errors; the rest is read all the same.
type Tree struct {
	File     File
	Body     []*Node
	Comments []Word            // Raw with its marker, Text without
	Errors   []diag.Diagnostic // rule "syntax", by place

	// Fragment is the context a file without a main file was read in: "http", "stream" or "server" of nginx, or the
	// kind's name for other daemons. The blocks around it are made up: their words have no Raw, and an Unread statement
	// in each stands for what the main file would add.
	Fragment string
}

// Parse reads a file. Includes stay statements. name is what positions call the file: f.Name(), or the path as its
// reader knows it. It never returns nil.
func Parse(f File, name string) *Tree {
	p := parsers.Get().(*parser)
	p.start(f, name)
	switch f.Kind {
	case HAProxy:
		p.haproxy()
	case Keepalived:
		p.keepalived()
	case Nginx:
		p.nginx()
	case MySQL:
		p.mysql()
	case Env:
		p.env()
	case JSON:
		p.json()
	}
	t := p.finish()
	parsers.Put(p)
	return t
}
