package conf

import (
	"slices"
	"strings"

	"stackgen/pkg/diag"
)

const (
	haproxyMaxWords = 64 // MAX_LINE_ARGS
	haproxyMaxConds = 99 // .if inside .if
)

// haproxySections are the keywords that open a section, of all versions.
var haproxySections = map[string]bool{
	"acme": true, "backend": true, "cache": true, "crt-store": true, "defaults": true, "fcgi-app": true, "frontend": true,
	"global": true, "http-errors": true, "listen": true, "log-forward": true, "log-profile": true, "mailers": true,
	"peers": true, "program": true, "resolvers": true, "ring": true, "traces": true, "userlist": true,
}

// haproxy reads a haproxy.cfg line by line, as parse_cfg does. A section is a block up to the next section. The macros
// .if, .elif, .else and .endif stay statements where they stand, and every statement below one has it as its Cond.
func (p *parser) haproxy() {
	p.bom()
	var conds []*Node // the .if, .elif or .else of each open level
	for i := p.off; i < len(p.s); {
		end := p.lineEnd(i)
		p.haproxyLine(i, end, &conds)
		i = end + 1
	}
	if n := len(p.s); n > 0 && p.s[n-1] != '\n' {
		p.errorf(n, "the last line does not end with a line feed: HAProxy takes the file for truncated").
			Help = "end the file with a line feed"
	}
	if len(conds) > 0 {
		c := conds[len(conds)-1]
		last := strings.LastIndexByte(strings.TrimSuffix(p.s, "\n"), '\n') + 1
		p.errorf(last, "the file ends inside an .if block: an .endif is missing").
			Related = []diag.Related{{Pos: c.Words[0].Pos, Message: "the block opens here"}}
	}
	p.pop()
}

func (p *parser) haproxyLine(i, end int, conds *[]*Node) {
	s := p.s
	if n := strings.IndexByte(s[i:end], 0); n >= 0 {
		// The line is read up to the byte. On the last line, HAProxy misses the line feed instead.
		if end < len(s) && end+1 < len(s) {
			defer p.errorf(i+n, "a NUL byte stands in the line: HAProxy stops reading there")
		} else if end < len(s) {
			defer p.errorf(i+n, "a NUL byte stands in the last line: HAProxy takes the file for truncated")
		}
		end = i + n
	}
	for i < end && isSpace(s[i]) {
		i++
	}
	if i == end {
		return
	}
	if s[i] == '[' {
		p.haproxyScope(i, end)
		return
	}
	if !p.haproxyWords(i, end) {
		p.words = p.words[:p.first]
		return
	}
	if !p.pending() || p.words[p.first].Text == "" {
		p.words = p.words[:p.first]
		return
	}

	name := p.words[p.first].Text
	if name[0] == '.' {
		p.haproxyMacro(name, conds)
		return
	}
	if haproxySections[name] {
		p.pop()
		p.push(p.add(), i)
		return
	}
	if len(p.open) == 0 && p.cond == nil {
		p.report(p.words[p.first].Pos, "keyword %q stands before the first section", name)
	}
	p.add()
}

// haproxyScope reads "[scope]", which stands alone on its line.
func (p *parser) haproxyScope(i, end int) {
	s := p.s
	j := i + 1
	for j < end && (isAlpha(s[j]) || isDigit(s[j]) || strings.IndexByte("_-.:", s[j]) >= 0) {
		j++
	}
	if j == end || s[j] != ']' {
		p.errorf(j, "the name of a scope is not closed by %q, or holds another character than letters, digits and %q", "]", "_-.:")
		return
	}
	if j == i+1 {
		p.errorf(j, "a scope has no name")
	}
	j++
	p.plain(i, j)
	p.add()
	for j < end && isSpace(s[j]) {
		j++
	}
	if j < end && s[j] == '#' {
		p.comment(j, end)
	} else if j < end {
		p.errorf(j, "unexpected %q after a scope", s[j:j+1])
	}
}

// haproxyMacro handles a statement that starts with a dot.
func (p *parser) haproxyMacro(name string, conds *[]*Node) {
	pos := p.words[p.first].Pos
	args := len(p.words) - p.first - 1
	switch depth := len(*conds); name {
	case ".if":
		if depth >= haproxyMaxConds {
			p.report(pos, "more than %d .if inside each other", haproxyMaxConds)
		} else if p.cond == nil && !haproxyCondition(p.words[p.first+1:]) {
			// Elsewhere HAProxy does not look at it before the ones above have decided.
			p.report(pos, "the condition of this .if cannot be read")
		}
		n := p.add()
		*conds = append(*conds, n)
		p.cond = n
	case ".elif", ".else":
		if name == ".else" && args > 0 {
			p.report(p.words[p.first+1].Pos, ".else takes no argument")
		}
		if depth == 0 {
			p.report(pos, "%s without an .if before it", name)
			p.add()
			return
		}
		above := (*conds)[depth-1]
		if above.Name() == ".else" {
			p.report(pos, "%s after .else", name)
		}
		p.cond = above.Cond
		n := p.add()
		(*conds)[depth-1] = n
		p.cond = n
	case ".endif":
		if args > 0 {
			p.report(p.words[p.first+1].Pos, ".endif takes no argument")
		}
		if depth == 0 {
			p.report(pos, ".endif without an .if before it")
			p.add()
			return
		}
		p.cond = (*conds)[depth-1].Cond
		*conds = (*conds)[:depth-1]
		p.add()
	case ".alert", ".diag", ".notice", ".warning":
		if args > 1 && p.cond == nil {
			p.report(p.words[p.first+2].Pos, "%s takes one argument: quote a message with blanks", name)
		}
		p.add()
	default:
		if p.cond == nil {
			p.report(pos, "unknown macro %q", name)
		}
		p.add()
	}
}

// haproxyWords cuts s[i:end] into words, as parse_line does. It returns false where HAProxy drops the line.
func (p *parser) haproxyWords(i, end int) bool {
	s := p.s
	for i < end {
		// The common word: no quote, escape or comment in it.
		j := i
		for j < end && haproxyPlain[s[j]] {
			j++
		}
		switch {
		case j < end && !isSpace(s[j]) && s[j] != '#':
			text, next, ok := p.haproxyWord(i, j, end)
			if !ok {
				return false
			}
			if next > i {
				p.word(i, next, text)
			}
			j = next
		case j > i:
			p.plain(i, j)
		}
		if j < end && s[j] == '#' {
			p.comment(j, end)
			return true
		}
		if j < end && s[j] == '\r' {
			return true // ends the line wherever it stands, but among blanks
		}
		if j < end {
			if len(p.words)-p.first == haproxyMaxWords {
				p.errorf(j, "more than %d words on a line, which HAProxy refuses", haproxyMaxWords)
				return true
			}
			for j < end && isSpace(s[j]) {
				j++
			}
		}
		i = j
	}
	return true
}

// haproxyPlain are the bytes that stand for themselves outside of quotes.
var haproxyPlain = func() (t [256]bool) {
	for i := range t {
		t[i] = !isSpace(byte(i)) && !strings.ContainsRune(`"'\#`, rune(i))
	}
	return t
}()

// haproxyWord reads a word with quotes or escapes; s[i:j] of it is plain. It returns the word's text and its end.
func (p *parser) haproxyWord(i, j, end int) (text string, next int, ok bool) {
	s := p.s
	var b strings.Builder
	b.WriteString(s[i:j])
	quote, quoteAt := byte(0), 0
	for j < end {
		c := s[j]
		switch {
		case c == '\r':
			end = j
			continue
		case c == '#' && quote == 0, isSpace(c) && quote == 0:
			return b.String(), j, true
		case (c == '"' || c == '\'') && (quote == 0 || quote == c):
			if quote == 0 {
				quote, quoteAt = c, j
			} else {
				quote = 0
			}
			j++
		case c == '\\' && quote != '\'':
			t, n := haproxyEscape(s[j:end], quote)
			if n == 0 {
				p.errorf(j, "%q is followed by fewer than two hexadecimal digits", `\x`)
				return "", 0, false
			}
			b.WriteString(t)
			j += n
		case c == '$' && quote == '"':
			n, at, msg := haproxyVariable(s[j:end])
			if msg != "" {
				p.errorf(j+at, "%s", msg).Help = `write "\$" for a dollar sign`
				return "", 0, false
			}
			b.WriteString(s[j : j+n])
			j += n
		default:
			b.WriteByte(c)
			j++
		}
	}
	if quote != 0 {
		p.errorf(quoteAt, "a quote (%c) is not closed on its line: HAProxy refuses the line", quote)
		return "", 0, false
	}
	return b.String(), end, true
}

// haproxyEscape decodes the escape at the start of s. n is its length, 0 if it is malformed.
func haproxyEscape(s string, quote byte) (text string, n int) {
	if len(s) < 2 {
		return s[:1], 1
	}
	switch c := s[1]; c {
	case ' ', '\\', '#', '\'', '"':
		return s[1:2], 2
	case 't':
		return "\t", 2
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case '$':
		if quote == '"' {
			return "$", 2
		}
	case 'x':
		if len(s) < 4 || !isHex(s[2]) || !isHex(s[3]) {
			return "", 0
		}
		return string([]byte{hexDigit(s[2])<<4 | hexDigit(s[3])}), 4
	}
	return s[:1], 1
}

// haproxyVariable is the length of the variable at the start of s ($NAME, ${NAME}, ${NAME-default}, ${NAME[*]}), or
// what is wrong with it and where.
func haproxyVariable(s string) (n, at int, msg string) {
	const noBrace = "a brace in the name of a variable is not closed"
	i := 1
	brace := i < len(s) && s[i] == '{'
	if brace {
		i++
	}
	start := i
	if i < len(s) && s[i] == '.' {
		i++
	} else if i >= len(s) || !isAlpha(s[i]) && s[i] != '_' {
		return 0, min(i, len(s)-1), "the name of a variable starts with a forbidden character"
	}
	for i < len(s) && (isAlpha(s[i]) || isDigit(s[i]) || s[i] == '_') {
		i++
	}
	if name := s[start:i]; name[0] == '.' && !slices.Contains([]string{".LINE", ".FILE", ".SECTION"}, name) {
		return 0, start, "there is no variable \"" + name + "\""
	}
	if !brace {
		return i, 0, ""
	}
	if strings.HasPrefix(s[i:], "[") {
		if !strings.HasPrefix(s[i:], "[*]") {
			return 0, i, "in the name of a variable, only \"[*]\" may follow the name"
		}
		i += len("[*]")
	}
	if strings.HasPrefix(s[i:], "-") {
		close := strings.IndexByte(s[i:], '}')
		if close < 0 {
			return 0, 1, noBrace
		}
		i += close
	}
	if i >= len(s) || s[i] != '}' {
		return 0, 1, noBrace
	}
	return i + 1, 0, ""
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func hexDigit(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
