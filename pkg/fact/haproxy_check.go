package fact

import (
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// haproxyChecks are the options that choose a check, and what Check.Kind calls it.
var haproxyChecks = map[string]string{
	"httpchk": "http", "tcp-check": "tcp-check", "mysql-check": "mysql", "pgsql-check": "pgsql", "redis-check": "redis",
	"smtpchk": "smtp", "ssl-hello-chk": "ssl-hello", "ldap-check": "ldap", "spop-check": "spop", "external-check": "external",
}

// haproxyCheck is what a section says of checks. Options replace each other. Rules of a section replace inherited ones,
// and so does an option of the section itself, even where it brings no rules (seen with 2.6.12).
type haproxyCheck struct {
	option   *conf.Node
	own      bool // the option stands in the section itself
	http     []*conf.Node
	tcp      []*conf.Node
	ownHTTP  bool
	ownTCP   bool
	optional bool // some option stands below an .if
}

func (c haproxyCheck) inherit() haproxyCheck {
	c.own, c.ownHTTP, c.ownTCP = false, false, false
	c.http, c.tcp = slices.Clip(c.http), slices.Clip(c.tcp)
	return c
}

func (c *haproxyCheck) choose(n *conf.Node) {
	c.option, c.own = n, true
	c.optional = n.Cond != nil
}

func (c *haproxyCheck) add(name string, n *conf.Node) {
	rules, own := &c.http, &c.ownHTTP
	if name == "tcp-check" {
		rules, own = &c.tcp, &c.ownTCP
	}
	if !*own {
		*rules, *own = nil, true
	}
	*rules = append(*rules, n)
}

// finishCheck says what the check of a backend or listen section is, once all of it is read.
func (r *haproxyReader) finishCheck(s *haproxySection) *Check {
	n := s.check.option
	if n == nil {
		return nil
	}
	at := slices.IndexFunc(n.Words, func(w conf.Word) bool { return haproxyChecks[w.Text] != "" })
	w := n.Words[at]
	c := &Check{Kind: haproxyChecks[w.Text], Node: n}
	c.Method.Word, c.URI.Word, c.Version.Word, c.Host.Word, c.Port.Word, c.User.Word, c.TLS.Word, c.SendProxy.Word = w, w, w, w, w, w, w, w
	c.Timeout = s.Timeouts["check"]
	place(&c.Timeout, w)
	args := n.Words[at+1:]
	switch c.Kind {
	case "http":
		if s.check.ownHTTP || !s.check.own {
			c.Rules = s.check.http
		}
		r.httpRequest(c, n, args)
		if s.check.ownHTTP && !s.check.own {
			// The request of the inherited option belongs to the rules that these replace: nothing is sent.
			c.Method.State, c.URI.State, c.Version.State, c.Host.State = Unknown, Unknown, Unknown, Unknown
		}
		r.httpRules(c)
	case "tcp-check":
		if s.check.ownTCP || !s.check.own {
			c.Rules = s.check.tcp
		}
	case "mysql", "pgsql":
		for i := 0; i+1 < len(args); i++ {
			if args[i].Text == "user" {
				c.User = r.textOf(n, args[i+1], true)
				break
			}
		}
	}
	r.checkConnects(c, s.Pool)
	for _, rule := range c.Rules {
		if rule.Arg(1).Text == "expect" {
			c.Expect = rule
		}
	}
	if s.check.optional {
		for _, v := range []*Value[string]{&c.Method, &c.URI, &c.Version, &c.Host, &c.User} {
			v.State = Unknown
		}
		c.Port.State = Unknown
	}
	return c
}

// httpRequest reads "option httpchk [METHOD] URI [VERSION [HOST]]". Older files put headers into the version.
func (r *haproxyReader) httpRequest(c *Check, n *conf.Node, args []conf.Word) {
	c.Method.V, c.URI.V, c.Version.V = "OPTIONS", "/", "HTTP/1.0"
	switch len(args) {
	case 0:
		return
	case 1:
		c.URI = r.textOf(n, args[0], true)
		return
	}
	c.Method, c.URI = r.textOf(n, args[0], true), r.textOf(n, args[1], true)
	if len(args) == 2 {
		return
	}
	c.Version = r.textOf(n, args[2], true)
	version, headers, found := strings.Cut(c.Version.V, "\r\n")
	c.Version.V = version
	for found {
		var header string
		header, headers, found = strings.Cut(headers, "\r\n")
		name, value, _ := strings.Cut(header, ":")
		if value == "" && len(args) > 3 {
			value = args[3].Text // "Host: name" with a blank that nobody escaped
		}
		if strings.EqualFold(name, "host") {
			c.Host = Value[string]{V: strings.TrimSpace(value), Word: args[2], State: c.Version.State}
			return
		}
	}
	if len(args) > 3 && !strings.Contains(args[2].Text, "\r\n") {
		c.Host = r.textOf(n, args[3], true)
	}
}

// httpRules reads the http-check rules that say what is sent.
func (r *haproxyReader) httpRules(c *Check) {
	sends := 0
	for _, n := range c.Rules {
		if n.Arg(1).Text != "send" {
			continue
		}
		if sends++; sends > 1 {
			c.Method.State, c.URI.State, c.Version.State, c.Host.State = Unknown, Unknown, Unknown, Unknown
			return // a conversation of several requests
		}
		for i := 2; i+1 < len(n.Words); {
			val := n.Words[i+1]
			switch n.Words[i].Text {
			case "meth":
				c.Method = r.textOf(n, val, true)
			case "uri":
				c.URI = r.textOf(n, val, true)
			case "uri-lf":
				c.URI = Value[string]{Word: val, State: Unknown}
			case "ver":
				c.Version = r.textOf(n, val, true)
			case "hdr":
				if strings.EqualFold(val.Text, "host") && i+2 < len(n.Words) {
					c.Host = r.textOf(n, n.Words[i+2], true)
					if strings.Contains(c.Host.V, "%[") {
						c.Host.State = Unknown
					}
				}
				i++
			case "body", "body-lf", "comment":
			default:
				i-- // a word that takes no value
			}
			i += 2
		}
	}
}

// checkConnects reads the connections that the rules of a check open. Without the word "default", such a connection
// takes neither TLS nor the PROXY header from the server line.
func (r *haproxyReader) checkConnects(c *Check, pool *Pool) {
	var connects []*conf.Node
	for _, n := range c.Rules {
		if n.Arg(1).Text == "connect" {
			connects = append(connects, n)
		}
	}
	if len(connects) == 0 {
		return
	}
	n := connects[0]
	inherits := false
	c.TLS, c.SendProxy = r.flag(n, n.Words[1], false), r.flag(n, n.Words[1], false)
	for i := 2; i < len(n.Words); i++ {
		switch w := n.Words[i]; w.Text {
		case "port":
			c.Port = r.number(n, i+1)
			i++
		case "ssl":
			c.TLS = r.flag(n, w, true)
		case "send-proxy":
			c.SendProxy = r.flag(n, w, true)
		case "default":
			inherits = true
		case "addr", "sni", "alpn", "proto", "comment":
			i++
		}
	}
	if len(connects) > 1 {
		c.Port.State, c.TLS.State, c.SendProxy.State = Unknown, Unknown, Unknown
	}
	for _, s := range pool.Servers {
		if !inherits || c.TLS.V {
			s.CheckTLS = c.TLS
		}
		if !inherits || c.SendProxy.V {
			s.CheckSendProxy = c.SendProxy
		}
		if c.Port.State != Default {
			s.CheckPort = c.Port
		}
	}
	if inherits {
		if !c.TLS.V {
			c.TLS = Value[bool]{Word: n.Words[1]}
		}
		if !c.SendProxy.V {
			c.SendProxy = Value[bool]{Word: n.Words[1]}
		}
	}
}
