package fact

import (
	"path"
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// shellScript reads a check script as far as one needs to see what it asks: its commands, one by one, whatever their
// order. It is no shell: what it does not know for sure makes the whole script unknown.
type shellScript struct {
	s       string
	at      func(off int) conf.Word
	vars    map[string]string
	funcs   map[string]bool
	found   []*Probe
	unknown bool
}

type shellWord struct {
	text   string
	off    int
	quoted bool
}

const (
	maxShellDepth = 8      // $( ) in $( )
	shellUnknown  = "\x00" // stands in a word for what is not known
)

// probeShell says what a script asks: the one question that is in it, tests of files aside; nil where there are several,
// or a command is not known. at gives the place of an offset.
func probeShell(text string, at func(off int) conf.Word) *Probe {
	sh := &shellScript{s: text, at: at, vars: map[string]string{}, funcs: map[string]bool{}}
	sh.unknown = strings.Contains(text, shellUnknown)
	sh.read(0, len(text), 0)
	if sh.unknown || len(sh.found) == 0 {
		return nil
	}
	aside := func(p *Probe) bool { return p.Kind == "file" || p.Kind == "other" }
	if slices.ContainsFunc(sh.found, func(p *Probe) bool { return !aside(p) }) {
		sh.found = slices.DeleteFunc(sh.found, aside)
	}
	first := sh.found[0]
	for _, p := range sh.found[1:] {
		if p.Kind != first.Kind || p.Process != first.Process || p.Scheme != first.Scheme || p.Addr != first.Addr || p.Name != first.Name ||
			p.Port != first.Port || p.Path != first.Path {
			return nil
		}
	}
	return first
}

// read runs through the commands of s[i:end].
func (sh *shellScript) read(i, end, depth int) {
	if depth > maxShellDepth {
		sh.unknown = true
		return
	}
	s := sh.s
	var command []shellWord
	done := func() {
		if len(command) > 0 {
			sh.command(command)
		}
		command = nil
	}
	for i < end && !sh.unknown {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\\' && i+1 < end && s[i+1] == '\n':
			if c == '\\' {
				i++
			}
			i++
		case c == '#':
			for i < end && s[i] != '\n' {
				i++
			}
		case c == '(' && len(command) == 1 && i+1 < end && s[i+1] == ')':
			sh.funcs[command[0].text] = true
			command = nil
			i += 2
		case c == '(' && strings.HasPrefix(s[i:end], "((") || strings.HasPrefix(s[i:end], "<<") || strings.HasPrefix(s[i:end], ";;"):
			sh.unknown = true
		case c == '&' && i+1 < end && s[i+1] == '>' || c == '<' || c == '>':
			i = sh.redirect(i, end, depth)
		case strings.IndexByte("\n;&|()", c) >= 0:
			done()
			i++
		default:
			var w shellWord
			w, i = sh.word(i, end, depth)
			if i < end && (s[i] == '>' || s[i] == '<') && !w.quoted && strings.Trim(w.text, "0123456789") == "" {
				break // 2>
			}
			if w.quoted || !strings.ContainsAny(w.text, " \t\n") {
				if w.quoted || w.text != "" {
					command = append(command, w)
				}
				break
			}
			for _, f := range strings.Fields(w.text) {
				command = append(command, shellWord{text: f, off: w.off})
			}
		}
	}
	done()
}

// redirect skips a redirection and its target.
func (sh *shellScript) redirect(i, end, depth int) int {
	s := sh.s
	for i < end && strings.IndexByte("<>&|", s[i]) >= 0 {
		i++
	}
	for i < end && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	if i < end && s[i] == '(' { // <(command)
		sh.unknown = true
		return end
	}
	_, next := sh.word(i, end, depth)
	return max(next, min(i+1, end))
}

// word reads a word with its quotes removed and the variables that are known replaced.
func (sh *shellScript) word(i, end, depth int) (shellWord, int) {
	s := sh.s
	w := shellWord{off: i}
	var text strings.Builder
	double := false
	for i < end {
		c := s[i]
		switch {
		case c == '"':
			double, w.quoted = !double, true
			i++
		case c == '\'' && !double:
			n := strings.IndexByte(s[i+1:end], '\'')
			if n < 0 {
				sh.unknown = true
				return w, end
			}
			w.quoted = true
			text.WriteString(s[i+1 : i+1+n])
			i += n + 2
		case c == '\\' && i+1 < end:
			if s[i+1] != '\n' {
				text.WriteByte(s[i+1])
			}
			i += 2
		case c == '$':
			value, next := sh.variable(i, end, depth)
			text.WriteString(value)
			i = next
		case c == '`':
			n := strings.IndexByte(s[i+1:end], '`')
			if n < 0 || strings.Contains(s[i+1:i+1+n], "\\`") {
				sh.unknown = true
				return w, end
			}
			sh.read(i+1, i+1+n, depth+1)
			text.WriteString(shellUnknown)
			i += n + 2
		case !double && strings.IndexByte(" \t\r\n;&|()<>", c) >= 0:
			w.text = text.String()
			return w, i
		default:
			text.WriteByte(c)
			i++
		}
	}
	sh.unknown = sh.unknown || double
	w.text = text.String()
	return w, end
}

// variable is the value of what starts at the "$" at i, and where it ends.
func (sh *shellScript) variable(i, end, depth int) (string, int) {
	s := sh.s
	rest := s[i+1 : end]
	switch {
	case strings.HasPrefix(rest, "(("):
		if n := strings.Index(rest, "))"); n >= 0 {
			return shellUnknown, i + 1 + n + 2
		}
		sh.unknown = true
		return shellUnknown, end
	case strings.HasPrefix(rest, "("):
		n := closing(rest)
		if n < 0 {
			sh.unknown = true
			return shellUnknown, end
		}
		sh.read(i+2, i+1+n, depth+1)
		return shellUnknown, i + 1 + n + 1
	case strings.HasPrefix(rest, "{"):
		n := strings.IndexByte(rest, '}')
		if n < 0 {
			sh.unknown = true
			return shellUnknown, end
		}
		if v, ok := sh.vars[rest[1:n]]; ok {
			return v, i + 1 + n + 1
		}
		return shellUnknown, i + 1 + n + 1
	}
	n := 0
	for n < len(rest) && shellName(rest[:n+1]) {
		n++
	}
	if n == 0 {
		if rest == "" || strings.IndexByte("\"' \t\n", rest[0]) >= 0 {
			return shellUnknown, i + 1
		}
		return shellUnknown, i + 2 // $1, $?, $@
	}
	if v, ok := sh.vars[rest[:n]]; ok {
		return v, i + 1 + n
	}
	return shellUnknown, i + 1 + n
}

// closing is the offset of the bracket that closes the one s begins with, -1 without one.
func closing(s string) int {
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '\\':
			i++
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func shellName(s string) bool {
	for i, c := range s {
		if c != '_' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') && !(i > 0 && '0' <= c && c <= '9') {
			return false
		}
	}
	return s != ""
}

// shellQuiet are commands that ask nothing: they print, wait, filter, or end the script.
var shellQuiet = []string{
	"echo", "printf", "logger", "exit", "return", "sleep", "true", "false", ":", "set", "shift", "break", "continue", "trap", "unset", "umask", "cd",
	"grep", "egrep", "fgrep", "awk", "sed", "wc", "cut", "head", "tail", "tr", "cat", "sort", "uniq", "tee", "date", "touch", "mkdir", "rm", "mail", "basename",
}

// shellReserved are words before a command.
var shellReserved = []string{"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "time"}

// shellActs are what a script does to a service, which asks nothing.
var shellActs = []string{"start", "stop", "restart", "reload", "try-restart", "kill"}

func (sh *shellScript) command(words []shellWord) {
	for len(words) > 0 && !words[0].quoted && slices.Contains(shellReserved, words[0].text) {
		words = words[1:]
	}
	for len(words) > 0 && sh.assign(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	name := path.Base(words[0].text)
	second := ""
	if len(words) > 1 {
		second = words[1].text
	}
	switch {
	case sh.funcs[words[0].text], slices.Contains(shellQuiet, name):
		return
	case name == "export" || name == "readonly" || name == "local" || name == "declare":
		for _, w := range words[1:] {
			sh.assign(w)
		}
		return
	case name == "for" && len(words) > 2 && words[2].text == "in":
		sh.vars[second] = shellUnknown
		return
	case name == "read":
		for _, w := range words[1:] {
			sh.vars[w.text] = shellUnknown
		}
		return
	case name == "[[" && words[len(words)-1].text == "]]":
		words = words[:len(words)-1]
		name = "test"
	case name == "systemctl" && slices.Contains(shellActs, second):
		return
	case (name == "service" || strings.HasPrefix(words[0].text, "/etc/init.d/")) && slices.Contains(shellActs, words[len(words)-1].text):
		return
	case name == "kill" && second == "-0":
		if n := len(sh.found); n == 0 || sh.found[n-1].Kind != "process" {
			sh.found = append(sh.found, &Probe{Kind: "process", Word: sh.place(words[0])})
		}
		return
	case (name == "kill" || name == "killall" || name == "pkill") && second != "-0" && second != "-s" && !strings.HasPrefix(second, "--s"):
		return
	}

	args := make([]conf.Word, len(words))
	for i, w := range words {
		args[i] = sh.place(w)
	}
	if name == "test" {
		args[0].Text = name
	}
	p := probeCommand(args)
	switch {
	case p != nil:
		sh.found = append(sh.found, p)
	case name != "test" && name != "[":
		sh.unknown = true
	}
}

func (sh *shellScript) place(w shellWord) conf.Word {
	at := sh.at(w.off)
	at.Text = w.text
	return at
}

// assign keeps NAME=value; a second value makes a variable unknown, since either may hold.
func (sh *shellScript) assign(w shellWord) bool {
	name, value, ok := strings.Cut(w.text, "=")
	if !ok || !shellName(name) {
		return false
	}
	if old, ok := sh.vars[name]; ok && old != value || strings.Contains(value, shellUnknown) {
		value = shellUnknown
	}
	sh.vars[name] = value
	return true
}
