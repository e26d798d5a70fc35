// Package lint finds what makes a stack fall: single points of failure, addresses that do not move or are held twice, and
// every contradiction between files. It sees facts only, of rendered and of found files alike.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

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
	Run     func(*Pass)
}

// Pass is one rule looking at one stack.
type Pass struct {
	*fact.Stack
	rule  *Rule
	found []*Finding
}

// Finding is being said; its methods add to it and return it.
type Finding struct {
	diag.Diagnostic
	same   string
	hosts  []string
	words  string
	capped bool // absence in an incomplete stack: info, whatever the rule says
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

// Options say what to look for.
type Options struct {
	Select  []string // rule ids or prefixes; empty: all
	Ignore  []string
	Profile Profile
	Now     time.Time // for the last day of an accepted finding
}

// Profile is the least severity that is reported.
type Profile int

// The profiles.
const (
	Recommended Profile = iota // errors and warnings
	Minimal                    // errors
	Strict                     // all
)

func (p Profile) admits(s diag.Severity) bool {
	switch p {
	case Minimal:
		return s == diag.Error
	case Strict:
		return true
	}
	return s != diag.Info
}

// Result is what was found.
type Result struct {
	Findings []diag.Diagnostic // sorted
	Accepted []diag.Diagnostic // found, and accepted by the stack's manifest
}

// Run applies the rules to the stacks.
func Run(stacks []*fact.Stack, opts Options) Result {
	rules := slices.DeleteFunc(slices.Clone(Rules), func(r *Rule) bool { return !opts.wants(r.ID) })
	results := make([]Result, len(stacks))
	var wg sync.WaitGroup
	limit := make(chan struct{}, 2*parallel)
	for i, s := range stacks {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			results[i] = runStack(s, rules, opts)
		})
	}
	wg.Wait()
	var all Result
	for _, r := range results {
		all.Findings = append(all.Findings, r.Findings...)
		all.Accepted = append(all.Accepted, r.Accepted...)
	}
	diag.Sort(all.Findings)
	diag.Sort(all.Accepted)
	return all
}

const parallel = 8

func (o Options) wants(id string) bool {
	match := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return id == s || strings.HasPrefix(id, strings.TrimSuffix(s, "-")+"-") })
	}
	return (len(o.Select) == 0 || match(o.Select)) && !match(o.Ignore)
}

func runStack(s *fact.Stack, rules []*Rule, opts Options) Result {
	var out Result
	for _, r := range rules {
		p := &Pass{Stack: s, rule: r}
		r.Run(p)
		ordinals := map[string]int{}
		for _, f := range merge(p.found) {
			key := strings.Join([]string{f.Rule, f.Pos.File, f.words}, "\x00")
			ordinals[key]++
			f.Fingerprint = fingerprint(key, ordinals[key])
			if !opts.Profile.admits(f.Severity) {
				continue
			}
			if a := accepted(s, f, opts.Now); a {
				out.Accepted = append(out.Accepted, f.Diagnostic)
				continue
			}
			out.Findings = append(out.Findings, f.Diagnostic)
		}
	}
	return out
}

// merge joins findings that are one flaw, in order of place.
func merge(found []*Finding) []*Finding {
	slices.SortStableFunc(found, func(a, b *Finding) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Message, b.Message))
	})
	first := map[string]*Finding{}
	var out []*Finding
	for _, f := range found {
		key := f.same
		if key == "" {
			key = f.Message + "\x00" + f.words
		}
		one, ok := first[key]
		if !ok || f.same == "" && one.Pos.File == f.Pos.File {
			if !ok {
				first[key] = f
			}
			out = append(out, f)
			continue
		}
		message := "the same here"
		if f.Message != one.Message {
			message = f.Message
		}
		one.Diagnostic.Related = append(one.Diagnostic.Related, diag.Related{Pos: f.Pos, End: f.End, Message: message})
		one.hosts = append(one.hosts, f.hosts...)
		one.Severity = min(one.Severity, f.Severity)
	}
	return out
}

// accepted reports whether the stack's manifest accepts the finding today: on the host it names, or anywhere. Of a
// finding about several hosts all must be accepted.
func accepted(s *fact.Stack, f *Finding, now time.Time) bool {
	if s.Manifest == nil {
		return false
	}
	covers := func(host string) bool {
		return slices.ContainsFunc(s.Manifest.Accept, func(a conf.ManifestAccept) bool {
			return a.Rule == f.Rule && (a.Host == "" || a.Host == host) && (a.Until == "" || now.IsZero() || now.Format(time.DateOnly) <= a.Until)
		})
	}
	if len(f.hosts) == 0 {
		return covers("")
	}
	for _, h := range f.hosts {
		if !covers(h) {
			return false
		}
	}
	return true
}
