// Package diag holds what stackgen has to say about a user's text: where, how bad, what, and what to do.
// It does not know configuration languages or rules.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Pos is a place in a file. Line and Col count from 1, Col in code points. The zero Pos is nowhere.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsValid reports whether p is a place at all.
func (p Pos) IsValid() bool { return p.Line > 0 }

func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Severity says what a finding costs. The zero value is invalid, so that a forgotten one shows.
type Severity int

const (
	Error   Severity = iota + 1 // outage, split brain or data loss as it stands; or text that cannot be read
	Warning                     // the same under a second condition, or a security hole
	Info                        // good practice
)

func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	return fmt.Sprintf("severity(%d)", int(s))
}

// Related is the other side of a contradiction.
type Related struct {
	Pos     Pos
	End     Pos
	Message string
}

// Diagnostic is one finding. End is exclusive; a zero End underlines the word at Pos. Message is one sentence in
// lower case without a full stop; Help is the change to make.
type Diagnostic struct {
	Pos      Pos
	End      Pos
	Severity Severity
	Rule     string // kebab-case id; empty for errors in a topology
	Message  string
	Help     string
	Proof    []string
	Related  []Related
	Host     string // whose file Pos is in; empty: the stack's
	// Fingerprint is the same as long as the finding is: it holds the rule, the file and the statement, no line numbers.
	Fingerprint string
}

// Sort puts findings into their one stable order: by place, severity, rule and message.
func Sort(ds []Diagnostic) {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
		)
	})
}
