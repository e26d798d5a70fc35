package conf

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Host is one machine: its file tree, as far as it lies in the input, and what its daemons read of it.
type Host struct {
	Name  string
	Group string
	Files []File  // every file that was read, by path; File has the others
	Trees []*Tree // one per daemon, or per instance of it: its main file with everything it includes, in reading order; by kind and path

	disk   *store
	within string // the input's own folder: a relative link may lead anywhere below it
	found  []File // configuration that discovery saw, not yet read: Path and Kind
	whole  bool   // the known places of its tree are searched
	named  bool   // the user named the files: nothing else of the host is read

	mu     sync.Mutex      // for rules, which ask at the same time; the one reader of the host asks before them
	mounts []mount         // the longest path first
	read   map[string]File // by real path on the host
}

// mount says where a file or folder of the host lies on disk.
type mount struct {
	at    string // on the host: "/", "/etc/nginx"
	place string // as one would open it
	file  bool
	link  bool // a link of the host leads there
}

// on is where a path at or below the mount lies.
func (m mount) on(name string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, m.at), "/")
	switch {
	case rest == "":
		return m.place
	case m.place == ".":
		return rest
	}
	return strings.TrimSuffix(m.place, "/") + "/" + rest
}

// Tree is the host's configuration of one daemon; nil if there is none. Where several instances run, it is the first.
func (h *Host) Tree(k Kind) *Tree {
	for _, t := range h.Trees {
		if t.File.Kind == k {
			return t
		}
	}
	return nil
}

// File is any file of the host, symbolic links resolved inside of its tree. The path of the result is the real one.
func (h *Host) File(path string) (File, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	real, place, mode, why := h.resolve(path)
	if why != "" || !mode.IsRegular() {
		return File{}, false
	}
	f, err := h.load(real, place)
	return f, err == nil
}

// Place is what positions call a file of the host: its path as one would open it from the working directory.
func (h *Host) Place(path string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, place, _, _ := h.resolve(path)
	return place
}

// Glob are the paths on the host that a pattern of glob(3) matches, sorted. Braces and "~" are not special.
func (h *Host) Glob(pattern string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	paths, _ := h.glob(pattern)
	return paths
}

func (h *Host) load(real, place string) (File, error) {
	if f, ok := h.read[real]; ok {
		return f, nil
	}
	data, perm, err := h.disk.read(place)
	if err != nil {
		return File{}, err
	}
	f := File{Host: h.Name, Path: real, Mode: uint32(perm), Data: data}
	if h.read == nil {
		h.read = map[string]File{}
	}
	h.read[real] = f
	return f, nil
}

const maxLinks = 40 // as Linux has it

// resolve follows path through the host's tree as the host would: an absolute link starts at the host's root, and ".."
// does not leave it. why says in words why there is nothing.
func (h *Host) resolve(name string) (real, place string, mode fs.FileMode, why string) {
	cur, rest := "/", strings.TrimPrefix(name, "/")
	links, via := 0, ""
	mode = fs.ModeDir
	for rest != "" {
		var c string
		c, rest, _ = strings.Cut(rest, "/")
		switch c {
		case "", ".":
			continue
		case "..":
			cur = path.Dir(cur)
			continue
		}
		if !mode.IsDir() {
			return "", "", 0, "is below a file"
		}
		next := strings.TrimSuffix(cur, "/") + "/" + c
		var ok bool
		if place, mode, ok = h.lstat(next); !ok {
			return "", "", 0, absent(via)
		}
		if mode&fs.ModeSymlink == 0 {
			cur = next
			continue
		}
		if links++; links > maxLinks {
			return "", "", 0, "is a link that leads to itself"
		}
		target, err := h.disk.link(place)
		if err != nil {
			return "", "", 0, "is a link that cannot be read"
		}
		mode, via = fs.ModeDir, target
		if path.IsAbs(target) {
			cur = "/"
		} else if to, m, ok := h.beside(place, target); ok {
			h.mount(mount{at: next, place: to, file: !m.IsDir(), link: true})
			cur, mode = next, m
			continue
		}
		rest = target + "/" + rest
	}
	if place, mode, _ = h.lstat(cur); mode == 0 && place == "" {
		return "", "", 0, absent(via)
	}
	return cur, place, mode, ""
}

func absent(link string) string {
	if link != "" {
		return "leads to " + link + ", which is not in the tree of the host"
	}
	return "is not in the tree of the host"
}

// beside follows a relative link out of the host's folder to another place in the input: repositories share files
// between hosts so.
func (h *Host) beside(link, target string) (string, fs.FileMode, bool) {
	to := path.Join(path.Dir(link), target)
	if h.within == "" || !below(to, h.within) {
		return "", 0, false
	}
	for _, m := range h.mounts {
		if !m.link && below(to, m.place) {
			return "", 0, false // the host's own
		}
	}
	mode, ok := h.disk.real(to, h.within)
	return to, mode, ok
}

func (h *Host) mount(m mount) {
	if slices.Contains(h.mounts, m) {
		return
	}
	h.mounts = append(h.mounts, m)
	slices.SortStableFunc(h.mounts, func(a, b mount) int { return len(b.at) - len(a.at) })
}

// lstat looks at one real path of the host.
func (h *Host) lstat(name string) (place string, mode fs.FileMode, ok bool) {
	for _, m := range h.mounts {
		switch {
		case m.at == name && m.file:
			return m.place, 0o444, true
		case m.at == name:
			return m.place, fs.ModeDir, true
		case m.file || !below(name, m.at):
			continue
		}
		p := m.on(name)
		if mode, ok := h.disk.stat(p); ok {
			return p, mode, true
		}
	}
	for _, m := range h.mounts {
		if below(m.at, name) {
			return "", fs.ModeDir, true // leads to a mount
		}
	}
	return "", 0, false
}

// list are the names in a real folder of the host, sorted. known is false where the tree does not have the folder.
func (h *Host) list(dir string) (names []string, known bool) {
	for _, m := range h.mounts {
		switch {
		case !m.file && below(dir, m.at):
			entries, err := h.disk.list(m.on(dir))
			if err != nil {
				continue
			}
			known = true
			for _, e := range entries {
				names = append(names, e.name)
			}
		case m.at != dir && below(m.at, dir):
			c, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(m.at, dir), "/"), "/")
			names = append(names, c)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), known
}

// glob expands a pattern component by component. known is false where a folder it looks into is not in the tree.
func (h *Host) glob(pattern string) (paths []string, known bool) {
	paths, known = []string{"/"}, true
	wild := false
	for c := range strings.SplitSeq(strings.ReplaceAll(pattern, "[!", "[^"), "/") {
		if c == "" || c == "." {
			continue
		}
		var next []string
		for _, dir := range paths {
			if name := strings.TrimSuffix(dir, "/") + "/" + c; !strings.ContainsAny(c, `*?[\`) {
				if _, _, _, why := h.resolve(name); why == "" || !wild {
					next = append(next, name)
				}
				continue
			}
			real, _, mode, why := h.resolve(dir)
			if why != "" {
				known = false
				continue
			}
			if !mode.IsDir() {
				continue
			}
			names, ok := h.list(real)
			known = known && ok
			for _, name := range names {
				if name[0] == '.' && c[0] != '.' {
					continue
				}
				if ok, err := path.Match(c, name); ok && err == nil {
					next = append(next, strings.TrimSuffix(dir, "/")+"/"+name)
				}
			}
		}
		paths = next
		wild = wild || strings.ContainsAny(c, `*?[\`)
	}
	return paths, known
}

// below reports whether name is dir or lies in it.
func below(name, dir string) bool {
	return dir == "/" && strings.HasPrefix(name, "/") || dir == "." && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") ||
		name == dir || len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}
