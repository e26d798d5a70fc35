package conf

import (
	"path"
	"slices"
	"strings"
)

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
