package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"stackgen/pkg/diag"
)

const (
	maxIncludes      = 32      // files inside files; nginx and keepalived have no limit
	maxMySQLIncludes = 10      // my_default.c
	maxSpliced       = 8 << 20 // statements of one tree, counted each time they are included
)

// reader reads what the daemons of one host read.
type reader struct {
	h       *Host
	assumed []string
	notRead []NotRead
	errors  []diag.Diagnostic
	files   map[string]*source // by real path
}

// source is a parsed file.
type source struct {
	tree    *Tree
	dir     string // of its real path
	size    int    // statements, includes counted
	active  bool   // is being spliced
	spliced bool
	claimed bool   // its comments and errors are in a tree
	why     string // why it was not read; tree is nil then
	failed  bool
}

func newReader(h *Host) *reader { return &reader{h: h, files: map[string]*source{}} }

func (r *reader) assume(format string, args ...any) {
	r.assumed = append(r.assumed, r.label()+": "+fmt.Sprintf(format, args...))
}

func (r *reader) label() string { return strings.TrimPrefix(r.h.Group+"/"+r.h.Name, "/") }

func (r *reader) miss(name string, from diag.Pos, why string, failed bool) {
	r.notRead = append(r.notRead, NotRead{Group: r.h.Group, Host: r.h.Name, Path: name, From: from, Why: why, Failed: failed})
}

// open parses a file of the host. The result is never nil.
func (r *reader) open(name string, k Kind) *source {
	real, place, mode, why := r.h.resolve(name)
	if why == "" && !mode.IsRegular() {
		why = "is no regular file"
	}
	if why != "" {
		return &source{why: why}
	}
	if s, ok := r.files[real]; ok {
		return s
	}
	s := &source{dir: path.Dir(real)}
	r.files[real] = s
	f, err := r.h.load(real, place)
	if err != nil {
		s.why, s.failed = "cannot be read: "+cause(err), true
		return s
	}
	if mark := templateMark(path.Base(place), f.Data); mark != "" {
		s.why = "is a template (" + mark + "): only its output can be read"
		return s
	}
	f.Kind = k
	s.tree = Parse(f, place)
	s.size = count(s.tree.Body)
	return s
}

// cause is an error of the file system without the path, which its reader knows.
func cause(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func count(nodes []*Node) int {
	n := len(nodes)
	for _, node := range nodes {
		n += count(node.Body)
	}
	return n
}

// tree is the main file name with everything it includes; nil if it was not read, which is noted.
func (r *reader) tree(name string, k Kind) *Tree {
	s := r.open(name, k)
	if s.tree == nil {
		place := r.h.Place(name)
		if place == "" {
			place = name
		}
		r.miss(place, diag.Pos{}, s.why, s.failed)
		return nil
	}
	t := *s.tree
	t.Comments, t.Errors = nil, nil
	w := &splicer{reader: r, tree: &t, prefix: s.dir}
	t.Body = w.file(s)
	diag.Sort(t.Errors)
	return &t
}

// splicer builds one tree.
type splicer struct {
	*reader
	tree   *Tree
	prefix string // folder of the main file: nginx looks there for relative names
	depth  int
}

// file is the body of s with its includes spliced in.
func (w *splicer) file(s *source) []*Node {
	if !s.claimed {
		s.claimed = true
		w.h.Files = append(w.h.Files, s.tree.File)
		if w.tree.Comments == nil {
			w.tree.Comments = slices.Clip(s.tree.Comments)
		} else {
			w.tree.Comments = append(w.tree.Comments, s.tree.Comments...)
		}
		w.tree.Errors = append(w.tree.Errors, s.tree.Errors...)
		w.errors = append(w.errors, s.tree.Errors...)
	}
	if !s.spliced {
		s.active = true
		w.depth++
		s.tree.Body = w.body(s, s.tree.Body, true)
		w.depth--
		s.active, s.spliced = false, true
	}
	return s.tree.Body
}

// body splices into one list of statements. Statements of other languages than MySQL keep their place in their block;
// my.cnf's groups end where an include inside them starts, and go on behind it.
func (w *splicer) body(s *source, nodes []*Node, top bool) []*Node {
	var out []*Node // nil as long as nothing changed
	for i, n := range nodes {
		var insert []*Node
		switch {
		case w.tree.File.Kind == MySQL && top && n.Block:
			insert = w.group(s, n)
		case w.include(n):
			insert = w.included(s, n)
		default:
			if n.Block {
				n.Body = w.body(s, n.Body, false)
			}
		}
		if insert != nil && out == nil {
			out = append(make([]*Node, 0, len(nodes)+len(insert)), nodes[:i]...)
		}
		switch {
		case insert != nil:
			out = append(out, insert...)
		case out != nil:
			out = append(out, n)
		}
	}
	if out == nil {
		return nodes
	}
	return out
}

// group cuts a group of my.cnf at its includes; nil if it has none.
func (w *splicer) group(s *source, n *Node) []*Node {
	if !slices.ContainsFunc(n.Body, w.include) {
		return nil
	}
	var out []*Node
	head := func() *Node { return &Node{Words: n.Words, Block: true, Cond: n.Cond} }
	part := head()
	for _, c := range n.Body {
		if !w.include(c) {
			part.Body = append(part.Body, c)
			continue
		}
		insert := w.included(s, c)
		if insert == nil {
			part.Body = append(part.Body, c)
			continue
		}
		if len(part.Body) > 0 || len(out) == 0 {
			out = append(out, part)
		}
		out = append(out, insert...)
		part = head()
	}
	if len(part.Body) > 0 {
		out = append(out, part)
	}
	return out
}

// include reports whether n names other files.
func (w *splicer) include(n *Node) bool {
	name := n.Name()
	switch w.tree.File.Kind {
	case Nginx:
		return name == "include" && !n.Block
	case Keepalived:
		switch name {
		case "include", "includea", "includeb", "includem", "includer", "includew":
			return true
		}
	case MySQL:
		return name == "!include" || name == "!includedir"
	}
	return false
}

// included is what stands for the include n: what it names; nil where n itself stays. A backup that a pattern matches
// (sites-enabled/*) is read, since the daemon reads it: its servers answer, whatever was meant. It is told, since whoever
// left it there expects that it is not.
func (w *splicer) included(s *source, n *Node) []*Node {
	arg := n.Arg(1).Text
	unread := func(why string, failed bool) []*Node {
		n.Unread = true
		w.miss(arg, n.Words[0].Pos, why, failed)
		return nil
	}
	if arg == "" {
		return nil // an error of its own
	}
	limit := maxIncludes
	var names []string
	literal := true
	switch w.tree.File.Kind {
	case Nginx:
		name := arg
		if !path.IsAbs(name) {
			name = w.prefix + "/" + name
		}
		if literal = !strings.ContainsAny(name, "*?["); literal {
			names = []string{name}
			break
		}
		var known bool
		names, known = w.h.glob(name)
		if !known && len(names) == 0 && !modules(name) {
			return unread("the folder is not in the tree of the host", false)
		}
	case Keepalived:
		if n.Cond != nil || strings.Contains(arg, "$") || n.Block {
			return unread("keepalived does not follow an include with a variable, a condition or braces", false)
		}
		name := arg
		if !path.IsAbs(name) {
			name = s.dir + "/" + name
		}
		var known bool
		names, known = w.h.glob(name)
		literal = !strings.ContainsAny(name, `*?[\`)
		if !known && len(names) == 0 {
			return unread("the folder is not in the tree of the host", false)
		}
	case MySQL:
		limit = maxMySQLIncludes
		names = []string{arg}
		if n.Name() == "!includedir" {
			literal = false
			real, _, mode, why := w.h.resolve(arg)
			if why != "" || !mode.IsDir() {
				return unread("the folder is not in the tree of the host", false)
			}
			files, _ := w.h.list(real)
			names = names[:0]
			for _, f := range files {
				if strings.HasSuffix(f, ".cnf") {
					names = append(names, real+"/"+f)
				}
			}
		}
	}
	if w.depth > limit {
		return unread(fmt.Sprintf("more than %d files inside each other", limit), false)
	}

	out := []*Node{}
	for _, name := range names {
		f := w.open(name, w.tree.File.Kind)
		switch {
		case f.tree == nil && literal:
			if w.tree.File.Kind == Nginx && standard[path.Base(name)] {
				return nil
			}
			return unread(f.why, f.failed)
		case f.tree == nil:
			w.miss(name, n.Words[0].Pos, f.why, f.failed)
			out = append(out, &Node{Words: n.Words, Unread: true})
			continue
		case f.active:
			return unread("includes itself", false)
		}
		if !literal && isBackup(path.Base(name)) {
			w.assume("%s is read like any other file, though it has the name of a backup: the pattern at %s matches it", w.h.Place(name), n.Words[0].Pos)
		}
		body := w.file(f)
		if f.tree.File.Kind != w.tree.File.Kind {
			continue
		}
		if s.size += f.size; s.size > maxSpliced {
			s.size -= f.size
			return unread(fmt.Sprintf("with it the configuration has more than %d statements", maxSpliced), true)
		}
		out = append(out, body...)
	}
	if len(names) == 0 {
		return nil
	}
	return out
}

// standard are files of nginx's package that say nothing about a stack: a tree without them is whole.
var standard = map[string]bool{
	"mime.types": true, "fastcgi.conf": true, "fastcgi_params": true, "scgi_params": true, "uwsgi_params": true,
	"koi-utf": true, "koi-win": true, "win-utf": true,
}

// modules reports whether a pattern names files that only load modules.
func modules(pattern string) bool { return strings.Contains(path.Dir(pattern), "modules") }
