package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"stackgen/pkg/tree"
)

// place compares the rendered files with the folder and, unless asked only to look, makes the folder equal. Nothing is
// written anywhere when one stack cannot be.
func (f *renderFlags) place(stacks []*stack, progress *progress, tty terminal) error {
	plans := make([]*tree.Plan, len(stacks))
	errs := make([]error, len(stacks))
	progress.begin("rendering stacks", len(stacks))
	inParallel(len(stacks), func(i int) {
		s := stacks[i]
		plans[i], errs[i] = tree.Compare(f.folder(s, len(stacks)), s.files(), f.selected(s.topology))
		s.rendered = nil // a plan keeps what it needs: most runs change little
		progress.step()
	})
	if errs := failed(errs); len(errs) > 0 {
		code := exitUsage
		for _, err := range errs {
			if !errors.As(err, new(tree.InTheWay)) {
				code = exitUnfinished
			}
		}
		return &failure{code, joined(errs)}
	}
	var conflicts []error
	if !f.force {
		for _, p := range plans {
			conflicts = append(conflicts, p.Conflict())
		}
		conflicts = failed(conflicts)
	}
	if f.check || f.diff {
		progress.stop()
		return f.show(stacks, plans, conflicts, tty)
	}
	if len(conflicts) > 0 {
		return usage("%w", joined(conflicts))
	}
	results := make([]tree.Result, len(stacks))
	progress.begin("writing stacks", len(stacks))
	inParallel(len(stacks), func(i int) {
		results[i], errs[i] = plans[i].Write(f.force)
		progress.step()
	})
	progress.stop()
	if failed := failed(errs); len(failed) > 0 {
		if len(stacks) > 1 {
			failed = append(failed, fmt.Errorf("%d of %d stacks were written; run again", len(stacks)-len(failed), len(stacks)))
		}
		return unfinished(joined(failed))
	}
	if !f.quiet {
		f.summary(stacks, results, tty.err)
	}
	return nil
}

func failed(errs []error) []error {
	var out []error
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// folder is where a stack's files lie.
func (f *renderFlags) folder(s *stack, stacks int) string {
	if stacks == 1 {
		return f.output
	}
	return filepath.Join(f.output, s.topology.Name)
}

// show prints the differences.
func (f *renderFlags) show(stacks []*stack, plans []*tree.Plan, conflicts []error, tty terminal) error {
	count := map[tree.Kind]int{}
	modes, differ := 0, 0
	color := isTerminal(tty.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	for i, p := range plans {
		prefix := ""
		if len(stacks) > 1 {
			prefix = stacks[i].topology.Name + "/"
		}
		modes += p.DropUmask()
		differ += len(p.Changes)
		for _, c := range p.Changes {
			count[c.Kind]++
		}
		if err := p.Diff(tty.out, prefix, color); err != nil {
			return unfinished(err)
		}
	}
	if !f.quiet {
		if modes > 0 {
			fmt.Fprintf(tty.err, "the mode of %s in %s is not the rendered one (a checkout with another umask?); stackgen render sets it\n", plural(modes, "file"), f.output)
		}
		verb, remedy := "differ", fmt.Sprintf("; the same command without --%s writes them", f.looking())
		if differ == 1 {
			verb, remedy = "differs", strings.TrimSuffix(remedy, "them")+"it"
		}
		if len(conflicts) > 0 {
			remedy = ""
		}
		if differ == 0 {
			fmt.Fprintf(tty.err, "%s is what the topology says\n", f.output)
		} else {
			fmt.Fprintf(tty.err, "%s in %s %s from what the topology says: %d new, %d changed, %d to remove%s\n", plural(differ, "file"), f.output, verb,
				count[tree.Add], count[tree.Edit]+count[tree.Chmod], count[tree.Remove], remedy)
		}
		for _, err := range conflicts {
			fmt.Fprintf(tty.err, "they cannot be written as it is: %v\n", err)
		}
	}
	if f.check && differ > 0 {
		return &failure{code: exitFound}
	}
	return nil
}

func (f *renderFlags) looking() string {
	if f.check {
		return "check"
	}
	return "diff"
}

func (f *renderFlags) summary(stacks []*stack, results []tree.Result, w io.Writer) {
	var total tree.Result
	hosts := 0
	for i, r := range results {
		total.Added += r.Added
		total.Changed += r.Changed
		total.Removed += r.Removed
		total.Unchanged += r.Unchanged
		total.Bytes += r.Bytes
		hosts += f.hosts(stacks[i].topology)
	}
	name, guide := stacks[0].topology.Name, filepath.Join(f.output, "DEPLOY.md")
	if len(stacks) > 1 {
		name, guide = plural(len(stacks), "stack"), filepath.Join(f.output, "NAME", "DEPLOY.md")
	}
	fmt.Fprintf(w, "%s: %s, %s in %s: %d new, %d changed, %d removed, %d unchanged; %d bytes written\n", name, plural(hosts, "host"),
		plural(total.Added+total.Changed+total.Unchanged, "file"), f.output, total.Added, total.Changed, total.Removed, total.Unchanged, total.Bytes)
	who := map[string][]string{} // stacks, by what was assumed of them
	for _, s := range stacks {
		for _, a := range s.topology.Assumed() {
			who[a] = append(who[a], s.topology.Name)
		}
	}
	for _, a := range sortedKeys(who) {
		of := ""
		switch n := len(who[a]); {
		case len(stacks) == 1:
		case n == len(stacks):
			of = fmt.Sprintf(" in all %d stacks", n)
		default:
			of = " in " + few(who[a])
		}
		fmt.Fprintf(w, "assumed: %s%s; write it into the topology if it is not\n", a, of)
	}
	if total.Added+total.Changed+total.Removed > 0 {
		fmt.Fprintf(w, "next: %s says what the hosts need, how to copy, check and reload, and in which order\n", guide)
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// few lists names, and counts them where they are too many to read.
func few(names []string) string {
	const shown = 20
	if n := len(names) - shown; n > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), n)
	}
	return strings.Join(names, ", ")
}
