package conf

import (
	"cmp"
	"io"
	"slices"

	"stackgen/pkg/diag"
)

// Input is what a run reads: hosts with their configuration, and what could not be had.
type Input struct {
	Groups  []*Group          // by name
	Assumed []string          // what the files do not say and was guessed: "lb1: named after its folder"; sorted
	NotRead []NotRead         // sorted
	Errors  []diag.Diagnostic // rule "syntax", of all trees
}

// Group is a set of hosts that belong together: a rendered stack, or an environment. Hosts of two groups never share
// anything, whatever their addresses say.
type Group struct {
	Name     string  // the folder that sets it apart ("prod"); empty when there is only one
	Hosts    []*Host // by name
	Manifest *Manifest
	Tree     *Tree // of the manifest, nil without one
}

// NotRead is something that a daemon reads, or may read, and stackgen did not.
type NotRead struct {
	Group, Host string
	Path        string   // as one would open it; for an include, the path on the host as written
	From        diag.Pos // the statement that names it; zero: it was found in the input
	Why         string
	Failed      bool // it is there and cannot be read: the report is not complete
}

// Options says what the paths cannot.
type Options struct {
	Hosts     map[string]string // host name → the file or folder that is its own
	Stdin     io.Reader         // read where a path is "-"
	StdinName string            // what it would be called on disk; empty: not known
}

// Complete reports whether everything that lies in the input could be read.
func (in *Input) Complete() bool {
	return !slices.ContainsFunc(in.NotRead, func(n NotRead) bool { return n.Failed })
}

// Join puts several inputs together. Their groups stay apart.
func Join(inputs ...*Input) *Input {
	all := &Input{}
	for _, in := range inputs {
		all.Groups = append(all.Groups, in.Groups...)
		all.Assumed = append(all.Assumed, in.Assumed...)
		all.NotRead = append(all.NotRead, in.NotRead...)
		all.Errors = append(all.Errors, in.Errors...)
	}
	all.sort()
	return all
}

func (in *Input) sort() {
	slices.SortStableFunc(in.Groups, func(a, b *Group) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(in.Assumed)
	in.Assumed = slices.Compact(in.Assumed)
	slices.SortFunc(in.NotRead, func(a, b NotRead) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.From.File, b.From.File),
			cmp.Compare(a.From.Line, b.From.Line), cmp.Compare(a.From.Col, b.From.Col), cmp.Compare(a.Why, b.Why))
	})
	in.NotRead = slices.Compact(in.NotRead)
	diag.Sort(in.Errors)
	in.Errors = slices.CompactFunc(in.Errors, func(a, b diag.Diagnostic) bool { return a.Pos == b.Pos && a.Message == b.Message })
}
