package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var (
	nginxTime = regexp.MustCompile(`^(\d+(y|M|w|d|h|m|s|ms)? *)+$`)
	nginxSize = regexp.MustCompile(`^\d+[kKmMgG]?$`)
)

// computed reports whether a word is no value yet: a variable, or the mark of a template.
func computed(text string) bool {
	return text == "" || strings.ContainsAny(text, "${}<>%@")
}

// badValue says what nginx takes in place of text; empty: text will do.
func badValue(kind, text string) string {
	switch {
	case computed(text):
	case kind == "flag" && text != "on" && text != "off" && !strings.EqualFold(text, "on") && !strings.EqualFold(text, "off"):
		return `"on" or "off"`
	case kind == "time" && !nginxTime.MatchString(text):
		return "a time, such as 60s"
	case kind == "size" && !nginxSize.MatchString(text):
		return "a size, such as 10m"
	case kind == "number" && strings.Trim(text, "0123456789") != "":
		return "a number"
	}
	return ""
}

// Parameters of a server of an upstream, with what they take; nginx's own, and those of NGINX Plus and Tengine.
var upstreamParameters = map[string]string{
	"weight": "number", "max_conns": "number", "max_fails": "number", "fail_timeout": "time", "slow_start": "time", "route": "", "service": "", "id": "",
}

var upstreamWords = []string{"backup", "down", "resolve", "drain"}

var nginxValue = &Rule{ID: "nginx-value", Severity: diag.Error, Run: func(p *Pass) {
	p.nginxBlocks(func(b nginxBlock) {
		var method *conf.Node
		for _, n := range b.body {
			if !inFile(n) {
				continue
			}
			report := func(at conf.Word, format string, args ...any) *Finding {
				return p.Report(at, format+": nginx does not start", args...).On(b.host).In(n)
			}
			d, ok := nginxDirectives()[n.Name()]
			switch {
			case b.context == 'u' && slices.Contains([]string{"ip_hash", "hash", "random"}, n.Name()):
				method = n
			case b.context == 'u' && n.Name() == "server":
				for _, w := range n.Args()[min(1, len(n.Args())):] {
					name, value, has := strings.Cut(w.Text, "=")
					kind, known := upstreamParameters[name]
					switch {
					case computed(w.Text):
					case !has && w.Text == "backup" && method != nil:
						report(w, "%q knows no backup servers", method.Name()).Related(method.Words[0], "this spreads the requests").
							Help("take \"backup\" off, or use another method")
					case !has && known:
						report(w, "%q of a server lacks its value", name)
					case has && known:
						if want := badValue(kind, value); want != "" {
							report(w, "%q is no value of %q", value, name).Help("write %s", want)
						}
					case !slices.Contains(upstreamWords, w.Text) && !has:
						report(w, "%q is no parameter of a server in an upstream", w.Text)
					}
				}
			case b.context == 's' && n.Name() == "listen":
				port := n.Arg(1).Text
				if i := strings.LastIndexByte(port, ':'); i >= 0 && !strings.HasSuffix(port, "]") {
					port = port[i+1:]
				}
				if v, err := strconv.ParseUint(port, 10, 64); err == nil && (v == 0 || v > 65535) {
					report(n.Arg(1), "%s is no port", port)
				}
			case ok && len(n.Args()) == 1:
				if want := badValue(d.value, n.Arg(1).Text); want != "" {
					report(n.Arg(1), "%q is no value of %q", n.Arg(1).Text, n.Name()).Help("write %s", want)
				}
			}
		}
		if b.context == 'u' && len(b.body) == 0 && inFile(b.node) {
			p.Report(b.node.Words[0], "upstream %q has no server: nginx does not start", b.node.Arg(1).Text).On(b.host).In(b.node)
		}
	})
}}

var nginxCertificate = &Rule{ID: "nginx-certificate", Severity: diag.Error, Run: func(p *Pass) {
	for _, h := range p.Hosts {
		if h.Nginx == nil || h.Nginx.Partial || h.Nginx.HTTP == nil || len(h.Nginx.HTTP.Words) == 0 || h.Nginx.HTTP.Words[0].Raw == "" {
			continue
		}
		first := map[*fact.Listener]*fact.NginxListen{} // the default server's
		owner := map[*fact.NginxListen]*fact.NginxServer{}
		var order []*fact.NginxListen
		for _, s := range h.Nginx.Servers {
			for _, l := range s.Listen {
				if l.Node == nil || !l.TLS.Known() || !l.TLS.V {
					continue
				}
				owner[l] = s
				switch one := first[l.Listener]; {
				case one == nil:
					first[l.Listener] = l
					order = append(order, l)
				case l.Explicit && !one.Explicit:
					first[l.Listener] = l
					order[slices.Index(order, one)] = l
				}
			}
		}
		for _, l := range order {
			root := owner[l].Root
			if root == nil || root.Partial || root.Other["ssl_certificate"] != nil || root.Other["ssl_reject_handshake"] != nil || root.Other["ssl"] != nil ||
				slices.ContainsFunc(owner[l].Node.Body, func(n *conf.Node) bool { return strings.Contains(n.Name(), "lua") }) {
				continue
			}
			p.Report(l.Word, "the default server of %s speaks TLS and has no \"ssl_certificate\": nginx does not start", l.Word.Text).On(h).In(l.Node).
				Help("give it \"ssl_certificate\" and \"ssl_certificate_key\", or \"ssl_reject_handshake on\"")
		}
	}
}}

// nginxProxyURI is about targets with a path, in locations that have no prefix to put it in the place of.
var nginxProxyURI = &Rule{ID: "nginx-proxy-uri", Severity: diag.Error, Run: func(p *Pass) {
	p.nginxBlocks(func(b nginxBlock) {
		var why string
		switch {
		case b.context == 'f':
			why = "inside \"if\""
		case b.context == 'x':
			why = "inside \"limit_except\""
		case b.context == 'l' && strings.HasPrefix(b.node.Arg(1).Text, "~"):
			why = "in a location of a regular expression"
		case b.context == 'l' && strings.HasPrefix(b.node.Arg(1).Text, "@"):
			why = "in a named location"
		default:
			return
		}
		for n := range conf.Named(b.body, "proxy_pass") {
			_, target, ok := strings.Cut(n.Arg(1).Text, "://")
			if !ok || strings.Contains(target, "$") || strings.HasPrefix(target, "unix:") || !inFile(n) {
				continue
			}
			if i := strings.IndexByte(target, '/'); i >= 0 {
				p.Report(n.Arg(1), "\"proxy_pass\" has the path %q %s, where there is no prefix to replace: nginx does not start", target[i:], why).
					On(b.host).In(n).Help("write it without the path; \"rewrite … break\" changes the path")
			}
		}
	})
}}
