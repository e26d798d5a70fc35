package fact

import (
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// next is where a request goes after a level's rewrites.
type next int

const (
	on    next = iota // to the phase behind them
	again             // the path has changed: a location is looked for
	stop              // there is an answer
)

// rewrites runs the statements of the rewrite module in one level, in order. What stands in an if is only noted.
func (w *walk) rewrites(l *Location) next {
	changed := false
	for _, d := range l.Node.Body {
		switch name := d.Name(); {
		case d.Unread:
			w.note(d)
		case strings.HasPrefix(name, "rewrite_by_lua") || strings.HasPrefix(name, "access_by_lua") || strings.HasPrefix(name, "server_rewrite_by_lua"):
			w.note(d)
		case name == "if":
			if decides(d) {
				w.note(d)
			}
		case name == "break":
			return on
		case name == "return":
			w.returns(l, d)
			return stop
		case name == "rewrite" && len(d.Words) > 2:
			path, how := w.rewrite(d)
			switch how {
			case stop:
				return stop
			case on:
				continue
			}
			w.path, changed = path, true
			switch d.Arg(3).Text {
			case "break":
				return on
			case "last":
				if l.Parent == nil || l == w.a.Server.Root {
					return on
				}
				return again
			}
		}
	}
	if changed && l != w.a.Server.Root {
		return again
	}
	return on
}

// decides reports whether a condition's block can change the answer.
func decides(d *conf.Node) bool {
	for _, c := range d.Body {
		switch name := c.Name(); name {
		case "return", "rewrite", "break", "root", "alias", "error_page":
			return true
		default:
			if strings.HasSuffix(name, "_pass") || strings.Contains(name, "_by_lua") || c.Unread {
				return true
			}
		}
	}
	return false
}

// returns is "return code [text]", "return code URL" or "return URL". A text is sent as it is; no error_page has a say.
func (w *walk) returns(l *Location, d *conf.Node) {
	if l != w.a.Server.Root {
		w.a.Location = l
	}
	arg := d.Arg(1).Text
	code, err := strconv.Atoi(arg)
	switch {
	case err != nil && (strings.HasPrefix(arg, "http://") || strings.HasPrefix(arg, "https://") || strings.HasPrefix(arg, "$")):
		w.redirect(d, 302, arg)
	case err != nil:
		w.a.Node = d
		w.unknown()
	case len(d.Words) > 2 && (code == 301 || code == 302 || code == 303 || code == 307 || code == 308):
		w.redirect(d, code, d.Arg(2).Text)
	case len(d.Words) > 2 && code != 444:
		w.a.Outcome, w.a.Status, w.a.Node = Answered, code, d
	default:
		w.status(d, code)
	}
}

// rewrite applies one rewrite to the path. on: it does not match; again: the path is another now.
func (w *walk) rewrite(d *conf.Node) (path string, how next) {
	p := nginxPattern(d.Arg(1).Text, false)
	matches, known := p.match(w.path)
	if known && !matches {
		return "", on
	}
	to, flag := d.Arg(2).Text, d.Arg(3).Text
	w.a.Node = d
	abroad := strings.HasPrefix(to, "http://") || strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "$scheme")
	if !known {
		w.unknown()
		return "", stop
	}
	if abroad || flag == "redirect" || flag == "permanent" {
		code := 302
		if flag == "permanent" {
			code = 301
		}
		w.redirect(d, code, to)
		return "", stop
	}
	to, _, _ = strings.Cut(to, "?")
	groups := p.exact.FindStringSubmatch(w.path)
	var b strings.Builder
	for to != "" {
		i := strings.IndexByte(to, '$')
		if i < 0 {
			b.WriteString(to)
			break
		}
		b.WriteString(to[:i])
		var name string
		name, to = variable(to[i+1:])
		n := 0
		if name != "" && '1' <= name[0] && name[0] <= '9' { // $1x is $1 and an x
			n = int(name[0] - '0')
			to = name[1:] + to
		}
		switch {
		case n > 0 && n < len(groups):
			b.WriteString(groups[n])
		case name == "uri":
			b.WriteString(w.path)
		default:
			w.unknown()
			return "", stop
		}
	}
	w.a.Node = nil
	return b.String(), again
}
