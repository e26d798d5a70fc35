package conf

import (
	"bytes"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxWalk    = 8       // folders below a path the user named
	maxFolders = 500_000 // a walk over more has lost its way
)

// claim is a part of a host, found at one place.
type claim struct {
	place   string // the folder or file
	dir     string // the folder that is the host; empty where only a file's name tells the host
	parent  string // the folder that sets its group apart
	name    string
	mounts  []mount
	found   []File
	whole   bool // mounts hold a whole /etc: known places are searched
	named   bool // files that the user named
	assumed string
}

// folderClaims is what one folder holds.
type folderClaims struct {
	claims   []claim
	children []string
	manifest string
	shared   []string // places that links in the folder lead to
	notRead  []NotRead
}

// finder looks for hosts.
type finder struct {
	disk    *store
	names   map[string]string // --host: place → name
	root    string            // the path the user named
	claims  []claim
	within  map[string]string // place of a claim → root
	notRead []NotRead
	mans    map[string]string // folder → its manifest.json
	shared  map[string]bool   // places that links of hosts lead to: they are no host's own
}

// walk looks into dir and the folders below it, level by level.
func (f *finder) walk(root string) {
	f.root = root
	level, folders := []string{root}, 0
	for depth := 0; len(level) > 0; depth++ {
		results := make([]folderClaims, len(level))
		inParallel(len(level), func(i int) { results[i] = f.folder(level[i]) })
		folders += len(level)
		level = nil
		for _, r := range results {
			f.claims = append(f.claims, r.claims...)
			f.notRead = append(f.notRead, r.notRead...)
			for _, p := range r.shared {
				f.shared[p] = true
			}
			if r.manifest != "" {
				f.mans[path.Dir(r.manifest)] = r.manifest
			}
			level = append(level, r.children...)
		}
		if len(level) > 0 && (depth == maxWalk || folders > maxFolders) {
			f.notRead = append(f.notRead, NotRead{Path: level[0], Why: "lies too deep, or behind too many folders: name it, to have it read", Failed: folders > maxFolders})
			return
		}
	}
}

func (f *finder) folder(dir string) (r folderClaims) {
	entries, err := f.disk.list(dir)
	if err != nil {
		r.notRead = []NotRead{{Path: dir, Why: "cannot be read: " + cause(err), Failed: true}}
		return r
	}
	var files, folders []string
	var outside []NotRead // links that cannot be followed; in a host's own tree they can
	for _, e := range entries {
		mode := e.mode
		if mode&fs.ModeSymlink != 0 {
			var to string
			place := path.Join(dir, e.name)
			if to, mode = f.linked(place); mode.IsRegular() {
				r.shared = append(r.shared, to)
			} else if k := kindOfName(place); k != Other && k != Env && k != JSON && !isBackup(e.name) {
				outside = append(outside, NotRead{Path: place, Why: "is a link that leads out of " + f.root + " or to nothing"})
			}
		}
		switch {
		case mode.IsDir() && e.mode.IsDir():
			folders = append(folders, e.name)
		case mode.IsRegular() && !isBackup(e.name):
			files = append(files, e.name)
		}
	}
	if slices.Contains(files, ManifestName) {
		place := path.Join(dir, ManifestName)
		if data, _, err := f.disk.read(place); err == nil && bytes.Contains(data, []byte(`"hosts"`)) && bytes.Contains(data, []byte(`"version"`)) {
			r.manifest = place
		}
	}

	switch {
	case f.isRoot(dir, folders):
		name, why := f.rootName(dir, path.Join(dir, "etc"))
		r.claims = []claim{{place: dir, dir: dir, name: name, assumed: why, mounts: []mount{{at: "/", place: dir}}, whole: true}}
		return r
	case path.Base(dir) == "etc" && f.isEtc(dir):
		up := path.Dir(dir)
		name, why := f.rootName(up, dir)
		r.claims = []claim{{place: dir, dir: up, name: name, assumed: why, mounts: []mount{{at: "/etc", place: dir}}, whole: true}}
		return r
	}

	etc := f.etcLike(dir, folders)
	pair := f.pair(dir, etc, folders)
	others := slices.DeleteFunc(slices.Clone(etc), func(s string) bool { return s == "haproxy" && pair != nil })
	if len(etc) > 0 {
		r.claims = pair
		if len(others) > 0 {
			r.claims = append(pair, f.etcClaims(dir, others, files, pair != nil)...)
		}
	} else {
		r.claims, r.notRead = f.flat(dir, files, folders, false)
		r.notRead = append(r.notRead, outside...)
	}
	owned := slices.ContainsFunc(r.claims, func(c claim) bool { return c.place == dir })
	for _, sub := range folders {
		if sub[0] == '.' || skipped[sub] || slices.Contains(etc, sub) || len(etc) > 0 && (sub == "default" || sub == "systemd" || pair != nil && sub == "keepalived") ||
			inside[sub] && (owned || len(r.claims) > 0) {
			continue
		}
		if len(etc) > 0 && daemonWords[sub] != Other { // its files are this host's, folders in it other hosts
			entries, _ := f.disk.list(path.Join(dir, sub))
			for _, e := range entries {
				if e.mode.IsDir() && !inside[e.name] && e.name[0] != '.' {
					r.children = append(r.children, path.Join(dir, sub, e.name))
				}
			}
			continue
		}
		r.children = append(r.children, path.Join(dir, sub))
	}
	return r
}

// linked is what a link in the input leads to, and its type, if it stays in it.
func (f *finder) linked(place string) (string, fs.FileMode) {
	for range maxLinks {
		target, err := f.disk.link(place)
		if err != nil || path.IsAbs(target) {
			break
		}
		place = path.Join(path.Dir(place), target)
		if !below(place, f.root) {
			break
		}
		if _, ok := f.disk.real(path.Dir(place), f.root); !ok && path.Dir(place) != f.root {
			break
		}
		mode, ok := f.disk.stat(place)
		if !ok {
			break
		}
		if mode&fs.ModeSymlink == 0 {
			return place, mode
		}
	}
	return "", fs.ModeIrregular
}

// isRoot reports whether dir is the root of a host's tree.
func (f *finder) isRoot(dir string, folders []string) bool {
	if slices.Contains(folders, "etc") && f.isEtc(path.Join(dir, "etc")) {
		return true
	}
	if !slices.Contains(folders, "usr") {
		return false
	}
	if f.isEtc(path.Join(dir, "usr/local/etc")) {
		return true
	}
	return slices.ContainsFunc(others, func(p string) bool { _, ok := f.disk.stat(path.Join(dir, p)); return ok })
}

// isEtc reports whether a folder called etc holds anything a host of a web stack has in it, and no hosts.
func (f *finder) isEtc(dir string) bool {
	entries, err := f.disk.list(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		for _, k := range known {
			if e.name == k.folder {
				return true
			}
		}
		if e.name == "hostname" || e.name == "systemd" || strings.HasSuffix(e.name, ".env") {
			return true
		}
	}
	return false
}

// etcLike are the folders of dir that lie there as in /etc.
func (f *finder) etcLike(dir string, folders []string) (etc []string) {
	for _, k := range known {
		if k.kind == Env || k.patterns == nil || !slices.Contains(folders, k.folder) {
			continue
		}
		entries, _ := f.disk.list(path.Join(dir, k.folder))
		for _, e := range entries {
			if e.name == k.main || e.mode.IsDir() && (e.name == "conf.d" || e.name == "sites-enabled" || e.name == "sites-available" || strings.HasSuffix(e.name, ".conf.d")) ||
				k.folder == "my.cnf.d" && strings.HasSuffix(e.name, ".cnf") {
				etc = append(etc, k.folder)
				break
			}
		}
	}
	return etc
}

// pair finds hosts that share one haproxy/haproxy.cfg and differ in their keepalived.conf:
// keepalived/keepalived-master.conf, or keepalived/master/keepalived.conf.
func (f *finder) pair(dir string, etc, folders []string) (claims []claim) {
	if !slices.Contains(etc, "haproxy") || slices.Contains(etc, "keepalived") || !slices.Contains(folders, "keepalived") {
		return nil
	}
	folder := path.Join(dir, "keepalived")
	entries, _ := f.disk.list(folder)
	for _, e := range entries {
		place, host, sure := path.Join(folder, e.name), e.name, true
		if e.mode.IsDir() {
			place = path.Join(place, "keepalived.conf")
			if mode, ok := f.disk.stat(place); !ok || !mode.IsRegular() {
				continue
			}
		} else if host, _, sure = hostOfName(e.name); !sure || !e.mode.IsRegular() || isBackup(e.name) || path.Ext(e.name) != ".conf" {
			continue
		}
		claims = append(claims, claim{place: place, parent: dir, name: host, assumed: path.Join(dir, "haproxy") + " is read as a folder of each host that has a file in " + folder,
			mounts: []mount{{at: "/etc/haproxy", place: path.Join(dir, "haproxy")}, {at: "/etc/keepalived", place: folder},
				{at: "/etc/keepalived/keepalived.conf", place: place, file: true}},
			found: []File{{Path: haproxyMain, Kind: HAProxy}, {Path: "/etc/keepalived/keepalived.conf", Kind: Keepalived}}})
	}
	if len(claims) < 2 {
		return nil
	}
	return claims
}

// etcClaims are the hosts of a folder laid out like /etc: one, or one per daemon where nothing speaks for a machine
// (the folders of containers in a repository), or apart says that they are several.
func (f *finder) etcClaims(dir string, etc, files []string, apart bool) []claim {
	at := func(c claim) claim {
		c.mounts = []mount{{at: "/etc", place: dir}}
		return c
	}
	tier := func(folder string) string {
		switch folder {
		case "haproxy", "keepalived":
			return "haproxy"
		case "nginx":
			return "nginx"
		}
		return "mysql"
	}
	several := slices.ContainsFunc(etc, func(s string) bool { return tier(s) != tier(etc[0]) })
	marks := slices.ContainsFunc(files, func(n string) bool { return n == "hostname" || n == "hosts" || n == "passwd" || n == "fstab" })
	if !apart && (!several || marks || dir != f.root && !containers[path.Base(dir)]) {
		name, why := f.rootName(dir, dir)
		return []claim{at(claim{place: dir, dir: dir, name: name, assumed: why, whole: true})}
	}
	var out []claim
	for _, t := range []string{"haproxy", "nginx", "mysql"} {
		c := claim{place: dir + "/" + t, parent: dir, name: t, assumed: "the folders of " + dir + " are hosts of their own, since nothing says that they are one machine's /etc"}
		for _, folder := range etc {
			if tier(folder) != t {
				continue
			}
			c.mounts = append(c.mounts, mount{at: "/etc/" + folder, place: path.Join(dir, folder)})
			c.place = path.Join(dir, folder)
			c.whole = true
		}
		if c.whole {
			out = append(out, c)
		}
	}
	return out
}

// hostFolder is dir, or the folder above it whose name says something.
func hostFolder(dir string) string {
	for d := dir; d != "." && d != "/" && d != ".." && !strings.HasSuffix(d, "/.."); d = path.Dir(d) {
		if !containers[path.Base(d)] {
			return d
		}
	}
	return dir
}

// rootName is the name of the host whose root is dir.
func (f *finder) rootName(dir, etc string) (name, why string) {
	if base := path.Base(dir); !containers[base] {
		return base, ""
	}
	if data, _, err := f.disk.read(path.Join(etc, "hostname")); err == nil {
		if s := strings.Fields(string(data)); len(s) > 0 {
			name, _, _ = strings.Cut(s[0], ".")
			return name, "named by " + path.Join(etc, "hostname")
		}
	}
	if name := f.above(dir); name != "" {
		return name, "named after a folder above " + etc
	}
	return "host", "nothing in " + etc + " names it"
}

// above is a name for what lies in dir, from the nearest folder whose name says something.
func (f *finder) above(dir string) string {
	if base := path.Base(hostFolder(dir)); !containers[base] {
		return base
	}
	if abs, err := filepath.Abs(filepath.FromSlash(dir)); err == nil && !path.IsAbs(dir) {
		for d := filepath.ToSlash(abs); d != "/" && d != path.Dir(d); d = path.Dir(d) {
			if base := path.Base(d); !containers[base] {
				return base
			}
		}
	}
	return ""
}
