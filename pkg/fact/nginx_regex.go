package fact

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a regular expression of nginx. Where Go's regexp cannot have it, loose matches at least all that it matches.
type pattern struct {
	exact *regexp.Regexp
	loose *regexp.Regexp // nil with exact; both nil: unknown
}

var patterns sync.Map // by text with flags; read by all rules at once

func nginxPattern(text string, fold bool) pattern {
	if fold {
		text = "(?i)" + text
	}
	if p, ok := patterns.Load(text); ok {
		return p.(pattern)
	}
	var p pattern
	if re, err := regexp.Compile(text); err == nil {
		p.exact = re
	} else if s, ok := loosen(text); ok {
		p.loose, _ = regexp.Compile(s)
	}
	patterns.Store(text, p)
	return p
}

// match says whether the pattern matches. PCRE works on bytes and Go on characters, so that only ASCII is certain.
func (p pattern) match(s string) (matches, known bool) {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false, false
		}
	}
	switch {
	case p.exact != nil:
		return p.exact.MatchString(s), true
	case p.loose != nil:
		return false, !p.loose.MatchString(s)
	}
	return false, false
}

// loosen drops what PCRE has and Go has not, so that the result matches more and never less: assertions, possessive
// quantifiers and atomic groups. ok is false for what it does not understand.
func loosen(s string) (loose string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if '1' <= s[i+1] && s[i+1] <= '9' {
				return "", false
			}
			b.WriteString(s[i : i+2])
			i++
		case c == '[':
			end := classEnd(s, i)
			b.WriteString(s[i:end])
			i = end - 1
		case strings.HasPrefix(s[i:], "(?!") || strings.HasPrefix(s[i:], "(?=") || strings.HasPrefix(s[i:], "(?<!") || strings.HasPrefix(s[i:], "(?<="):
			end, ok := groupEnd(s, i)
			if !ok {
				return "", false
			}
			b.WriteString("(?:)")
			i = end - 1
		case strings.HasPrefix(s[i:], "(?>"):
			b.WriteString("(?:")
			i += 2
		case c == '+' && i > 0 && strings.IndexByte("*+?}", s[i-1]) >= 0 && !strings.HasSuffix(s[:i-1], `\`):
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// classEnd is the offset after the character class that opens at i.
func classEnd(s string, i int) int {
	j := i + 1
	if j < len(s) && s[j] == '^' {
		j++
	}
	if j < len(s) && s[j] == ']' {
		j++
	}
	for j < len(s) && s[j] != ']' {
		switch {
		case s[j] == '\\':
			j++
		case strings.HasPrefix(s[j:], "[:"):
			if n := strings.Index(s[j:], ":]"); n > 0 {
				j += n + 1
			}
		}
		j++
	}
	return min(j+1, len(s))
}

// groupEnd is the offset after the group that opens at i.
func groupEnd(s string, i int) (int, bool) {
	depth := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			j = classEnd(s, j) - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1, true
			}
		}
	}
	return 0, false
}
