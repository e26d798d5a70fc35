package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/fact"
)

// fingerprint names a finding for as long as its rule, file and statement are the same, whatever its line and wherever the
// input lies. Equal ones in a file are counted. The manifest's name keeps rendered stacks apart, whose hosts are called alike.
func (f *Finding) fingerprint(s *fact.Stack, ordinals map[string]int) string {
	stack := ""
	if s.Manifest != nil {
		stack = s.Manifest.Name
	}
	key := strings.Join([]string{f.Rule, stack, f.name, f.words}, "\x00")
	ordinals[key]++
	sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(ordinals[key])))
	return hex.EncodeToString(sum[:8])
}

// files knows whose file a place is in, and what it is called in a folder with one folder per host.
type files struct {
	stack  *fact.Stack
	byHost map[string]map[string]string // host → place → name
	all    map[string]owner             // by place; nil until needed
}

type owner struct{ host, name string }

// place gives a finding the name of its file, and its host where the rule named none.
func (x *files) place(f *Finding) {
	slices.Sort(f.hosts)
	f.hosts = slices.Compact(f.hosts)
	if f.Pos.File == "" {
		return
	}
	for _, name := range f.hosts {
		i, ok := slices.BinarySearchFunc(x.stack.Hosts, name, func(h *fact.Host, name string) int { return strings.Compare(h.Name, name) })
		if !ok {
			continue
		}
		known := x.of(x.stack.Hosts[i])
		if f.name = known[f.Pos.File]; f.name == "" {
			f.name = beside(known, name, f.Pos.File)
		}
		if f.name != "" {
			f.Host = name
			return
		}
	}
	if x.all == nil {
		x.all = map[string]owner{}
		for _, h := range x.stack.Hosts {
			for place, name := range x.of(h) {
				x.all[place] = owner{h.Name, name}
			}
		}
	}
	o, ok := x.all[f.Pos.File]
	if !ok {
		f.name = path.Base(f.Pos.File) // of the stack: its manifest
		return
	}
	f.name, f.Host = o.name, o.host
	if len(f.hosts) == 0 {
		f.hosts = []string{o.host}
	}
}

// of are the names of a host's files by place.
func (x *files) of(h *fact.Host) map[string]string {
	known, ok := x.byHost[h.Name]
	if ok || h.Source == nil {
		return known
	}
	known = make(map[string]string, len(h.Source.Files))
	for _, f := range h.Source.Files {
		known[h.Source.Place(f.Path)] = h.Name + f.Path
	}
	if x.byHost == nil {
		x.byHost = map[string]map[string]string{}
	}
	x.byHost[h.Name] = known
	return known
}

// beside is the name of a file, such as a script, that lies below the same root as one of the files that were read.
func beside(known map[string]string, host, place string) string {
	name, longest := "", -1
	for p, n := range known {
		root, ok := strings.CutSuffix(p, strings.TrimPrefix(n, host))
		if ok && len(root) > longest && strings.HasPrefix(place, root+"/") {
			name, longest = host+place[len(root):], len(root)
		}
	}
	return name
}
