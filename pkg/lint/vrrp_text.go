package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var vrrpTextRules = []*Rule{
	vrrpUnknownKeyword, vrrpOneLine, vrrpKeywordTwice, vrrpNameTwice, vrrpIncludeMissing, vrrpIncludeQuoted, vrrpUndefinedVariable,
	vrrpVariableSpace, vrrpConditionNone, vrrpCommentInside, vrrpScriptUnquoted, vrrpSample, vrrpSemicolon,
}

// visit calls f for the statements of the blocks that have a table of keywords.
func visit(body []*conf.Node, block string, f func(n *conf.Node, block string, keywords map[string]bool)) {
	keywords := vrrpKeywords[block]
	for _, n := range body {
		if len(n.Words) == 0 {
			continue
		}
		f(n, block, keywords)
		// In an instance, track_file is a list.
		if name := vrrpBlocks[n.Name()]; n.Block && name != "" && (block == "") == (name != "authentication") {
			visit(n.Body, name, f)
		}
	}
}

// keywordLike reports whether a word can be a keyword: a variable may stand for anything.
func keywordLike(w conf.Word) bool {
	return w.Text != "" && !strings.ContainsAny(w.Text, "$~@") && !strings.HasPrefix(w.Raw, `"`)
}

// conflict is a mark that git leaves where two versions of a file differ.
var conflict = regexp.MustCompile(`^(<{7}|={7}|>{7}|\|{7})$`)

var vrrpUnknownKeyword = &Rule{
	ID:       "vrrp-unknown-keyword",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if len(k.Tree.Errors) > 0 {
				continue // after a brace too many, blocks are not what they seem
			}
			visit(k.Tree.Body, "", func(n *conf.Node, block string, keywords map[string]bool) {
				w := n.Words[0]
				if keywords[w.Text] || n.Unread || !keywordLike(w) || strings.HasPrefix(w.Text, "include") {
					return
				}
				if conflict.MatchString(w.Text) {
					p.Report(w, "a merge conflict is left in the file: keepalived reads both versions, and where they differ the last one counts").On(k.Host).In(n).
						Weigh(diag.Error).Help("keep one version, and remove the lines of <, = and >").Same("conflict " + w.Pos.File)
					return
				}
				var names []string
				for name := range keywords {
					names = append(names, name)
				}
				slices.Sort(names)
				where := "at the top"
				if block != "" {
					where = "in " + block
				}
				f := p.Report(w, "%q is no keyword %s: keepalived logs it and goes on without it", w.Text, where).On(k.Host).In(n)
				if help := meant(w.Text, names, ""); help != "" && distance(w.Text, strings.Split(help, `"`)[1]) <= 1+len(w.Text)/4 {
					f.Help("%s", help)
					return
				}
				for other, known := range vrrpKeywords {
					if known[w.Text] && other != block {
						f.Help("it belongs %s", map[bool]string{true: "at the top of the file", false: "in " + other}[other == ""])
						f.Weigh(severity(block == "vrrp_instance" || other == "vrrp_instance", diag.Error, diag.Warning))
						return
					}
				}
				f.Weigh(diag.Warning).Help("see keepalived.conf(5) for the keywords of the version in use")
			})
		}
	},
}

var vrrpOneLine = &Rule{
	ID:       "vrrp-one-line-block",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			visit(k.Tree.Body, "", func(n *conf.Node, block string, keywords map[string]bool) {
				takes, ok := vrrpTakes[n.Name()]
				if !ok || block == "" || !keywords[n.Name()] || len(n.Words) < takes+2 {
					return
				}
				for _, w := range n.Words[takes+1:] {
					if _, known := vrrpTakes[w.Text]; !known && !n.Block || !keywords[w.Text] || w.Text == "script" && n.Name() != "interval" || strings.HasPrefix(w.Raw, `"`) || strings.HasPrefix(n.Name(), "notify") && !strings.HasPrefix(n.Words[1].Raw, `"`) {
						continue
					}
					p.Report(w, "keepalived reads one keyword a line: %q is a word behind %s, and has no effect", w.Text, n.Name()).On(k.Host).In(n).
						Help("write %s on a line of its own", w.Text)
					return
				}
			})
		}
	},
}

var vrrpKeywordTwice = &Rule{
	ID:       "vrrp-keyword-twice",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		single := keywordSet("interface virtual_router_id priority advert_int version state unicast_src_ip mcast_src_ip preempt_delay script interval timeout weight rise fall router_id")
		for k := range keepaliveds(p.Stack) {
			of := func(body []*conf.Node) {
				first := map[string]*conf.Node{}
				for _, n := range body {
					if !single[n.Name()] || n.Cond != nil || len(n.Words) < 2 {
						continue
					}
					o := first[n.Name()]
					if o == nil {
						first[n.Name()] = n
						continue
					}
					if o.Arg(1).Text != n.Arg(1).Text {
						if o.Arg(1).Text == "MASTER" {
							o, n = n, o // a MASTER stays one
						}
						p.Report(n.Words[0], "%s is written twice: %s counts, and %s does not", n.Name(), n.Arg(1).Text, o.Arg(1).Text).On(k.Host).In(n).
							Related(o.Words[0], "the first").Help("remove one of them")
					}
				}
			}
			for _, i := range k.Instances {
				of(i.Node.Body)
			}
			for _, s := range k.Scripts {
				of(s.Node.Body)
			}
		}
	},
}

var vrrpNameTwice = &Rule{
	ID:       "vrrp-name-twice",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			first := map[string]*conf.Node{}
			for _, n := range k.Tree.Body {
				if n.Name() != "vrrp_instance" && n.Name() != "vrrp_sync_group" && n.Name() != "vrrp_script" || n.Cond != nil || len(n.Words) < 2 || !n.Block || variable(n.Words[1]) {
					continue
				}
				key := n.Name() + " " + n.Words[1].Text
				o := first[key]
				if o == nil {
					first[key] = n
					continue
				}
				p.Report(n.Words[1], "%s %q is defined twice: keepalived skips the second", n.Name(), n.Words[1].Text).On(k.Host).In(n).
					Related(o.Words[1], "the first").Help("give it a name of its own")
			}
		}
	},
}

// includes are the include statements that lead to nothing. Those of files that are not in the input are marked.
func includes(body []*conf.Node, f func(*conf.Node)) {
	for _, n := range body {
		if strings.HasPrefix(n.Name(), "include") && len(n.Words) > 1 && n.Name() != "include_check" {
			f(n)
		}
		includes(n.Body, f)
	}
}

var vrrpIncludeMissing = &Rule{
	ID:       "vrrp-include-missing",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			includes(k.Tree.Body, func(n *conf.Node) {
				w := n.Arg(1)
				if n.Cond != nil || variable(w) || strings.HasPrefix(w.Raw, `"`) || strings.ContainsAny(w.Text, "*?[{") || !missing(k, w) {
					return // a pattern may match nothing
				}
				p.Report(w, "%q is not on %s: keepalived logs it and goes on without what is there", w.Text, k.Host.Name).On(k.Host).In(n).
					Weigh(severity(p.Complete, diag.Error, diag.Warning)).Help("put the file there, and write includea, which refuses to start without it")
			})
		}
	},
}

// missing reports whether the folder of an included file is in the host's tree, and the file is not.
func missing(k *fact.Keepalived, w conf.Word) bool {
	h, name := k.Host.Source, w.Text
	if h == nil {
		return false
	}
	if !path.IsAbs(name) {
		if w.Pos.File != h.Place(k.Tree.File.Path) {
			return false
		}
		name = path.Join(path.Dir(k.Tree.File.Path), name)
	}
	_, there := h.File(name)
	return !there && len(h.Glob(path.Dir(name)+"/*")) > 0
}

var vrrpIncludeQuoted = &Rule{
	ID:       "vrrp-include-quoted",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			includes(k.Tree.Body, func(n *conf.Node) {
				if w := n.Arg(1); strings.HasPrefix(w.Raw, `"`) {
					p.Report(w, "the quotes are part of the name here: keepalived includes nothing").On(k.Host).In(n).Help("write include %s", w.Text)
				}
			})
		}
	},
}

var vrrpUse = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?: [0-9 ]*)?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

var vrrpUndefinedVariable = &Rule{
	ID:       "vrrp-undefined-variable",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			defined := map[string]bool{"_PWD": true, "_INSTANCE": true, "_RANDOM": true, "_HASH": true, "_BANG": true, "_ENV": true}
			own, gap := false, k.Host.Partial
			var define func(body []*conf.Node)
			define = func(body []*conf.Node) {
				for _, n := range body {
					gap = gap || n.Unread
					if name := n.Name(); strings.HasPrefix(name, "$") && strings.HasSuffix(name, "=") {
						defined[name[1:len(name)-1]], own = true, true
					}
					if c := n.Cond; c != nil && strings.HasPrefix(c.Name(), "~") {
						name, _, _ := strings.Cut(strings.TrimLeft(c.Name(), "~SEQxLT("), ",")
						defined[strings.TrimSpace(name)] = true
						gap = gap || strings.Contains(c.Name(), "{")
					}
					define(n.Body)
				}
			}
			define(k.Tree.Body)
			if !gap && len(k.Tree.Errors) == 0 {
				p.undefined(k, k.Tree.Body, defined, own)
			}
		}
	},
}

// value are the statements whose words a person or a tool fills in.
var value = map[string]bool{"interface": true, "state": true, "priority": true, "virtual_router_id": true, "auth_pass": true, "unicast_src_ip": true, "mcast_src_ip": true}

func (p *Pass) undefined(k *fact.Keepalived, body []*conf.Node, defined map[string]bool, own bool) {
	for _, n := range body {
		name := n.Name()
		if name == "script" || strings.HasPrefix(name, "notify") || strings.HasPrefix(name, "$") && (strings.HasSuffix(name, "=") || strings.HasPrefix(n.Arg(1).Text, "=")) {
			continue // a shell's, a definition, or vrrp-variable-space
		}
		for _, w := range n.Words {
			if (value[name] || len(n.Words) == 1 || strings.Contains(w.Text, "<")) && !n.Block && placeholder(w) {
				p.Report(w, "%q is still to be filled in: keepalived takes it as it stands", w.Text).On(k.Host).In(n).Weigh(diag.Warning).
					Help("write the value, or give only what your tool makes of the file").Same("placeholder " + w.Pos.File)
				continue
			}
			if !strings.Contains(w.Text, "$") {
				continue
			}
			for _, m := range vrrpUse.FindAllStringSubmatchIndex(w.Text, -1) {
				braces := m[2] >= 0
				var name string
				if braces {
					name = w.Text[m[2]:m[3]]
				} else {
					name = w.Text[m[4]:m[5]]
				}
				behind := w.Text[m[1]:]
				if !braces && behind != "" && behind[0] != ',' && behind[0] != ')' {
					if defined[name] {
						p.Report(w, "$%s is not replaced in the middle of a word: keepalived takes %q as it stands", name, w.Text).On(k.Host).In(n).Help("write ${%s}", name)
					}
					continue
				}
				if defined[name] {
					continue
				}
				f := p.Report(w, "nothing defines %q: keepalived takes %q as it stands", "$"+name, w.Text).On(k.Host).In(n).Help("write $%s=… above it, without blanks around the sign", name).Same(name)
				if !own {
					f.Weigh(diag.Warning) // the file may be a template of something else
				}
			}
		}
		p.undefined(k, n.Body, defined, own)
	}
}

var vrrpVariableSpace = &Rule{
	ID:       "vrrp-variable-space",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, n := range k.Tree.Body {
				if name := n.Name(); len(n.Words) > 1 && strings.HasPrefix(name, "$") && !strings.HasSuffix(name, "=") && strings.HasPrefix(n.Words[1].Text, "=") {
					p.Report(n.Words[0], "this defines nothing: keepalived wants no blank before the sign").On(k.Host).In(n).Help("write %s=%s", name, strings.TrimLeft(n.Words[len(n.Words)-1].Text, "="))
				}
			}
		}
	},
}

var vrrpConditionNone = &Rule{
	ID:       "vrrp-condition-none",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			if !k.ConfigID.Known() {
				continue
			}
			var first conf.Word
			hit := false
			var look func(body []*conf.Node)
			look = func(body []*conf.Node) {
				for _, n := range body {
					if c := n.Cond; c != nil {
						id, is := strings.CutPrefix(c.Name(), "@")
						hit = hit || !is || strings.HasPrefix(id, "^") || id == k.ConfigID.V || strings.Contains(id, "$")
						if !first.Pos.IsValid() {
							first = c.Words[0]
						}
					}
					look(n.Body)
				}
			}
			look(k.Tree.Body)
			if first.Pos.IsValid() && !hit {
				p.Report(first, "no line with a condition is for %s, whose config-id is %q: keepalived drops them all and takes defaults", k.Host.Name, k.ConfigID.V).On(k.Host).
					Related(k.ConfigID.Word, "the config-id").Help("write @%s, or start keepalived with -i", k.ConfigID.V)
			}
		}
	},
}

// A comment that begins inside a word has cut it.
var vrrpCommentInside = &Rule{
	ID:       "vrrp-comment-inside",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for i := range instances(p.Stack) {
			w := i.AuthPass.Word
			if !i.AuthPass.Written() || strings.HasPrefix(w.Raw, `"`) {
				continue
			}
			for _, c := range i.Keepalived.Tree.Comments {
				if c.Pos.File == w.Pos.File && c.Pos.Line == w.Pos.Line && c.Off == w.Off+len(w.Raw) {
					p.Report(w, "a comment begins in the middle of the word: the password is what stands before %q, and a member that quotes it has another", c.Raw[:1]).
						On(host(i)).In(line(i.Node, w)).Help("put the password in double quotes")
				}
			}
		}
	},
}

// Measured with 2.2.7: without quotes around it, only the first word of a command is run; single quotes do as double ones.
var vrrpScriptUnquoted = &Rule{
	ID:       "vrrp-script-unquoted",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for k := range keepaliveds(p.Stack) {
			for _, s := range k.Scripts {
				n := last(s.Node.Body, "script")
				if s.Kind != "script" || n == nil || len(n.Words) < 3 || strings.ContainsAny(n.Words[1].Raw[:1], `"'`) || vrrpTakes[n.Words[2].Text] > 0 {
					continue
				}
				p.Report(n.Words[2], "keepalived runs %q alone: without double quotes around the command, %q and what follows is not part of it", n.Words[1].Text, n.Words[2].Text).
					On(k.Host).In(n).Help("write the whole command in double quotes")
			}
		}
	},
}
