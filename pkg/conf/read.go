package conf

import (
	"cmp"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"stackgen/pkg/diag"
)

// FromFiles reads files in memory: one stack, as rendered. group is its folder in an output of several stacks, empty
// for one alone; positions call a file by its place in the output.
func FromFiles(group string, files []File) *Input {
	disk := &store{}
	g := &Group{Name: group}
	hosts := map[string]*Host{}
	var manifest string
	for _, f := range files {
		place := path.Join(group, f.Name())
		disk.add(place, fs.FileMode(f.Mode), f.Data)
		if f.Host == "" {
			if f.Path == ManifestName {
				manifest = place
			}
			continue
		}
		h := hosts[f.Host]
		if h == nil {
			h = &Host{Name: f.Host, Group: group, disk: disk, mounts: []mount{{at: "/", place: path.Join(group, f.Host)}}}
			hosts[f.Host] = h
			g.Hosts = append(g.Hosts, h)
		}
		if f.Kind != Other {
			h.found = append(h.found, File{Path: f.Path, Kind: f.Kind})
		}
	}
	return readGroups([]*Group{g}, map[*Group]string{g: manifest}, disk)
}

// readGroups reads what was found, on all processors.
func readGroups(groups []*Group, manifests map[*Group]string, disk *store) *Input {
	in := &Input{Groups: groups}
	var hosts []*Host
	for _, g := range groups {
		slices.SortFunc(g.Hosts, func(a, b *Host) int { return cmp.Compare(a.Name, b.Name) })
		hosts = append(hosts, g.Hosts...)
	}
	readers := make([]*reader, len(hosts))
	inParallel(len(hosts), func(i int) {
		readers[i] = newReader(hosts[i])
		readers[i].host()
	})
	for _, r := range readers {
		in.Assumed = append(in.Assumed, r.assumed...)
		in.NotRead = append(in.NotRead, r.notRead...)
		in.Errors = append(in.Errors, r.errors...)
	}
	for _, g := range groups {
		if place := manifests[g]; place != "" {
			g.manifest(in, disk, place)
		}
	}
	in.sort()
	return in
}

func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}

func (g *Group) manifest(in *Input, disk *store, place string) {
	data, _, err := disk.read(place)
	if err != nil {
		in.NotRead = append(in.NotRead, NotRead{Group: g.Name, Path: place, Why: "cannot be read: " + cause(err), Failed: true})
		return
	}
	g.Tree = Parse(File{Path: ManifestName, Kind: JSON, Data: data}, place)
	in.Errors = append(in.Errors, g.Tree.Errors...)
	if len(g.Tree.Errors) > 0 {
		return
	}
	m, err := DecodeManifest(data)
	if err != nil {
		pos := diag.Pos{File: place, Line: 1, Col: 1}
		message := err.Error()
		if parts := strings.SplitN(message, ":", 3); len(parts) == 3 {
			line, err1 := strconv.Atoi(parts[0])
			col, err2 := strconv.Atoi(parts[1])
			if err1 == nil && err2 == nil {
				pos.Line, pos.Col, message = line, col, strings.TrimSpace(parts[2])
			}
		}
		in.Errors = append(in.Errors, diag.Diagnostic{Pos: pos, Severity: diag.Error, Rule: "syntax", Message: message})
		return
	}
	g.Manifest = m
}

// host reads the configuration of all daemons.
func (r *reader) host() {
	if r.h.whole {
		r.h.discover()
	}
	paths := map[Kind][]string{}
	slices.SortFunc(r.h.found, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for _, f := range r.h.found {
		if !slices.Contains(paths[f.Kind], f.Path) {
			paths[f.Kind] = append(paths[f.Kind], f.Path)
		}
	}
	r.haproxy(paths[HAProxy])
	r.keepalived(paths[Keepalived])
	r.nginx(paths[Nginx])
	r.mysql(paths[MySQL])
	for _, p := range paths[Env] {
		r.keep(r.tree(p, Env))
	}
	slices.SortFunc(r.h.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(r.h.Trees, func(a, b *Tree) int {
		return cmp.Or(cmp.Compare(a.File.Kind, b.File.Kind), cmp.Compare(a.File.Path, b.File.Path))
	})
}

func (r *reader) keep(t *Tree) {
	if t != nil {
		r.h.Trees = append(r.h.Trees, t)
	}
}

// seen reports whether a tree has the file already.
func (r *reader) seen(name string) bool {
	real, _, _, why := r.h.resolve(name)
	s := r.files[real]
	return why == "" && s != nil && (s.claimed || s.tree == nil)
}

// chain reads several files as one, as the daemon does.
func (r *reader) chain(names []string, k Kind) *Tree {
	var all *Tree
	for _, name := range names {
		t := r.tree(name, k)
		switch {
		case t == nil && all != nil:
			all.Body = append(slices.Clone(all.Body), unknown(all))
		case t == nil:
		case all == nil:
			all = t
		default:
			all.Body = slices.Concat(all.Body, t.Body)
			all.Comments = append(all.Comments, t.Comments...)
			all.Errors = append(all.Errors, t.Errors...)
		}
	}
	return all
}

// rest are the paths not yet in a tree.
func (r *reader) rest(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), r.seen)
}

// unused notes configuration that lies beside the main file and is not part of it.
func (r *reader) unused(name, why string) {
	r.miss(r.h.Place(name), diag.Pos{}, why, false)
}

func (r *reader) haproxy(found []string) {
	if len(found) == 0 {
		return
	}
	names, from := r.haproxyFiles()
	if from == "" && slices.Contains(found, haproxyMain) || from != "" && !r.h.named {
		t := r.chain(names, HAProxy)
		if t != nil && !hasProxy(t) {
			if parts := r.rest(slices.DeleteFunc(slices.Clone(found), func(p string) bool { return path.Dir(p) != haproxyFolder })); len(parts) > 0 && from == "" {
				t = r.chain(append(names, parts...), HAProxy)
				r.assume("HAProxy reads %s too, since %s alone has no proxy", haproxyFolder, haproxyMain)
			}
		}
		r.keep(t)
	}
	rest := r.rest(found)
	whole := 0
	for _, p := range rest {
		if s := r.open(p, HAProxy); s.tree != nil && has(s.tree.Body, "global") {
			whole++
		}
	}
	if r.h.Tree(HAProxy) == nil && whole <= 1 {
		t := r.chain(rest, HAProxy)
		if t != nil && len(rest) > 1 {
			r.assume("%s are one configuration of HAProxy, in this order", strings.Join(rest, ", "))
		}
		if t != nil && !has(t.Body, "global") && !has(t.Body, "defaults") && path.Base(t.File.Path) != path.Base(haproxyMain) {
			t.Fragment = HAProxy.String()
			t.Body = append([]*Node{unknown(t)}, t.Body...)
			r.assume("%s is a part of a configuration of HAProxy", r.h.Place(t.File.Path))
		}
		r.keep(t)
		return
	}
	for _, p := range rest {
		s := r.open(p, HAProxy)
		switch {
		case s.tree == nil || has(s.tree.Body, "global") || path.Dir(p) != haproxyFolder && path.Dir(p) != path.Dir(haproxyMain):
			r.keep(r.tree(p, HAProxy))
		case from != "":
			r.unused(p, "no -f of "+from+" names it")
		default:
			r.unused(p, "no -f of HAProxy's unit or defaults file in the input names it")
		}
	}
}

func hasProxy(t *Tree) bool { return has(t.Body, "frontend", "backend", "listen") }

func has(body []*Node, names ...string) bool {
	return slices.ContainsFunc(body, func(n *Node) bool { return slices.Contains(names, n.Name()) })
}

func (r *reader) keepalived(found []string) {
	const main = "/etc/keepalived/keepalived.conf"
	if slices.Contains(found, main) {
		r.keep(r.tree(main, Keepalived))
	}
	rest := r.rest(found)
	if len(rest) > 1 && r.h.Tree(Keepalived) == nil {
		r.assume("%s are one configuration of keepalived, in this order", strings.Join(rest, ", "))
		r.keep(r.chain(rest, Keepalived))
		return
	}
	for _, p := range rest {
		if r.h.Tree(Keepalived) != nil && below(p, path.Dir(main)) {
			r.unused(p, "no include of "+main+" names it")
			continue
		}
		r.keep(r.tree(p, Keepalived))
	}
}

func (r *reader) mysql(found []string) {
	var mains []string
	for _, p := range []string{"/etc/my.cnf", "/etc/mysql/my.cnf"} {
		if slices.Contains(found, p) && r.h.Place(p) != "" {
			mains = append(mains, p)
		}
	}
	if len(mains) == 0 {
		// Debian's my.cnf is a link by way of /etc/alternatives, which a copy of /etc/mysql does not have.
		for _, p := range []string{"/etc/mysql/mariadb.cnf", "/etc/mysql/mysql.cnf"} {
			if len(mains) == 0 && slices.Contains(found, p) {
				mains = append(mains, p)
				found = slices.DeleteFunc(slices.Clone(found), func(p string) bool { return path.Base(p) == "my.cnf" })
				r.assume("/etc/mysql/my.cnf is %s", p)
			}
		}
	}
	t := r.chain(mains, MySQL)
	r.keep(t)
	rest := r.rest(found)
	if t == nil && len(rest) > 0 {
		t = r.chain(rest, MySQL)
		if t != nil {
			for _, p := range rest {
				if path.Base(p) != "my.cnf" {
					t.Fragment = MySQL.String()
					r.assume("%s is read as a part of /etc/mysql/my.cnf", r.h.Place(p))
				}
			}
		}
		r.keep(t)
		return
	}
	for _, p := range rest {
		switch {
		case path.Base(p) == "my.cnf" && !below(p, "/etc/mysql"):
			r.keep(r.tree(p, MySQL))
		default:
			r.unused(p, "no !include or !includedir names it")
		}
	}
}

func (r *reader) nginx(found []string) {
	main := false
	for _, p := range found {
		s := r.open(p, Nginx)
		// An image's conf.d/default.conf is often kept as nginx.conf.
		part := s.tree != nil && has(s.tree.Body, "server", "upstream") && !has(s.tree.Body, "http", "events", "stream", "include", "user", "worker_processes")
		if path.Base(p) == "nginx.conf" && !part || s.tree != nil && has(s.tree.Body, "http", "events") {
			main = true
			r.keep(r.tree(p, Nginx))
		}
	}
	rest := r.rest(found)
	if main {
		for _, p := range rest {
			if d := path.Base(path.Dir(p)); (d == "conf.d" || d == "sites-enabled") && r.h.Place(p) != "" {
				r.unused(p, "no include names it")
			}
		}
		return
	}
	if len(rest) == 0 {
		return
	}
	r.keep(r.fragments(rest))
	if !r.h.whole {
		return
	}
	for _, p := range r.h.Glob("/etc/nginx/s*-enabled/*") {
		if isBackup(path.Base(p)) {
			r.unused(p, "has the name of a backup, and no nginx.conf in the input says whether nginx reads it")
		}
	}
}
