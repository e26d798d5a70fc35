package model

import (
	"fmt"
	"strings"

	"stackgen/pkg/diag"
)

// problems collects every error of a topology, each at the place where the user can mend it.
type problems struct {
	t    *Topology
	list []diag.Diagnostic

	// Paths whose value could not be read, and the paths above those: there is nothing to say about what was decoded.
	bad, above map[string]bool
}

func newProblems(t *Topology) *problems {
	return &problems{t: t, bad: map[string]bool{}, above: map[string]bool{}}
}

// spoil notes that the value at path could not be read.
func (p *problems) spoil(path string) {
	p.bad[path] = true
	for i := strings.LastIndexByte(path, '.'); i >= 0 && !p.above[path[:i]]; i = strings.LastIndexByte(path[:i], '.') {
		p.above[path[:i]] = true
	}
}

// broken reports whether something at path, above or below it could not be read, so that what is there proves nothing.
func (p *problems) broken(path string) bool {
	if p.bad[path] || p.above[path] {
		return true
	}
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		if p.bad[path[:i]] {
			return true
		}
	}
	return false
}

// at reports an error at the value of path, or at its nearest written ancestor.
func (p *problems) at(path, help, format string, args ...any) {
	p.add(p.t.Origin(path).Pos, help, format, args...)
}

// atKey reports an error at the key of path, or at that of its nearest written ancestor.
func (p *problems) atKey(path, help, format string, args ...any) {
	o := p.t.Origin(path)
	if !o.Key.IsValid() {
		o.Key = o.Pos // an item of a sequence has no key
	}
	p.add(o.Key, help, format, args...)
}

func (p *problems) add(pos diag.Pos, help, format string, args ...any) {
	p.list = append(p.list, diag.Diagnostic{
		Pos: pos, Severity: diag.Error, Message: fmt.Sprintf(format, args...), Help: help,
	})
}

// related adds the other place to the error just reported.
func (p *problems) related(path, message string) {
	p.relatedAt(p.t.Origin(path).Pos, message)
}

func (p *problems) relatedAt(pos diag.Pos, message string) {
	last := &p.list[len(p.list)-1]
	last.Related = append(last.Related, diag.Related{Pos: pos, Message: message})
}
