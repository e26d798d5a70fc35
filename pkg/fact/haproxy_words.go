package fact

import (
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
)

// assign takes over a later value. What stands below an .if is unknown unless it changes nothing.
func assign[T comparable](to *Value[T], v Value[T]) {
	if v.State == Unknown && to.State != Unknown && v.V == to.V && v.V != *new(T) {
		return
	}
	*to = v
}

func assignTo[T comparable](m map[string]Value[T], name string, v Value[T]) {
	to := m[name]
	assign(&to, v)
	m[name] = to
}

// word is the text of n's i-th word as HAProxy expands it; !ok where that cannot be known.
func (r *haproxyReader) word(n *conf.Node, w conf.Word) (string, bool) {
	text, ok := r.expand(w)
	return text, ok && n.Cond == nil
}

func (r *haproxyReader) text(n *conf.Node, i int) Value[string] {
	return r.textOf(n, n.Arg(i), i < len(n.Words))
}

func (r *haproxyReader) textOf(n *conf.Node, w conf.Word, there bool) Value[string] {
	text, ok := r.word(n, w)
	v := Value[string]{V: text, Word: w, State: Written}
	if !ok || !there {
		v.State = Unknown
	}
	return v
}

func (r *haproxyReader) flag(n *conf.Node, w conf.Word, on bool) Value[bool] {
	v := Value[bool]{V: on, Word: w, State: Written}
	if n.Cond != nil {
		v.State = Unknown
	}
	return v
}

func (r *haproxyReader) number(n *conf.Node, i int) Value[int] { return r.numberOf(n, n.Arg(i)) }

func (r *haproxyReader) numberOf(n *conf.Node, w conf.Word) Value[int] {
	text, ok := r.word(n, w)
	v := Value[int]{Word: w, State: Written}
	i, err := strconv.Atoi(text)
	if v.V = i; err != nil || !ok {
		v.State = Unknown
	}
	return v
}

func (r *haproxyReader) duration(n *conf.Node, i int) Value[time.Duration] {
	return r.durationOf(n, n.Arg(i))
}

func (r *haproxyReader) durationOf(n *conf.Node, w conf.Word) Value[time.Duration] {
	text, ok := r.word(n, w)
	v := Value[time.Duration]{Word: w, State: Written}
	d, valid := haproxyTime(text)
	if v.V = d; !valid || !ok {
		v.State = Unknown
	}
	return v
}

// haproxyTime reads a time as parse_time_err does: whole numbers, milliseconds where no unit is written.
func haproxyTime(s string) (time.Duration, bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	unit, ok := haproxyUnits[s[i:]]
	v, err := strconv.ParseInt(s[:i], 10, 64)
	if !ok || err != nil || v > int64(1<<63-1)/int64(unit) {
		return 0, false
	}
	return time.Duration(v) * unit, true
}

var haproxyUnits = map[string]time.Duration{
	"": time.Millisecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute,
	"h": time.Hour, "d": 24 * time.Hour,
}

// haproxyVar is what a global section says of a variable.
type haproxyVar struct {
	text  string
	known bool
}

func (r *haproxyReader) setEnv(n *conf.Node) {
	if r.env == nil {
		r.env = map[string]haproxyVar{}
	}
	switch name := n.Arg(1).Text; n.Name() {
	case "setenv", "presetenv":
		text, ok := r.word(n, n.Arg(2))
		r.env[name] = haproxyVar{text, ok && len(n.Words) > 2}
	case "unsetenv":
		for _, w := range n.Args() {
			delete(r.env, w.Text)
		}
	case "resetenv":
		clear(r.env)
	}
}

// expand replaces the variables of a word, which count only inside of double quotes. !ok: the file does not say what
// one of them holds; it is left out then, so that what is around it can still be read.
func (r *haproxyReader) expand(w conf.Word) (text string, ok bool) {
	if strings.IndexByte(w.Raw, '$') < 0 || strings.IndexByte(w.Raw, '"') < 0 {
		return w.Text, true
	}
	if escaped := strings.Count(w.Raw, `\$`); escaped > 0 {
		return w.Text, escaped == strings.Count(w.Raw, "$")
	}
	var b strings.Builder
	ok = true
	for s := w.Text; s != ""; {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			break
		}
		name, end := rest, 0
		if strings.HasPrefix(rest, "{") {
			end = strings.IndexByte(rest, '}') + 1
			name = rest[min(1, end):max(end-1, 0)]
			name, _, _ = strings.Cut(name, "-")
		} else {
			for end < len(rest) && (rest[end] == '_' || rest[end]-'0' < 10 || rest[end]|0x20-'a' < 26) {
				end++
			}
			name = rest[:end]
		}
		v := r.env[name]
		b.WriteString(v.text)
		ok = ok && v.known
		s = rest[end:]
	}
	return b.String(), ok
}
