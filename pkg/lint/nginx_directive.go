package lint

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var nginxRules = []*Rule{nginxDirective, nginxDuplicate, nginxValue, nginxCertificate, nginxProxyURI, nginxMissingEnd}

// nginxDirectiveTable was asked of nginx itself: each directive of nginx/1.22.1 was put, with several numbers of words and
// kinds of values, into every context. A directive that is not in it may be another module's: nothing is said of it.
//
//go:embed nginx_directives.txt
var nginxDirectiveTable string

// nginxWords is what nginx says of one.
type nginxWords struct {
	contexts string // a letter each, see contextNames
	block    bool
	counts   string // the numbers of words it takes, "6" being six or more
	value    string // flag, time, size, number; "-": another, or several
	once     bool   // a second one in the same block is refused
}

var nginxDirectives = sync.OnceValue(func() map[string]nginxWords {
	m := map[string]nginxWords{}
	for line := range strings.Lines(nginxDirectiveTable) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		m[f[0]] = nginxWords{f[1], f[2] == "block", f[3], f[4], f[5] == "once"}
	}
	return m
})

var contextNames = map[byte]string{
	'm': "the main context", 'e': "events", 'h': "http", 's': "server", 'l': "location", 'u': "upstream",
	'i': "if", 'f': "if", 'x': "limit_except",
}

// inner is the context of a block, 0: one whose lines are no directives (map, types), or those of a module that the table does
// not have (stream, mail).
func inner(context byte, name string) byte {
	switch {
	case context == 'm' && name == "events":
		return 'e'
	case context == 'm' && name == "http":
		return 'h'
	case context == 'h' && name == "server":
		return 's'
	case context == 'h' && name == "upstream":
		return 'u'
	case (context == 's' || context == 'l') && name == "location":
		return 'l'
	case context == 's' && name == "if":
		return 'i'
	case context == 'l' && name == "if":
		return 'f'
	case context == 'l' && name == "limit_except":
		return 'x'
	}
	return 0
}

// nginxBlock is a block as nginx goes through it.
type nginxBlock struct {
	host    *fact.Host
	context byte
	node    *conf.Node // nil: the file
	body    []*conf.Node
}

// nginxBlocks calls do for every block of directives of the hosts' configurations. What a part of a configuration stands
// in is made up: nothing is said of its outermost lines.
func (p *Pass) nginxBlocks(do func(nginxBlock)) {
	var walk func(b nginxBlock)
	walk = func(b nginxBlock) {
		do(b)
		for _, n := range b.body {
			if c := inner(b.context, n.Name()); n.Block && c != 0 {
				walk(nginxBlock{b.host, c, n, n.Body})
			}
		}
	}
	for _, h := range p.Hosts {
		if h.Nginx != nil && h.Nginx.Tree != nil {
			walk(nginxBlock{h, 'm', nil, h.Nginx.Tree.Body})
		}
	}
}

// guessed reports whether the block is one that was made up around a part of a configuration.
func (b nginxBlock) guessed() bool {
	return b.node != nil && len(b.node.Words) > 0 && b.node.Words[0].Raw == ""
}

// inFile reports whether a statement stands in a file, whole.
func inFile(n *conf.Node) bool {
	return !n.Unread && len(n.Words) > 0 && n.Words[0].Raw != ""
}

// swallowed is the first word of n that begins a line and is a directive's name: the ";" before it is missing.
func swallowed(n *conf.Node) (conf.Word, bool) {
	for i, w := range n.Args() {
		before := n.Words[i]
		if w.Pos.Line == before.Pos.Line || w.Raw != w.Text || before.Pos.File != w.Pos.File {
			continue
		}
		if _, ok := nginxDirectives()[w.Text]; ok && !slices.Contains(notOnly, w.Text) {
			return w, true
		}
	}
	return conf.Word{}, false
}

// Names of directives that are words of others too.
var notOnly = []string{"server", "mail", "user", "env", "http", "stream", "deny", "allow", "types", "events", "internal", "empty_gif", "hash", "random", "slice", "perl"}

var nginxDirective = &Rule{ID: "nginx-directive", Severity: diag.Error, Run: func(p *Pass) {
	p.nginxBlocks(func(b nginxBlock) {
		broken := len(b.host.Nginx.Tree.Errors) > 0 // the blocks and words may be what the error left of them
		for _, n := range b.body {
			d, ok := nginxDirectives()[n.Name()]
			if !ok || !inFile(n) || b.context == 'u' && n.Name() == "server" {
				continue // in an upstream, server is another directive
			}
			const refuses = ": nginx does not start"
			report := func(format string, args ...any) *Finding {
				return p.Report(n.Words[0], format+refuses, args...).On(b.host).In(n)
			}
			w, missing := swallowed(n)
			ended := func(f *Finding) {
				if missing {
					f.Related(w, "this begins the next directive").Help("end the line before with \";\"")
				}
			}
			switch count := byte('0' + min(len(n.Args()), 6)); {
			case strings.IndexByte(d.contexts, b.context) < 0:
				if b.guessed() || broken {
					continue
				}
				f := report("directive %q is not allowed in %s", n.Name(), contextNames[b.context])
				var where []string
				for i := range len(d.contexts) {
					if name := contextNames[d.contexts[i]]; !slices.Contains(where, name) {
						where = append(where, name)
					}
				}
				f.Help("it belongs in %s", strings.Join(where, ", "))
			case n.Block && !d.block:
				ended(report("directive %q is not ended by \";\" before the block", n.Name()))
			case !n.Block && d.block:
				report("directive %q has no block", n.Name())
			case strings.IndexByte(d.counts, count) < 0:
				if broken {
					continue
				}
				ended(report("directive %q does not take %d words", n.Name(), len(n.Args())))
			case missing && n.Name() == "listen":
				ended(report("directive %q is not ended by \";\"", n.Name()))
			}
		}
	})
}}

// nginxMissingEnd is about directives that take any words, the next directive's too.
var nginxMissingEnd = &Rule{ID: "nginx-missing-end", Severity: diag.Warning, Run: func(p *Pass) {
	p.nginxBlocks(func(b nginxBlock) {
		for _, n := range b.body {
			d, ok := nginxDirectives()[n.Name()]
			if !ok || !inFile(n) || n.Block || !strings.HasSuffix(d.counts, "6") || n.Name() == "listen" {
				continue
			}
			if w, missing := swallowed(n); missing {
				p.Report(w, "%q is a word of %q, which is not ended by \";\": nginx does not read it as a directive", w.Text, n.Name()).
					On(b.host).In(n).Related(n.Words[0], "this directive takes it").Help("end the line before with \";\"")
			}
		}
	})
}}
