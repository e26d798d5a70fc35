// Package lint finds what makes a stack fall: single points of failure, addresses that do not move or are held twice, and
// every contradiction between files. It sees facts only, of rendered and of found files alike.
package lint

import (
	"fmt"
	"strings"
	"sync"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Rule is one thing that can be wrong. Its page, its examples and its test are doc/ID.txtar.
type Rule struct {
	ID       string
	Severity diag.Severity // of its findings, unless one says otherwise
	// Absence marks a rule about what is not there. Where the input may not be the whole stack, its findings are info.
	Absence bool
	Run     func(*Pass) // nil: the engine finds it while reading
}

// Pass is one rule looking at one stack.
type Pass struct {
	*fact.Stack
	*common
	rule  *Rule
	found []*Finding
}

// common is what several rules ask of one stack; each is worked out once, when the first rule asks.
type common struct {
	failures     func() *failures
	replications func() []*replication
}

func commonOf(s *fact.Stack) *common {
	return &common{
		failures:     sync.OnceValue(func() *failures { return failuresOf(s) }),
		replications: sync.OnceValue(func() []*replication { return replicationsOf(s) }),
	}
}

// Finding is being said; its methods add to it and return it.
type Finding struct {
	diag.Diagnostic
	same   string
	hosts  []string
	words  string
	name   string // of the file, wherever the input lies: "lb1/etc/haproxy/haproxy.cfg"
	capped bool   // absence in an incomplete stack: info, whatever the rule says
}

// Report says that something is wrong at a word. The message is one sentence in lower case that names the consequence.
func (p *Pass) Report(at conf.Word, format string, args ...any) *Finding {
	f := &Finding{Diagnostic: diag.Diagnostic{
		Pos: at.Pos, End: end(at), Severity: p.rule.Severity, Rule: p.rule.ID, Message: fmt.Sprintf(format, args...),
	}}
	if p.rule.Absence && !p.Complete {
		f.Severity, f.capped = diag.Info, true
	}
	f.words = at.Raw
	p.found = append(p.found, f)
	return f
}

// end is the place behind a word.
func end(w conf.Word) diag.Pos {
	if w.Raw == "" || strings.ContainsRune(w.Raw, '\n') {
		return diag.Pos{}
	}
	e := w.Pos
	e.Col += len([]rune(w.Raw))
	return e
}

// On names the host that the finding is about: its file is the place, and an accepted finding names it.
func (f *Finding) On(hosts ...*fact.Host) *Finding {
	for _, h := range hosts {
		if h == nil {
			continue
		}
		if f.Host == "" {
			f.Host = h.Name
		}
		f.hosts = append(f.hosts, h.Name)
	}
	return f
}

// In gives the statement that the word stands in: the fingerprint holds all its words.
func (f *Finding) In(n *conf.Node) *Finding {
	if n != nil {
		var b strings.Builder
		for _, w := range n.Words {
			b.WriteString(w.Raw)
			b.WriteByte(' ')
		}
		f.words = b.String()
	}
	return f
}

// Related shows another place that the finding is about.
func (f *Finding) Related(at conf.Word, format string, args ...any) *Finding {
	if at.Pos.IsValid() || at.Pos.File != "" {
		f.Diagnostic.Related = append(f.Diagnostic.Related, diag.Related{Pos: at.Pos, End: end(at), Message: fmt.Sprintf(format, args...)})
	}
	return f
}

// Proof adds a line of arithmetic.
func (f *Finding) Proof(format string, args ...any) *Finding {
	f.Diagnostic.Proof = append(f.Diagnostic.Proof, fmt.Sprintf(format, args...))
	return f
}

// Help says what to change.
func (f *Finding) Help(format string, args ...any) *Finding {
	f.Diagnostic.Help = fmt.Sprintf(format, args...)
	return f
}

// Weigh sets a severity other than the rule's.
func (f *Finding) Weigh(s diag.Severity) *Finding {
	if !f.capped {
		f.Severity = s
	}
	return f
}

// Same names the flaw: findings of one rule with the same name are one finding, the first place by order, the others
// related. Without it, findings with one message and one statement on several hosts are one.
func (f *Finding) Same(name string) *Finding {
	f.same = name
	return f
}
