package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/lint"
)

// atWord finds each statement of keepalived that begins with a word.
func atWord(word string) *lint.Rule {
	var walk func(p *lint.Pass, body []*conf.Node)
	walk = func(p *lint.Pass, body []*conf.Node) {
		for _, n := range body {
			if n.Name() == word {
				p.Report(n.Arg(1), "%s is %s", word, n.Arg(1).Text).In(n)
			}
			walk(p, n.Body)
		}
	}
	return &lint.Rule{ID: "word-" + strings.ReplaceAll(word, "_", "-"), Severity: diag.Error, Run: func(p *lint.Pass) {
		for _, h := range p.Hosts {
			if t := h.Source.Tree(conf.Keepalived); t != nil {
				walk(p, t.Body)
			}
		}
	}}
}

// TestLintTopology: a finding on a rendered line stands at the line of the topology that says so, has the rendered place
// as its first related one, and the same name as the finding in the rendered folder.
func TestLintTopology(t *testing.T) {
	old := lint.Rules
	lint.Rules = []*lint.Rule{atWord("priority"), atWord("interface"), atWord("unicast_src_ip")}
	t.Cleanup(func() { lint.Rules = old })
	type finding struct {
		File, Message, Fingerprint, Host string
		Line, Column, EndColumn          int
		Related                          []struct {
			File, Message string
			Line          int
		}
	}
	find := func(args ...string) (string, map[string]bool) {
		t.Helper()
		t.Setenv("GITHUB_ACTIONS", "")
		var out, errs bytes.Buffer
		if code := run(append([]string{"lint", "--format", "json"}, args...), terminal{strings.NewReader(""), &out, &errs}); code != exitFound {
			t.Fatalf("%v: exit code %d: %s", args, code, errs.String())
		}
		var report struct{ Findings []finding }
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		text, prints := "", map[string]bool{}
		for _, f := range report.Findings {
			prints[f.Fingerprint] = true
			text += fmt.Sprintf("%s:%d:%d-%d: %s: %s", f.File, f.Line, f.Column, f.EndColumn, f.Host, f.Message)
			for _, r := range f.Related {
				text += fmt.Sprintf("; %s: %s", r.File, r.Message)
			}
			text += "\n"
		}
		return text, prints
	}
	got, fromYAML := find("--example", "foobar")
	want := `examples/foobar/stack.yaml:9:6-19: lb2: priority is 249 (default); lb2: rendered here, from vips.www.prefer (the first of lb.nodes)
examples/foobar/stack.yaml:9:6-19: lb1: priority is 250 (default); lb1: rendered here, from vips.www.prefer (the first of lb.nodes)
examples/foobar/stack.yaml:10:12-22: lb1: interface is eth0 (default); lb1: rendered here, from lb.nodes.lb1.interface (lb.interface); lb2: the same here
examples/foobar/stack.yaml:10:12-22: lb1: unicast_src_ip is 10.0.10.11; lb1: rendered here
examples/foobar/stack.yaml:10:29-39: lb2: unicast_src_ip is 10.0.10.12; lb2: rendered here
`
	if d := cmp.Diff(want, strings.ReplaceAll(got, "/etc/keepalived/keepalived.conf", "")); d != "" {
		t.Error(d)
	}
	if _, fromDisk := find("../../golden/foobar"); len(fromDisk) < 3 || !cmp.Equal(fromYAML, fromDisk) {
		t.Error(cmp.Diff(fromYAML, fromDisk))
	}
}

func TestParseHosts(t *testing.T) {
	got, err := parseHosts("hosts", "# all\n10.0.0.1 lb1 lb1.example.com # first\nfe80::1\tlb1\nweb1 10.0.0.2 2001:db8::2\n\n")
	if err != nil {
		t.Fatal(err)
	}
	addrs := func(list ...string) (out []netip.Addr) {
		for _, a := range list {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	want := map[string][]netip.Addr{
		"lb1": addrs("10.0.0.1", "fe80::1"), "lb1.example.com": addrs("10.0.0.1"), "web1": addrs("10.0.0.2", "2001:db8::2"),
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
	_, err = parseHosts("hosts", "10.0.0.300 lb1\nlb2\n10.0.0.1 10.0.0.2\n")
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "hosts:1:") {
		t.Errorf("all mistakes at once: %v", err)
	}
}
