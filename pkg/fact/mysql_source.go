package fact

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stackgen/pkg/conf"
)

// Where the SQL or the script that starts replication usually lies.
var sourcePlaces = []string{
	"/etc/mysql/*.sql", "/etc/mysql/*.sh", "/etc/mysql/*/*.sql", "/etc/my.cnf.d/*.sql", "/root/*.sql", "/root/*.sh",
	"/docker-entrypoint-initdb.d/*.sql", "/docker-entrypoint-initdb.d/*.sh", "/usr/local/bin/*.sh", "/usr/local/sbin/*.sh",
}

// Regular expressions see only what a search for a word has found: a fleet has thousands of scripts.
var (
	changeSource = regexp.MustCompile(`(?i)^CHANGE\s+(?:MASTER|REPLICATION\s+SOURCE)\s+TO\b`)
	sourceOption = regexp.MustCompile(`(?i)\b(?:MASTER|SOURCE)_(HOST|PORT|USER|SSL|RETRY_COUNT|CONNECT_RETRY)\s*=\s*('[^']*'|"[^"]*"|[^\s,;]+)`)
	shellSet     = regexp.MustCompile(`^(?:'([^'\n]*)'|"([^"$` + "`" + `\n]*)"|([^\s'"$` + "`" + `;]*))[ \t]*(?:#.*)?$`)
)

// readSource looks for a CHANGE REPLICATION SOURCE TO, or CHANGE MASTER TO, in SQL and scripts of the host. Variables of the
// shell are those that the script sets once.
func readSource(h *Host, d *Database) *DatabaseSource {
	var paths []string
	for _, f := range h.Source.Files {
		if strings.HasSuffix(f.Path, ".sql") || strings.HasSuffix(f.Path, ".sh") {
			paths = append(paths, f.Path)
		}
	}
	if o := d.Options["init_file"]; o != nil && o.Value.Known() {
		paths = append(paths, o.Value.V)
	}
	for _, pattern := range sourcePlaces {
		paths = append(paths, h.Source.Glob(pattern)...)
	}
	slices.Sort(paths)
	for _, p := range slices.Compact(paths) {
		f, ok := h.Source.File(p)
		if !ok {
			continue
		}
		if s := parseSource(f, h.Source.Place(p), d); s != nil {
			return s
		}
	}
	return nil
}

func parseSource(f conf.File, place string, d *Database) *DatabaseSource {
	text := string(f.Data)
	for _, change := range []string{"CHANGE", "change", "Change"} {
		for i := strings.Index(text, change); i >= 0; {
			next := strings.Index(text[i+1:], change)
			if at := changeSource.FindString(text[i:]); at != "" {
				line := strings.TrimSpace(text[strings.LastIndexByte(text[:i], '\n')+1 : i])
				end := len(text)
				if n := strings.IndexByte(text[i:], ';'); n >= 0 {
					end = i + n
				}
				if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "--") {
					if s := sourceStatement(text, place, i+len(at), max(end, i+len(at)), d); s != nil {
						return s
					}
				}
			}
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	return nil
}

// sourceStatement reads text[from:end], what follows CHANGE … TO; nil where it names no host.
func sourceStatement(text, place string, from, end int, d *Database) *DatabaseSource {
	s := &DatabaseSource{Port: 3306, Interval: Value[int64]{V: 60}}
	s.Retries.State = Unknown
	if v, ok := defaultOf("source_retry_count", d.Flavour.V, d.Version); ok {
		n, _ := strconv.ParseInt(v, 10, 64) // the table has numbers
		s.Retries = Value[int64]{V: n}
	}
	s.TLS.State = Unknown
	if v, ok := defaultOf("source_ssl", d.Flavour.V, d.Version); ok {
		s.TLS = Value[bool]{V: v == "1"}
	}
	named := false
	for _, m := range sourceOption.FindAllStringSubmatchIndex(text[from:end], -1) {
		w := wordAt(text, place, from+m[4], from+m[5])
		v := Value[string]{strings.Trim(w.Text, `'"`), w, Written}
		var ok bool
		if v.V, ok = shellValue(text, v.V); !ok {
			v.State = Unknown
		}
		switch strings.ToUpper(text[from+m[2] : from+m[3]]) {
		case "HOST":
			if v.V == "" {
				return nil // it ends replication
			}
			named = true
			s.Word = w
			s.Word.Text = v.V
			s.Addr = netip.Addr{}
			if v.Known() {
				s.Addr = parseAddr(v.V)
			}
		case "PORT":
			n, err := strconv.Atoi(v.V)
			if err != nil || !v.Known() {
				n = 0
			}
			s.Port = n
		case "USER":
			s.User = v
		case "RETRY_COUNT":
			s.Retries = wholeNumber(v)
		case "CONNECT_RETRY":
			s.Interval = wholeNumber(v)
		case "SSL":
			s.TLS = Value[bool]{v.V == "1", w, v.State}
		}
	}
	if !named {
		return nil
	}
	return s
}

func wholeNumber(v Value[string]) Value[int64] {
	n, err := strconv.ParseInt(v.V, 10, 64)
	if err != nil {
		v.State = Unknown
	}
	return Value[int64]{n, v.Word, v.State}
}

// shellValue replaces "$name" and "${name}"; ok is false where the script does not set it, or sets it twice.
func shellValue(script, s string) (string, bool) {
	name, ok := strings.CutPrefix(s, "$")
	if !ok {
		return s, !strings.ContainsAny(s, "$`")
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
	value, found := "", false
	for line := range strings.SplitSeq(script, "\n") {
		line = strings.TrimLeft(line, " \t")
		for _, word := range []string{"export ", "readonly ", "local "} {
			line = strings.TrimPrefix(line, word)
		}
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != '=' {
			continue
		}
		m := shellSet.FindStringSubmatch(rest[1:])
		if m == nil || found {
			return s, false
		}
		value, found = m[1]+m[2]+m[3], true
	}
	if !found {
		return s, false
	}
	return value, true
}

// wordAt is text[from:to] as a word.
func wordAt(text, place string, from, to int) conf.Word {
	start := strings.LastIndexByte(text[:from], '\n') + 1
	w := conf.Word{Text: text[from:to], Raw: text[from:to], Off: from}
	w.Pos.File = place
	w.Pos.Line = strings.Count(text[:from], "\n") + 1
	w.Pos.Col = len([]rune(text[start:from])) + 1
	return w
}

// databaseRoles finds out which databases take writes: by the manifest, by who replicates from whom, by what is read-only. The
// only one that is no replica of the others is their primary.
func (a *assembly) databaseRoles() {
	sources := map[*Host]Value[string]{} // who is replicated from
	follows := map[*Host]*Host{}
	for _, h := range a.Hosts {
		d := h.Database
		if d == nil || d.Source == nil {
			continue
		}
		from := a.byAddr[d.Source.Addr]
		if from == nil && !d.Source.Addr.IsValid() && !strings.Contains(d.Source.Word.Text, "$") {
			from, d.Source.Addr = a.resolve(h, d.Source.Word.Text)
			if from == nil {
				from = a.byAddr[d.Source.Addr]
			}
		}
		if from != nil && from != h {
			follows[h] = from
			if _, ok := sources[from]; !ok {
				sources[from] = Value[string]{"primary", d.Source.Word, Written}
			}
		}
	}
	var open []*Database
	for _, h := range a.Hosts {
		d := h.Database
		if d == nil {
			continue
		}
		said := ""
		if a.Manifest != nil {
			said = a.Manifest.Hosts[h.Name].Database
		}
		source, isSource := sources[h]
		circle := follows[h] != nil && follows[follows[h]] == h
		ro, super := d.Bool("read_only"), d.Bool("super_read_only")
		if super.Written() && super.V {
			ro = super
		}
		semi := d.Bool("rpl_semi_sync_source_enabled")
		switch {
		case said != "":
			d.Role = Value[string]{V: said}
		case d.Source != nil && !circle:
			d.Role = Value[string]{"replica", d.Source.Word, Written}
		case isSource && d.Source == nil:
			d.Role = source
		case ro.Written() && ro.V:
			d.Role = Value[string]{"replica", ro.Word, Written}
		case circle:
			d.Role = Value[string]{"primary", source.Word, Written}
		case semi.Written() && semi.V && !d.Bool("rpl_semi_sync_replica_enabled").V:
			d.Role = Value[string]{"primary", semi.Word, Written}
		default:
			open = append(open, d)
		}
	}
	open = slices.DeleteFunc(open, a.askedRole())
	open = slices.DeleteFunc(open, a.namedRole)
	has := func(role string) bool {
		return slices.ContainsFunc(a.Hosts, func(h *Host) bool { return h.Database != nil && h.Database.Role.V == role })
	}
	if len(open) == 1 && !has("primary") && (has("replica") || a.Complete) {
		open[0].Role = Value[string]{V: "primary"}
		a.assume(open[0].Host.Name + " is the primary: every other database is a replica")
	}
}

// askedRole gives a role to a database of which nothing else tells one: where applications write is the primary, if that is one
// server; where they only read is a replica.
func (a *assembly) askedRole() func(*Database) bool {
	writes, reads := map[*Host]conf.Word{}, map[*Host]conf.Word{}
	for _, e := range a.Edges {
		if e.To == nil || e.To.Database == nil || e.VIP != nil || e.Server.Pool == nil || e.Server.Pool.Layer != LayerDatabase {
			continue
		}
		if e.Server.Pool.Write {
			writes[e.To] = e.Server.Address
		} else {
			reads[e.To] = e.Server.Address
		}
	}
	return func(d *Database) bool {
		w, written := writes[d.Host]
		r, read := reads[d.Host]
		switch {
		case written && len(writes) == 1:
			d.Role = Value[string]{V: "primary", Word: w}
			a.assume(d.Host.Name + " is the primary: the applications write there")
		case read && !written && len(writes) > 0:
			d.Role = Value[string]{V: "replica", Word: r}
			a.assume(d.Host.Name + " is a replica: the applications only read there")
		}
		return d.Role.Known()
	}
}

var (
	replicaName = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:slave|replica|standby)s?(?:$|[^a-z])`)
	primaryName = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:master|primary)(?:$|[^a-z])`)
)

// namedRole gives a role to a database of which nothing but its host's name tells one.
func (a *assembly) namedRole(d *Database) bool {
	switch name := d.Host.Name; {
	case replicaName.MatchString(name):
		d.Role = Value[string]{V: "replica"}
		a.assume(name + " is a replica: its name says so")
	case primaryName.MatchString(name):
		d.Role = Value[string]{V: "primary"}
		a.assume(name + " is the primary: its name says so")
	}
	return d.Role.Known()
}
