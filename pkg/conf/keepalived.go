package conf

import (
	"strings"
)

// keepalivedBuffer is how much of a line keepalived 2.2 reads at once; what is longer counts as another line.
const keepalivedBuffer = 1023

// keepalived reads a keepalived.conf as read_line of its parser.c does: line by line, with every "{" and "}" outside of
// double quotes a line of its own. What stands before a "{" opens a block, also on the line above.
//
// A definition is a statement named "$NAME=" whose words are the lines of its value; uses are left as written. "@id" and
// "~SEQ(…)" become the Cond of what else stands on their line.
func (p *parser) keepalived() {
	p.bom()
	define := false // the last line was a definition that goes on
	for i := p.off; i < len(p.s); {
		eol := p.lineEnd(i)
		next := min(eol+1, i+keepalivedBuffer, len(p.s))
		end := min(next, eol)
		if n := strings.IndexByte(p.s[i:end], 0); n >= 0 {
			end = i + n // C strings end there
		}
		for end > i && p.s[end-1] == '\r' {
			end--
		}
		text, quote := p.keepalivedComment(i, end)
		start := i
		for start < text && isBlank(p.s[start]) {
			start++
		}
		stop := blankTrim(p.s, start, text)
		switch {
		case define:
			define = p.keepalivedDefinition(start, stop)
			if !define {
				p.add()
			}
		case start < stop:
			define = p.keepalivedLine(start, stop)
		}
		if quote >= 0 {
			p.errorf(quote, "a double quote is not closed on its line")
		}
		if text < end {
			p.comment(text, end)
		}
		p.cond = nil
		i = next
	}
	if define {
		p.add()
	}
	p.unclosed()
}

// keepalivedComment is where the comment of s[i:end] starts: at a "!" or "#" outside of double quotes, even inside a
// word. A backslash before it is no escape: keepalived 2.2 takes it away and reads its copy of the line again. quote is
// a double quote without its other, -1 if there is none.
func (p *parser) keepalivedComment(i, end int) (comment, quote int) {
	s := p.s
	quote = -1
	for j := i; j < end; j++ {
		switch s[j] {
		case '"':
			if quote < 0 {
				quote = j
			} else {
				quote = -1
			}
		case '\\':
			if quote < 0 && j+1 < end && (s[j+1] == '!' || s[j+1] == '#') {
				return j, quote
			}
			j++
		case '!', '#':
			if quote < 0 {
				return j, quote
			}
		}
	}
	return end, quote
}

// keepalivedLine reads the statements of a line and reports whether it is a definition that goes on below.
func (p *parser) keepalivedLine(i, end int) bool {
	s := p.s
	if s[i] == '@' {
		j := i
		for j < end && !isBlank(s[j]) {
			j++
		}
		p.plain(i, j)
		p.cond = p.node()
		for j < end && isBlank(s[j]) {
			j++
		}
		if i = j; i == end {
			return false
		}
	}
	if s[i] == '$' {
		j := i + 1
		for j < end && (isAlpha(s[j]) || isDigit(s[j]) || s[j] == '_') {
			j++
		}
		if j > i+1 && !isDigit(s[i+1]) && j < end && s[j] == '=' {
			p.plain(i, j+1)
			if p.keepalivedDefinition(j+1, end) {
				return true
			}
			p.add()
			return false
		}
	}
	if s[i] == '~' {
		if n := keepalivedSequence(s[i:end]); n > 0 {
			p.plain(i, i+n)
			p.cond = p.node() // itself below an "@id"
			i += n
		} else if strings.HasPrefix(s[i:end], "~SEQ") {
			p.errorf(i, "this is not of the form %q", "~SEQ(name, first, last) text")
			return false
		}
	}

	for i < end {
		switch {
		case isSpace(s[i]):
			i++
			continue
		case s[i] == '{':
			p.keepalivedOpen(i)
			i++
			continue
		case s[i] == '}':
			p.keepalivedClose(i)
			i++
			continue
		}
		i = p.keepalivedStatement(i, end)
	}
	return false
}

// keepalivedOpen opens the block of the statement before the brace at i.
func (p *parser) keepalivedOpen(i int) {
	start := 0
	if n := len(p.open); n > 0 {
		start = p.open[n-1].start
	}
	if p.skipped > 0 {
		p.skipped++
		return
	}
	if len(p.children) > start {
		if n := p.children[len(p.children)-1]; !n.Block && !strings.HasSuffix(n.Name(), "=") {
			if !p.keepalivedOther(n) {
				p.push(n, i)
			}
			return
		}
	}
	p.errorf(i, "unexpected %q: no keyword stands before it", "{")
	p.push(p.add(), i)
}

// keepalivedOther reports whether n is another head of the block just opened, and makes it one:
//
//	@lb1 vrrp_instance A {
//	@lb2 vrrp_instance B {
func (p *parser) keepalivedOther(n *Node) bool {
	if len(p.open) == 0 || n.Cond == nil {
		return false
	}
	b := &p.open[len(p.open)-1]
	if b.node.Cond == nil || b.node.Cond == n.Cond || p.children[b.start] != n {
		return false
	}
	n.Block = true
	b.others = append(b.others, n)
	b.start++ // n stands beside the block's node
	return true
}

// keepalivedClose closes a block. A brace that only some hosts read closes nothing that others read too.
func (p *parser) keepalivedClose(i int) {
	if n := len(p.open); p.cond != nil && (n == 0 || p.open[n-1].node.Cond != p.cond) {
		return
	}
	if !p.pop() && !p.unsure {
		p.errorf(i, "unexpected %q: no block is open", "}")
	}
}

// keepalivedStatement reads words up to a brace or the end of the line.
func (p *parser) keepalivedStatement(i, end int) int {
	s := p.s
	for i < end {
		switch c := s[i]; {
		case isSpace(c):
			i++
		case c == '{' || c == '}':
			p.add()
			return i
		case c == '"':
			n := strings.IndexByte(s[i+1:end], '"')
			if n < 0 {
				i = end // the words after it are lost
				break
			}
			p.word(i, i+n+2, s[i+1:i+1+n])
			i += n + 2
		default:
			j := i
			for j < end && !isSpace(s[j]) && s[j] != '"' && s[j] != '{' && s[j] != '}' {
				if s[j] == '$' {
					j += keepalivedVariable(s[j:end])
				} else {
					j++
				}
			}
			p.plain(i, j)
			i = j
		}
	}
	if p.pending() {
		p.add()
	}
	return end
}

// keepalivedDefinition adds one line of a definition's value and reports whether another line follows.
func (p *parser) keepalivedDefinition(i, end int) bool {
	s := p.s
	for i < end && isBlank(s[i]) {
		i++
	}
	more := end > i && s[end-1] == '\\'
	if more {
		end = blankTrim(s, i, end-1)
	}
	if i < end || !more && len(p.words)-p.first == 1 {
		p.plain(i, end)
		p.unsure = p.unsure || strings.ContainsAny(s[i:end], "{}")
	}
	return more
}

// keepalivedSequence is the length of the "~SEQ(name, 1, 3)" or "~LST(name, a, b)" at the start of s, 0 if none is there.
// Lists came with keepalived 2.2.8.
func keepalivedSequence(s string) int {
	list := strings.HasPrefix(s, "~LST")
	if !list && !strings.HasPrefix(s, "~SEQ") {
		return 0
	}
	i := len("~SEQ")
	if !list && i < len(s) && s[i] == 'x' {
		i++
	}
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '(' {
		return 0
	}
	comma := strings.IndexByte(s[i:], ',')
	close := strings.IndexByte(s[i:], ')')
	if strings.HasPrefix(s[i+1:], "{") { // several names, each with its list
		close = strings.LastIndexByte(s[i:], ')')
	}
	if comma < 0 || close < comma || strings.TrimSpace(s[i+1:i+comma]) == "" {
		return 0
	}
	return i + close + 1
}

// keepalivedVariable is the length of the use at the start of s ("${NAME}", "${_RANDOM 1 5}"), 1 if it is none or has no
// braces. Its braces are gone before keepalived looks for blocks.
func keepalivedVariable(s string) int {
	i := 2
	if len(s) < 4 || s[1] != '{' || !isAlpha(s[2]) && s[2] != '_' {
		return 1
	}
	for i < len(s) && (isAlpha(s[i]) || isDigit(s[i]) || s[i] == '_') {
		i++
	}
	for i < len(s) && (s[i] == ' ' || isDigit(s[i])) {
		i++
	}
	if i == len(s) || s[i] != '}' {
		return 1
	}
	return i + 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func blankTrim(s string, start, end int) int {
	for end > start && isBlank(s[end-1]) {
		end--
	}
	return end
}
