package render_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stackgen/internal/draw"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// TestDrawn holds for random topologies over the whole format what the files promise whatever the topology.
func TestDrawn(t *testing.T) {
	checkDraws(t, func(t *rapid.T) {
		text := draw.Topology(t, draw.Options{})
		top := load(t, text)
		files := render.Render(top)
		for i, f := range render.Render(load(t, text)) {
			if !reflect.DeepEqual(f, files[i]) {
				t.Fatalf("%s: other bytes for the same topology:\n%s", f.Name(), cmp.Diff(string(files[i].Data), string(f.Data)))
			}
		}
		s := stack{t: t, Topology: top, files: files, trees: map[string]*conf.Tree{}}
		s.forms()
		s.origins()
		s.manifest()
		s.balancers()
		s.webServers()
		s.applications()
		s.databases()
		s.zone()
		s.deployment()
		s.members()
	})
}

// stack is a topology and what was made of it.
type stack struct {
	t failer
	*model.Topology
	files []render.File
	trees map[string]*conf.Tree
}

func (s stack) file(name string) render.File {
	for _, f := range s.files {
		if f.Name() == name {
			return f
		}
	}
	s.t.Fatalf("%s is not rendered", name)
	return render.File{}
}

// tree returns a file as its daemon reads it.
func (s stack) tree(host, path string) []*conf.Node {
	name := host + path
	if s.trees[name] == nil {
		s.trees[name] = conf.Parse(s.file(name).File, name)
	}
	return s.trees[name].Body
}

// forms: every file is one that people and daemons can read.
func (s stack) forms() {
	seen := map[string]bool{}
	for _, f := range s.files {
		name, data := f.Name(), f.Data
		if seen[name] {
			s.t.Errorf("%s is rendered twice", name)
		}
		seen[name] = true
		if f.Mode != 0o644 && f.Mode != 0o755 {
			s.t.Errorf("%s has mode %o", name, f.Mode)
		}
		if script := bytes.HasPrefix(data, []byte("#!")); script != (f.Mode == 0o755) {
			s.t.Errorf("%s: mode %o, and it is a script: %v", name, f.Mode, script)
		}
		if !utf8.Valid(data) || !bytes.HasSuffix(data, []byte("\n")) || bytes.HasSuffix(data, []byte("\n\n")) {
			s.t.Errorf("%s is not UTF-8, or does not end with one line break", name)
		}
		for i, line := range strings.Split(string(data), "\n") {
			if strings.TrimRight(line, " \t") != line {
				s.t.Errorf("%s:%d ends with blanks: %q", name, i+1, line)
			}
			if at := strings.IndexFunc(line, func(r rune) bool {
				return !unicode.IsPrint(r) && !(r == '\t' && f.Path == "dns.zone") // between the fields of a record
			}); at >= 0 {
				s.t.Errorf("%s:%d holds a control character: %q", name, i+1, line)
			}
		}
		for _, e := range conf.Parse(f.File, name).Errors {
			s.t.Errorf("%s: %s", e.Pos, e.Message)
		}
	}
}

// Files that no line of the topology makes what they are, or all of them.
var withoutOrigin = []string{"DEPLOY.md", "manifest.json", "/etc/nginx/stackgen/", "/etc/systemd/system/nginx.service.d/"}

// origins: each line comes from a place that the topology has.
func (s stack) origins() {
	places := map[string]bool{"": true}
	paths(reflect.ValueOf(*s.Topology), "", places)
	for _, f := range s.files {
		if f.Origin == nil {
			if !slices.ContainsFunc(withoutOrigin, func(p string) bool { return strings.HasPrefix(f.Path, p) }) {
				s.t.Errorf("%s: nothing says where its lines come from", f.Name())
			}
			continue
		}
		if lines := bytes.Count(f.Data, []byte("\n")); lines != len(f.Origin) {
			s.t.Fatalf("%s has %d lines and %d origins", f.Name(), lines, len(f.Origin))
		}
		for i, path := range f.Origin {
			if !places[path] {
				s.t.Errorf("%s:%d comes from %q, which is nowhere: %s", f.Name(), i+1, path, line(f.Data, i+1))
			} else if pos := s.Origin(path).Pos; !pos.IsValid() {
				s.t.Errorf("%s:%d comes from %q, which has no place", f.Name(), i+1, path)
			}
		}
	}
}

// paths collects the path of every value of a topology.
func paths(v reflect.Value, path string, found map[string]bool) {
	below := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() { // a section that nobody wrote has its places all the same
			v = reflect.New(v.Type().Elem())
		}
		paths(v.Elem(), path, found)
	case reflect.Slice:
		for i := range v.Len() {
			key := strconv.Itoa(i)
			if name := entryName(v.Index(i)); name != "" {
				key = name
			}
			found[below(key)] = true
			paths(v.Index(i), below(key), found)
		}
	case reflect.Struct:
		for f, value := range v.Fields() {
			key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			switch {
			case option == "inline":
				paths(value, path, found)
			case f.IsExported() && key != "":
				found[below(key)] = true
				paths(value, below(key), found)
			}
		}
	}
}

// entryName is the key of an entry in its mapping; empty for what is no entry.
func entryName(v reflect.Value) string {
	if v.Kind() != reflect.Struct {
		return ""
	}
	for f, value := range v.Fields() {
		if _, option, _ := strings.Cut(f.Tag.Get("yaml"), ","); option == "key" {
			return value.String()
		} else if option == "inline" {
			return entryName(value)
		}
	}
	return ""
}

// manifest: it lists each file with its checksum, and every host, tier, site and virtual IP.
func (s stack) manifest() {
	m, err := conf.DecodeManifest(s.file(conf.ManifestName).Data)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	listed := map[string]conf.ManifestFile{}
	for _, f := range m.Files {
		listed[f.Host+f.Path] = f
	}
	for _, f := range s.files {
		if f.Path == conf.ManifestName {
			continue
		}
		sum := sha256.Sum256(f.Data)
		e := listed[f.Name()]
		s.equal("manifest: "+f.Name(), []string{e.SHA256, e.Mode, e.Owner}, []string{hex.EncodeToString(sum[:]), fmt.Sprintf("%04o", f.Mode), "root:root"})
		delete(listed, f.Name())
	}
	for name := range listed {
		s.t.Errorf("the manifest lists %s, which is not rendered", name)
	}
	s.equal("manifest: hosts", len(m.Hosts), len(s.Hosts()))
	tiers := map[string][]string{}
	for _, h := range s.Hosts() {
		tiers[h.Tier] = append(tiers[h.Tier], h.Name)
		e := m.Hosts[h.Name]
		s.equal("manifest: host "+h.Name, []any{e.Role, e.Tier, e.Addresses, e.Zone, e.RunsOn, e.Capacity, e.CPUs, e.Memory, e.Availability},
			[]any{string(h.Role), h.Tier, words(h.AddressList()), h.Zone, h.RunsOn, h.Capacity, h.CPUs, int64(h.Memory), h.Availability})
	}
	for tier, hosts := range tiers {
		s.equal("manifest: tier "+tier, m.Tiers[tier].Hosts, hosts)
	}
	for _, v := range s.VIPs {
		s.equal("manifest: vip "+v.Name, m.VIPs[v.Name], conf.ManifestVIP{Addresses: words(v.Prefixes()), Public: words(publics(v)), Prefer: v.Prefer})
	}
	for _, site := range s.Sites {
		s.equal("manifest: site "+site.Name, []any{m.Sites[site.Name].Domains, m.Sites[site.Name].VIP}, []any{site.Domains, site.VIP})
		for _, r := range site.Routes {
			e := m.Sites[site.Name].Routes[r.Prefix]
			s.equal("manifest: route "+r.Prefix, []any{e.App, e.RequestMS, e.WebSocket}, []any{r.App, r.RequestTimeout.Milliseconds(), r.WebSocket})
		}
	}
	for i, a := range s.Accept {
		s.equal("manifest: accept", m.Accept[i], conf.ManifestAccept{Rule: a.Rule, Host: a.Host, Reason: a.Reason, Until: a.Until.String()})
	}
}

func (s stack) equal(what string, got, want any) {
	s.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.t.Errorf("%s (-topology +file):\n%s", what, d)
	}
}

func words[T fmt.Stringer](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, v.String())
	}
	return all
}

func publics(v model.VIP) []netip.Addr {
	if v.Address6.IsValid() {
		return []netip.Addr{v.Public, v.Public6}
	}
	return []netip.Addr{v.Public}
}

// args returns the words after the keyword of each statement with that name.
func args(body []*conf.Node, name string) [][]string {
	var all [][]string
	for n := range conf.Named(body, name) {
		var list []string
		for _, w := range n.Args() {
			list = append(list, w.Text)
		}
		all = append(all, list)
	}
	return all
}

// block returns the block that begins with these words.
func (s stack) block(body []*conf.Node, head ...string) []*conf.Node {
	s.t.Helper()
	for _, n := range body {
		if n.Block && len(n.Words) >= len(head) && slices.EqualFunc(n.Words[:len(head)], head, func(w conf.Word, h string) bool { return w.Text == h }) {
			return n.Body
		}
	}
	s.t.Fatalf("there is no %s", strings.Join(head, " "))
	return nil
}

// first returns the first word after a keyword.
func first(body []*conf.Node, name string) string {
	for n := range conf.Named(body, name) {
		return n.Arg(1).Text
	}
	return ""
}

// zone: every domain leads to the public addresses of its virtual IP, and nothing else is said.
func (s stack) zone() {
	got, want := map[string]bool{}, map[string]bool{}
	for record := range strings.Lines(string(s.file("dns.zone").Data)) {
		if !strings.HasPrefix(record, ";") {
			got[strings.Join(strings.Fields(record), " ")] = true
		}
	}
	for _, site := range s.Sites {
		for _, d := range site.Domains {
			for _, a := range publics(s.VIP(site.VIP)) {
				kind := "A"
				if a.Is6() {
					kind = "AAAA"
				}
				want[fmt.Sprintf("%s. 300 IN %s %s", d, kind, a)] = true
			}
		}
	}
	s.equal("dns.zone", got, want)
}

// deployment: DEPLOY.md knows every host, what must lie there, and the order.
func (s stack) deployment() {
	text := string(s.file("DEPLOY.md").Data)
	need := func(words string) {
		if !strings.Contains(text, words) {
			s.t.Errorf("DEPLOY.md does not say %q", words)
		}
	}
	for _, h := range s.Hosts() {
		need(fmt.Sprintf("| %s | %s | %s |", h.Name, h.Tier, strings.Join(words(h.AddressList()), " ")))
		need("ssh root@" + h.Name + " '")
	}
	for _, n := range s.LB.Nodes {
		need(fmt.Sprintf("ip -o addr show dev %s | grep -qwF %s ", n.Interface, n.Address))
	}
	for _, site := range s.Sites {
		need("`" + site.Root + "`")
		if site.TLS != nil {
			need("`" + site.TLS.Certificate + "`")
		}
		need(site.Domains[0] + site.Health)
	}
	if s.DB != nil && len(s.DB.Replicas) > 0 {
		need("`" + s.DB.Replication.Password.File + "`")
	}
}

// members: hosts of a tier have the same files; what differs is the little that must.
func (s stack) members() {
	byTier := map[string]map[string][]render.File{} // tier → path → files
	tier := map[string]string{}
	for _, h := range s.Hosts() {
		tier[h.Name] = h.Tier
		if h.Tier == "db" && h.Name == s.DB.Primary[0].Name {
			tier[h.Name] = "db primary"
		}
	}
	for _, f := range s.files {
		if f.Host == "" {
			continue
		}
		if byTier[tier[f.Host]] == nil {
			byTier[tier[f.Host]] = map[string][]render.File{}
		}
		byTier[tier[f.Host]][f.Path] = append(byTier[tier[f.Host]][f.Path], f)
	}
	for _, paths := range byTier {
		for path, files := range paths {
			if len(files) != len(paths[slices.Sorted(maps.Keys(paths))[0]]) {
				s.t.Errorf("not every member has %s", path)
			}
			common := s.common(files[0])
			for _, f := range files[1:] {
				if d := cmp.Diff(common, s.common(f)); d != "" {
					s.t.Errorf("%s and %s differ in more than they must:\n%s", files[0].Name(), f.Name(), d)
				}
			}
		}
	}
}

// own are the statements, by file, in which the members of a tier differ.
var own = map[string][]string{
	"/etc/haproxy/haproxy.cfg":        {"localpeer"},
	"/etc/keepalived/keepalived.conf": {"router_id", "interface", "priority", "unicast_src_ip"},
	"/etc/mysql/my.cnf":               {"bind_address", "report_host", "server_id"},
	"/etc/mysql/bootstrap.sh":         {"me", "address"},
	"/etc/mysql/promote.sh":           {"me", "address", "peers"},
}

// common is what a file says without its own statements; host names and addresses of members stand for each other.
func (s stack) common(f render.File) []string {
	var lines []string
	comments := f.Path != "/etc/haproxy/haproxy.cfg" && !strings.HasPrefix(f.Path, "/etc/nginx/") // there they are the same, too
	for l := range strings.Lines(string(f.Data)) {
		l = strings.Join(strings.Fields(l), " ") // the reasons' column follows the longest word before it
		keyword, rest, _ := strings.Cut(l, " ")
		if k, _, ok := strings.Cut(l, "="); ok && f.Mode == 0o755 {
			keyword = k
		}
		switch {
		case comments && strings.HasPrefix(l, "#"), slices.Contains(own[f.Path], keyword), f.Kind == conf.Env && strings.HasPrefix(l, "LISTEN="):
			continue
		case f.Kind == conf.Keepalived && strings.HasPrefix(rest, "min_ttl 255 max_ttl 255"):
			l = "PEER"
		case f.Kind == conf.Keepalived && strings.HasPrefix(rest, "dev "):
			_, after, _ := strings.Cut(strings.TrimPrefix(rest, "dev "), " ")
			l = keyword + " dev INTERFACE " + after
		}
		lines = append(lines, l)
	}
	return lines
}
