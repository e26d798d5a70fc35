package fact

import (
	"net/netip"
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

const (
	flavourMySQL   = "mysql"
	flavourMariaDB = "mariadb"
)

// readDatabase reads the option files of one server; nil where they have nothing for a server. Its listeners are added to those
// of the host. Its role is found later, when the other hosts are known.
func readDatabase(h *Host, t *conf.Tree, targets map[string]Version) *Database {
	d := &Database{Host: h, Tree: t, Options: map[string]*Option{}, Role: Value[string]{State: Unknown}}
	d.Partial = t.Fragment != "" || unread(t.Body)
	server := false
	for _, g := range t.Body {
		server = server || g.Block && serverGroup(g.Name()) != groupOther
	}
	if !server && h.Role != "db" {
		return nil
	}
	d.findFlavour(targets)
	d.Version = targets[d.Flavour.V]
	for _, g := range t.Body {
		if g.Block {
			d.group(g)
		}
	}
	d.Source = readSource(h, d)
	d.listen()
	return d
}

func unread(body []*conf.Node) bool {
	return slices.ContainsFunc(body, func(n *conf.Node) bool { return n.Unread || unread(n.Body) })
}

// groups of option files, by who reads them.
type groupKind int

const (
	groupOther groupKind = iota // of a client or tool
	groupBoth
	groupMySQL
	groupMariaDB
)

// serverGroup says whose server reads a group, of whatever version. Names are compared without case.
func serverGroup(name string) groupKind {
	name = strings.ToLower(name)
	base, version, versioned := strings.Cut(name, "-")
	switch {
	case name == "mysqld" || name == "server":
		return groupBoth
	case name == "mysql_cluster":
		return groupMySQL
	case name == "mariadb" || name == "mariadbd" || name == "client-server" || name == "galera":
		return groupMariaDB
	case !versioned || ParseVersion(version) == Version{}:
		return groupOther
	case base == "mariadb" || base == "mariadbd":
		return groupMariaDB
	case base == "mysqld" && ParseVersion(version).Major >= 10:
		return groupMariaDB
	case base == "mysqld":
		return groupMySQL
	}
	return groupOther
}

// reads reports whether the server reads a group; known is false where that depends on its unknown version or flavour.
func (d *Database) reads(name string) (reads, known bool) {
	k := serverGroup(name)
	switch {
	case k == groupOther:
		return false, true
	case k != groupBoth && !d.Flavour.Known():
		return true, false
	case k == groupMySQL && d.Flavour.V == flavourMariaDB, k == groupMariaDB && d.Flavour.V == flavourMySQL:
		return false, true
	}
	_, version, versioned := strings.Cut(name, "-")
	v := ParseVersion(version)
	if !versioned || v == (Version{}) { // "client-server" has no version
		return true, true
	}
	if d.Version == (Version{}) {
		return true, false
	}
	if !strings.Contains(version, ".") { // "mariadb-11" is a group since MariaDB 11
		return d.Flavour.V == flavourMariaDB && d.Version.Major >= 11 && v.Major == d.Version.Major, true
	}
	return v == d.Version, true
}

// group takes over the options of one group. The last line of an option counts, but the first of "user".
func (d *Database) group(g *conf.Node) {
	reads, known := d.reads(g.Name())
	if !reads {
		return
	}
	for _, n := range g.Body {
		if n.Block || n.Unread || len(n.Words) == 0 || strings.HasPrefix(n.Name(), "!") {
			continue
		}
		o := d.option(n)
		if !known {
			o.Value.State = Unknown
		}
		d.All = append(d.All, o)
		before := d.Options[o.Name]
		switch {
		case before == nil:
			d.Options[o.Name] = o
		case o.Name == "user":
			before.Lost = append(before.Lost, o)
		case accumulates[o.Name]:
			// Every line counts: the last one stands for them, All has the others.
			d.Options[o.Name] = o
		case !known:
			before.Value.State = Unknown
		default:
			o.Lost = append(slices.Clip(before.Lost), before)
			d.Options[o.Name] = o
		}
	}
}

// findFlavour tells MySQL from MariaDB: by the target, the groups, an option that only one of them knows, or the paths of
// Debian's packages.
func (d *Database) findFlavour(targets map[string]Version) {
	_, my := targets[flavourMySQL]
	_, maria := targets[flavourMariaDB]
	if my != maria {
		d.Flavour = Value[string]{V: flavourMariaDB}
		if my {
			d.Flavour.V = flavourMySQL
		}
		return
	}
	for _, find := range []func(*conf.Node) (conf.Word, string){flavourOfGroup, flavourOfOption, flavourOfPath} {
		found := map[string]conf.Word{}
		for _, g := range d.Tree.Body {
			w, flavour := find(g)
			if _, ok := found[flavour]; !ok && flavour != "" {
				found[flavour] = w
			}
		}
		if len(found) == 1 {
			for flavour, w := range found {
				d.Flavour = Value[string]{flavour, w, Written}
			}
			return
		}
	}
	if f := flavourOfFile(d.Tree.File.Path); f != "" {
		d.Flavour = Value[string]{V: f}
		return
	}
	d.Flavour.State = Unknown
}

func flavourOfGroup(g *conf.Node) (conf.Word, string) {
	if !g.Block {
		return conf.Word{}, ""
	}
	switch serverGroup(g.Name()) {
	case groupMySQL:
		return g.Arg(0), flavourMySQL
	case groupMariaDB:
		if len(g.Body) > 0 || !strings.EqualFold(g.Name(), "galera") { // empty in many files that are only copied
			return g.Arg(0), flavourMariaDB
		}
	}
	return conf.Word{}, ""
}

func flavourOfOption(g *conf.Node) (conf.Word, string) {
	if !g.Block || serverGroup(g.Name()) != groupBoth {
		return conf.Word{}, ""
	}
	for _, n := range g.Body {
		if name := strings.ReplaceAll(strings.ToLower(n.Name()), "-", "_"); onlyIn[name] != "" {
			return n.Arg(0), onlyIn[name]
		}
	}
	return conf.Word{}, ""
}

func flavourOfPath(n *conf.Node) (conf.Word, string) {
	if n.Name() == "!includedir" {
		return n.Arg(1), flavourOfFile(n.Arg(1).Text + "/")
	}
	w := n.Arg(0)
	if f := flavourOfFile(w.Pos.File); f != "" {
		return w, f
	}
	for _, c := range n.Body {
		if c.Name() == "!includedir" {
			return c.Arg(1), flavourOfFile(c.Arg(1).Text + "/")
		}
	}
	return conf.Word{}, ""
}

func flavourOfFile(p string) string {
	switch {
	case strings.Contains(p, "/mariadb.conf.d/"), strings.HasSuffix(p, "/mariadb.cnf"), strings.HasSuffix(p, "/mariadb-server.cnf"):
		return flavourMariaDB
	case strings.Contains(p, "/mysql.conf.d/"), strings.HasSuffix(p, "/mysqld.cnf"):
		return flavourMySQL
	}
	return ""
}

// listen adds what the server listens on to the host.
func (d *Database) listen() {
	if skip := d.Bool("skip_networking"); skip.Known() && skip.V {
		return
	}
	port := d.Number("port")
	n := int(min(port.V, 65535))
	if n <= 0 {
		n = 3306
	}
	bind := d.Text("bind_address")
	known := port.Known() && bind.Known()
	word := bind.Word
	if !bind.Written() && port.Written() {
		word = port.Word
	}
	for _, l := range d.bind(bind.V) {
		l.Port, l.To, l.Word, l.Known = n, n, word, l.Known && known
		d.Host.Listeners = append(d.Host.Listeners, l)
		if d.Listen == nil || d.Listen.Addr.IsLoopback() {
			d.Listen = l
		}
	}
	if extra := d.Options["extra_port"]; extra != nil && d.Flavour.V == flavourMariaDB && d.Listen != nil {
		l := *d.Listen
		l.Port = int(d.Number("extra_port").V)
		l.To, l.Word = l.Port, extra.Value.Word
		if l.Port > 0 {
			d.Host.Listeners = append(d.Host.Listeners, &l)
		}
	}
}

// bind reads bind_address: addresses with commas between them, "*" for all.
func (d *Database) bind(s string) []*Listener {
	var all []*Listener
	for a := range strings.SplitSeq(s, ",") {
		l := &Listener{Host: d.Host, Layer: LayerDatabase, Known: true, V4: true}
		a, _, _ = strings.Cut(strings.TrimSpace(a), "/") // MySQL: a network namespace
		switch addr := parseAddr(a); {
		case a == "*" || a == "" || addr == netip.IPv6Unspecified():
			l.V6 = true
		case addr == netip.IPv4Unspecified():
		case addr.IsValid():
			l.Addr, l.V4, l.V6 = addr, addr.Is4(), addr.Is6()
		case a == "localhost":
			l.Addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		default:
			l.Known = false
		}
		all = append(all, l)
	}
	return all
}
