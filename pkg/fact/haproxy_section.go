package fact

import (
	"strings"

	"stackgen/pkg/conf"
)

// statement reads one statement of a proxy or of a defaults section into s.
func (r *haproxyReader) statement(s *haproxySection, n *conf.Node) {
	switch name := n.Name(); name {
	case "mode":
		assign(&s.Mode, r.text(n, 1))
	case "timeout":
		assignTo(s.Timeouts, n.Arg(1).Text, r.duration(n, 2))
	case "contimeout", "clitimeout", "srvtimeout": // until 2.0
		assignTo(s.Timeouts, haproxyOldTimeouts[name], r.duration(n, 1))
	case "option":
		r.option(s, n, 1, true)
	case "no", "default":
		if n.Arg(1).Text == "option" {
			r.option(s, n, 2, false)
		}
	case "retries":
		assign(&s.Retries, r.number(n, 1))
	case "maxconn":
		assign(&s.MaxConn, r.number(n, 1))
	case "balance":
		assign(&s.Balance, r.text(n, 1))
	case "hash-type":
		assign(&s.Hash, r.text(n, 1))
	case "cookie":
		s.Cookie = n
	case "stick", "stick-table":
		s.Stick = append(s.Stick, n)
	case "monitor-uri":
		assign(&s.Monitor, r.text(n, 1))
	case "disabled", "enabled":
		assign(&s.Disabled, r.flag(n, n.Arg(0), name == "disabled"))
	case "bind":
		r.bind(&s.Proxy, n, 1)
	case "use_backend":
		s.Routes = append(s.Routes, &Route{Node: n, Backend: r.backendName(n), Cond: n.Words[min(2, len(n.Words)):]})
	case "default_backend":
		s.route = &Route{Node: n, Backend: r.backendName(n), Default: true}
	case "server", "dispatch", "server-template", "default-server":
		r.serverLine(s, n)
	case "http-check", "tcp-check":
		s.check.add(name, n)
	case "log":
		r.logTo(n)
	case "filter":
		if n.Arg(1).Text == "spoe" {
			r.spoe(n)
		}
		s.Rules = append(s.Rules, n)
	default:
		if haproxyRules[name] {
			s.Rules = append(s.Rules, n)
		}
	}
}

var haproxyOldTimeouts = map[string]string{"contimeout": "connect", "clitimeout": "client", "srvtimeout": "server"}

// haproxyRules are the statements that decide about a request or a connection.
var haproxyRules = map[string]bool{
	"acl": true, "http-request": true, "http-response": true, "http-after-response": true, "tcp-request": true,
	"tcp-response": true, "quic-initial": true, "redirect": true, "use-server": true, "monitor": true,
	"http-error": true, "errorfile": true, "force-persist": true, "ignore-persist": true, "use-fcgi-app": true,
}

func (r *haproxyReader) option(s *haproxySection, n *conf.Node, at int, on bool) {
	w := n.Arg(at)
	if n.Name() == "default" && n.Cond == nil {
		delete(s.Options, w.Text)
		return
	}
	assignTo(s.Options, w.Text, r.flag(n, w, on))
	if on && haproxyChecks[w.Text] != "" {
		s.check.choose(n)
	}
}

// backendName is the name that a route gives. One that is made at run time is unknown.
func (r *haproxyReader) backendName(n *conf.Node) Value[string] {
	v := r.text(n, 1)
	if strings.Contains(v.V, "%") {
		v.State = Unknown
	}
	return v
}

// logTo takes note of a "log backend@NAME".
func (r *haproxyReader) logTo(n *conf.Node) {
	if name, ok := strings.CutPrefix(n.Arg(1).Text, "backend@"); ok {
		r.used[name] = true
	}
}

// spoe takes note of the backends that a filter's own file uses. Without the file, it may be any.
func (r *haproxyReader) spoe(n *conf.Node) {
	for i := 2; i+1 < len(n.Words); i++ {
		if n.Words[i].Text != "config" || r.Host.Source == nil {
			continue
		}
		f, ok := r.Host.Source.File(n.Words[i+1].Text)
		if !ok {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			if w := strings.Fields(line); len(w) > 1 && w[0] == "use-backend" {
				r.used[w[1]] = true
			}
		}
		return
	}
	r.all = true
}
