package lint

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// spof are the findings about redundancy in a rendered example.
func spof(t *testing.T, example string, accept ...conf.ManifestAccept) (found []string, accepted int) {
	t.Helper()
	dir := filepath.Join("../../golden", example)
	in, err := conf.Load([]string{dir}, conf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in.Groups[0].Manifest.Accept = append(in.Groups[0].Manifest.Accept, accept...)
	r := Run(in, fact.Read(in, fact.Options{}), Options{Profile: Strict, Select: []string{"spof", "pool"}})
	for _, f := range r.Findings {
		found = append(found, fmt.Sprintf("%s:%d: %s: %s", strings.TrimPrefix(f.Pos.File, dir+"/"), f.Pos.Line, f.Severity, f.Rule))
	}
	return found, len(r.Accepted)
}

// TestSPOFExamples: with two hosts in every tier nothing but the primary is alone, and that only until somebody promotes a
// replica; with one of each everything is.
func TestSPOFExamples(t *testing.T) {
	dirs, _ := filepath.Glob("../../golden/*/manifest.json")
	if len(dirs) < 12 {
		t.Fatalf("%d examples", len(dirs))
	}
	for _, d := range dirs {
		name := filepath.Base(filepath.Dir(d))
		want := []string{"db1/etc/mysql/my.cnf:3: warning: spof-db-primary"}
		switch name {
		case "minimal":
			want = []string{
				"db1/etc/mysql/my.cnf:3: error: spof-db-replica",
				"lb1/etc/haproxy/haproxy.cfg:64: error: spof-web",
				"lb1/etc/keepalived/keepalived.conf:30: error: spof-balancer",
				"web1/etc/nginx/nginx.conf:70: error: spof-app",
			}
		case "kitchen-sink": // accepts it
			want = nil
		}
		got, _ := spof(t, name)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestSPOFAccept: what is accepted is the loss of a host, wherever the finding stands.
func TestSPOFAccept(t *testing.T) {
	got, accepted := spof(t, "minimal",
		conf.ManifestAccept{Rule: "spof-web", Host: "web1", Reason: "test bed"},
		conf.ManifestAccept{Rule: "spof-app", Host: "web1", Reason: "names another host"})
	if accepted != 1 || slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "spof-web") }) || len(got) != 3 {
		t.Errorf("%d accepted, left:\n%s", accepted, strings.Join(got, "\n"))
	}
}

// TestSPOFUnseen: a host that the manifest names, and of which there is no file, may be the second one.
func TestSPOFUnseen(t *testing.T) {
	dir := "../../golden/foobar"
	in, err := conf.Load([]string{dir}, conf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"lb2", "db2"} {
		in.Groups[0].Hosts = slices.DeleteFunc(in.Groups[0].Hosts, func(h *conf.Host) bool { return h.Name == gone })
	}
	for _, f := range Run(in, fact.Read(in, fact.Options{}), Options{Profile: Strict, Select: []string{"spof", "pool"}}).Findings {
		t.Errorf("%s: %s [%s]", f.Pos, f.Message, f.Rule)
	}
}
