package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"stackgen/examples"
	"stackgen/pkg/diag"
	"stackgen/pkg/model"
)

// inputFlags say which topologies a command works on.
type inputFlags struct {
	example  string
	overlays []string
	targets  map[string]string
}

func (f *inputFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.example, "example", "", "take this embedded `example`: "+strings.Join(examples.Names(), ", "))
	fl.StringArrayVar(&f.overlays, "overlay", nil, "merge this `file` over the topology (repeatable; RFC 7396: only an explicit null deletes)")
	fl.StringToStringVar(&f.targets, "target", nil, "render for other versions: `DAEMON=VERSION,...`, such as haproxy=2.6,mariadb=10.11")
}

// stack is a topology that has been read.
type stack struct {
	source   string
	topology *model.Topology
}

// defaultFile is what a command reads when it is told nothing.
const defaultFile = "stack.yaml"

// load reads the topologies; all errors of all of them are reported at once.
func (f *inputFlags) load(args []string, tty terminal) ([]stack, error) {
	sources, err := f.sources(args, tty.in)
	if err != nil {
		return nil, err
	}
	var overlays []model.Source
	for _, name := range f.overlays {
		data, err := readFile(name)
		if err != nil {
			return nil, err
		}
		overlays = append(overlays, model.Source{Name: name, Data: data})
	}
	stacks := make([]stack, len(sources))
	found := make([][]diag.Diagnostic, len(sources))
	inParallel(len(sources), func(i int) {
		var t *model.Topology
		t, found[i] = model.Load(sources[i], overlays, f.targets)
		stacks[i] = stack{sources[i].Name, t}
	})
	all := slices.Concat(found...)
	if len(all) == 0 {
		return stacks, uniqueNames(stacks)
	}
	if len(sources) > 1 {
		diag.Sort(all) // an error in an overlay comes once with each topology
		all = slices.CompactFunc(all, func(a, b diag.Diagnostic) bool { return a.Pos == b.Pos && a.Message == b.Message })
	}
	texts := map[string][]byte{}
	for _, s := range slices.Concat(sources, overlays) {
		texts[s.Name] = s.Data
	}
	if err := diag.Human(tty.err, all, func(name string) []byte { return texts[name] }); err != nil {
		return nil, unfinished(err)
	}
	fmt.Fprintf(tty.err, "%s; nothing was written\n", plural(len(all), "error"))
	return nil, &failure{code: exitUsage}
}

// sources reads the files a command was given.
func (f *inputFlags) sources(args []string, stdin io.Reader) ([]model.Source, error) {
	if f.example != "" {
		if len(args) > 0 {
			return nil, usage("--example %s and %s: give one or the other", f.example, strings.Join(args, " "))
		}
		data, err := examples.Stack(f.example)
		if err != nil {
			return nil, usage("%w", err)
		}
		return []model.Source{{Name: "examples/" + f.example + "/stack.yaml", Data: data}}, nil
	}
	if len(args) == 0 {
		if _, err := os.Stat(defaultFile); errors.Is(err, fs.ErrNotExist) {
			return nil, usage("there is no %s here; name a topology, try --example foobar, or write one with stackgen init", defaultFile)
		}
		args = []string{defaultFile}
	}
	var sources []model.Source
	for _, name := range args {
		if name == "-" {
			data, err := io.ReadAll(io.LimitReader(stdin, model.MaxBytes+1))
			if err != nil {
				return nil, unfinished(fmt.Errorf("standard input: %w", err))
			}
			sources = append(sources, model.Source{Name: "<stdin>", Data: data})
			continue
		}
		data, err := readFile(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, model.Source{Name: name, Data: data})
	}
	return sources, nil
}

// readFile reads a file that the user named, not more of it than a topology may have.
func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usage("%w", err)
		}
		return nil, unfinished(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, usage("%s is a folder; name the topology in it", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, model.MaxBytes+1))
	if err != nil {
		return nil, unfinished(err)
	}
	return data, nil
}

// uniqueNames refuses two stacks that would share a folder.
func uniqueNames(stacks []stack) error {
	first := map[string]string{}
	for _, s := range stacks {
		if other, ok := first[s.topology.Name]; ok {
			return usage("%s and %s are both named %q and would share a folder; give each stack its own name", other, s.source, s.topology.Name)
		}
		first[s.topology.Name] = s.source
	}
	return nil
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
