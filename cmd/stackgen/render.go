package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
	"stackgen/pkg/tree"
)

type renderFlags struct {
	input   inputFlags
	output  string
	only    []string
	native  nativeFlags
	check   bool
	diff    bool
	explain bool
	force   bool
	quiet   bool
}

func renderCommand(tty terminal) *cobra.Command {
	var f renderFlags
	c := &cobra.Command{
		Use:   "render [STACK.yaml...]",
		Short: "Write every file of every host of a topology",
		Long: `Render reads a topology and writes every file of every host into a folder: OUTPUT/HOST/PATH-ON-THE-HOST, and at its root
manifest.json, dns.zone and DEPLOY.md, which says how the files get to the hosts.

Without a file it takes ./stack.yaml; "-" reads standard input. Several topologies go to OUTPUT/NAME/HOST/... each.
Files are replaced one by one, each whole, the manifest last. Equal files are not touched. A file that an earlier run wrote
and that is no longer rendered is removed; a file that stackgen never wrote is left alone, and is an error where one of
the stack's must go.`,
		Example: `  stackgen render --example foobar -o out/
  stackgen render stack.yaml --overlay stack.prod.yaml -o out/
  stackgen render --check -o out/                  # in CI: exit 1 and a diff when out/ is not what would be rendered
  stackgen render --native=require -o out/         # ask the real daemons first; a refusal writes nothing
  stackgen render --target haproxy=2.6,mariadb=10.11 -o out/`,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(args, tty) },
	}
	fl := c.Flags()
	f.input.register(fl)
	fl.StringVarP(&f.output, "output", "o", "out", "the `folder` to write to")
	fl.StringSliceVar(&f.only, "only", nil, "write or compare the files of this `HOST or tier` only (repeatable); the manifest keeps the rest")
	fl.BoolVar(&f.check, "check", false, "write nothing; exit 1 and show a unified diff when the folder differs from what would be rendered")
	fl.BoolVar(&f.diff, "diff", false, "write nothing; show the same diff, exit 0")
	fl.BoolVar(&f.explain, "explain-defaults", false, "write nothing; show the topology with every default and derived value, and where each came from")
	fl.BoolVar(&f.force, "force", false, "replace files in the way that stackgen did not write")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no summary")
	f.native.register(fl)
	c.MarkFlagsMutuallyExclusive("check", "diff", "explain-defaults", "force")
	c.MarkFlagsMutuallyExclusive("only", "explain-defaults")
	c.MarkFlagsMutuallyExclusive("native", "explain-defaults")
	c.MarkFlagsMutuallyExclusive("root", "explain-defaults")
	return c
}

func (f *renderFlags) run(args []string, tty terminal) error {
	ask, err := f.native.options()
	if err != nil {
		return err
	}
	stacks, err := f.input.load(args, tty)
	if err != nil {
		return err
	}
	if f.explain {
		return explain(stacks, tty.out)
	}
	if err := f.selectHosts(stacks); err != nil {
		return err
	}
	progress := newProgress(tty.err, len(stacks))
	defer progress.stop()
	if ask != nil {
		if err := ask.checkRoots(stacks); err != nil {
			return err
		}
		if err := askNative(stacks, *ask, f.selected, progress, tty); err != nil {
			return err
		}
	}
	return f.place(stacks, progress, tty)
}

// explain prints each topology with its defaults.
func explain(stacks []stack, w io.Writer) error {
	for i, s := range stacks {
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		if err := s.topology.Explain(w); err != nil {
			return unfinished(err)
		}
	}
	return nil
}

// selectHosts checks that each --only names a host or a tier of some stack.
func (f *renderFlags) selectHosts(stacks []stack) error {
	for _, name := range f.only {
		known := false
		var names []string
		for _, s := range stacks {
			for _, h := range s.topology.Hosts() {
				known = known || matches(h, name)
				names = append(names, h.Name, h.Tier, string(h.Role))
			}
		}
		if !known {
			slices.Sort(names)
			return usage("--only %s: no host or tier has this name; there are %s", name, strings.Join(slices.Compact(names), ", "))
		}
	}
	return nil
}

func matches(h model.Host, name string) bool {
	return h.Name == name || h.Tier == name || string(h.Role) == name
}

// selected returns what --only leaves of a stack's hosts; nil is all.
func (f *renderFlags) selected(t *model.Topology) func(host string) bool {
	if len(f.only) == 0 {
		return nil
	}
	chosen := map[string]bool{}
	for _, h := range t.Hosts() {
		chosen[h.Name] = slices.ContainsFunc(f.only, func(name string) bool { return matches(h, name) })
	}
	return func(host string) bool { return chosen[host] }
}

// place compares the rendered files with the folder and, unless asked only to look, makes the folder equal.
func (f *renderFlags) place(stacks []stack, progress *progress, tty terminal) error {
	plans := make([]*tree.Plan, len(stacks))
	errs := make([]error, len(stacks))
	look := f.check || f.diff
	progress.phase("comparing")
	inParallel(len(stacks), func(i int) {
		s := stacks[i]
		plans[i], errs[i] = tree.Compare(f.folder(s, len(stacks)), renderFiles(s.topology), f.selected(s.topology))
		if errs[i] == nil && !look && !f.force {
			errs[i] = plans[i].Conflict()
		}
		progress.step()
	})
	if err := firstError(errs); err != nil {
		return unfinished(err)
	}
	if look {
		return f.show(stacks, plans, tty)
	}
	results := make([]tree.Result, len(stacks))
	progress.phase("writing")
	inParallel(len(stacks), func(i int) {
		results[i], errs[i] = plans[i].Write(f.force)
		progress.step()
	})
	progress.stop()
	if err := firstError(errs); err != nil {
		return unfinished(err)
	}
	if !f.quiet {
		f.summary(stacks, results, tty.err)
	}
	return nil
}

// folder is where a stack's files lie.
func (f *renderFlags) folder(s stack, stacks int) string {
	if stacks == 1 {
		return f.output
	}
	return filepath.Join(f.output, s.topology.Name)
}

func renderFiles(t *model.Topology) []conf.File {
	rendered := render.Render(t)
	files := make([]conf.File, len(rendered))
	for i, r := range rendered {
		files[i] = r.File
	}
	return files
}

// show prints the differences.
func (f *renderFlags) show(stacks []stack, plans []*tree.Plan, tty terminal) error {
	differ := 0
	color := isTerminal(tty.out) && os.Getenv("NO_COLOR") == ""
	for i, p := range plans {
		prefix := ""
		if len(stacks) > 1 {
			prefix = stacks[i].topology.Name + "/"
		}
		differ += len(p.Changes)
		if err := p.Diff(tty.out, prefix, color); err != nil {
			return unfinished(err)
		}
	}
	switch {
	case differ == 0:
		if !f.quiet {
			fmt.Fprintf(tty.err, "%s is what the topology says\n", f.output)
		}
		return nil
	case !f.quiet:
		fmt.Fprintf(tty.err, "%s in %s differ from what the topology says; stackgen render -o %s writes them\n", plural(differ, "file"), f.output, f.output)
	}
	if f.check {
		return &failure{code: exitFound}
	}
	return nil
}

func (f *renderFlags) summary(stacks []stack, results []tree.Result, w io.Writer) {
	var total tree.Result
	hosts := 0
	for i, r := range results {
		total.Added += r.Added
		total.Changed += r.Changed
		total.Removed += r.Removed
		total.Unchanged += r.Unchanged
		total.Bytes += r.Bytes
		hosts += len(stacks[i].topology.Hosts())
	}
	name := stacks[0].topology.Name
	if len(stacks) > 1 {
		name = plural(len(stacks), "stack")
	}
	fmt.Fprintf(w, "%s: %s, %s in %s: %d new, %d changed, %d removed, %d unchanged, %d bytes written\n", name, plural(hosts, "host"),
		plural(total.Added+total.Changed+total.Unchanged, "file"), f.output, total.Added, total.Changed, total.Removed, total.Unchanged, total.Bytes)
	for _, s := range stacks {
		for _, a := range s.topology.Assumed() {
			fmt.Fprintf(w, "assumed: %s %s\n", s.topology.Name, a)
		}
		if len(stacks) > 8 {
			fmt.Fprintf(w, "assumed: the same kind of thing for the other stacks; render one alone to see it\n")
			break
		}
	}
	if total.Added+total.Changed+total.Removed > 0 {
		guide := filepath.Join(f.folder(stacks[0], len(stacks)), "DEPLOY.md")
		fmt.Fprintf(w, "next: %s says what the hosts need, how to copy, check and reload, and in which order\n", guide)
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
