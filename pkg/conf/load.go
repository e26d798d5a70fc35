package conf

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Load finds hosts below the paths and reads them: folders with one folder per host, a host's own root or /etc, files,
// and "-" for standard input. The error says that there is nothing to read; everything else is in the Input.
func Load(paths []string, opts Options) (*Input, error) {
	disk := &store{disk: true}
	f := &finder{disk: disk, names: map[string]string{}, within: map[string]string{}, mans: map[string]string{}, shared: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(opts.Hosts)) {
		place := clean(opts.Hosts[name])
		f.names[place] = name
		if !slices.ContainsFunc(paths, func(p string) bool { return below(place, clean(p)) }) {
			paths = append(slices.Clone(paths), opts.Hosts[name])
		}
	}

	var errs []error
	folders := map[string]bool{}
	files := map[string][]string{} // folder → names
	for _, p := range paths {
		place := clean(p)
		if p == "-" {
			var err error
			if place, err = f.stdin(opts); err != nil {
				errs = append(errs, err)
				continue
			}
		} else if info, err := os.Stat(p); err != nil {
			errs = append(errs, fmt.Errorf("%q: %s", p, cause(err)))
			continue
		} else if info.IsDir() {
			folders[place] = true
			continue
		}
		if dir, base := path.Dir(place), path.Base(place); !slices.Contains(files[dir], base) {
			files[dir] = append(files[dir], base)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		f.walk(dir)
		for _, c := range f.claims {
			if f.within[c.place] == "" {
				f.within[c.place] = dir
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		f.root = dir
		slices.Sort(files[dir])
		f.files(dir, files[dir])
	}
	groups, manifests, assumed := f.merge(disk)
	if len(groups) == 0 && !slices.ContainsFunc(f.notRead, func(n NotRead) bool { return n.Failed }) {
		return nil, f.nothing(paths)
	}
	in := readGroups(groups, manifests, disk)
	in.Assumed = append(in.Assumed, assumed...)
	in.NotRead = append(in.NotRead, f.notRead...)
	in.sort()
	return in, nil
}

// stdinName is what positions call standard input that has no name.
const stdinName = "<stdin>"

func clean(p string) string { return path.Clean(filepath.ToSlash(p)) }

func (f *finder) stdin(opts Options) (place string, err error) {
	data, err := io.ReadAll(io.LimitReader(opts.Stdin, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("standard input: %w", err)
	case len(data) > maxFile:
		return "", fmt.Errorf("standard input has more than the %d MB that are read", maxFile>>20)
	}
	place = stdinName
	if opts.StdinName != "" {
		place = clean(opts.StdinName)
	}
	f.disk.over = map[string][]byte{place: data}
	return place, nil
}

// files finds the hosts of files that the user named, all in one folder.
func (f *finder) files(dir string, bases []string) {
	var flat []string
	for _, base := range bases {
		place := path.Join(dir, base)
		if isBackup(base) {
			f.notRead = append(f.notRead, NotRead{Path: place, Why: "has the name of a backup, which no daemon is meant to read"})
			continue
		}
		if base == ManifestName {
			f.mans[dir] = place
			continue
		}
		root, at, ok := hostRoot(place)
		if !ok {
			flat = append(flat, base)
			continue
		}
		k := kindOfName(place)
		if k == Other {
			if data, _, err := f.disk.read(place); err == nil {
				k, _ = kindOfContent(data)
			}
		}
		if k == Other || k == JSON {
			f.notRead = append(f.notRead, NotRead{Path: place, Why: "neither its name nor its text is that of HAProxy, keepalived, nginx or MySQL"})
			continue
		}
		name, why := f.rootName(root, path.Join(root, "etc"))
		f.claims = append(f.claims, claim{place: place, dir: root, name: name, mounts: []mount{{at: "/", place: root}},
			found: []File{{Path: at, Kind: k}}, named: true, assumed: why})
	}
	claims, notRead := f.flat(dir, flat, nil, true)
	f.claims = append(f.claims, claims...)
	f.notRead = append(f.notRead, notRead...)
}

// hostRoot cuts the path of a file before its "etc".
func hostRoot(place string) (root, at string, ok bool) {
	for _, etc := range []string{"/usr/local/etc/", "/etc/"} {
		if i := strings.LastIndex("/"+strings.TrimPrefix(place, "/"), etc); i >= 0 {
			if !path.IsAbs(place) {
				i--
			}
			root = path.Clean(place[:max(i, 0)])
			if path.IsAbs(place) && i <= 0 {
				root = "/"
			}
			at = "/" + strings.TrimPrefix(strings.TrimPrefix(place, root), "/")
			return root, at, true
		}
	}
	return "", "", false
}

func (f *finder) nothing(paths []string) error {
	for _, n := range f.notRead {
		return fmt.Errorf("nothing to read in %s: %s %s", strings.Join(paths, ", "), n.Path, n.Why)
	}
	return fmt.Errorf("no configuration of HAProxy, keepalived, nginx or MySQL in %s", strings.Join(paths, ", "))
}
