package conf

import (
	"strings"
	"unicode/utf8"
)

// env reads an EnvironmentFile as systemd does: KEY=VALUE, where quotes may stand around parts of the value at its start
// and a backslash joins lines. A line without "=" is ignored by systemd and a statement of one word here.
func (p *parser) env() {
	p.bom()
	s := p.s
	if n := strings.IndexByte(s, 0); n >= 0 {
		defer p.errorf(n, "a NUL byte stands in the file: systemd does not read it at all")
	}
	for i := p.off; i < len(s); {
		switch c := s[i]; {
		case isEnvSpace(c):
			i++
			continue
		case c == '#' || c == ';':
			end := i
			for end < len(s) && !isEnvNewline(s[end]) {
				end++
			}
			p.comment(i, end)
			i = end
			continue
		}
		end := i
		for end < len(s) && s[end] != '=' && !isEnvNewline(s[end]) {
			end++
		}
		p.plain(i, envTrim(s, i, end))
		if end < len(s) && s[end] == '=' {
			end = p.envValue(end + 1)
		}
		for _, w := range p.words[p.first:] {
			if !utf8.ValidString(w.Text) {
				p.report(w.Pos, "the assignment is not valid UTF-8: systemd does not read the file")
				break
			}
		}
		p.add()
		i = end
	}
}

// envValue reads the value at i and returns the offset after it.
func (p *parser) envValue(i int) int {
	s := p.s
	for i < len(s) && isEnvSpace(s[i]) && !isEnvNewline(s[i]) {
		i++
	}
	if next, ok := p.envPlain(i); ok {
		return next
	}
	start, end := i, i // end: after the last byte that is not a blank
	var b []byte
	keep := 0 // length of b that trailing blanks are not cut from
	unquoted := false
	for i < len(s) {
		c := s[i]
		switch {
		case isEnvNewline(c):
			return p.envWord(start, end, b[:keep], i)
		case c == '\\':
			if i+1 < len(s) {
				if !isEnvNewline(s[i+1]) {
					b = append(b, s[i+1])
				}
				keep = len(b)
			}
			unquoted = true
			i += 2
			end = min(i, len(s))
			continue
		case !unquoted && (c == '\'' || c == '"'):
			b, i = envQuoted(s, i, b)
			keep, end = len(b), i
			continue
		case isEnvSpace(c) && !unquoted:
		default:
			unquoted = true
			b = append(b, c)
			if !isEnvSpace(c) {
				keep, end = len(b), i+1
			}
		}
		i++
	}
	return p.envWord(start, end, b[:keep], len(s))
}

// envPlain reads the value at i if it is one piece of its line: without quotes and backslashes, or quoted as a whole.
func (p *parser) envPlain(i int) (next int, ok bool) {
	s := p.s
	next = i
	for next < len(s) && !isEnvNewline(s[next]) {
		next++
	}
	end := envTrim(s, i, next)
	inside := s[i:end]
	n := len(inside)
	quoted := n > 1 && (inside[0] == '"' || inside[0] == '\'') && inside[n-1] == inside[0]
	if quoted {
		inside = inside[1 : n-1]
	}
	if strings.ContainsAny(inside, `"'\`) {
		return 0, false
	}
	p.word(i, end, inside)
	return next, true
}

func (p *parser) envWord(start, end int, text []byte, next int) int {
	if raw := p.s[start:end]; string(text) == raw {
		p.plain(start, end)
	} else {
		p.word(start, end, string(text))
	}
	return next
}

// envQuoted appends what the quotes at i hold to b and returns the offset after them.
func envQuoted(s string, i int, b []byte) ([]byte, int) {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return b, i + 1
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			if !strings.ContainsRune("\"\\`$\n", rune(s[i])) {
				b = append(b, '\\')
			}
			if s[i] != '\n' {
				b = append(b, s[i])
			}
		case c == '\\' && quote == '"':
		default:
			b = append(b, c)
		}
	}
	return b, i
}

func envTrim(s string, start, end int) int {
	for end > start && isEnvSpace(s[end-1]) {
		end--
	}
	return end
}

func isEnvNewline(c byte) bool { return c == '\n' || c == '\r' }
func isEnvSpace(c byte) bool   { return c == ' ' || c == '\t' || isEnvNewline(c) }
