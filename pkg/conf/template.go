package conf

import (
	"bytes"
	"path"
	"strings"
)

// templateMark says what shows that a file is not yet configuration; empty for configuration.
func templateMark(base string, data []byte) string {
	if ext := templateExt(base); ext != "" {
		return ext
	}
	if !mayBeTemplate(data) {
		return ""
	}
	lua := bytes.Contains(data, []byte("_by_lua"))
	for line := range bytes.Lines(data) {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 || line[0] == '#' || line[0] == ';' {
			continue
		}
		if n := bytes.IndexByte(line, '{'); n >= 0 && n+1 < len(line) {
			if expression(line, "{{", "}}", lua) {
				return "{{ }}"
			}
			if expression(line, "{%", "%}", true) {
				return "{% %}"
			}
		}
		if bytes.IndexByte(line, '%') >= 0 && (enclosed(line, "<%=", "%>") || enclosed(line, "<%-", "%>") || enclosed(line, "<% ", "%>")) {
			return "<%= %>"
		}
		if bytes.Count(line, []byte("$")) > 1 && dollars(line) {
			return "$name$"
		}
	}
	return ""
}

// mayBeTemplate looks through the whole text at once for what a line of a template has in it.
func mayBeTemplate(data []byte) bool {
	for _, mark := range [...]string{"{{", "{%", "<%"} {
		if bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	return dollars(data)
}

// templateExt is the extension of base if it is a template's.
func templateExt(base string) string {
	switch ext := strings.ToLower(path.Ext(base)); ext {
	case ".j2", ".jinja", ".jinja2", ".erb", ".epp", ".tmpl", ".tpl", ".ctmpl", ".gotmpl", ".template", ".mustache", ".hbs":
		return ext
	}
	return ""
}

func enclosed(line []byte, open, close string) bool {
	i := bytes.Index(line, []byte(open))
	return i >= 0 && bytes.Contains(line[i+len(open):], []byte(close))
}

// expression looks for open, a word, and close. Tables of Lua, formats of HAProxy ("%{+Q}r") and JSON in a log format
// have no word there.
func expression(line []byte, open, close string, blank bool) bool {
	for {
		i := bytes.Index(line, []byte(open))
		if i < 0 {
			return false
		}
		line = line[i+len(open):]
		j := 0
		if j < len(line) && (line[j] == '-' || line[j] == '+' || line[j] == '~') {
			j++
		}
		start := j
		for j < len(line) && isBlank(line[j]) {
			j++
		}
		if blank && j == start || j == len(line) {
			continue
		}
		if c := line[j]; (isAlpha(c) || c == '_' || c == '.' || c == '$' || c == '#') && bytes.Contains(line[j:], []byte(close)) {
			return true
		}
	}
}

// dollars looks for a value of the form $name$ that stands alone. nginx joins variables without a blank
// ("$uri$is_args"), and a regular expression may end in "$" after one.
func dollars(line []byte) bool {
	for i := 0; i < len(line); i++ {
		n := bytes.IndexByte(line[i:], '$')
		if n < 0 {
			return false
		}
		i += n
		j := i + 1
		for j < len(line) && (isAlpha(line[j]) || isDigit(line[j]) || line[j] == '_') {
			j++
		}
		if j == i+1 || j == len(line) || line[j] != '$' {
			i = j - 1
			continue
		}
		before := i == 0 || isSpace(line[i-1]) || bytes.IndexByte([]byte(`"'=@/`), line[i-1]) >= 0
		after := j+1 == len(line) || isSpace(line[j+1]) || bytes.IndexByte([]byte(`;:/,"'`), line[j+1]) >= 0
		if before && after {
			return true
		}
		i = j
	}
	return false
}
