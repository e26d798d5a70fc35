package lint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

const haproxyConf = `backend app
    server a 10.0.0.1:80
    server b 10.0.0.2:80
    server a 10.0.0.1:80
backend static
    server a 10.0.0.1:80
`

var pair = []conf.File{
	{Host: "lb1", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: []byte(haproxyConf)},
	{Host: "lb2", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: []byte("# moved by a line\n" + haproxyConf)},
}

// everyServer finds each server statement.
var everyServer = &Rule{ID: "every-server", Severity: diag.Warning, Run: func(p *Pass) {
	for _, h := range p.Hosts {
		for _, section := range h.Source.Tree(conf.HAProxy).Body {
			for s := range conf.Named(section.Body, "server") {
				p.Report(s.Arg(1), "server %s", s.Arg(1).Text).On(h).In(s)
			}
		}
	}
}}

// with replaces the rules during a test.
func with(t *testing.T, rules ...*Rule) {
	old := Rules
	Rules = rules
	t.Cleanup(func() { Rules = old })
}

func lint(t *testing.T, in *conf.Input, facts fact.Options, opts Options) Result {
	t.Helper()
	return Run(in, fact.Read(in, facts), opts)
}

func prints(ds []diag.Diagnostic) (out []string) {
	for _, d := range ds {
		out = append(out, d.Fingerprint)
	}
	return out
}

// TestFingerprint: a finding is named alike in memory and on disk, from every folder, and wherever its line has moved.
func TestFingerprint(t *testing.T) {
	with(t, everyServer)
	memory := lint(t, conf.FromFiles("", pair), fact.Options{}, Options{})
	want := prints(memory.Findings)
	if len(want) != 4 { // lb2's are related
		t.Fatalf("%d findings", len(want))
	}
	seen := map[string]bool{}
	for _, p := range want {
		if seen[p] {
			t.Errorf("%s twice", p)
		}
		seen[p] = true
	}
	dir := t.TempDir()
	for _, f := range pair {
		name := filepath.Join(dir, "out", f.Name())
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ from, path string }{{dir, "out"}, {filepath.Join(dir, "out"), "."}, {"/", filepath.Join(dir, "out")}, {filepath.Join(dir, "out", "lb1"), ".."}} {
		t.Chdir(c.from)
		in, err := conf.Load([]string{c.path}, conf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := lint(t, in, fact.Options{}, Options{})
		if d := cmp.Diff(want, prints(got.Findings)); d != "" {
			t.Errorf("lint %s in %s: %s", c.path, c.from, d)
		}
	}
	moved := lint(t, conf.FromFiles("", pair[1:]), fact.Options{}, Options{})
	one := strings.Replace(string(pair[1].Data), "backend app", "\n\nbackend app", 1)
	again := lint(t, conf.FromFiles("", []conf.File{{Host: "lb2", Path: pair[1].Path, Kind: conf.HAProxy, Data: []byte(one)}}), fact.Options{}, Options{})
	if d := cmp.Diff(prints(moved.Findings), prints(again.Findings)); d != "" || moved.Findings[0].Pos == again.Findings[0].Pos {
		t.Errorf("two lines lower: %s", d)
	}
}

func TestMerge(t *testing.T) {
	with(t, everyServer, &Rule{ID: "named", Severity: diag.Warning, Run: func(p *Pass) {
		for _, h := range p.Hosts {
			section := h.Source.Tree(conf.HAProxy).Body[0]
			f := p.Report(section.Words[0], "on %s", h.Name).On(h).Same("flaw")
			if h.Name == "lb2" {
				f.Weigh(diag.Error)
			}
		}
	}})
	found := lint(t, conf.FromFiles("", pair), fact.Options{}, Options{Select: []string{"named"}}).Findings
	want := []diag.Diagnostic{{
		Pos: diag.Pos{File: "lb1/etc/haproxy/haproxy.cfg", Line: 1, Col: 1}, End: diag.Pos{File: "lb1/etc/haproxy/haproxy.cfg", Line: 1, Col: 8},
		Severity: diag.Error, Rule: "named", Message: "on lb1", Host: "lb1", Fingerprint: found[0].Fingerprint,
		Related: []diag.Related{{
			Pos: diag.Pos{File: "lb2/etc/haproxy/haproxy.cfg", Line: 2, Col: 1}, End: diag.Pos{File: "lb2/etc/haproxy/haproxy.cfg", Line: 2, Col: 8}, Message: "on lb2",
		}},
	}}
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
	servers := lint(t, conf.FromFiles("", pair), fact.Options{}, Options{Select: []string{"every"}}).Findings
	var got []string
	for _, d := range servers {
		line := d.Pos.String()
		for _, r := range d.Related {
			line += " " + r.Pos.String()
		}
		got = append(got, strings.ReplaceAll(line, "/etc/haproxy/haproxy.cfg", ""))
	}
	// Of one statement in a file twice, each is a finding; the other host's are related to the first.
	if d := cmp.Diff([]string{"lb1:2:12 lb2:3:12 lb2:5:12 lb2:7:12", "lb1:3:12 lb2:4:12", "lb1:4:12", "lb1:6:12"}, got); d != "" {
		t.Error(d)
	}
}

func TestAccept(t *testing.T) {
	with(t, &Rule{ID: "on-each", Severity: diag.Error, Run: func(p *Pass) {
		for _, h := range p.Hosts {
			p.Report(h.Source.Tree(conf.HAProxy).Body[0].Words[0], "on %s", h.Name).On(h)
		}
	}}, &Rule{ID: "on-both", Severity: diag.Error, Run: func(p *Pass) {
		p.Report(p.Hosts[0].Source.Tree(conf.HAProxy).Body[0].Words[0], "both").On(p.Hosts...)
	}})
	accept := func(list ...conf.ManifestAccept) fact.Options {
		return fact.Options{Manifest: &conf.Manifest{Version: 1, Accept: list}}
	}
	today := time.Date(2026, 3, 31, 23, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		facts fact.Options
		want  []string
	}{
		{"nothing", fact.Options{}, []string{"both", "on lb1", "on lb2"}},
		{"a rule", accept(conf.ManifestAccept{Rule: "on-each"}), []string{"both"}},
		{"on a host", accept(conf.ManifestAccept{Rule: "on-each", Host: "lb2"}), []string{"both", "on lb1"}},
		{"one of two hosts", accept(conf.ManifestAccept{Rule: "on-both", Host: "lb2"}), []string{"both", "on lb1", "on lb2"}},
		{"on the last day", accept(conf.ManifestAccept{Rule: "on-each", Until: "2026-03-31"}, conf.ManifestAccept{Rule: "on-both"}), nil},
		{
			"on the day after", accept(conf.ManifestAccept{Rule: "on-both", Until: "2026-03-30"}, conf.ManifestAccept{Rule: "on-each"}),
			[]string{"both (accepted until 2026-03-30, which has passed)"},
		},
	} {
		r := lint(t, conf.FromFiles("", pair), c.facts, Options{Now: today})
		var got []string
		for _, d := range r.Findings {
			got = append(got, d.Message)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if n := len(r.Findings) + len(r.Accepted); n != 3 {
			t.Errorf("%s: %d findings, accepted ones counted", c.name, n)
		}
	}
}

// TestWorlds: what is absent weighs only in a whole stack, and a profile shows what it says.
func TestWorlds(t *testing.T) {
	report := func(p *Pass) {
		p.Report(p.Hosts[0].Source.Tree(conf.HAProxy).Body[0].Words[0], "m").Weigh(diag.Warning)
	}
	with(t, &Rule{ID: "absent-one", Severity: diag.Error, Absence: true, Run: report}, &Rule{ID: "there", Severity: diag.Error, Run: report})
	for _, c := range []struct {
		complete bool
		opts     Options
		want     string
	}{
		{true, Options{}, "warning absent-one, warning there"},
		{false, Options{}, "warning there"},
		{false, Options{Profile: Strict}, "warning there, info absent-one"},
		{true, Options{Profile: Minimal}, ""},
		{false, Options{Select: []string{"absent-one"}}, "info absent-one"},
		{false, Options{Select: []string{"absent"}}, ""},
		{true, Options{Select: []string{"absent-"}}, "warning absent-one"},
		{true, Options{Ignore: []string{"absent"}}, "warning there"},
	} {
		var got []string
		for _, d := range lint(t, conf.FromFiles("", pair[:1]), fact.Options{Complete: c.complete}, c.opts).Findings {
			got = append(got, d.Severity.String()+" "+d.Rule)
		}
		if g := strings.Join(got, ", "); g != c.want {
			t.Errorf("complete %v, %+v: %q, want %q", c.complete, c.opts, g, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	with(t, &Rule{ID: "vrrp-router-id"}, &Rule{ID: "syntax"})
	for name, want := range map[string]string{
		"vrrp-router-id": "", "vrrp": "", "vrrp-": "", "vrrp-router": "",
		"vrp-router-id": `no rule is named "vrp-router-id"; did you mean "vrrp-router-id"? see: stackgen rules`,
		"sintax":        `no rule is named "sintax"; did you mean "syntax"? see: stackgen rules`,
		"router-id":     `no rule is named "router-id"; did you mean "vrrp-router-id"? see: stackgen rules`,
		"vrp":           `no rule is named "vrp"; did you mean "vrrp"? see: stackgen rules`,
		"nothing":       `no rule is named "nothing"; see: stackgen rules`,
		"":              `no rule is named ""; see: stackgen rules`,
	} {
		got := ""
		if err := (Options{Ignore: []string{name}}).Check(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestReading: what a daemon refuses and what is missing are findings like others, whichever host they are on.
func TestReading(t *testing.T) {
	with(t, readingRules...)
	files := []conf.File{
		{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte("events {}\nhttp {\n    include /srv/*.conf;\n    include /opt/x.conf;\n}\n}\n")},
		{Host: "web2", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: []byte("events {}\nhttp {}\n}\n")},
	}
	var got []string
	for _, d := range lint(t, conf.FromFiles("", files), fact.Options{}, Options{Profile: Strict}).Findings {
		got = append(got, strings.Join([]string{d.Pos.String(), d.Host, d.Severity.String(), d.Rule}, " "))
		if len(d.Fingerprint) != 16 || d.Message == "" {
			t.Errorf("%+v", d)
		}
		if d.Rule == "not-read" && len(d.Related) != 1 {
			t.Errorf("the second include is not there: %+v", d.Related)
		}
	}
	want := []string{"web1/etc/nginx/nginx.conf:3:5 web1 info not-read", "web1/etc/nginx/nginx.conf:6:1 web1 error syntax"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPanicNamesTheRule(t *testing.T) {
	with(t, &Rule{ID: "broken", Run: func(*Pass) { panic("the reason") }})
	defer func() {
		if text, ok := recover().(string); !ok || !strings.HasPrefix(text, `rule broken on stack "": the reason`) {
			t.Errorf("got %q", text)
		}
	}()
	lint(t, conf.FromFiles("", pair), fact.Options{}, Options{})
}

func TestParsePage(t *testing.T) {
	p, err := parsePage("complete: true\ntarget: haproxy=2.6 mysql=8.4\nalso: a b-\nA sentence.\n\nMore: text.\n" +
		"-- bad/lb1/x.cfg --\none # want \"a\\\\.b .* \\\"c\\\"\" \"second\"\ntwo\n-- good-2/lb1/x.cfg --\none\n")
	if err != nil {
		t.Fatal(err)
	}
	want := &Page{
		Prose: "A sentence.\n\nMore: text.\n", Complete: true, Targets: []string{"haproxy=2.6", "mysql=8.4"}, Also: []string{"a", "b-"},
		Trees: []PageTree{
			{"bad", []PageFile{{"lb1/x.cfg", "one\ntwo\n", map[int]string{1: `"a\\.b .* \"c\"" "second"`}}}},
			{"good-2", []PageFile{{"lb1/x.cfg", "one\n", map[int]string{}}}},
		},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if got, want := p.Trees[0].Files[0].Shown(), "one  # <- a.b … \"c\"; second\ntwo\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []string{"x\n-- worse/lb1/x --\n", "x\n-- bad --\n", "x\n-- bad/../x --\n"} {
		if _, err := parsePage(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
