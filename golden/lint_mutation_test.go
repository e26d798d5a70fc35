package golden_test

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// A mutation is one change to an example that is otherwise well, and the rules that must say so: these and no others. Where
// the change is no fault, none may.
type mutation struct {
	name    string
	example string // foobar where empty
	fault   func(*edit)
	want    string // rule ids, sorted, separated by spaces
}

// The files that most faults are in; "?" of a name stands for every host of a tier.
const (
	haproxy1    = "lb1/etc/haproxy/haproxy.cfg"
	haproxyAll  = "lb?/etc/haproxy/haproxy.cfg"
	keepalived1 = "lb1/etc/keepalived/keepalived.conf"
	keepalived2 = "lb2/etc/keepalived/keepalived.conf"
	keepaliveds = "lb?/etc/keepalived/keepalived.conf"
	checks      = "lb?/etc/keepalived/check-haproxy"
	check1      = "lb1/etc/keepalived/check-haproxy"
	nginx1      = "web1/etc/nginx/nginx.conf"
	nginxAll    = "web?/etc/nginx/nginx.conf"
	primary     = "db1/etc/mysql/my.cnf"
	replica     = "db2/etc/mysql/my.cnf"
	databases   = "db?/etc/mysql/my.cnf"
	app1        = "app1/etc/default/app"
	apps        = "app?/etc/default/app"
)

// edit is a stack's files while they are broken. A change that changes nothing is a mistake of the test.
type edit struct {
	t     *testing.T
	files []conf.File
}

// each gives every file whose name matches other contents.
func (e *edit) each(pattern string, change func(string) string) {
	e.t.Helper()
	changed := 0
	for i, f := range e.files {
		if ok, err := path.Match(pattern, f.Name()); err != nil {
			e.t.Fatal(err)
		} else if !ok {
			continue
		}
		after := change(string(f.Data))
		if after == string(f.Data) {
			e.t.Fatalf("%s: nothing to change", f.Name())
		}
		e.files[i].Data = []byte(after)
		changed++
	}
	if changed == 0 {
		e.t.Fatalf("no file is called %s", pattern)
	}
}

// text replaces a text wherever it stands.
func (e *edit) text(pattern, before, after string) {
	e.t.Helper()
	e.each(pattern, func(s string) string { return strings.ReplaceAll(s, before, after) })
}

// first replaces a text where it stands first.
func (e *edit) first(pattern, before, after string) {
	e.t.Helper()
	e.each(pattern, func(s string) string { return strings.Replace(s, before, after, 1) })
}

// line replaces every line that begins with these words, its comment included. Without an after the line goes.
func (e *edit) line(pattern, begin, after string) {
	e.t.Helper()
	e.each(pattern, func(s string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			bare := strings.TrimLeft(line, " ")
			switch {
			case !strings.HasPrefix(bare, begin):
				b.WriteString(line)
			case after != "":
				b.WriteString(line[:len(line)-len(bare)] + after + "\n")
			}
		}
		return b.String()
	})
}

// end adds lines at the end of a file.
func (e *edit) end(pattern, lines string) {
	e.t.Helper()
	e.each(pattern, func(s string) string { return s + lines })
}

// drop takes a file away.
func (e *edit) drop(name string) {
	e.t.Helper()
	n := len(e.files)
	e.files = slices.DeleteFunc(e.files, func(f conf.File) bool { return f.Name() == name })
	if len(e.files) == n {
		e.t.Fatalf("no file is called %s", name)
	}
}

// mode sets the permission bits of the balancers' check.
func (e *edit) mode(bits uint32) {
	for i, f := range e.files {
		if f.Path == "/etc/keepalived/check-haproxy" {
			e.files[i].Mode = bits
		}
	}
}

// without takes hosts away, their files and what the manifest says of them. Other files name them still.
func (e *edit) without(hosts ...string) {
	e.t.Helper()
	n := len(e.files)
	e.files = slices.DeleteFunc(e.files, func(f conf.File) bool { return slices.Contains(hosts, f.Host) })
	if len(e.files) == n {
		e.t.Fatalf("no host is called %s", hosts)
	}
	e.manifest(func(m *conf.Manifest) {
		for _, h := range hosts {
			delete(m.Hosts, h)
		}
		for name, tier := range m.Tiers {
			tier.Hosts = slices.DeleteFunc(tier.Hosts, func(h string) bool { return slices.Contains(hosts, h) })
			m.Tiers[name] = tier
		}
	})
}

func (e *edit) manifest(change func(*conf.Manifest)) {
	e.t.Helper()
	e.each(conf.ManifestName, func(s string) string {
		m, err := conf.DecodeManifest([]byte(s))
		if err != nil {
			e.t.Fatal(err)
		}
		change(m)
		return string(m.Encode())
	})
}

// TestMutations breaks examples in one place each.
func TestMutations(t *testing.T) {
	names := map[string]bool{}
	for _, m := range slices.Concat(vrrpMutations, proxyMutations, webMutations, databaseMutations, textMutations) {
		if names[m.name] {
			t.Errorf("two mutations are called %q", m.name)
		}
		names[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			if m.example == "" {
				m.example = "foobar"
			}
			files := rendered(t, m.example)
			type said struct {
				fingerprint string
				severity    diag.Severity
			}
			sound := map[said]bool{}
			for _, d := range all(files) {
				sound[said{d.Fingerprint, d.Severity}] = true
			}
			e := &edit{t: t, files: files}
			m.fault(e)
			var got []string
			var b bytes.Buffer
			fresh := slices.DeleteFunc(all(e.files), func(d diag.Diagnostic) bool { return sound[said{d.Fingerprint, d.Severity}] })
			for _, d := range fresh {
				got = append(got, d.Rule)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			if d := cmp.Diff(m.want, strings.Join(got, " ")); d != "" {
				texts := map[string][]byte{}
				for _, f := range e.files {
					texts[f.Name()] = f.Data
				}
				if err := diag.Human(&b, fresh, func(name string) []byte { return texts[name] }); err != nil {
					t.Error(err)
				}
				t.Errorf("rules (-want +got):\n%s\n%s", d, b.String())
			}
		})
	}
	if len(names) < 60 {
		t.Errorf("only %d mutations", len(names))
	}
}

// all is what a strict run finds, accepted or not.
func all(files []conf.File) []diag.Diagnostic {
	r := strict(conf.FromFiles("", files))
	return append(r.Findings, r.Accepted...)
}
