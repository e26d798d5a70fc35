package conf

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// json reads a JSON text as RFC 8259 has it. A member is a statement of its key and its scalar value, or a block named
// by its key; an element of an array is a statement of its value alone, or a block without a name. The members of the
// outermost object are the body of the tree. Reading ends at the first error, since nothing marks where the next value
// would start.
func (p *parser) json() {
	p.bom()
	j := jsonReader{p, p.off}
	j.space()
	if j.i < len(p.s) && (p.s[j.i] == '{' || p.s[j.i] == '[') {
		if !j.members(0) {
			p.words = p.words[:p.first]
			p.closeAll()
			return
		}
	} else if j.scalar() {
		p.add()
	} else {
		return
	}
	if j.space(); j.i < len(p.s) {
		j.fail("text after the end of the value")
	}
}

type jsonReader struct {
	*parser
	i int
}

func (j *jsonReader) fail(message string) bool {
	if j.i >= len(j.s) {
		message = "the file ends inside a value"
	}
	j.errorf(min(j.i, len(j.s)), "%s", message)
	return false
}

func (j *jsonReader) space() {
	for j.i < len(j.s) && strings.IndexByte(" \t\r\n", j.s[j.i]) >= 0 {
		j.i++
	}
}

// at steps over c and the blanks around it, if it comes next.
func (j *jsonReader) at(c byte) bool {
	j.space()
	if j.i >= len(j.s) || j.s[j.i] != c {
		return false
	}
	j.i++
	j.space()
	return true
}

// members reads an object or array from its opening to behind its closing bracket.
func (j *jsonReader) members(depth int) bool {
	if depth == maxDepth {
		return j.fail("more than 64 values inside each other")
	}
	object := j.s[j.i] == '{'
	closing := byte(']')
	if object {
		closing = '}'
	}
	j.i++
	if j.at(closing) {
		return true
	}
	for {
		j.space()
		if object {
			if j.i >= len(j.s) || j.s[j.i] != '"' {
				return j.fail("a key in double quotes is missing")
			}
			if !j.scalar() {
				return false
			}
			if !j.at(':') {
				return j.fail(`":" is missing after a key`)
			}
		}
		if j.i < len(j.s) && (j.s[j.i] == '{' || j.s[j.i] == '[') {
			j.push(j.add(), j.i)
			if !j.members(depth + 1) {
				return false
			}
			j.pop()
		} else if j.scalar() {
			j.add()
		} else {
			return false
		}
		if j.at(closing) {
			return true
		}
		if !j.at(',') {
			return j.fail(`"," or "` + string(closing) + `" is missing after a value`)
		}
	}
}

// scalar reads a string, number or literal as the next word.
func (j *jsonReader) scalar() bool {
	start := j.i
	if start >= len(j.s) {
		return j.fail("")
	}
	if j.s[start] == '"' {
		return j.text()
	}
	for j.i < len(j.s) && strings.IndexByte(" \t\r\n,:]}[{\"", j.s[j.i]) < 0 {
		j.i++
	}
	if raw := j.s[start:j.i]; !jsonPlain(raw) && !json.Valid([]byte(raw)) {
		j.i = start
		return j.fail("a value is neither a string, a number, an object, an array, true, false nor null")
	}
	j.plain(start, j.i)
	return true
}

// jsonPlain reports whether s is one of the values that most are: a literal, or a number of digits alone.
func jsonPlain(s string) bool {
	return s == "true" || s == "false" || s == "null" || s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

func (j *jsonReader) text() bool {
	start := j.i
	plain := true
	for j.i++; ; j.i++ {
		if j.i >= len(j.s) {
			return j.fail("")
		}
		c := j.s[j.i]
		if c == '"' {
			break
		}
		if c < ' ' {
			return j.fail("a control character stands in a string")
		}
		if c == '\\' {
			plain = false
			j.i++
		} else if c >= utf8.RuneSelf {
			plain = false // to be checked
		}
	}
	j.i++
	text := j.s[start+1 : j.i-1]
	if !plain {
		if err := json.Unmarshal([]byte(j.s[start:j.i]), &text); err != nil {
			j.i = start
			return j.fail("a string holds an escape that JSON does not know")
		}
	}
	j.word(start, j.i, text)
	return true
}
