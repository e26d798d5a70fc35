package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// inputFlags say which topologies a command works on.
type inputFlags struct {
	example  string
	overlays []string
	targets  targets
	verb     string            // what is not done with a topology in error: "linted"
	texts    map[string][]byte // what load has read, by name
}

func (f *inputFlags) register(c *cobra.Command) {
	f.targets = targets{}
	fl := c.Flags()
	fl.StringVar(&f.example, "example", "", "take this embedded `example`: "+strings.Join(examples.Names(), ", "))
	fl.StringArrayVar(&f.overlays, "overlay", nil, "merge this `file` over the topology (repeatable; RFC 7396: only an explicit null deletes)")
	fl.Var(f.targets, "target", "render for other versions: `DAEMON=VERSION,...`, such as haproxy=2.6,mariadb=10.11")
	complete(c, "example", cobra.FixedCompletions(asCompletions(examples.Names()), cobra.ShellCompDirectiveNoFileComp))
	complete(c, "overlay", completeTopologies)
	complete(c, "target", completeTargets)
}

// targets is the value of --target: versions by daemon.
type targets map[string]string

func (t targets) String() string { return "" }

func (t targets) Type() string { return "DAEMON=VERSION" }

func (t targets) Set(value string) error {
	for one := range strings.SplitSeq(value, ",") {
		daemon, version, ok := strings.Cut(one, "=")
		if !ok || daemon == "" || version == "" {
			return fmt.Errorf("write DAEMON=VERSION, such as haproxy=2.6")
		}
		if other, twice := t[daemon]; twice && other != version {
			return fmt.Errorf("%s is %s already", daemon, other)
		}
		t[daemon] = version
	}
	return nil
}

// stack is a topology that has been read.
type stack struct {
	source   string
	topology *model.Topology
	rendered []conf.File // nil: not yet
}

// files renders the stack, once.
func (s *stack) files() []conf.File {
	if s.rendered == nil {
		for _, r := range render.Render(s.topology) {
			s.rendered = append(s.rendered, r.File)
		}
	}
	return s.rendered
}

// defaultFile is what a command reads when it is told nothing.
const defaultFile = "stack.yaml"

// load reads the topologies; all errors of all of them are reported at once.
func (f *inputFlags) load(args []string, tty terminal) ([]*stack, error) {
	sources, overlays, err := f.read(args, tty)
	if err != nil {
		return nil, err
	}
	f.texts = map[string][]byte{}
	for _, s := range slices.Concat(sources, overlays) {
		f.texts[s.Name] = s.Data
	}
	stacks := make([]*stack, len(sources))
	found := make([][]diag.Diagnostic, len(sources))
	inParallel(len(sources), func(i int) {
		var t *model.Topology
		t, found[i] = model.Load(sources[i], overlays, f.targets)
		stacks[i] = &stack{source: sources[i].Name, topology: t}
	})
	all := slices.Concat(found...)
	if len(all) == 0 {
		return stacks, uniqueNames(stacks)
	}
	if len(sources) > 1 {
		diag.Sort(all) // an error in an overlay comes once with each topology
		all = slices.CompactFunc(all, func(a, b diag.Diagnostic) bool { return a.Pos == b.Pos && a.Message == b.Message })
	}
	if err := diag.Human(tty.err, all, func(name string) []byte { return f.texts[name] }); err != nil {
		return nil, unfinished(err)
	}
	fmt.Fprintf(tty.err, "%s; nothing was %s\n", plural(len(all), "error"), cmp.Or(f.verb, "written"))
	return nil, &failure{code: exitUsage}
}

// read reads the topologies and the overlays that a command was given.
func (f *inputFlags) read(args []string, tty terminal) (sources, overlays []model.Source, err error) {
	r := reader{tty: tty}
	switch {
	case f.example != "":
		if len(args) > 0 {
			return nil, nil, usage("--example %s and %s: give one or the other", f.example, strings.Join(args, " "))
		}
		data, err := examples.Stack(f.example)
		if err != nil {
			return nil, nil, usage("%w", err)
		}
		sources = []model.Source{{Name: "examples/" + f.example + "/" + defaultFile, Data: data}}
	case len(args) == 0:
		if _, err := os.Stat(defaultFile); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, usage("there is no %s here; name a topology, try --example foobar, or write one with: stackgen init", defaultFile)
		}
		sources = r.all([]string{defaultFile})
	default:
		sources = r.all(args)
	}
	overlays = r.all(f.overlays)
	if len(r.errs) > 0 {
		return nil, nil, &failure{r.code, joined(r.errs)}
	}
	return sources, overlays, nil
}

// reader reads the files that the user named, and collects what is wrong with them.
type reader struct {
	tty   terminal
	stdin bool // read already
	errs  []error
	code  int
}

func (r *reader) all(names []string) []model.Source {
	var out []model.Source
	for _, name := range names {
		data, err := r.file(name)
		if err != nil {
			var f *failure
			errors.As(err, &f)
			r.errs, r.code = append(r.errs, f.err), max(r.code, f.code)
		}
		if name == "-" {
			name = "<stdin>"
		}
		out = append(out, model.Source{Name: name, Data: data})
	}
	return out
}

// file reads one file, not more of it than shows that it is too large.
func (r *reader) file(name string) ([]byte, error) {
	in := r.tty.in
	if name == "-" {
		if r.stdin {
			return nil, usage("standard input can be read only once; give \"-\" once")
		}
		r.stdin = true
		if isTerminal(in) {
			fmt.Fprintln(r.tty.err, "reading the topology from the terminal; end it with Ctrl-D")
		}
	} else {
		file, err := os.Open(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == requireMode:
			return nil, usage("%q does not exist; if you meant the flag, write --native=%s", name, name)
		case errors.Is(err, fs.ErrNotExist):
			return nil, usage("%q does not exist", name)
		case err != nil:
			return nil, unfinished(fmt.Errorf("cannot read %q: %w", name, cause(err)))
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return nil, usage("%q is a folder; name the topology in it, such as %s", name, filepath.Join(name, defaultFile))
		}
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, model.MaxBytes+1))
	if err != nil {
		return nil, unfinished(fmt.Errorf("cannot read %q: %w", name, cause(err)))
	}
	return data, nil
}

// uniqueNames refuses two stacks that would share a folder.
func uniqueNames(stacks []*stack) error {
	var errs []error
	first := map[string]string{}
	for _, s := range stacks {
		if other, ok := first[s.topology.Name]; ok {
			errs = append(errs, fmt.Errorf("%s and %s are both named %q and would share a folder; give each stack its own name", other, s.source, s.topology.Name))
			continue
		}
		first[s.topology.Name] = s.source
	}
	if len(errs) > 0 {
		return &failure{exitUsage, joined(errs)}
	}
	return nil
}

// joined makes one error of several, each on a line of its own.
func joined(errs []error) error {
	const shown = 20
	if n := len(errs) - shown; n > 0 {
		errs = append(errs[:shown:shown], fmt.Errorf("and %d more", n))
	}
	return errors.Join(errs...)
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// complete says how the shell completes the value of a flag.
func complete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // no such flag
	}
}

func asCompletions(words []string) []cobra.Completion { return slices.Clone(words) }

func completeTopologies(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

func completeTargets(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var out []cobra.Completion
	for daemon, versions := range model.Supported() {
		for v := range strings.FieldsSeq(versions) {
			out = append(out, before+daemon+"="+v)
		}
	}
	slices.Sort(out)
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
