package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// lintInput is what is linted, with the texts and origins of what is not on disk.
type lintInput struct {
	*conf.Input
	texts    map[string][]byte // topologies, overlays, rendered files, standard input: by place
	rendered map[string]origin // by place
}

// origin is a rendered file and the topology it comes from.
type origin struct {
	file     render.File
	topology *model.Topology
}

// facts reads what the command line says of hosts.
func (f *lintFlags) facts() (fact.Options, error) {
	o := fact.Options{Complete: f.complete, Targets: map[string]fact.Version{}}
	supported := model.Supported()
	for daemon, v := range f.input.targets {
		o.Targets[daemon] = fact.ParseVersion(v)
		if _, known := supported[daemon]; !known {
			return o, usage("--target %s=%s: the daemons are %s", daemon, v, strings.Join(sortedKeys(supported), ", "))
		}
		if o.Targets[daemon] == (fact.Version{}) {
			return o, usage("--target %s=%s: write a version such as %s=%s", daemon, v, daemon, strings.Fields(supported[daemon])[0])
		}
	}
	if f.manifest != "" {
		data, err := readFlagFile("manifest", f.manifest)
		if err != nil {
			return o, err
		}
		if o.Manifest, err = conf.DecodeManifest(data); err != nil {
			return o, usage("--manifest %s:%w", f.manifest, err)
		}
	}
	if f.hosts != "" {
		data, err := readFlagFile("hosts", f.hosts)
		if err != nil {
			return o, err
		}
		if o.Hosts, err = parseHosts(f.hosts, string(data)); err != nil {
			return o, err
		}
	}
	return o, nil
}

func readFlagFile(flag, name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("--%s %s: there is no such file", flag, name)
	}
	if err != nil {
		return nil, unfinished(fmt.Errorf("--%s: cannot read %q: %w", flag, name, cause(err)))
	}
	return data, nil
}

// parseHosts reads lines of an address and names, as in /etc/hosts, or of a name and addresses.
func parseHosts(file, text string) (map[string][]netip.Addr, error) {
	hosts := map[string][]netip.Addr{}
	var errs []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		var names []string
		var addrs []netip.Addr
		for _, w := range words {
			if a, err := netip.ParseAddr(w); err == nil {
				addrs = append(addrs, a)
			} else {
				names = append(names, w)
			}
		}
		if len(words) > 0 && (len(names) == 0 || len(addrs) == 0 || len(names) > 1 && len(addrs) > 1) {
			errs = append(errs, fmt.Errorf("--hosts: %s:%d: %q is neither an address with names nor a name with addresses", file, n, strings.TrimSpace(line)))
			continue
		}
		for _, name := range names {
			hosts[name] = append(hosts[name], addrs...)
		}
	}
	if len(errs) > 0 {
		return nil, &failure{exitUsage, joined(errs)}
	}
	return hosts, nil
}

// read finds out what the paths are, renders topologies and loads the rest.
func (f *lintFlags) read(args []string, tty terminal) (*lintInput, error) {
	in := &lintInput{texts: map[string][]byte{}, rendered: map[string]origin{}}
	hosts := map[string]string{}
	for _, h := range f.named {
		name, place, ok := strings.Cut(h, "=")
		if !ok || name == "" || place == "" {
			return nil, usage("--host %s: write NAME=PATH, such as lb1=/etc", h)
		}
		if other, twice := hosts[name]; twice && other != place {
			return nil, usage("--host %s is given twice", name)
		}
		hosts[name] = place
	}
	if len(args) == 0 && f.input.example == "" && len(hosts) == 0 {
		args = []string{"."}
		if _, err := os.Stat(defaultFile); err == nil {
			args = []string{defaultFile}
		}
	}
	var stdin []byte
	if slices.Contains(args, "-") {
		if isTerminal(tty.in) {
			fmt.Fprintln(tty.err, "reading from the terminal; end it with Ctrl-D")
		}
		var err error
		if stdin, err = io.ReadAll(tty.in); err != nil {
			return nil, unfinished(fmt.Errorf("cannot read standard input: %w", err))
		}
	} else if f.stdin != "" {
		return nil, usage("--stdin-filename names what \"-\" reads, and \"-\" is not among the paths")
	}
	var topologies, paths []string
	for _, a := range args {
		if isTopology(a, f.stdin, stdin) {
			topologies = append(topologies, a)
		} else {
			paths = append(paths, a)
		}
	}
	var inputs []*conf.Input
	if len(topologies) > 0 || f.input.example != "" {
		if f.input.example != "" && len(args) > 0 {
			return nil, usage("--example %s and %s: give one or the other", f.input.example, strings.Join(args, " "))
		}
		t := tty
		t.in = bytes.NewReader(stdin)
		stacks, err := f.input.load(topologies, t)
		if err != nil {
			return nil, err
		}
		inputs = in.render(stacks, len(stacks) > 1 || len(paths)+len(hosts) > 0)
		for name, text := range f.input.texts {
			in.texts[name] = text
		}
	} else if len(f.input.overlays) > 0 {
		return nil, usage("--overlay is merged over a topology, and none is among the paths")
	}
	if len(paths)+len(hosts) > 0 {
		loaded, err := conf.Load(paths, conf.Options{Hosts: hosts, Stdin: bytes.NewReader(stdin), StdinName: f.stdin})
		if err != nil {
			return nil, nothing(err, paths)
		}
		inputs = append(inputs, loaded)
		in.texts["<stdin>"] = stdin
		if f.stdin != "" {
			in.texts[path.Clean(filepath.ToSlash(f.stdin))] = stdin
		}
	}
	in.Input = conf.Join(inputs...)
	return in, in.nonempty()
}

// firstKey is the line that makes a YAML document a topology.
var firstKey = regexp.MustCompile(`(?m)^"?stackgen"?:`)

// isTopology tells topologies from configuration by name, and on standard input by text where it has no name.
func isTopology(name, stdinName string, stdin []byte) bool {
	if name == "-" {
		if name = stdinName; name == "" {
			return firstKey.Match(stdin)
		}
	} else if info, err := os.Stat(name); err == nil && info.IsDir() {
		return false
	}
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// nothing adds to an error of Load what may have been meant.
func nothing(err error, paths []string) error {
	for _, p := range paths {
		name := filepath.Join(p, defaultFile)
		if _, statErr := os.Stat(name); statErr == nil {
			return usage("%w; there is a topology: stackgen lint %s", err, name)
		}
	}
	return usage("%w", err)
}

// render renders the topologies; in groups, each lies in a folder of its own.
func (in *lintInput) render(stacks []*stack, groups bool) []*conf.Input {
	inputs := make([]*conf.Input, len(stacks))
	files := make([][]render.File, len(stacks))
	group := func(i int) string {
		if !groups {
			return ""
		}
		return stacks[i].topology.Name
	}
	inParallel(len(stacks), func(i int) {
		files[i] = render.Render(stacks[i].topology)
		plain := make([]conf.File, len(files[i]))
		for j, f := range files[i] {
			plain[j] = f.File
		}
		inputs[i] = conf.FromFiles(group(i), plain)
	})
	for i, list := range files {
		for _, f := range list {
			place := path.Join(group(i), f.Name())
			in.rendered[place] = origin{f, stacks[i].topology}
			in.texts[place] = f.Data
		}
	}
	return inputs
}

// nonempty refuses an input without a single statement: it must not look like one without faults.
func (in *lintInput) nonempty() error {
	for _, g := range in.Groups {
		for _, h := range g.Hosts {
			if len(h.Trees) > 0 {
				return nil
			}
		}
	}
	if !in.Complete() {
		return nil // reported as not complete
	}
	text := "nothing could be read"
	for i, n := range in.NotRead {
		if i == 20 {
			text += fmt.Sprintf("\nand %d more", len(in.NotRead)-i)
			break
		}
		text += fmt.Sprintf("\n%s: %s", n.Path, n.Why)
	}
	return usage("%s", text)
}

// text is the text of a file that a finding stands in.
func (in *lintInput) text(place string) []byte {
	if text, ok := in.texts[place]; ok {
		return text
	}
	data, err := os.ReadFile(place)
	if err != nil {
		return nil // it was there a moment ago: the finding goes without a frame
	}
	return data
}

// move puts findings on rendered lines to the place in the topology that the line comes from.
func (in *lintInput) move(found []diag.Diagnostic) {
	for i := range found {
		d := &found[i]
		o, ok := in.rendered[d.Pos.File]
		if !ok || !d.Pos.IsValid() || d.Pos.Line > len(o.file.Origin) {
			continue
		}
		key := o.file.Origin[d.Pos.Line-1]
		from := o.topology.Origin(key)
		if !from.Pos.IsValid() {
			continue
		}
		note := "rendered here"
		if from.Why != "" {
			d.Message += " (default)"
			note = fmt.Sprintf("rendered here, from %s (%s)", key, from.Why)
		}
		d.Related = append([]diag.Related{{Pos: d.Pos, End: d.End, Message: note}}, d.Related...)
		d.Pos, d.End = from.Pos, diag.Pos{}
	}
}
