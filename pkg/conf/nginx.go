package conf

import (
	"strings"

	"stackgen/pkg/diag"
)

// nginxBuffer is the size of nginx's read buffer. A comment must fit into it, a word together with the quote or
// blank that ends it.
const nginxBuffer = 4096

// nginx reads an nginx.conf as ngx_conf_read_token does. Line ends are blanks; a word ends at a blank, ";" or "{"; "}"
// and "#" are special at the start of a word only.
func (p *parser) nginx() {
	p.bom()
	s := p.s
	for i := p.off; i < len(s); {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '#':
			end := p.lineEnd(i)
			p.comment(i, end)
			if end-i >= nginxBuffer && i+nginxBuffer < len(s) {
				p.errorf(i, "comment of more than %d bytes, which nginx refuses", nginxBuffer).
					Help = "break the comment into lines"
			}
			i = end
		case ';':
			if p.pending() {
				p.nginxName()
				p.add()
			} else {
				p.errorf(i, "unexpected %q: no directive stands before it", ";")
			}
			i++
		case '{':
			if !p.pending() {
				p.errorf(i, "unexpected %q: no directive stands before it", "{")
			} else {
				p.nginxName()
			}
			n := p.add()
			i++
			if strings.HasSuffix(n.Name(), "_by_lua_block") {
				i = p.nginxLua(n, i)
			} else {
				p.push(n, i-1)
			}
		case '}':
			unended := p.pending()
			if unended {
				p.errorf(i, "unexpected %q: directive %q before it is not ended by %q", "}", p.words[p.first].Text, ";").
					Help = `end the directive with ";"`
				p.add()
			}
			if !p.pop() && !unended {
				p.errorf(i, "unexpected %q: no block is open", "}")
			}
			i++
		case '"', '\'':
			i = p.nginxQuoted(i)
		default:
			i = p.nginxWord(i)
		}
	}
	var w Word
	if p.pending() {
		w = p.words[p.first]
		p.add()
	}
	switch {
	case p.unquoted != nil:
		p.tree.Errors = p.tree.Errors[:p.unquotedErrors] // what came after follows from it
		if !p.unquotedTold {
			p.errorf(len(s), "the file ends inside a word: its closing quote is missing").
				Related = []diag.Related{{Pos: p.unquoted.Pos, Message: "the quote opens here"}}
		}
	case w.Raw != "":
		p.errorf(len(s), "the file ends inside directive %q: a %q is missing", w.Text, ";").
			Related = []diag.Related{{Pos: w.Pos, Message: "the directive starts here"}}
	default:
		p.unclosed()
	}
	p.closeAll()
}

// nginxName reports a directive that cannot exist.
func (p *parser) nginxName() {
	if w := p.words[p.first]; strings.IndexByte(w.Text, 0) >= 0 {
		p.report(w.Pos, "a NUL byte stands in the name of a directive")
	}
}

// nginxWord reads the unquoted word at i and returns the offset after it.
func (p *parser) nginxWord(i int) int {
	s := p.s
	escaped, variable := false, false // variable: a "$" stands before, so that "{" belongs to the word
	j := i
loop:
	for j < len(s) {
		switch c := s[j]; c {
		case '\\':
			escaped, variable = true, false
			j += 2
		case '$':
			variable = true
			j++
		case '{':
			if !variable {
				break loop
			}
			j++
		case ' ', '\t', '\r', '\n', ';':
			break loop
		default:
			variable = false
			j++
		}
	}
	j = min(j, len(s))
	text := s[i:j]
	if escaped {
		text = nginxUnescape(text)
	}
	p.nginxLong(i, i, j, "")
	p.word(i, j, text)
	return j
}

// nginxQuoted reads the quoted word at i and returns the offset after it.
func (p *parser) nginxQuoted(i int) int {
	s, quote := p.s, p.s[i:i+1]
	escaped := false
	j := i + 1
	for j < len(s) && s[j] != s[i] {
		if s[j] == '\\' {
			escaped = true
			j++
		}
		j++
	}
	if j >= len(s) {
		// Everything to the end of the file is in this word. Read on where its line ends.
		long := p.nginxLong(i, i+1, len(s), quote)
		end := i + len(strings.TrimRight(s[i:p.lineEnd(i)], " \t\r"))
		if end > i+1 && (s[end-1] == ';' || s[end-1] == '{') {
			end--
		}
		p.word(i, end, s[i+1:end])
		if p.unquoted == nil {
			p.unquoted = &p.words[len(p.words)-1]
			p.unquotedTold, p.unquotedErrors = long, len(p.tree.Errors)
		}
		return end
	}
	text := s[i+1 : j]
	if escaped {
		text = nginxUnescape(text)
	}
	p.nginxLong(i, i+1, j+1, quote)
	p.word(i, j+1, text)
	j++
	if j < len(s) {
		switch s[j] {
		case ' ', '\t', '\r', '\n', ';', '{', ')':
		default:
			p.errorf(j, "unexpected %q: a blank is missing after the closing quote", s[j:j+1])
		}
	}
	return j
}

// nginxLong reports the word s[start:end] at off if nginx's buffer does not hold it and the blank after it.
func (p *parser) nginxLong(off, start, end int, quote string) bool {
	n := end - start
	if end < len(p.s) && isSpace(p.s[end]) {
		n++
	}
	if n < nginxBuffer || start+nginxBuffer >= len(p.s) {
		return false
	}
	if quote != "" {
		p.errorf(off, "parameter of more than %d bytes, which nginx refuses: probably the closing %s is missing", nginxBuffer, quote)
	} else {
		p.errorf(off, "parameter of more than %d bytes, which nginx refuses", nginxBuffer)
	}
	return true
}

func nginxUnescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch c := s[i+1]; c {
			case '"', '\'', '\\':
				i++
				b.WriteByte(c)
				continue
			case 't', 'r', 'n':
				i++
				b.WriteByte("\t\r\n"[strings.IndexByte("trn", c)])
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// nginxLua reads the Lua code of a *_by_lua_block, which becomes the last word of n: braces in Lua strings and comments
// do not count. It returns the offset after the closing brace.
func (p *parser) nginxLua(n *Node, i int) int {
	s := p.s
	n.Block = true
	start, depth := i, 1
	for i < len(s) {
		switch c := s[i]; {
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				n.Words = append(n.Words, Word{Text: s[start:i], Raw: s[start:i], Pos: p.pos(start), Off: start})
				return i + 1
			}
		case c == '"' || c == '\'':
			for i++; i < len(s) && s[i] != c && s[i] != '\n'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '-' && strings.HasPrefix(s[i:], "--"):
			i += 2
			if end, ok := luaLong(s, i); ok {
				i = end
				continue
			}
			i = p.lineEnd(i)
			continue
		case c == '[':
			if end, ok := luaLong(s, i); ok {
				i = end
				continue
			}
		}
		i++
	}
	n.Words = append(n.Words, Word{Text: s[start:], Raw: s[start:], Pos: p.pos(start), Off: start})
	p.errorf(len(s), "the file ends inside the Lua code of %q: a %q is missing", n.Name(), "}").
		Related = []diag.Related{{Pos: n.Words[0].Pos, Message: "the block opens here"}}
	p.closeAll()
	return len(s)
}

// luaLong is the end of the long bracket ("[[…]]", "[==[…]==]") at i, if one is there.
func luaLong(s string, i int) (end int, ok bool) {
	if i >= len(s) || s[i] != '[' {
		return i, false
	}
	j := i + 1
	for j < len(s) && s[j] == '=' {
		j++
	}
	if j >= len(s) || s[j] != '[' {
		return i, false
	}
	mark := "]" + s[i+1:j] + "]"
	if n := strings.Index(s[j:], mark); n >= 0 {
		return j + n + len(mark), true
	}
	return len(s), true
}
