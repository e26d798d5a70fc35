package fact

import (
	"strings"

	"stackgen/pkg/conf"
)

// nginxVars are the values that statements give to variables, in any order; nil: not all of them are known.
type nginxVars map[string][]string

const maxTargets = 64 // values that one word may have

// expand replaces the variables of s by what the file gives them: every text that s may be. known is false where a
// variable gets its value from a request.
func (r *nginxReader) expand(s *NginxServer, text string) (all []string, known bool) {
	if !strings.Contains(text, "$") {
		return []string{text}, true
	}
	if s.vars == nil {
		if r.shared == nil {
			r.shared = nginxVars{}
			r.shared.maps(r.around.Body)
		}
		s.vars = nginxVars{}
		s.vars.sets(s.Node.Body)
	}
	return r.substitute(s, text, 0)
}

func (r *nginxReader) substitute(s *NginxServer, text string, depth int) ([]string, bool) {
	i := strings.IndexByte(text, '$')
	if i < 0 {
		return []string{text}, true
	}
	name, rest := variable(text[i+1:])
	values, written := s.vars[name]
	if !written {
		values, written = r.shared[name]
	}
	if name == "scheme" && !written {
		values = []string{"http", "https"}
	}
	if len(values) == 0 || depth > 8 {
		return nil, false
	}
	var all []string
	for _, v := range values {
		tails, ok := r.substitute(s, v+rest, depth+1)
		if !ok {
			return nil, false
		}
		for _, t := range tails {
			all = append(all, text[:i]+t)
		}
		if len(all) > maxTargets {
			return nil, false
		}
	}
	return all, true
}

// variable splits what follows a "$" into the variable's name and the rest.
func variable(s string) (name, rest string) {
	if in, ok := strings.CutPrefix(s, "{"); ok {
		name, rest, _ = strings.Cut(in, "}")
		return name, rest
	}
	i := 0
	for i < len(s) && (s[i] == '_' || '0' <= s[i] && s[i] <= '9' || 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z') {
		i++
	}
	return s[:i], s[i:]
}

// sets collects what a server gives to variables.
func (v nginxVars) sets(body []*conf.Node) {
	for _, d := range body {
		name := strings.TrimPrefix(d.Arg(1).Text, "$")
		switch {
		case d.Name() == "set" && len(d.Words) == 3:
			v.add(name, d.Words[2].Text)
		case strings.HasPrefix(d.Name(), "set_by_lua") || d.Name() == "auth_request_set" || d.Name() == "js_set":
			v.forget(name)
		}
		if d.Block {
			v.sets(d.Body)
		}
	}
}

// maps collects what the maps of an http or stream block give to variables.
func (v nginxVars) maps(body []*conf.Node) {
	for _, d := range body {
		switch d.Name() {
		case "map", "geo", "split_clients":
		default:
			continue
		}
		name := strings.TrimPrefix(d.Words[len(d.Words)-1].Text, "$")
		whole := d.Name() == "split_clients"
		for _, c := range d.Body {
			switch {
			case c.Unread || c.Name() == "include":
				v.forget(name)
			case len(c.Words) != 2:
			case d.Name() == "geo" && (c.Name() == "proxy" || c.Name() == "delete" || c.Name() == "ranges"):
			default:
				whole = whole || c.Name() == "default" || c.Name() == "*"
				v.add(name, c.Words[1].Text)
			}
		}
		if !whole {
			v.add(name, "") // what a map without a default gives
		}
	}
}

func (v nginxVars) add(name, value string) {
	values, some := v[name]
	if some && values == nil {
		return
	}
	for _, old := range values {
		if old == value {
			return
		}
	}
	if len(values) >= maxTargets {
		v.forget(name)
		return
	}
	v[name] = append(values, value)
}

// forget says that the variable has values which no statement names.
func (v nginxVars) forget(name string) { v[name] = nil }
