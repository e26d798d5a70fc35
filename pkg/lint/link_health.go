package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkHealthRules = []*Rule{linkHealthPort, linkHealthHost, linkHealthPath, linkHealthRedirect, linkHealthDenied, linkHealthDeep, linkHealthName}

// health is an HTTP check of HAProxy and what nginx answers to it.
type health struct {
	*fact.Edge
	check    *fact.Check
	listener *fact.Listener
	server   *fact.NginxServer
	answer   fact.Answer
}

// healths are the HTTP checks of all servers in use that some nginx answers.
func healths(s *fact.Stack) []health {
	var all []health
	for e := range links(s) {
		c := e.Server.Pool.Check
		if e.Server.Pool.Layer != fact.LayerHAProxy || c == nil || c.Kind != "http" || !e.Server.Checked.V || !e.Server.Checked.Known() || e.To == nil || e.To.Nginx == nil {
			continue
		}
		l, ok := checkedAt(e.Server)
		if !ok || l == nil || l.Layer != fact.LayerNginx || l.Servers[0].Stream || !c.Method.Known() || !c.URI.Known() || !c.Version.Known() || !c.Host.Known() {
			continue
		}
		h := health{Edge: e, check: c, listener: l}
		if h.server, ok = e.To.Nginx.ServerFor(l, c.Host.V); !ok {
			continue
		}
		if !h.nameless() {
			h.answer = h.server.Answer(fact.Request{Method: c.Method.V, Path: c.URI.V, Client: ownAddress(e.From, e.Server.Addr)})
			h.answer.Maybe = slices.DeleteFunc(h.answer.Maybe, h.sickToo)
		}
		all = append(all, h)
	}
	return all
}

// nameless reports whether nginx refuses the request at once: HTTP/1.1 asks for a Host.
func (h health) nameless() bool {
	return strings.EqualFold(h.check.Version.V, "HTTP/1.1") && h.check.Host.V == ""
}

// sickToo reports whether a condition can only answer what the check takes for bad health as well: a switch for maintenance.
func (h health) sickToo(d *conf.Node) bool {
	if d.Name() != "if" || len(d.Body) == 0 {
		return false
	}
	for _, n := range d.Body {
		status, err := strconv.Atoi(n.Arg(1).Text)
		if yes, ok := h.accepts(status); n.Name() != "return" || err != nil || yes || !ok {
			return false
		}
	}
	return true
}

// accepts reports whether the check takes a status for good health; ok is false where it looks at something else.
func (h health) accepts(status int) (yes, ok bool) {
	n := h.check.Expect
	if n == nil {
		return status >= 200 && status < 400, true
	}
	for _, r := range h.check.Rules {
		if r.Arg(1).Text == "expect" && r != n {
			return false, false
		}
	}
	not := false
	for i := 2; i+1 < len(n.Words); i++ {
		switch v := n.Words[i+1].Text; n.Words[i].Text {
		case "!":
			not = !not
		case "min-recv", "ok-status", "error-status", "tout-status", "on-success", "on-error", "status-code", "comment":
			i++
		case "status":
			in := slices.ContainsFunc(strings.Split(v, ","), func(one string) bool {
				low, high, ranged := strings.Cut(one, "-")
				if !ranged {
					high = low
				}
				a, err := strconv.Atoi(low)
				b, err2 := strconv.Atoi(high)
				return err == nil && err2 == nil && a <= status && status <= b
			})
			return in != not, true
		case "rstatus":
			re, err := regexp.Compile(v)
			if err != nil {
				return false, false
			}
			return re.MatchString(strconv.Itoa(status)) != not, true
		default:
			return false, false
		}
	}
	return false, false
}

// place is where the check says what it asks for.
func (h health) place() (conf.Word, *conf.Node) {
	w := h.check.URI.Word
	for _, n := range append([]*conf.Node{h.check.Node}, h.check.Rules...) {
		if slices.ContainsFunc(n.Words, func(x conf.Word) bool { return x.Pos == w.Pos }) {
			return w, n
		}
	}
	return h.check.Node.Words[0], h.check.Node
}

func (h health) request() string {
	if h.check.Host.V != "" {
		return fmt.Sprintf("%s %s of %s", h.check.Method.V, h.check.URI.V, h.check.Host.V)
	}
	return fmt.Sprintf("%s %s", h.check.Method.V, h.check.URI.V)
}

// sick reports one finding for each pool and kind of answer.
func (p *Pass) sick(which func(health) (kind, message string, at *conf.Node, weight diag.Severity)) {
	type group struct {
		first health
		hosts []string
		nodes []*conf.Node
		text  string
		how   diag.Severity
	}
	groups := map[string]*group{}
	var order []string
	for _, h := range healths(p.Stack) {
		kind, text, at, weight := which(h)
		if kind == "" {
			continue
		}
		key := h.From.Name + " " + h.Server.Pool.Name.Text + " " + kind
		g := groups[key]
		if g == nil {
			g = &group{first: h, text: text, how: weight}
			groups[key] = g
			order = append(order, key)
		}
		if !slices.Contains(g.hosts, h.To.Name) {
			g.hosts, g.nodes = append(g.hosts, h.To.Name), append(g.nodes, at)
		}
	}
	for _, key := range order {
		g := groups[key]
		at, node := g.first.place()
		f := p.Report(at, g.text, joinNames(g.hosts)).On(g.first.From).In(node).Weigh(g.how).Same(strings.TrimPrefix(key, g.first.From.Name) + joinNames(g.hosts))
		for i, n := range g.nodes {
			if n != nil && i < 3 {
				f.Related(n.Words[0], "what %s answers", g.hosts[i])
			}
		}
		f.Related(g.first.Server.Address, "the server")
	}
}

// checkFails is what a check that fails does, to the servers of hosts that a verb fills in.
const checkFails = "HAProxy never sends a request to %s"

var linkHealthHost = &Rule{
	ID:       "link-health-host",
	Severity: diag.Error,
	Run: func(p *Pass) {
		p.sick(func(h health) (string, string, *conf.Node, diag.Severity) {
			yes, ok := h.accepts(400)
			if !h.nameless() || yes || !ok || h.Server.Proto.V == "h2" {
				return "", "", nil, 0
			}
			return "host", "a check in HTTP/1.1 without a Host header is answered with 400: " + checkFails, h.listener.DefaultServer().Node, diag.Error
		})
	},
}

var linkHealthPath = &Rule{
	ID:       "link-health-path",
	Severity: diag.Error,
	Run: func(p *Pass) {
		p.sick(func(h health) (string, string, *conf.Node, diag.Severity) {
			a := h.answer
			if len(a.Maybe) > 0 {
				return "", "", nil, 0
			}
			at := a.Node
			if at == nil && a.Server != nil {
				at = a.Server.Node
			}
			request := strings.ReplaceAll(h.request(), "%", "%%")
			switch a.Outcome {
			case fact.Closed:
				return "closed", "nginx closes the connection of " + request + " without an answer: " + checkFails, at, diag.Error
			case fact.Answered:
				yes, ok := h.accepts(a.Status)
				if a.Status == 0 || a.File || yes || !ok {
					return "", "", nil, 0
				}
				return strconv.Itoa(a.Status), fmt.Sprintf("nginx answers %d to %s: %s", a.Status, request, checkFails), at, diag.Error
			case fact.Static:
				// No file of that name is known; where another server has a location for it, the check asks the wrong one.
				for _, s := range h.listener.Servers {
					if s == h.server {
						continue
					}
					if l, ok := s.Match(h.check.URI.V); ok && l.Modifier == "=" && l != s.Root {
						return "name", "only another server of nginx than the one that answers " + request + " has that path: " + checkFails, l.Node, diag.Error
					}
				}
			}
			return "", "", nil, 0
		})
	},
}

var linkHealthRedirect = &Rule{
	ID:       "link-health-redirect",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		p.sick(func(h health) (string, string, *conf.Node, diag.Severity) {
			a := h.answer
			if a.Outcome != fact.Redirected || !a.Sure() || a.Status == 0 {
				return "", "", nil, 0
			}
			yes, ok := h.accepts(a.Status)
			request := strings.ReplaceAll(h.request(), "%", "%%")
			switch {
			case !ok:
				return "", "", nil, 0
			case !yes:
				return "down", fmt.Sprintf("nginx redirects %s with %d: %s", request, a.Status, checkFails), a.Node, diag.Error
			}
			return "up", fmt.Sprintf("nginx redirects %s with %d, which counts as good health: %%s stays up whatever is broken behind it", request, a.Status), a.Node, diag.Warning
		})
	},
}

var linkHealthDenied = &Rule{
	ID:       "link-health-denied",
	Severity: diag.Error,
	Run: func(p *Pass) {
		p.sick(func(h health) (string, string, *conf.Node, diag.Severity) {
			a := h.answer
			if len(a.Maybe) > 0 || a.File || h.realIP() {
				return "", "", nil, 0
			}
			request := strings.ReplaceAll(h.request(), "%", "%%")
			switch a.Outcome {
			case fact.Forbidden:
				if yes, ok := h.accepts(403); ok && !yes {
					return "denied", "nginx forbids " + request + " to " + h.From.Name + ": " + checkFails, a.Node, diag.Error
				}
			case fact.Protected:
				if yes, ok := h.accepts(401); ok && !yes && a.Status == 401 {
					return "auth", "nginx asks for a password at " + request + ": " + checkFails, a.Node, diag.Error
				}
			}
			return "", "", nil, 0
		})
	},
}

// realIP reports whether the check may give another address than the balancer's: it sends the header that nginx believes.
func (h health) realIP() bool {
	l := h.answer.Location
	if l == nil || len(l.Trusted) == 0 {
		return false
	}
	header := l.RealIP.V
	if !l.RealIP.Written() {
		header = "X-Real-IP"
	}
	for _, n := range append([]*conf.Node{h.check.Node}, h.check.Rules...) {
		if slices.ContainsFunc(n.Words, func(w conf.Word) bool { return strings.Contains(strings.ToLower(w.Text), strings.ToLower(header)) }) {
			return true
		}
	}
	return !l.RealIP.Known()
}

var linkHealthDeep = &Rule{
	ID:       "link-health-deep",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		webs := map[*fact.Pool]int{}
		for _, h := range healths(p.Stack) {
			webs[h.Server.Pool]++
		}
		p.sick(func(h health) (string, string, *conf.Node, diag.Severity) {
			a := h.answer
			if a.Outcome != fact.Proxied || len(a.Maybe) > 0 || a.Pass == nil || a.Pass.Pool == nil || webs[h.Server.Pool] < 2 || len(a.Pass.Pool.Servers) == 0 {
				return "", "", nil, 0
			}
			for _, s := range a.Pass.Pool.Servers {
				if s.Unix != "" || s.To == nil || s.To.To == h.To || s.Addr.IsLoopback() {
					return "", "", nil, 0 // the host's own application
				}
			}
			return "deep", fmt.Sprintf("nginx passes %s on to %s: when that is slow, HAProxy takes out %%s at once, with all that they could still answer",
				strings.ReplaceAll(h.request(), "%", "%%"), strings.ReplaceAll(a.Pass.Word.Text, "%", "%%")), a.Pass.Node, diag.Warning
		})
	},
}

var linkHealthPort = &Rule{
	ID:       "link-health-port",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			s := e.Server
			if s.Pool.Layer != fact.LayerHAProxy || e.Listener == nil || !s.Checked.V || !s.Checked.Known() || !s.CheckPort.Written() && !s.CheckAddr.Written() || !wholeHost(e.To) {
				continue
			}
			at := s.CheckPort.Word
			if !s.CheckPort.Written() {
				at = s.CheckAddr.Word
			}
			l, ok := checkedAt(s)
			if !ok || s.CheckPort.V == 0 {
				continue
			}
			if l == nil {
				if e.Listener.Layer == fact.LayerDatabase || !p.Complete && !(s.Pool.Check == nil || s.Pool.Check.Kind == "http") {
					continue // an agent that says which one is the primary
				}
				f := p.Report(at, "nothing on %s listens at port %d, where the check asks: HAProxy never sends a request to %s", e.To.Name, s.CheckPort.V, s.Name.Text).On(e.From).In(s.Node).
					Related(e.Listener.Word, "%s of %s listens on %s", daemonOf(e.Listener.Layer), e.To.Name, listenText(e.Listener)).Help("check a port that is open there").Same(fmt.Sprint(e.To.Name, s.CheckPort.V))
				if !p.Complete {
					f.Weigh(diag.Warning)
				}
				continue
			}
			if l.Layer != e.Listener.Layer {
				p.Report(at, "the check asks %s of %s, and requests go to %s: it stays up when that is dead", daemonOf(l.Layer), e.To.Name, daemonOf(e.Listener.Layer)).On(e.From).In(s.Node).
					Related(l.Word, "checked").Related(e.Listener.Word, "requests go here").Help("check what the requests go to").Weigh(diag.Warning).Same(fmt.Sprint(e.To.Name, s.CheckPort.V))
			}
		}
	},
}

// Checks do not take the server name of requests: without check-sni the default server of nginx has to answer.
var linkHealthName = &Rule{
	ID:       "link-health-name",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e := range links(p.Stack) {
			s := e.Server
			if s.Pool.Layer != fact.LayerHAProxy || e.Listener == nil || !s.Checked.V || !s.Checked.Known() || !s.CheckTLS.V || !s.CheckTLS.Known() {
				continue
			}
			l, ok := checkedAt(s)
			if !ok || l == nil || l.Layer != fact.LayerNginx || !l.TLS.V {
				continue
			}
			if _, ok := s.Option("check-sni"); ok || !p.Targets["haproxy"].Before(3, 3) && p.Targets["haproxy"] != (fact.Version{}) {
				continue
			}
			if s.Pool.Check != nil && slices.ContainsFunc(s.Pool.Check.Rules, func(n *conf.Node) bool { return n.Arg(1).Text == "connect" }) {
				continue
			}
			reject := l.DefaultServer().Root.Other["ssl_reject_handshake"]
			if reject == nil || reject.Arg(1).Text != "on" {
				continue
			}
			p.Report(s.Address, "the check names no server in its TLS handshake, and nginx of %s rejects those: HAProxy never sends a request to %s", e.To.Name, s.Name.Text).On(e.From).In(s.Node).
				Related(reject.Words[0], "rejected here").Help("add check-sni with a name that nginx serves").Same(fmt.Sprint(e.To.Name, l.Port))
		}
	},
}
