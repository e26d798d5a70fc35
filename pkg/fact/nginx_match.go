package fact

import (
	"iter"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// nginxNames are the names of a listener's servers, of which a file may have a hundred thousand.
type nginxNames struct {
	plain    map[string]int // the first server that has a name without wildcards, by name
	others   []int          // servers that have to be looked at whatever the name, in order
	fallback *NginxServer
}

func (n *Nginx) namesOf(l *Listener) *nginxNames {
	if found, ok := n.names.Load(l); ok {
		return found.(*nginxNames)
	}
	index := &nginxNames{plain: map[string]int{}, fallback: l.DefaultServer()}
	for i, s := range l.Servers {
		other := s.Root.unread || len(s.Names) == 0
		for _, w := range s.Names {
			name := strings.ToLower(w.Text)
			if strings.HasPrefix(name, "~") || strings.HasPrefix(name, ".") || strings.Contains(name, "*") || strings.Contains(name, "$") {
				other = true
			} else if _, taken := index.plain[name]; !taken {
				index.plain[name] = i
			}
		}
		if other {
			index.others = append(index.others, i)
		}
	}
	n.names.Store(l, index)
	return index
}

// of are the servers that a name may lead to, in the order of the file.
func (x *nginxNames) of(host string, l *Listener) iter.Seq[*NginxServer] {
	return func(yield func(*NginxServer) bool) {
		at, ok := x.plain[host]
		for _, i := range x.others {
			if ok && at <= i {
				ok = false
				if at < i && !yield(l.Servers[at]) {
					return
				}
			}
			if !yield(l.Servers[i]) {
				return
			}
		}
		if ok {
			yield(l.Servers[at])
		}
	}
}

// ServerFor is the server that answers a Host header on a listener: the one with the exact name, else the longest
// "*.name", else the longest "name.*", else the first regular expression, else the default server (ngx_http_find_virtual_server;
// nginx.org/en/docs/http/server_names.html). Of two servers with one name it is the first. ok is false where a name cannot
// be judged or servers may be missing.
func (n *Nginx) ServerFor(l *Listener, host string) (s *NginxServer, ok bool) {
	host = hostName(host)
	var exact, head, tail, regex *NginxServer
	headLen, tailLen := 0, 0
	// nginx ignores a name that is taken: ".name" as a whole if either of its halves is.
	var taken, wild bool       // host itself, and as "*.host"
	heads := map[string]bool{} // "*.name" and ".name" that end host
	doubt := n.Root == nil || n.Root.unread
	names := n.namesOf(l)
	for s := range names.of(host, l) {
		doubt = doubt || s.Root.unread // a server_name may be there
		if len(s.Names) == 0 && host == "" && !taken {
			exact, taken = s, true
		}
		for _, w := range s.Names {
			name := strings.ToLower(w.Text)
			switch {
			case strings.HasPrefix(name, "~"):
				if regex != nil {
					continue
				}
				matches, known := nginxPattern(w.Text[1:], true).match(host)
				if matches {
					regex = s
				}
				doubt = doubt || !known
			case strings.Contains(name, "$"):
				doubt = true
			case strings.HasPrefix(name, ".") && host == name[1:]:
				if !taken && !wild {
					exact = s
				}
				wild = wild || !taken
				taken = true
			case strings.HasPrefix(name, "*.") && host == name[2:]:
				wild = true
			case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "*."):
				suffix := name[strings.IndexByte(name, '.'):]
				if len(host) >= len(suffix) && strings.HasSuffix(host, suffix) && !heads[suffix] && (name[0] == '*' || !n.taken(l, s, w, suffix[1:])) {
					heads[suffix] = true
					if len(suffix) > headLen {
						head, headLen = s, len(suffix)
					}
				}
			case strings.HasSuffix(name, ".*"):
				if len(host) >= len(name) && strings.HasPrefix(host, name[:len(name)-1]) && len(name) > tailLen {
					tail, tailLen = s, len(name)
				}
			case name == host && !taken:
				exact, taken = s, true
			}
		}
	}
	if exact != nil {
		return exact, true
	}
	for _, s := range []*NginxServer{head, tail, regex, names.fallback} {
		if s != nil {
			return s, !doubt
		}
	}
	return nil, false
}

// taken reports whether a name stands, exactly or with a dot before it, before the word w of server s.
func (n *Nginx) taken(l *Listener, s *NginxServer, w conf.Word, name string) bool {
	for _, other := range l.Servers {
		for _, o := range other.Names {
			if other == s && o == w {
				return false
			}
			if strings.EqualFold(strings.TrimPrefix(o.Text, "."), name) {
				return true
			}
		}
	}
	return false
}

// hostName is what nginx compares of a Host header: lower case, without port and last dot.
func hostName(s string) string {
	s = strings.ToLower(s)
	if strings.HasPrefix(s, "[") {
		host, _, _ := strings.Cut(s, "]")
		return host + "]"
	}
	s, _, _ = strings.Cut(s, ":")
	return strings.TrimSuffix(s, ".")
}

// Match is the location of a request: an exact one, else the longest prefix and what is nested in it, unless a
// regular expression matches first; those are asked in their order, from the innermost level outwards, but not beside a prefix with "^~"
// (ngx_http_core_find_location; nginx.org/en/docs/http/ngx_http_core_module.html#location). It is the server's Root where no
// location matches. ok is false where a regular expression or a missing include decides.
func (s *NginxServer) Match(path string) (l *Location, ok bool) {
	p, ok := s.normal(path)
	if !ok {
		return nil, false
	}
	l, _, ok = s.find(s.Root, p)
	return l, ok
}

// found says how a location was found.
type found int

const (
	declined found = iota // by its prefix: outer levels may still have a regular expression that matches
	settled
	redirected // the path lacks the last slash of the location, and nginx adds it
)

func (s *NginxServer) find(level *Location, path string) (l *Location, how found, ok bool) {
	var best, slash *Location
	var regexes []*Location
	for _, c := range s.Locations {
		if c.Parent != level {
			continue
		}
		switch c.Modifier {
		case "=":
			if c.Path.Text == path {
				return c, settled, true
			}
		case "", "^~":
			if strings.HasPrefix(path, c.Path.Text) && (best == nil || len(c.Path.Text) > len(best.Path.Text)) {
				best = c
			}
		case "~", "~*":
			regexes = append(regexes, c)
			continue
		default:
			continue
		}
		// Locations that pass on redirect to themselves.
		if (c.Pass != nil || c.Handler != nil && strings.HasSuffix(c.Handler.Name(), "_pass")) && len(c.Path.Text) == len(path)+1 && c.Path.Text[:len(path)] == path && c.Path.Text[len(path)] == '/' && (slash == nil || c.Modifier == "=") {
			slash = c
		}
	}
	if level.unread {
		return nil, declined, false
	}
	if slash != nil && (best == nil || best.Path.Text != path) {
		return slash, redirected, true
	}
	l = level
	if best != nil {
		l, how, ok = s.find(best, path)
		if !ok || how != declined || best.Modifier == "^~" {
			return l, how, ok
		}
	}
	for _, c := range regexes {
		matches, known := nginxPattern(c.Path.Text, c.Modifier == "~*").match(path)
		if !known {
			return nil, declined, false
		}
		if matches {
			l, _, ok = s.find(c, path)
			return l, settled, ok
		}
	}
	return l, declined, true
}

// Named is the location "@name"; nil: there is none.
func (s *NginxServer) Named(name string) *Location {
	for _, l := range s.Locations {
		if l.Modifier == "@" && l.Path.Text == name {
			return l
		}
	}
	return nil
}

// normal is the path of a request target as locations see it: without its query, decoded, with "//", "/./" and "/../" resolved.
// ok is false for what nginx refuses.
func (s *NginxServer) normal(target string) (path string, ok bool) {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	var b strings.Builder
	for i := 0; i < len(target); i++ {
		c := target[i]
		if c == '%' {
			if i+2 >= len(target) {
				return "", false
			}
			n, err := strconv.ParseUint(target[i+1:i+3], 16, 8)
			if err != nil || n == 0 {
				return "", false
			}
			c = byte(n)
			i += 2
		}
		b.WriteByte(c)
	}
	decoded := b.String()
	if !strings.HasPrefix(decoded, "/") {
		return "", false
	}
	keep := false
	if strings.Contains(decoded, "//") {
		// It is the default server that says whether slashes are merged: nginx reads the path before the Host header.
		for i, l := range s.Listen {
			merge := l.DefaultServer().Root.Other["merge_slashes"]
			off := merge != nil && merge.Arg(1).Text == "off"
			if i > 0 && off != keep {
				return "", false
			}
			keep = off
		}
	}
	parts := strings.Split(decoded[1:], "/")
	out := make([]string, 0, len(parts)+1)
	for i, p := range parts {
		last := i == len(parts)-1
		switch p {
		case "..":
			if len(out) == 0 || out[len(out)-1] == "" { // behind a kept "//" nginx drops more than one part
				return "", false
			}
			out = out[:len(out)-1]
		case ".":
		case "":
			if keep && !last {
				out = append(out, "")
			}
		default:
			out = append(out, p)
			continue
		}
		if last {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/"), true
}
