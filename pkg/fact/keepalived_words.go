package fact

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// vrrpWords makes of a keepalived.conf what one host reads of it: variables replaced, conditions decided. What is left of
// them is not known: a node with a Cond may not apply, a word with a variable may be anything.
type vrrpWords struct {
	id   Value[string]
	dir  string // of the file, for ${_PWD}
	vars map[string][]string
	line int // characters that variables gave to the statement being read
	text int // and to the file
}

const (
	maxVariableDepth = 16
	maxVariableLine  = 1 << 13 // of one statement: a definition of two others can double on every level
	maxVariableText  = 1 << 20 // of one file
)

// read gives the statements of a host. It copies only where something changes.
func (x *vrrpWords) read(body []*conf.Node) []*conf.Node {
	if vrrpPlain(body) {
		return body
	}
	x.vars = map[string][]string{}
	return x.body(body, nil)
}

func vrrpPlain(body []*conf.Node) bool {
	for _, n := range body {
		if n.Cond != nil || slices.ContainsFunc(n.Words, func(w conf.Word) bool { return strings.Contains(w.Text, "$") }) || !vrrpPlain(n.Body) {
			return false
		}
	}
	return true
}

func (x *vrrpWords) body(body []*conf.Node, cond *conf.Node) []*conf.Node {
	var out []*conf.Node
	for _, n := range body {
		c := cond
		if n.Cond != nil {
			switch x.applies(n.Cond) {
			case no:
				continue
			case maybe:
				c = n.Cond
			}
		}
		if name := n.Name(); strings.HasPrefix(name, "$") && strings.HasSuffix(name, "=") {
			x.define(n, c != nil)
			continue
		}
		out = append(out, x.node(n, c)...)
	}
	return out
}

// define keeps a definition; nil stands for one that is not known.
func (x *vrrpWords) define(n *conf.Node, unsure bool) {
	name := strings.TrimSuffix(n.Name()[1:], "=")
	var lines []string
	for _, w := range n.Args() {
		lines = append(lines, w.Text)
	}
	if lines == nil {
		lines = []string{""}
	}
	if unsure && !slices.Equal(x.vars[name], lines) {
		lines = nil
	}
	x.vars[name] = lines
}

func (x *vrrpWords) node(n *conf.Node, cond *conf.Node) []*conf.Node {
	m := *n
	m.Cond = cond
	m.Words = make([]conf.Word, 0, len(n.Words))
	x.line = 0
	again := false // a variable gave more than one word
	var text strings.Builder
	for _, w := range n.Words {
		quoted := strings.HasPrefix(w.Raw, `"`)
		s := x.replace(w.Text, 0)
		if s != w.Text && !quoted {
			again = again || strings.ContainsAny(s, " \t\n\"{}!#") || strings.HasPrefix(s, "@")
		}
		if quoted {
			text.WriteString(`"` + s + `" `)
		} else {
			text.WriteString(s + " ")
		}
		if s == "" && w.Text != "" && !quoted {
			continue
		}
		w.Text = s
		m.Words = append(m.Words, w)
	}
	if !again {
		if len(m.Words) == 0 && !n.Block {
			return nil
		}
		m.Body = x.body(n.Body, cond)
		return []*conf.Node{&m}
	}

	body := conf.Parse(conf.File{Kind: conf.Keepalived, Data: []byte(text.String())}, "").Body
	vrrpMove(body, n.Words[0])
	body = x.parsed(body, cond)
	if n.Block && len(body) > 0 && !body[len(body)-1].Block {
		last := body[len(body)-1]
		last.Block, last.Body = true, x.body(n.Body, last.Cond)
	}
	return body
}

// parsed decides the conditions of statements that a variable gave; variables in them are replaced already.
func (x *vrrpWords) parsed(body []*conf.Node, cond *conf.Node) []*conf.Node {
	var out []*conf.Node
	for _, n := range body {
		c := cond
		if n.Cond != nil {
			switch x.applies(n.Cond) {
			case no:
				continue
			case maybe:
				c = n.Cond
			}
		}
		if name := n.Name(); strings.HasPrefix(name, "$") && strings.HasSuffix(name, "=") {
			x.define(n, c != nil)
			continue
		}
		n.Cond, n.Body = c, x.parsed(n.Body, c)
		out = append(out, n)
	}
	return out
}

// vrrpMove gives words that come out of a variable the place where it is used.
func vrrpMove(body []*conf.Node, at conf.Word) {
	for _, n := range body {
		for i := range n.Words {
			n.Words[i].Pos, n.Words[i].Off, n.Words[i].Raw = at.Pos, at.Off, at.Raw
		}
		vrrpMove(n.Body, at)
	}
}

type answer int

const (
	no answer = iota
	maybe
	yes
)

// applies decides a condition. "~SEQ" and "~LST" repeat their line with other values: not followed.
func (x *vrrpWords) applies(cond *conf.Node) answer {
	a := maybe
	if id, ok := strings.CutPrefix(cond.Name(), "@"); ok && x.id.Known() {
		id, not := strings.CutPrefix(id, "^")
		a = no
		if (id == x.id.V) != not {
			a = yes
		}
	}
	if cond.Cond != nil {
		a = min(a, x.applies(cond.Cond))
	}
	return a
}

// replace puts values in the place of variables; those without a known value stay.
func (x *vrrpWords) replace(s string, depth int) string {
	var out strings.Builder
	for {
		i, end, name := vrrpVariable(s)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		value, ok := x.value(name)
		switch {
		case !ok || depth == maxVariableDepth || x.line+len(value) > maxVariableLine || x.text+len(value) > maxVariableText:
			out.WriteString(s[i:end])
		default:
			x.line += len(value)
			x.text += len(value)
			out.WriteString(x.replace(value, depth+1))
		}
		s = s[end:]
	}
}

func (x *vrrpWords) value(name string) (string, bool) {
	switch name {
	case "_HASH":
		return "#", true
	case "_BANG":
		return "!", true
	case "_PWD":
		return x.dir, x.dir != ""
	case "_INSTANCE":
		return x.id.V, x.id.Known()
	}
	lines := x.vars[name]
	return strings.Join(lines, "\n"), lines != nil
}

// vrrpVariable finds the first use of a variable: ${NAME}, or $NAME before a blank, a comma, a bracket or the end.
func vrrpVariable(s string) (start, end int, name string) {
	first := strings.IndexByte(s, '$')
	if first < 0 {
		return -1, 0, ""
	}
	for i := first; i < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		j := i + 1
		braces := j < len(s) && s[j] == '{'
		if braces {
			j++
		}
		from := j
		for j < len(s) && (s[j] == '_' || 'a' <= s[j]|0x20 && s[j]|0x20 <= 'z' || j > from && '0' <= s[j] && s[j] <= '9') {
			j++
		}
		name := s[from:j]
		if name == "" {
			continue
		}
		if braces {
			if k := strings.IndexByte(s[j:], '}'); k >= 0 && strings.Trim(s[j:j+k], " 0123456789") == "" {
				return i, j + k + 1, s[from : j+k]
			}
		} else if j == len(s) || strings.IndexByte(" \t\n,)", s[j]) >= 0 {
			return i, j, name
		}
	}
	return -1, 0, ""
}

// vrrpUnknown reports whether a word holds a variable without a known value.
func vrrpUnknown(w conf.Word) bool {
	i, _, _ := vrrpVariable(w.Text)
	return i >= 0
}

// vrrpOpaque reports whether n may stand for any statements.
func vrrpOpaque(n *conf.Node) bool {
	return n.Unread || len(n.Words) > 0 && vrrpUnknown(n.Words[0])
}

// reading is what keepalived does with a statement.
type reading int

const (
	taken   reading = iota
	ignored         // it says so in its log, and what was said before stays
	unreadable
)

// vrrpLast reads a setting of which the last statement counts.
func vrrpLast[T comparable](body []*conf.Node, at conf.Word, def T, read func(*conf.Node) (T, reading), names ...string) Value[T] {
	v := Value[T]{V: def, Word: at}
	for _, n := range body {
		if vrrpOpaque(n) {
			v = Value[T]{Word: n.Words[0], State: Unknown}
			continue
		}
		if !slices.Contains(names, n.Name()) {
			continue
		}
		t, r := read(n)
		w := n.Arg(1)
		if len(n.Words) == 1 {
			w = n.Words[0]
		}
		switch {
		case r == ignored:
		case r == unreadable, n.Cond != nil && (!v.Known() || v.V != t):
			v = Value[T]{Word: w, State: Unknown}
		case n.Cond == nil:
			v = Value[T]{V: t, Word: w, State: Written}
		}
	}
	return v
}

// vrrpFlag reads keywords without arguments; the first of names sets.
func vrrpFlag(body []*conf.Node, at conf.Word, def bool, names ...string) Value[bool] {
	return vrrpLast(body, at, def, func(n *conf.Node) (bool, reading) { return n.Name() == names[0], taken }, names...)
}

// vrrpSwitch reads a keyword that a word may turn off.
func vrrpSwitch(n *conf.Node) (bool, reading) {
	if len(n.Words) == 1 {
		return true, taken
	}
	switch w := n.Words[1]; w.Text {
	case "on", "true", "yes":
		return true, taken
	case "off", "false", "no":
		return false, taken
	default:
		if vrrpUnknown(w) {
			return false, unreadable
		}
		return false, ignored
	}
}

func vrrpText(n *conf.Node) (string, reading) {
	switch w := n.Arg(1); {
	case len(n.Words) == 1:
		return "", ignored
	case vrrpUnknown(w):
		return "", unreadable
	default:
		return w.Text, taken
	}
}

// vrrpNumber reads a decimal number with a sign or without; larger ones than any setting takes are cut.
func vrrpNumber(s string) (int, bool) {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > 1<<31 || n < -1<<31 {
		n = 1 << 31
		if s[0] == '-' {
			n = -n
		}
	}
	return n, true
}

// vrrpSeconds reads a decimal fraction of seconds, to the microsecond.
func vrrpSeconds(s string) (time.Duration, bool) {
	whole, part, _ := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" || len(whole) > 9 {
		return 0, false
	}
	sec, _ := strconv.Atoi("0" + whole)
	us, _ := strconv.Atoi((part + "000000")[:6])
	return time.Duration(sec)*time.Second + time.Duration(us)*time.Microsecond, true
}

// quotedCommand is the command of a script statement. Keepalived reads one in single quotes from the line itself, where the
// words of the file end at every space.
func quotedCommand(words []conf.Word) conf.Word {
	w := words[0]
	if !strings.HasPrefix(w.Raw, "'") {
		return w
	}
	last := words[len(words)-1]
	raw := w.Raw
	for _, o := range words[1:] {
		raw += strings.Repeat(" ", max(1, o.Off-w.Off-len(raw))) + o.Raw
	}
	if len(raw) < 2 || !strings.HasSuffix(last.Raw, "'") || strings.Count(raw, "'") != 2 {
		return w
	}
	w.Raw, w.Text = raw, raw[1:len(raw)-1]
	return w
}

// vrrpCommand splits the command of a script as keepalived does, which runs it without a shell. Of a command without
// double quotes around it, it takes the first word alone.
func vrrpCommand(w conf.Word) []conf.Word {
	from := 0
	if strings.HasPrefix(w.Raw, `"`) || strings.HasPrefix(w.Raw, "'") {
		from = 1
	}
	inPlace := strings.HasPrefix(w.Raw[min(from, len(w.Raw)):], w.Text) // else variables moved what follows them
	var out []conf.Word
	s := w.Text
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		start := i
		var text []byte
		var quote byte
		for ; i < len(s) && (quote != 0 || s[i] != ' ' && s[i] != '\t'); i++ {
			switch c := s[i]; {
			case c == quote:
				quote = 0
			case quote == 0 && (c == '\'' || c == '"'):
				quote = c
			case c == '\\' && i+1 < len(s):
				i++
				text = append(text, s[i])
			default:
				text = append(text, c)
			}
		}
		if quote != 0 {
			return nil
		}
		word := conf.Word{Text: string(text), Raw: w.Raw, Pos: w.Pos, Off: w.Off}
		if inPlace {
			word.Raw = s[start:i]
			word.Off += from + start
			word.Pos.Col += from + len([]rune(s[:start]))
		}
		out = append(out, word)
	}
	return out
}

// configID is what "@id" lines are compared with: -i of the daemon's options, else the first part of the host's name.
func configID(h *Host) Value[string] {
	if h == nil || h.Source == nil {
		return Value[string]{State: Unknown}
	}
	for _, p := range []string{"/etc/default/keepalived", "/etc/sysconfig/keepalived"} {
		f, ok := h.Source.File(p)
		if !ok {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'=", r) })
			for i, w := range words {
				id, long := "", w == "-i" || w == "--config-id"
				if long && i+1 < len(words) {
					id = words[i+1]
				} else if strings.HasPrefix(w, "-i") && !strings.HasPrefix(w, "--") {
					id = w[2:]
				}
				if id != "" {
					return Value[string]{V: id, Word: conf.Word{Text: id, Pos: diag.Pos{File: h.Source.Place(p)}}, State: Written}
				}
			}
		}
	}
	if f, ok := h.Source.File("/etc/hostname"); ok {
		for line := range strings.Lines(string(f.Data)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				id, _, _ := strings.Cut(line, ".")
				return Value[string]{V: id, Word: conf.Word{Text: id, Pos: diag.Pos{File: h.Source.Place("/etc/hostname"), Line: 1, Col: 1}}}
			}
		}
	}
	return Value[string]{State: Unknown}
}

func vrrpDir(t *conf.Tree) string {
	if !path.IsAbs(t.File.Path) {
		return ""
	}
	return path.Dir(t.File.Path)
}
