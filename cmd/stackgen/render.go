package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"stackgen/pkg/model"
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
and that is no longer rendered is removed. A file that stackgen never wrote is left alone; one in the way of the stack's, or
a folder that holds another stack, is an error (exit 2) and nothing is written, unless --force is given.

--check and --diff compare text and whether a file may be executed. Other bits of the mode, which a checkout with another
umask changes, are mentioned, and are set by the next render.`,
		Example: `  stackgen render --example foobar -o out/
  stackgen render stack.yaml --overlay stack.prod.yaml -o out/
  stackgen render --check -o out/                  # in CI: exit 1 and a diff when out/ is not what would be rendered
  stackgen render --native=require -o out/         # ask the real daemons first; a refusal writes nothing
  stackgen render --target haproxy=2.6,mariadb=10.11 -o out/`,
		ValidArgsFunction: completeTopologies,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.valid(c); err != nil {
				return err
			}
			return f.run(args, tty)
		},
	}
	f.input.register(c)
	fl := c.Flags()
	fl.StringVarP(&f.output, "output", "o", "out", "the `folder` to write to")
	fl.StringArrayVar(&f.only, "only", nil, "write or compare the files of this `HOST|ROLE` only (repeatable, or comma between); the manifest keeps the rest")
	fl.BoolVar(&f.check, "check", false, "write nothing; exit 1 and show a unified diff when the folder differs from what would be rendered")
	fl.BoolVar(&f.diff, "diff", false, "write nothing; show the same diff, exit 0")
	fl.BoolVar(&f.explain, "explain-defaults", false, "write nothing; show the topology with every default and derived value, and where each came from")
	fl.BoolVar(&f.force, "force", false, "replace what is in the way: files that stackgen did not write, and another stack")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no summary; errors, and daemons that could not be asked, are still told")
	f.native.register(c)
	complete(c, "output", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
	complete(c, "only", cobra.NoFileCompletions)
	return c
}

// valid refuses flags that contradict each other, or that would do nothing.
func (f *renderFlags) valid(c *cobra.Command) error {
	err := exclusive(c, "check", "diff", "explain-defaults", "force")
	for _, name := range []string{"output", "only", "native", "root", "quiet"} {
		if err == nil {
			err = exclusive(c, "explain-defaults", name)
		}
	}
	if err != nil || f.explain {
		return err
	}
	if c.Flags().Changed("example") && f.input.example == "" {
		return usage("--example is empty; name an example, or leave the flag out")
	}
	if f.output == "" {
		return usage("--output is empty; name a folder, \".\" for this one")
	}
	switch info, err := os.Stat(f.output); {
	case err == nil && !info.IsDir(), errors.Is(err, syscall.ENOTDIR):
		return usage("--output %s: there is a file, and a folder is needed; name another", f.output)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return unfinished(fmt.Errorf("cannot look at the folder %q: %w", f.output, cause(err)))
	}
	return nil
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
	progress := newProgress(tty.err)
	defer progress.stop()
	if ask != nil {
		if err := ask.checkRoots(stacks); err != nil {
			return err
		}
		if err := askNative(stacks, *ask, f, progress, tty); err != nil {
			return err
		}
		progress = newProgress(tty.err)
		defer progress.stop()
	}
	return f.place(stacks, progress, tty)
}

// explain prints each topology with its defaults.
func explain(stacks []*stack, w io.Writer) error {
	for i, s := range stacks {
		if i > 0 {
			if _, err := fmt.Fprintln(w, "---"); err != nil {
				return unfinished(err)
			}
		}
		if err := s.topology.Explain(w); err != nil {
			return unfinished(err)
		}
	}
	return nil
}

// selectHosts checks that each --only names a host or a tier of some stack.
func (f *renderFlags) selectHosts(stacks []*stack) error {
	if len(f.only) == 0 {
		return nil
	}
	var names []string
	for _, s := range stacks {
		for _, h := range s.topology.Hosts() {
			names = append(names, h.Name, h.Tier, string(h.Role))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	f.only = strings.Split(strings.Join(f.only, ","), ",")
	for _, name := range f.only {
		if _, known := slices.BinarySearch(names, name); !known {
			return usage("--only %q: no host or tier has this name; there are %s", name, few(names))
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

// hosts counts what --only leaves of a stack's hosts.
func (f *renderFlags) hosts(t *model.Topology) int {
	selected, n := f.selected(t), 0
	for _, h := range t.Hosts() {
		if selected == nil || selected(h.Name) {
			n++
		}
	}
	return n
}
