package fact

import (
	"path"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// readApp reads an application's environment file: where it listens, and which databases it writes to and reads from.
// Nil: the file says none of it, so that it belongs to something else.
func readApp(h *Host, t *conf.Tree) *App {
	a := &App{Host: h, Name: strings.TrimSuffix(path.Base(t.File.Path), ".env"), Tree: t, Env: map[string]Value[string]{}}
	if a.Name == "" { // a file called ".env"
		a.Name = path.Base(path.Dir(t.File.Path))
	}
	set := map[string]*conf.Node{} // the line that counts: the last
	var names []string
	for _, n := range t.Body {
		if len(n.Words) != 2 {
			continue
		}
		name := strings.TrimPrefix(n.Name(), "export ")
		if set[name] == nil {
			names = append(names, name)
		}
		set[name] = n
		a.Env[name] = envValue(name, n)
	}
	r := appReader{App: a, set: set}
	for _, name := range names {
		r.explicit(name)
	}
	if a.Write == nil && a.Read == nil {
		for _, name := range names {
			r.url(name)
		}
	}
	if a.Write == nil && a.Read == nil {
		for _, name := range names {
			r.hostAndPort(name)
		}
	}
	r.listen()
	if len(a.Listen) == 0 && a.Write == nil && a.Read == nil {
		return nil
	}
	return a
}

type appReader struct {
	*App
	set map[string]*conf.Node
}

// envValue is a variable's value, without what is secret in it: facts end in messages.
func envValue(name string, n *conf.Node) Value[string] {
	w := n.Words[1]
	v := Value[string]{V: w.Text, Word: w, State: Written}
	switch upper := strings.ToUpper(name); {
	case envUnknown(w.Text):
		v.State = Unknown
	case strings.Contains(upper, "PASS"), strings.Contains(upper, "SECRET"), strings.Contains(upper, "TOKEN"),
		strings.Contains(upper, "KEY"), strings.Contains(upper, "CREDENTIAL"), strings.ContainsAny(w.Text, "@"),
		strings.Contains(strings.ToLower(w.Text), "password="):
		v.V, v.Word = "", n.Words[0]
	}
	return v
}

// envUnknown reports whether a value holds what somebody else fills in: systemd does not, other readers of such files do.
func envUnknown(s string) bool { return strings.Contains(s, "${") || strings.Contains(s, "$(") }

// listen reads where the application accepts connections.
func (r *appReader) listen() {
	for _, name := range []string{"LISTEN", "LISTEN_ADDR", "LISTEN_ADDRESS", "BIND", "BIND_ADDR", "BIND_ADDRESS"} {
		if n := r.set[name]; n != nil {
			for _, w := range listWords(n.Words[1], n.Words[1].Text) {
				r.addListener(w, w.Text)
			}
			return
		}
	}
	if path.Ext(r.Tree.File.Path) != ".env" && r.Write == nil && r.Read == nil {
		return // the PORT of a file in /etc/default may be that of any daemon
	}
	for _, name := range []string{"PORT", "APP_PORT", "HTTP_PORT"} {
		if n := r.set[name]; n != nil {
			host := ""
			if on := r.set["HOST"]; on != nil && parseAddr(on.Words[1].Text).IsValid() {
				host = on.Words[1].Text
			}
			if _, err := strconv.Atoi(n.Words[1].Text); err == nil {
				r.addListener(n.Words[1], "["+host+"]:"+n.Words[1].Text)
			}
			return
		}
	}
}

func (r *appReader) addListener(w conf.Word, text string) {
	l := &Listener{Host: r.Host, Layer: LayerApp, Word: w}
	l.TLS.Word, l.HTTP2.Word, l.Proxy.Word = w, w, w
	for _, scheme := range []string{"tcp://", "http://", "unix://", "unix:"} {
		text = strings.TrimPrefix(text, scheme)
	}
	text = strings.TrimSuffix(text, "/")
	if strings.HasPrefix(text, "/") {
		l.Unix, l.Known = text, true
		r.Listen = append(r.Listen, l)
		return
	}
	if _, err := strconv.Atoi(text); err == nil {
		text = ":" + text
	}
	host, port := splitHostPort(text)
	l.Port, l.To = port, port
	l.Addr = parseAddr(host)
	switch {
	case host == "" || host == "*" || l.Addr.IsUnspecified() && l.Addr.Is6():
		// Most runtimes open one socket for both families.
		l.Addr, l.V4, l.V6, l.Known = parseAddr(""), true, true, port > 0
	case l.Addr.IsUnspecified():
		l.Addr, l.V4, l.Known = parseAddr(""), true, port > 0
	case l.Addr.IsValid():
		l.V4, l.V6, l.Known = l.Addr.Is4(), l.Addr.Is6(), port > 0
	}
	if envUnknown(text) {
		l.Known = false
	}
	r.Listen = append(r.Listen, l)
}

// explicit reads DB_WRITE and DB_READ: lists of host:port.
func (r *appReader) explicit(name string) {
	if name == "DB_WRITE" || name == "DB_READ" {
		w := r.set[name].Words[1]
		r.add(name, name == "DB_WRITE", listWords(w, w.Text), "3306")
	}
}

// url reads a variable that holds the address of a database in one of the forms that drivers know.
func (r *appReader) url(name string) {
	w := r.set[name].Words[1]
	hosts, port, replication := dsnHosts(w.Text)
	if hosts == "" {
		return
	}
	words := listWords(w, hosts)
	if replication && len(words) > 1 {
		r.add(name, true, words[:1], port)
		r.add(name, false, words[1:], port)
		return
	}
	r.add(name, !readsOnly(name), words, port)
}

// dsnHosts cuts the list of hosts out of a DSN for MySQL or MariaDB, and the port for those that have none; empty for
// anything else. replication: the first takes the writes, the others the reads.
func dsnHosts(s string) (hosts, port string, replication bool) {
	port = "3306"
	if rest, ok := strings.CutPrefix(s, "mysql:"); ok && strings.Contains(rest, "host=") { // PDO
		for part := range strings.SplitSeq(rest, ";") {
			switch name, v, _ := strings.Cut(strings.TrimSpace(part), "="); name {
			case "host":
				hosts = v
			case "port":
				port = v
			}
		}
		return hosts, port, false
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		scheme = strings.ToLower(strings.TrimPrefix(scheme, "jdbc:"))
		if !strings.HasPrefix(scheme, "mysql") && !strings.HasPrefix(scheme, "mariadb") {
			return "", "", false
		}
		rest, _, _ = strings.Cut(rest, "?")
		rest = rest[strings.LastIndexByte(rest, '@')+1:] // a password may hold a slash that nobody escaped
		rest, _, _ = strings.Cut(rest, "/")
		if strings.ContainsAny(rest, "()= ") {
			return "", "", false // address=(host=…)(port=…)
		}
		return rest, port, strings.HasSuffix(scheme, ":replication")
	}
	// The Go driver's: user:password@tcp(10.0.0.1:3306)/db.
	for _, network := range []string{"tcp(", "unix("} {
		i := strings.LastIndex(s, network)
		if i < 0 || i > 0 && s[i-1] != '@' {
			continue
		}
		if end := strings.IndexByte(s[i:], ')'); end > 0 {
			return s[i+len(network) : i+end], port, false
		}
	}
	return "", "", false
}

// hostAndPort reads DB_HOST with DB_PORT, and other names of the pair.
func (r *appReader) hostAndPort(name string) {
	w := r.set[name].Words[1]
	if !hostOfDatabase(name) || r.otherDatabase() || strings.ContainsAny(w.Text, "%*") {
		return
	}
	port := "3306"
	for _, p := range []string{strings.Replace(name, "HOST", "PORT", 1), "DB_PORT", "MYSQL_PORT"} {
		if n := r.set[p]; n != nil {
			port = n.Words[1].Text
			break
		}
	}
	if port == "5432" {
		return
	}
	r.add(name, !readsOnly(name), listWords(w, w.Text), port)
}

// hostOfDatabase reports whether a variable is called like the host of a database: "WORDPRESS_DB_HOST", "DB_READ_HOST", but
// not "MYSQL_ROOT_HOST", from where root may come, or "POSTGRES_DB_HOST".
func hostOfDatabase(name string) bool {
	database, host := false, false
	for part := range strings.SplitSeq(strings.ToUpper(name), "_") {
		switch part {
		case "DB", "MYSQL", "MARIADB", "DATABASE":
			database = true
		case "HOST", "HOSTNAME", "HOSTS":
			host = true
		case "WRITE", "WRITER", "MASTER", "PRIMARY":
		case "REDIS", "MONGO", "MONGODB", "POSTGRES", "PG", "CLICKHOUSE", "INFLUX":
			return false
		default:
			if database && !readsOnly(part) {
				return false
			}
		}
	}
	return database && host
}

// otherDatabase reports whether a variable says that the database is none of ours.
func (r *appReader) otherDatabase() bool {
	for _, name := range []string{"DB_CONNECTION", "DB_DRIVER", "DB_ENGINE", "DB_TYPE", "DATABASE_TYPE", "DB_DIALECT"} {
		if n := r.set[name]; n != nil {
			v := strings.ToLower(n.Words[1].Text)
			return !strings.Contains(v, "mysql") && !strings.Contains(v, "maria")
		}
	}
	return false
}

// readsOnly reports whether a variable's name says that its database takes reads.
func readsOnly(name string) bool {
	for part := range strings.SplitSeq(strings.ToUpper(name), "_") {
		switch part {
		case "READ", "READER", "READONLY", "REPLICA", "REPLICAS", "SLAVE", "SLAVES", "RO", "SECONDARY":
			return true
		}
	}
	return false
}

// add makes the pool of writes or reads, if there is none yet.
func (r *appReader) add(name string, write bool, hosts []conf.Word, port string) {
	to := &r.Read
	if write {
		to = &r.Write
	}
	if *to != nil || len(hosts) == 0 {
		return
	}
	n := r.set[name]
	p := &Pool{Host: r.Host, Layer: LayerDatabase, Name: n.Words[0], Node: n, Used: true, Direct: true, Write: write}
	p.Balance.Word = n.Words[0]
	for _, w := range hosts {
		s := &Server{Pool: p, Name: w, Address: w, Node: n, Weight: Value[int]{V: 1, Word: w}, HAProxyServer: noHAProxy}
		s.TLS = Value[bool]{Word: w, State: Unknown} // drivers try it by themselves
		if envUnknown(w.Text) {
			p.Partial = true
			continue
		}
		if strings.HasPrefix(w.Text, "/") {
			s.Unix = w.Text
		} else {
			host, number := splitHostPort(w.Text)
			if number == 0 && !strings.HasSuffix(w.Text, ":"+port) {
				number, _ = strconv.Atoi(port)
			}
			s.Addr, s.Port = parseAddr(host), number
		}
		p.Servers = append(p.Servers, s)
	}
	*to = p
}

// splitHostPort is lenient: both parts may be missing, and an IPv6 address needs no brackets where no port follows.
func splitHostPort(s string) (host string, port int) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.Count(s, ":") == 1 || i > 0 && s[i-1] == ']') {
		p, err := strconv.Atoi(s[i+1:])
		if host = s[:i]; err == nil && p > 0 && p <= 65535 {
			port = p
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return host, port
}

// listWords cuts text, which is all or a part of w, at commas and blanks. The words hold nothing else of w, and stand
// where they do in the file as far as quotes leave them recognisable.
func listWords(w conf.Word, text string) []conf.Word {
	var words []conf.Word
	from := 0
	if i := strings.LastIndex(w.Raw, text); i >= 0 {
		from = i
	}
	for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		one := conf.Word{Text: part, Raw: part, Pos: w.Pos, Off: w.Off}
		if i := strings.Index(w.Raw[from:], part); i >= 0 {
			from += i
			one.Off += from
			one.Pos.Col += len([]rune(w.Raw[:from]))
			from += len(part)
		} else {
			one.Raw = ""
		}
		words = append(words, one)
	}
	return words
}
