package model

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"stackgen/pkg/diag"
)

// equal compares topologies as their users see them: without origins, netip values by ==.
var equal = cmp.Options{
	cmpopts.IgnoreUnexported(Topology{}), cmpopts.EquateComparable(netipTypes...), cmpopts.EquateEmpty(),
}

func lines(ds []diag.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s: %s\n", d.Pos, d.Message)
		if d.Help != "" {
			fmt.Fprintf(&b, "\thelp: %s\n", d.Help)
		}
		for _, r := range d.Related {
			fmt.Fprintf(&b, "\t%s: %s\n", r.Pos, r.Message)
		}
	}
	return b.String()
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustLoad(t testing.TB, name string, data []byte) *Topology {
	t.Helper()
	top, ds := Load(Source{name, data}, nil, nil)
	if len(ds) > 0 {
		t.Fatalf("%s does not load:\n%s", name, lines(ds))
	}
	return top
}

// goodFiles are the topologies that must load: the examples, and testdata.
func goodFiles(t testing.TB) []string {
	t.Helper()
	examples, err := filepath.Glob("../../examples/*/stack.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples:", err)
	}
	good, err := filepath.Glob("testdata/*.good.yaml")
	if err != nil || len(good) == 0 {
		t.Fatal("no good topologies:", err)
	}
	return append(examples, good...)
}

func TestGood(t *testing.T) {
	for _, path := range goodFiles(t) {
		t.Run(filepath.ToSlash(path), func(t *testing.T) { mustLoad(t, path, read(t, path)) })
	}
}

var (
	wantComment = regexp.MustCompile(`# want((?: "(?:[^"\\]|\\.)*")+)$`)
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// TestBad holds every error against the "# want" comment on its line. A pattern is about "column: message (help)".
func TestBad(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no bad topologies:", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data := read(t, path)
			want := map[int][]string{}
			for i, line := range strings.Split(string(data), "\n") {
				if m := wantComment.FindStringSubmatch(strings.TrimSuffix(line, "\r")); m != nil {
					for _, q := range quoted.FindAllString(m[1], -1) {
						pattern, err := strconv.Unquote(q)
						if err != nil {
							t.Fatal(err)
						}
						want[i+1] = append(want[i+1], pattern)
					}
				}
			}
			if len(want) == 0 {
				t.Fatal("nothing is wanted")
			}
			top, ds := Load(Source{path, data}, nil, nil)
			if top != nil {
				t.Error("a topology was returned beside errors")
			}
			for _, d := range ds {
				text := fmt.Sprintf("%d: %s (%s)", d.Pos.Col, d.Message, d.Help)
				i := slices.IndexFunc(want[d.Pos.Line], func(p string) bool { return regexp.MustCompile(p).MatchString(text) })
				if i < 0 || d.Pos.File != path {
					t.Errorf("%s: unexpected: %s", d.Pos, text)
					continue
				}
				want[d.Pos.Line] = slices.Delete(want[d.Pos.Line], i, i+1)
			}
			for line, patterns := range want {
				for _, p := range patterns {
					t.Errorf("%s:%d: no error matches %q", path, line, p)
				}
			}
		})
	}
}

// TestSyntax is about text that cannot hold a "# want" comment.
func TestSyntax(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "s:1:1: the file is empty\n\thelp: write a topology, or let `stackgen init` make one\n"},
		{"comments", "# nothing\n\n", "s:1:1: the file is empty\n\thelp: write a topology, or let `stackgen init` make one\n"},
		{"empty document", "---\n", "s:1:1: the file is empty\n\thelp: write a topology, or let `stackgen init` make one\n"},
		{"list", "- a\n", "s:1:1: expected a mapping, not a list\n\thelp: start with `stackgen: 1`, or let `stackgen init` make a topology\n"},
		{"word", "hello\n", "s:1:1: expected a mapping, not \"hello\"\n\thelp: start with `stackgen: 1`, or let `stackgen init` make a topology\n"},
		{"binary", "\x7fELF\x00\x01", "s:1:1: control character U+007F: this is no text file, or it was damaged\n\thelp: give a text file, or remove the character\n"},
		{"nul", "a: é\x00", "s:1:5: control character U+0000: this is no text file, or it was damaged\n\thelp: give a text file, or remove the character\n"},
		{"latin-1", "a: 1\nname: caf\xe9\n", "s:2:10: byte 0xe9 is not UTF-8: this is no text file, or one in another encoding\n\thelp: save the file as UTF-8\n"},
		{"utf-16", "\xff\xfea\x00", "s:1:1: byte 0xff is not UTF-8: this is no text file, or one in another encoding\n\thelp: save the file as UTF-8\n"},
		{"carriage return", "a: 1\rb: 2\n", "s:1:5: control character U+000D: this is no text file, or it was damaged\n\thelp: give a text file, or remove the character\n"},
		{"tab", "lb:\n\tlb1: 10.0.0.1\n", "s:2:1: a tab cannot indent in YAML\n\thelp: indent with spaces\n"},
		{"backtick", "é: `x`\n", "s:1:4: \"`\" cannot start a value in YAML\n\thelp: put the value in quotes\n"},
		{"open bracket", "a:\n  b: [1, 2\n", "s:2:6: this \"[\" is not closed\n\thelp: write \",\" between the items and \"]\" after the last\n"},
		{"open brace", "a: {b: 1\nc: 3\n", "s:1:4: this \"{\" is not closed\n\thelp: write \",\" between the entries and \"}\" after the last\n"},
		{"open quote", "a: \"b\nc: d\n", "s:1:4: this quote is not closed\n"},
		{"value in value", "a: b: c\n", "s:1:5: \":\" cannot stand here: this would be a key inside a value\n\thelp: put the value in quotes, or give the key the indentation of its neighbours\n"},
		{"indentation", "a:\n  - b\n c: d\n", "s:3:2: the indentation does not fit the lines above\n\thelp: give the entries of one mapping or list the same indentation\n"},
		{"unknown anchor", "a: *x\n", "s:1:4: not YAML: unknown anchor 'x' referenced\n"},
		{"anchor in itself", "a: &x {b: *x}\n", "s:1:4: values are nested more than 32 deep\n\thelp: an anchor must not contain its own alias\n"},
		{"deep", "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "s:1:36: values are nested more than 32 deep\n"},
		{"format 2", "stackgen: 2\nfuture: yes\n", "s:1:11: format \"2\" is not known; this program reads format 1\n\thelp: write `stackgen: 1`\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ds := Load(Source{"s", []byte(tt.text)}, nil, nil)
			if diff := cmp.Diff(tt.want, lines(ds)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSecondDocument(t *testing.T) {
	data := append(read(t, "../../examples/foobar/stack.yaml"), "---\nstackgen: 1\n"...)
	line := bytes.Count(data, []byte("\n")) - 1
	_, ds := Load(Source{"s", data}, nil, nil)
	want := fmt.Sprintf("s:%d:1: a second document starts here; a topology is one document\n\thelp: write each stack into a file of its own\n", line)
	if diff := cmp.Diff(want, lines(ds)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLineEnds loads what Windows' editors write.
func TestLineEnds(t *testing.T) {
	data := read(t, "../../examples/foobar/stack.yaml")
	want := mustLoad(t, "s", data)
	got := mustLoad(t, "s", append([]byte("\ufeff"), bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))...))
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("-LF +CRLF:\n%s", diff)
	}
	if diff := cmp.Diff(want.origins, got.origins); diff != "" {
		t.Errorf("other places: -LF +CRLF:\n%s", diff)
	}
}

// TestOverlay merges the files of an archive in their order. The last one is the equal topology in one file, or "errors".
func TestOverlay(t *testing.T) {
	paths, err := filepath.Glob("testdata/overlay/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives:", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			files := txtar.Parse(read(t, path)).Files
			var sources []Source
			for _, f := range files {
				sources = append(sources, Source{f.Name, f.Data})
			}
			last := sources[len(sources)-1]
			got, ds := Load(sources[0], sources[1:len(sources)-1], nil)
			if last.Name == "errors" {
				if diff := cmp.Diff(string(last.Data), lines(ds)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				return
			}
			if len(ds) > 0 {
				t.Fatalf("does not load:\n%s", lines(ds))
			}
			if diff := cmp.Diff(mustLoad(t, last.Name, last.Data), got, equal); diff != "" {
				t.Errorf("-in one file +merged:\n%s", diff)
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	const base = "stackgen: 1\nname: é\ndomain: foo.example\nvip: 10.0.0.1/24\nlb: {lb1: 10.0.0.2, lb2: 10.0.0.3}\n" +
		"web: {web1: 10.0.0.4}\napp: {app1: 10.0.0.5}\n"
	over := Source{"prod", []byte("lb:\n  maxconn: 5000\n  nodes: {lb1: {zone: a}}\n")}
	top, _ := Load(Source{"s", []byte(strings.Replace(base, "é", "e", 1))}, []Source{over}, map[string]string{"nginx": "1.22"})
	if top == nil {
		t.Fatal("does not load")
	}
	tests := []struct{ path, pos, key, why string }{
		{"", "s:1:1", "s:1:1", ""},
		{"name", "s:2:7", "s:2:1", ""},
		{"sites.e.domains.0", "s:3:9", "s:3:9", ""},
		{"vips.www.address", "s:4:6", "s:4:6", ""},
		{"vips.www", "s:4:6", "s:4:1", ""},
		{"vips.www.public", "s:4:6", "s:4:1", "vips.www.address"},
		{"lb.nodes.lb2.address", "s:5:26", "s:5:26", ""},
		{"lb.nodes.lb2", "s:5:26", "s:5:21", ""},
		{"lb.nodes.lb1.zone", "prod:3:23", "prod:3:17", ""},
		{"lb.maxconn", "prod:2:12", "prod:2:3", ""},
		{"lb.sticky", "s:5:5", "s:5:1", "default"},
		{"targets.nginx", "s:1:1", "s:1:1", "--target nginx=1.22"},
	}
	for _, tt := range tests {
		o := top.Origin(tt.path)
		if o.Pos.String() != tt.pos || o.Key.String() != tt.key || o.Why != tt.why {
			t.Errorf("%q: got %v, key %v, why %q; want %s, %s, %q", tt.path, o.Pos, o.Key, o.Why, tt.pos, tt.key, tt.why)
		}
	}
}

func TestTargets(t *testing.T) {
	foobar := read(t, "../../examples/foobar/stack.yaml")
	load := func(targets map[string]string) (*Topology, []diag.Diagnostic) {
		return Load(Source{"s", foobar}, nil, targets)
	}
	top, ds := load(map[string]string{"haproxy": "2.6", "mariadb": "10.11"})
	if len(ds) > 0 {
		t.Fatal(lines(ds))
	}
	want := Targets{HAProxy: Version{2, 6}, Keepalived: Version{2, 3}, Nginx: Version{1, 26}, MariaDB: Version{10, 11}}
	if top.Targets != want {
		t.Errorf("got %v, want %v", top.Targets, want)
	}
	_, ds = load(map[string]string{"haproxy": "1.8", "ngnix": "1.26", "mysql": "8.0", "mariadb": "11.8"})
	const errs = `: target haproxy=1.8 is not supported: haproxy is one of 2.6, 2.7, 2.8, 2.9, 3.0, 3.1, 3.2
: targets mysql and mariadb exclude each other
: unknown target "ngnix"
	help: did you mean "nginx"?
`
	if diff := cmp.Diff(errs, lines(ds)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	known := shapes[reflectTopology].keys
	for word, want := range map[string]string{
		"nmae": "name", "vip": "vips", "site": "sites", "timeout": "timeouts", "targts": "targets", "bd": "db", "xyz": "", "accpet": "accept",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestBombs are inputs that cost much more than they weigh.
func TestBombs(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	tests := []struct{ name, text, want string }{
		{"billion laughs", laughs, "more than 1000000 values"},
		{"wide", "a: [" + strings.Repeat("1,", 1_100_000) + "]", "more than 1000000 values"},
		{"50 MB", "stackgen: 1\n" + strings.Repeat("# 50 MB of nothing\n", 50<<20/19), "more than 8 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ds := Load(Source{"s", []byte(tt.text)}, nil, nil)
			if len(ds) != 1 || !strings.Contains(ds[0].Message, tt.want) {
				t.Errorf("got %q, want %q alone", lines(ds), tt.want)
			}
		})
	}
}

// TestBroken: what is above or below a value that could not be read proves nothing; what is beside it does.
func TestBroken(t *testing.T) {
	p := newProblems(&Topology{})
	p.spoil("lb.nodes.lb1.address")
	for path, want := range map[string]bool{
		"lb": true, "lb.nodes": true, "lb.nodes.lb1": true, "lb.nodes.lb1.address": true, "lb.nodes.lb1.address.x": true,
		"lb.nodes.lb1.address6": false, "lb.nodes.lb11": false, "lb.maxconn": false, "web": false, "l": false,
	} {
		if p.broken(path) != want {
			t.Errorf("broken(%q) = %v", path, !want)
		}
	}
}

// TestManyErrors: ten thousand errors cost no more than ten thousand hosts.
func TestManyErrors(t *testing.T) {
	data := bytes.ReplaceAll(wide(10_000), []byte("address: 10."), []byte("address: x."))
	_, ds := Load(Source{"s", data}, nil, nil)
	if len(ds) != 10_000 {
		t.Errorf("%d errors", len(ds))
	}
}

// wide is a topology with about n hosts, half of them web servers.
func wide(n int) []byte {
	var b bytes.Buffer
	b.WriteString("stackgen: 1\nname: wide\ndomain: foobar.com\nvip: 10.0.0.10/8\nlb: {lb1: 10.0.0.11, lb2: 10.0.0.12}\n")
	tier := func(name string, network int) {
		fmt.Fprintf(&b, "%s:\n", name)
		for i := range n / 2 {
			fmt.Fprintf(&b, "  %s%d: {address: 10.%d.%d.%d, zone: az%d}\n", name, i+1, network+i>>16, i>>8&255, i&255, i%3+1)
		}
	}
	tier("web", 64)
	tier("app", 128)
	b.WriteString("db:\n  primary: {db1: 10.0.0.41}\n  replicas: {db2: 10.0.0.42}\n")
	return b.Bytes()
}

func BenchmarkLoad(b *testing.B) {
	for _, hosts := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			data := wide(hosts)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ds := Load(Source{"s", data}, nil, nil); len(ds) > 0 {
					b.Fatal(lines(ds[:1]))
				}
			}
		})
	}
}

// FuzzLoad: whatever is read, there is no panic; there is a topology or an error, never both; every error has a place
// inside the text; and what loads can be explained and loads again.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(files, goodFiles(f)...) {
		f.Add(read(f, path), []byte("lb: {maxconn: 5}\n"))
	}
	f.Fuzz(func(t *testing.T, data, over []byte) {
		top, ds := Load(Source{"s", data}, []Source{{"o", over}}, nil)
		if (top == nil) == (len(ds) == 0) {
			t.Fatalf("topology %v with %d errors", top != nil, len(ds))
		}
		text := map[string][]byte{"s": data, "o": over}
		for _, d := range ds {
			if d.Message == "" || d.Pos.Line < 1 || d.Pos.Col < 1 || d.Pos.Line > bytes.Count(text[d.Pos.File], []byte("\n"))+1 {
				t.Errorf("%s: %q", d.Pos, d.Message)
			}
		}
		if top != nil {
			reload(t, top)
		}
	})
}
