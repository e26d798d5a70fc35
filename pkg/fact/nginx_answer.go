package fact

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// Outcome is what becomes of a request.
type Outcome string

// Outcomes. The zero value is unknown.
const (
	Answered   Outcome = "answered"   // with Status, by nginx itself
	Redirected Outcome = "redirected" // with Status, to URL
	Proxied    Outcome = "proxied"    // by Pass
	Static     Outcome = "static"     // a file, or 404 where it is missing
	Forbidden  Outcome = "forbidden"  // 403, by an allow or deny
	Protected  Outcome = "protected"  // 401 or 403 to a request without credentials
	Closed     Outcome = "closed"     // without a word (444)
)

// Request is what the answer of nginx depends on.
type Request struct {
	Method string     // empty: GET
	Path   string     // request target
	Client netip.Addr // as real_ip leaves it; invalid: not known
}

// Answer is what a server says to a request, as far as the files tell.
type Answer struct {
	Outcome  Outcome
	Status   int // 0: not known
	URL      string
	Server   *NginxServer
	Location *Location
	Pass     *Pass
	Node     *conf.Node   // the statement that decides; nil: none
	File     bool         // a file of the disk, where there is one, answers first
	Maybe    []*conf.Node // conditions, includes that were not read, and the like: each may decide otherwise
}

// Sure reports whether nothing can change the answer.
func (a Answer) Sure() bool { return a.Outcome != "" && !a.File && len(a.Maybe) == 0 }

const maxCycles = 10 // internal redirects; nginx answers 500 then

// Answer goes the way of a request through the phases of nginx: the server's rewrites, the location, its rewrites, access,
// try_files, content (nginx.org/en/docs/dev/development_guide.html#http_phases).
func (s *NginxServer) Answer(q Request) Answer {
	w := &walk{q: q, a: Answer{Server: s}}
	if w.q.Method == "" {
		w.q.Method = "GET"
	}
	var ok bool
	if w.path, ok = s.normal(q.Path); !ok {
		return w.a
	}
	if w.rewrites(s.Root) == stop {
		return w.a
	}
	var named *Location
	for range maxCycles {
		l := named
		if l == nil {
			var how found
			if l, how, ok = s.find(s.Root, w.path); !ok {
				return w.unknown()
			}
			if how == redirected {
				w.a.Location = l
				return w.redirect(l.Node, 301, l.Path.Text)
			}
		}
		named = nil
		w.a.Location = l
		if d := l.Other["internal"]; d != nil && !w.inside && l.Modifier != "@" {
			return w.status(d, 404)
		}
		switch w.rewrites(l) {
		case stop:
			return w.a
		case again:
			w.inside = true
			continue
		}
		if w.access() {
			return w.a
		}
		if l.TryFiles == nil {
			return w.content()
		}
		last := l.TryFiles.Arg(len(l.TryFiles.Words) - 1).Text
		w.a.File, w.inside = true, true
		switch {
		case strings.HasPrefix(last, "="):
			code, _ := strconv.Atoi(last[1:])
			return w.status(l.TryFiles, code)
		case strings.HasPrefix(last, "@"):
			if named = s.Named(last); named == nil {
				return w.status(l.TryFiles, 500)
			}
		default:
			last, _, _ = strings.Cut(last, "?")
			if strings.Contains(last, "$") || !strings.HasPrefix(last, "/") {
				return w.unknown()
			}
			w.path = last
		}
	}
	return w.status(w.a.Location.Node, 500)
}

// walk is a request on its way.
type walk struct {
	q      Request
	path   string
	inside bool // was redirected internally
	a      Answer
}

func (w *walk) unknown() Answer {
	w.a.Outcome, w.a.Status = "", 0
	return w.a
}

func (w *walk) redirect(d *conf.Node, code int, url string) Answer {
	w.a.Outcome, w.a.Status, w.a.URL, w.a.Node = Redirected, code, url, d
	return w.a
}

// status ends with an answer of nginx itself, which an error_page may change: with "=" the status, by a URL a redirect.
func (w *walk) status(d *conf.Node, code int) Answer {
	w.a.Outcome, w.a.Status, w.a.Node = Answered, code, d
	if code == 444 {
		w.a.Outcome, w.a.Status = Closed, 0
		return w.a
	}
	l := w.a.Location
	if l == nil {
		l = w.a.Server.Root
	}
	for _, page := range l.All("error_page") {
		args := page.Args()
		if code < 300 || len(args) < 2 {
			continue
		}
		url, args := args[len(args)-1].Text, args[:len(args)-1]
		overwrite, changes := "", false
		if last := args[len(args)-1].Text; strings.HasPrefix(last, "=") {
			overwrite, changes, args = last[1:], true, args[:len(args)-1]
		}
		if !slices.ContainsFunc(args, func(a conf.Word) bool { return a.Text == strconv.Itoa(code) }) {
			continue
		}
		w.a.Node = page
		switch {
		case strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "$"):
			to := 302
			if n, err := strconv.Atoi(overwrite); err == nil && n >= 301 && n <= 308 {
				to = n
			}
			return w.redirect(page, to, url)
		case changes:
			return w.unknown()
		}
		return w.a
	}
	if l.Partial {
		w.maybe(l)
	}
	return w.a
}

// maybe notes the includes that were not read, of the level and those around it.
func (w *walk) maybe(l *Location) {
	for ; l != nil; l = l.Parent {
		if !l.unread {
			continue
		}
		for _, d := range l.Node.Body {
			if d.Unread {
				w.note(d)
			}
		}
	}
}

func (w *walk) note(d *conf.Node) {
	if !slices.Contains(w.a.Maybe, d) {
		w.a.Maybe = append(w.a.Maybe, d)
	}
}

// access asks allow and deny, and for credentials. It reports whether it ended the request.
func (w *walk) access() bool {
	l := w.a.Location
	rules := l.Access
	for _, d := range l.Limits {
		if !limitCovers(d, w.q.Method) {
			continue
		}
		rules = nil
		for _, c := range d.Body {
			if c.Name() == "allow" || c.Name() == "deny" {
				rules = append(rules, c)
			}
		}
		if rules == nil {
			rules = l.Access
		}
	}
	if l.Partial && len(rules) == 0 {
		w.maybe(l)
	}
	denied, known := denies(rules, w.q.Client)
	any := false
	if d := l.Other["satisfy"]; d != nil {
		any = d.Arg(1).Text == "any"
	}
	switch {
	case !known:
		w.unknown()
		w.a.Node = rules[0]
		return true
	case denied != nil && !(any && l.Auth != nil):
		w.status(denied, 403)
		if w.a.Outcome == Answered {
			w.a.Outcome = Forbidden
		}
		return true
	case l.Auth != nil && !(any && denied == nil && len(rules) > 0):
		w.a.Outcome, w.a.Status, w.a.Node = Protected, 0, l.Auth
		if l.Auth.Name() == "auth_basic" {
			w.a.Status = 401
		}
		return true
	}
	return false
}

// limitCovers reports whether a limit_except holds for a method: GET among its words stands for HEAD too.
func limitCovers(d *conf.Node, method string) bool {
	for _, a := range d.Args() {
		if strings.EqualFold(a.Text, method) || method == "HEAD" && strings.EqualFold(a.Text, "GET") {
			return false
		}
	}
	return true
}

// denies is the deny that holds for an address; nil: it may pass. The first rule that covers the address decides.
func denies(rules []*conf.Node, client netip.Addr) (deny *conf.Node, known bool) {
	verdict := func(d *conf.Node) *conf.Node {
		if d.Name() == "deny" {
			return d
		}
		return nil
	}
	for i, d := range rules {
		src := nginxSource(d.Arg(1))
		switch {
		case src.All:
			return verdict(d), true
		case src.Word.Text == "unix:":
			continue
		case !src.Prefix.IsValid():
			return nil, false
		case !client.IsValid():
			// Only rules that all say the same tell what happens.
			for _, other := range rules[i:] {
				if other.Name() != d.Name() {
					return nil, false
				}
			}
			return nil, d.Name() == "allow"
		case src.Prefix.Contains(client.Unmap()):
			return verdict(d), true
		}
	}
	return nil, true
}

// content is what the location's handler says.
func (w *walk) content() Answer {
	l := w.a.Location
	method := w.q.Method
	if l.unread {
		w.maybe(l)
	}
	switch {
	case l.Pass != nil:
		w.a.Outcome, w.a.Pass, w.a.Node = Proxied, l.Pass, l.Pass.Node
		return w.a
	case l.Handler != nil:
		w.a.Node = l.Handler
		if name := l.Handler.Name(); name == "stub_status" || name == "empty_gif" {
			if method != "GET" && method != "HEAD" {
				return w.status(l.Handler, 405)
			}
			w.a.Outcome, w.a.Status = Answered, 200
			return w.a
		}
		return w.unknown()
	case method != "GET" && method != "HEAD" && method != "POST":
		return w.status(l.Node, 405) // a file is not an answer to OPTIONS
	}
	w.a.Outcome = Static
	return w.a
}
