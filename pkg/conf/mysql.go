package conf

import "strings"

// mysqlBuffer is how much of a line the server reads at once; what is longer counts as another line.
const mysqlBuffer = 4094

// mysql reads a my.cnf as my_default.c does: groups with options "name", "name = value", and includes, which do not end
// a group.
func (p *parser) mysql() {
	p.bom()
	for i := p.off; i < len(p.s); {
		eol := p.lineEnd(i)
		next := min(eol+1, i+mysqlBuffer, len(p.s))
		end := min(next, eol)
		if n := strings.IndexByte(p.s[i:end], 0); n >= 0 {
			end = i + n // C strings end there
		}
		p.mysqlLine(i, end, end < next && p.s[end] == '\n')
		i = next
	}
	p.pop()
}

func (p *parser) mysqlLine(i, end int, lf bool) {
	s := p.s
	for i < end && mysqlSpace(s[i]) {
		i++
	}
	if i == end {
		return
	}
	switch s[i] {
	case '#', ';':
		p.comment(i, end)
		return
	case '!':
		p.mysqlInclude(i, end, lf)
		return
	case '[':
		close := strings.IndexByte(s[i:end], ']')
		if close < 0 {
			p.errorf(i, "a group is not closed: %q is missing, and the server does not start", "]")
			return
		}
		p.pop()
		p.plain(i+1, mysqlTrim(s, i+1, i+close))
		p.push(p.add(), i)
		return
	}

	eol := end
	end = p.mysqlComment(i, end)
	if eq := strings.IndexByte(s[i:end], '='); eq < 0 {
		p.plain(i, mysqlTrim(s, i, end))
	} else {
		p.plain(i, mysqlTrim(s, i, i+eq))
		v := i + eq + 1
		for v < end && mysqlSpace(s[v]) {
			v++
		}
		e := mysqlTrim(s, v, end)
		p.word(v, e, mysqlValue(s[v:e]))
	}
	if len(p.open) == 0 && len(p.tree.Errors) == 0 { // the server stops there
		w := p.words[p.first]
		p.report(w.Pos, "option %q stands before the first group: the server does not start", w.Text).
			Help = "write [mysqld] above it"
	}
	p.add()
	if end < eol {
		p.comment(end, eol)
	}
}

// mysqlInclude reads "!include FILE" and "!includedir FOLDER". Other words after "!" are ignored by the server.
func (p *parser) mysqlInclude(i, end int, lf bool) {
	s := p.s
	k := i + 1
	for k < end && mysqlSpace(s[k]) {
		k++
	}
	e := k
	for e < end && !mysqlSpace(s[e]) {
		e++
	}
	p.word(i, e, "!"+s[k:e])
	name := s[k:e]
	if name == "include" || name == "includedir" {
		a := e
		for a < end && mysqlSpace(s[a]) {
			a++
		}
		z := end
		if !lf && e < end {
			z = max(a, end-1) // without a line feed the server cuts the last character
		}
		z = mysqlTrim(s, a, z)
		switch {
		case z > a:
			p.plain(a, z)
		case e < end || lf:
			p.errorf(i, "\"!%s\" without a path: the server does not start", name)
		}
	} else if a := e; a < end {
		for a < end && mysqlSpace(s[a]) {
			a++
		}
		if z := mysqlTrim(s, a, end); z > a {
			p.plain(a, z)
		}
	}
	p.add()
}

// mysqlComment is the end of s[i:end] without the comment after an option. A "#" starts one anywhere but in quotes.
func (p *parser) mysqlComment(i, end int) int {
	quote, escaped := byte(0), false
	for j := i; j < end; j++ {
		c := p.s[j]
		if (c == '\'' || c == '"') && !escaped {
			if quote == 0 {
				quote = c
			} else if quote == c {
				quote = 0
			}
		}
		if c == '#' && quote == 0 {
			return j
		}
		escaped = quote != 0 && c == '\\' && !escaped
	}
	return end
}

func mysqlTrim(s string, start, end int) int {
	for end > start && mysqlSpace(s[end-1]) {
		end--
	}
	return end
}

// mysqlValue takes one pair of quotes around the whole value away and decodes escapes, quoted or not.
func mysqlValue(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[0] == s[len(s)-1] {
		s = s[1 : len(s)-1]
	}
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	const from, to = `ntrbs"'\`, "\n\t\r\b \"'\\"
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if n := strings.IndexByte(from, s[i]); n >= 0 {
				b.WriteByte(to[n])
				continue
			}
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mysqlSpace is a blank of latin1, which the server takes the file for: in UTF-8, byte 0xA0 also ends "à".
func mysqlSpace(c byte) bool { return isSpace(c) || c == 0xA0 }
