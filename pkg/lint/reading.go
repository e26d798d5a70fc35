package lint

import (
	"cmp"
	"fmt"
	"slices"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var readingRules = []*Rule{syntax, notRead}

var syntax = &Rule{ID: "syntax", Severity: diag.Error}

// syntaxFindings are the errors of the input, by the number of the stack that they belong to.
func syntaxFindings(in *conf.Input, stacks []*fact.Stack) map[int][]*Finding {
	if len(in.Errors) == 0 || len(stacks) == 0 {
		return nil
	}
	type member struct {
		stack int
		host  string
	}
	owners := map[string]member{}
	for i, s := range stacks {
		for _, h := range s.Hosts {
			if h.Source == nil {
				continue
			}
			for _, f := range h.Source.Files {
				owners[h.Source.Place(f.Path)] = member{i, h.Name}
			}
		}
	}
	found := map[int][]*Finding{}
	for _, d := range in.Errors {
		o := owners[d.Pos.File] // a broken manifest is the first stack's
		d.Rule, d.Host = syntax.ID, o.host
		f := &Finding{Diagnostic: d, words: d.Message}
		if o.host != "" {
			f.hosts = []string{o.host}
		}
		found[o.stack] = append(found[o.stack], f)
	}
	return found
}

var notRead = &Rule{
	ID:       "not-read",
	Severity: diag.Info,
	Run: func(p *Pass) {
		if len(p.NotRead) == 0 {
			return
		}
		list := slices.SortedFunc(slices.Values(p.NotRead), func(a, b fact.NotRead) int {
			return cmp.Or(cmp.Compare(a.At.Pos.File, b.At.Pos.File), cmp.Compare(a.At.Pos.Line, b.At.Pos.Line), cmp.Compare(label(a), label(b)))
		})
		first := list[0]
		if len(list) == 1 {
			p.Report(first.At, "%s was not read, and nothing is concluded from it: %s", label(first), first.Why)
			return
		}
		f := p.Report(first.At, "%d things were not read, and nothing is concluded from them; %s: %s", len(list), label(first), first.Why)
		for _, n := range list[1:] {
			f.Related(n.At, "%s: %s", label(n), n.Why)
		}
	},
}

// label is what was not read: a path, or a host of which there is no file.
func label(n fact.NotRead) string {
	return fmt.Sprintf("%q", cmp.Or(n.At.Text, n.At.Pos.File, n.Host))
}
