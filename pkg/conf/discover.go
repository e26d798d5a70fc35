package conf

import (
	"bytes"
	"cmp"
	"io/fs"
	"maps"
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
		_, mode, ok := f.disk.stat(place)
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
	return slices.ContainsFunc(others, func(p string) bool { _, _, ok := f.disk.stat(path.Join(dir, p)); return ok })
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
			if _, mode, ok := f.disk.stat(place); !ok || !mode.IsRegular() {
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

// candidate is a file in a flat folder.
type candidate struct {
	base  string
	kind  Kind
	host  string
	sure  bool // the host is in the name
	whole bool
}

// flat finds the hosts whose files lie in one folder. named: the user named the files.
func (f *finder) flat(dir string, files, folders []string, named bool) (claims []claim, notRead []NotRead) {
	var cs []candidate
	for _, base := range files {
		place := path.Join(dir, base)
		if ext := templateExt(base); ext != "" {
			k := kindOfName(strings.TrimSuffix(place, path.Ext(place)))
			if named || k != Other && k != Env && k != JSON {
				notRead = append(notRead, NotRead{Path: place, Why: "is a template (" + ext + "): only its output can be read"})
			}
			continue
		}
		c := candidate{base: base, kind: kindOfName(place)}
		var daemon Kind
		c.host, daemon, c.sure = hostOfName(base)
		ext := strings.ToLower(path.Ext(base))
		switch {
		case c.kind == JSON, !named && base == "debian.cnf": // a client's password
			continue
		case c.kind == Env:
			if !named && ext != ".env" {
				continue
			}
			if base == ".env" {
				continue
			}
		case c.kind == Other && !named && ext != ".cfg" && ext != ".conf" && ext != ".cnf":
			continue
		default:
			data, _, err := f.disk.read(place)
			if err != nil {
				notRead = append(notRead, NotRead{Path: place, Why: "cannot be read: " + cause(err), Failed: true})
				continue
			}
			if mark := templateMark(base, data); mark != "" {
				if k, _ := kindOfContent(data); named || c.kind != Other || k != Other {
					notRead = append(notRead, NotRead{Path: place, Why: "is a template (" + mark + "): only its output can be read"})
				}
				continue
			}
			kind, whole := kindOfContent(data)
			switch {
			case c.kind == Other && kind == Other:
				if named {
					notRead = append(notRead, NotRead{Path: place, Why: "neither its name nor its text is that of HAProxy, keepalived, nginx or MySQL"})
				}
				continue
			case kind != Other && kind != c.kind && daemon == Other:
				c.kind = kind
			case kind != Other && kind != c.kind && len(data) > 0:
				c.kind = kind // the text is more certain than the name
			}
			c.whole = whole
			c.sure = c.sure || daemon != Other && c.host != "" && c.kind != MySQL
			if daemon != Other && c.host != "" && c.kind == MySQL && whole && !hostLike(c.host) {
				c.sure = !strings.HasPrefix(base, c.host) || len(files) < 4
			}
		}
		if c.host == "" {
			c.sure = false
		}
		cs = append(cs, c)
	}
	f.hostsByWhole(cs)
	var rest []candidate
	onlyKeepalived := true
	for _, c := range cs {
		place := path.Join(dir, c.base)
		if name := f.names[place]; name != "" {
			c.host, c.sure = name, true
		}
		if !c.sure {
			rest = append(rest, c)
			continue
		}
		onlyKeepalived = onlyKeepalived && c.kind == Keepalived
		claims = append(claims, f.fileClaim(dir, c, c.host, named, "named after the file "+place))
		if f.names[place] != "" && len(cs) == 1 {
			claims[0].dir = dir
		}
	}
	if len(claims) > 0 && onlyKeepalived && len(rest) > 0 && !slices.ContainsFunc(rest, func(c candidate) bool { return c.kind == Keepalived }) {
		for _, host := range slices.Collect(names(claims)) {
			for _, c := range rest {
				place := path.Join(dir, c.base)
				claims = append(claims, f.fileClaim(dir, c, host, named, place+" has no host in its name and is read as a file of each host beside it"))
			}
		}
		return claims, notRead
	}
	if len(rest) == 0 {
		if !named && len(claims) == 0 && !containers[path.Base(dir)] {
			claims = f.folderOnly(dir, folders)
		}
		return claims, notRead
	}
	name, why := f.folderName(dir, rest)
	for _, c := range rest {
		claims = append(claims, f.fileClaim(dir, c, name, named, why))
	}
	for i := range claims {
		if claims[i].name == name && claims[i].assumed == why {
			claims[i].place, claims[i].dir = dir, hostFolder(dir)
			for _, c := range rest {
				claims[i].mounts = append(claims[i].mounts, mount{at: etcOf(c.kind), place: dir})
			}
		}
	}
	return claims, notRead
}

// hostsByWhole takes files apart that are each a whole configuration of the same daemon: they are of different hosts.
func (f *finder) hostsByWhole(cs []candidate) {
	n := map[Kind]int{}
	for _, c := range cs {
		if c.whole && !c.sure && c.host != "" {
			n[c.kind]++
		}
	}
	for i, c := range cs {
		if c.whole && !c.sure && c.host != "" && n[c.kind] > 1 && c.kind != Keepalived {
			cs[i].sure = true
		}
	}
}

func names(claims []claim) func(func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, c := range claims {
			if !seen[c.name] {
				seen[c.name] = true
				if !yield(c.name) {
					return
				}
			}
		}
	}
}

func etcOf(k Kind) string {
	switch k {
	case HAProxy:
		return "/etc/haproxy"
	case Keepalived:
		return "/etc/keepalived"
	case Nginx:
		return "/etc/nginx"
	case MySQL:
		return "/etc/mysql"
	}
	return "/etc/default"
}

// fileClaim puts one file of a flat folder at its daemon's place on the host.
func (f *finder) fileClaim(dir string, c candidate, host string, named bool, why string) claim {
	at := etcOf(c.kind) + "/" + c.base
	if c.base == stdinName {
		c.sure, c.whole = true, c.kind != MySQL || c.whole
	}
	if c.sure || c.whole {
		for _, k := range known {
			if k.kind == c.kind && k.main != "" && (c.sure && (c.whole || c.kind == Keepalived || c.kind == HAProxy) || strings.EqualFold(c.base, k.main)) {
				at = etcOf(c.kind) + "/" + k.main
				break
			}
		}
	}
	place := path.Join(dir, c.base)
	m := []mount{{at: at, place: place, file: true}}
	if c.kind != Env {
		m = append(m, mount{at: etcOf(c.kind), place: dir})
	}
	return claim{place: place, parent: dir, name: host, mounts: m, found: []File{{Path: at, Kind: c.kind}}, named: named, assumed: why}
}

// folderOnly is the host of a folder that holds nothing but folders of a daemon: web1/conf.d/shop.conf.
func (f *finder) folderOnly(dir string, folders []string) []claim {
	for _, sub := range []string{"conf.d", "http.d", "sites-enabled", "sites-available", "mysql.conf.d", "mysqld.conf.d", "mariadb.conf.d", "my.cnf.d"} {
		if !slices.Contains(folders, sub) {
			continue
		}
		entries, _ := f.disk.list(path.Join(dir, sub))
		for _, e := range entries {
			if isBackup(e.name) || !e.mode.IsRegular() {
				continue
			}
			data, _, err := f.disk.read(path.Join(dir, sub, e.name))
			if err != nil {
				continue
			}
			kind, _ := kindOfContent(data)
			if kind == Other {
				continue
			}
			etc := etcOf(kind)
			return []claim{{place: dir, dir: dir, name: path.Base(dir), mounts: []mount{{at: etc, place: dir}}, whole: true,
				assumed: "named after its folder " + dir}}
		}
	}
	return nil
}

// folderName is the name of the host whose files lie in dir and do not say it themselves.
func (f *finder) folderName(dir string, cs []candidate) (name, why string) {
	stdin := cs[0].base == stdinName
	if base := path.Base(dir); !containers[base] && base != "" && !stdin {
		return base, "named after its folder " + dir
	}
	if up := path.Dir(dir); path.Base(up) == "etc" && !stdin {
		return f.rootName(path.Dir(up), up)
	}
	for _, c := range cs {
		data, _, err := f.disk.read(path.Join(dir, c.base))
		if err != nil {
			continue
		}
		if name := hostOfContent(Parse(File{Kind: c.kind, Data: data}, c.base)); name != "" {
			return name, "named by " + path.Join(dir, c.base)
		}
	}
	if stdin {
		return "stdin", "its text does not name it"
	}
	if name := f.above(dir); name != "" {
		return name, "named after the folder above " + path.Join(dir, cs[0].base)
	}
	return cs[0].kind.String(), "its files do not name it"
}

// hostOfContent is the name that a file gives the host it is on.
func hostOfContent(t *Tree) string {
	name := ""
	take := func(n *Node, i int) {
		if s := n.Arg(i).Text; name == "" && s != "" && isAlpha(s[0]) && !strings.ContainsAny(s, "${}/ ") && strings.Trim(strings.ToUpper(s), "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
			name, _, _ = strings.Cut(s, ".")
		}
	}
	for _, n := range t.Body {
		for _, c := range n.Body {
			switch {
			case t.File.Kind == Keepalived && n.Name() == "global_defs" && c.Name() == "router_id":
				take(c, 1)
			case t.File.Kind == HAProxy && n.Name() == "global" && (c.Name() == "localpeer" || c.Name() == "node"):
				take(c, 1)
			case t.File.Kind == MySQL && strings.ReplaceAll(c.Name(), "-", "_") == "report_host":
				take(c, 1)
			}
		}
	}
	return name
}

// merge makes hosts of claims, and groups of hosts.
func (f *finder) merge(disk *store) ([]*Group, map[*Group]string, []string) {
	slices.SortStableFunc(f.claims, func(a, b claim) int { return cmp.Compare(a.place, b.place) })
	type key struct{ parent, name string }
	hosts := map[key]*Host{}
	var order []key
	why := map[key][]string{}
	above := map[string]bool{} // folders with hosts in them
	for _, c := range f.claims {
		d := c.parent
		if c.dir != "" {
			d = path.Dir(c.dir)
		}
		for !above[d] {
			above[d] = true
			d = path.Dir(d)
		}
	}
	for _, c := range f.claims {
		if c.dir != "" {
			if c.parent = path.Dir(c.dir); above[c.dir] {
				c.parent = c.dir // a host, and the folder of other hosts
			}
		}
		if !c.whole && !c.named && len(c.mounts) > 0 && f.shared[c.mounts[0].place] {
			continue
		}
		for _, place := range slices.Sorted(maps.Keys(f.names)) { // the deepest last
			if below(c.place, place) {
				c.name, c.assumed = f.names[place], ""
			}
		}
		k := key{f.parent(c), c.name}
		if h := hosts[k]; h != nil && slices.ContainsFunc(h.found, func(a File) bool {
			return slices.ContainsFunc(c.found, func(b File) bool {
				return a.Path == b.Path && h.Place(a.Path) != c.mounts[0].place
			})
		}) {
			k.name = path.Base(path.Dir(c.place)) + "-" + c.name
			c.assumed = "two files claim to be host " + c.name + "; this one is " + c.place
		}
		h := hosts[k]
		if h == nil {
			h = &Host{Name: k.name, disk: disk, within: f.within[c.place], named: c.named}
			hosts[k] = h
			order = append(order, k)
		}
		for _, m := range c.mounts {
			h.mount(m)
		}
		h.found = append(h.found, c.found...)
		h.whole = h.whole || c.whole
		if c.assumed != "" {
			why[k] = append(why[k], c.assumed)
		}
	}

	parents := map[string]bool{}
	for _, k := range order {
		parents[k.parent] = true
	}
	for dir := range f.mans {
		parents[dir] = true
	}
	common := commonFolder(parents)
	groups := map[string]*Group{}
	group := func(parent string) *Group {
		name := strings.TrimPrefix(strings.TrimPrefix(parent, common), "/")
		if common == "." && parent != "." {
			name = parent
		} else if parent == common {
			name = ""
		}
		if groups[name] == nil {
			groups[name] = &Group{Name: name}
		}
		return groups[name]
	}
	manifests := map[*Group]string{}
	for dir, place := range f.mans {
		manifests[group(dir)] = place
	}
	var assumed []string
	for _, k := range order {
		g, h := group(k.parent), hosts[k]
		h.Group = g.Name
		g.Hosts = append(g.Hosts, h)
		for _, w := range why[k] {
			assumed = append(assumed, strings.TrimPrefix(g.Name+"/"+h.Name, "/")+": "+w)
		}
	}
	var out []*Group
	for _, g := range groups {
		out = append(out, g)
	}
	return out, manifests, assumed
}

// parent is the folder that sets the group of a claim apart: its manifest's, else the nearest one that is no mere
// container.
func (f *finder) parent(c claim) string {
	for d := c.parent; ; d = path.Dir(d) {
		if f.mans[d] != "" {
			return d
		}
		if d == "." || d == "/" || d == path.Dir(d) {
			break
		}
	}
	d := c.parent
	for d != "." && d != "/" && d != ".." && !strings.HasSuffix(d, "/..") && (containers[path.Base(d)] || tiers[path.Base(d)]) {
		d = path.Dir(d)
	}
	return d
}

// commonFolder is the folder that all lie in.
func commonFolder(dirs map[string]bool) string {
	common, first := "", true
	for d := range dirs {
		if first {
			common, first = d, false
			continue
		}
		for !below(d, common) {
			if common == "." || common == "/" || common == ".." {
				return "."
			}
			common = path.Dir(common)
		}
	}
	return common
}
