package lint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// TestPages holds every rule to its page: on a bad tree the rule finds what is wanted, line by line, and nothing else; on
// a good tree all rules together find nothing. "also" and "allow" on the page name exceptions.
func TestPages(t *testing.T) {
	names, _ := fs.Glob(pages, "doc/*.txtar") // the pattern is constant
	for _, name := range names {
		if id := strings.TrimSuffix(filepath.Base(name), ".txtar"); !slices.ContainsFunc(Rules, func(r *Rule) bool { return r.ID == id }) {
			t.Errorf("%s is the page of no rule; a rule is one line in a list of rules.go", name)
		}
	}
	for i, r := range Rules {
		t.Run(r.ID, func(t *testing.T) {
			p, err := r.Page()
			switch {
			case err != nil:
				t.Fatal(err)
			case !regexp.MustCompile(`^[A-Z][^\n]{10,160}\.\n`).MatchString(p.Prose):
				t.Error("the page does not begin with one line that is a sentence")
			case r.Severity < diag.Error || r.Severity > diag.Info:
				t.Error("the rule has no severity")
			case slices.IndexFunc(Rules, func(o *Rule) bool { return o.ID == r.ID }) != i:
				t.Error("two rules have this id")
			}
			kinds := map[string]bool{}
			for _, tree := range p.Trees {
				kind, _, _ := strings.Cut(tree.Name, "-")
				kinds[kind] = true
				t.Run(tree.Name, func(t *testing.T) { tree.check(t, r, p, kind == "bad") })
			}
			if !kinds["bad"] || !kinds["good"] {
				t.Error("the page needs a bad and a good tree")
			}
		})
	}
}

// check lints a tree from disk, as `stackgen lint DIR --profile strict` does.
func (tree PageTree) check(t *testing.T, r *Rule, p *Page, bad bool) {
	dir := t.TempDir()
	wanted := map[diag.Pos][]string{} // without a column
	for _, f := range tree.Files {
		name := filepath.Join(dir, f.Path)
		mode := os.FileMode(0o644)
		if strings.HasPrefix(f.Text, "#!") {
			mode = 0o755
		}
		err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(f.Text), mode))
		if err != nil {
			t.Fatal(err)
		}
		for line, w := range f.Wants {
			list, err := patterns(w)
			wanted[diag.Pos{File: f.Path, Line: line}] = list
			if err != nil || !bad {
				t.Errorf("%s:%d: %v; and a good tree has no wants", f.Path, line, err)
			}
		}
	}
	if bad && len(wanted) == 0 {
		t.Error("no want")
	}
	in, err := conf.Load([]string{dir}, conf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]fact.Version{}
	for _, one := range p.Targets {
		daemon, v, _ := strings.Cut(one, "=")
		targets[daemon] = fact.ParseVersion(v)
	}
	stacks := fact.Read(in, fact.Options{Complete: p.Complete, Targets: targets})
	excepted := map[bool][]string{true: p.Also, false: p.Allow}[bad]
	for _, d := range Run(in, stacks, Options{Profile: Strict}).Findings {
		at := diag.Pos{File: strings.TrimPrefix(d.Pos.File, filepath.ToSlash(dir)+"/"), Line: d.Pos.Line}
		i := slices.IndexFunc(wanted[at], func(w string) bool { return regexp.MustCompile(w).MatchString(d.Message) })
		switch {
		case d.Rule == r.ID && i >= 0:
			wanted[at] = slices.Delete(wanted[at], i, i+1)
		case d.Rule == r.ID || !slices.ContainsFunc(excepted, func(name string) bool { return covers(name, d.Rule) }):
			t.Errorf("%s: unwanted: %s: %s [%s]", at, d.Severity, d.Message, d.Rule)
		}
	}
	for at, list := range wanted {
		if len(list) > 0 {
			t.Errorf("%s: not found: %q", at, list)
		}
	}
}
