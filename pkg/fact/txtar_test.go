package fact_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"stackgen/internal/golden"
	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
)

// files are those of an archive: "lb1/etc/haproxy/haproxy.cfg".
func files(a *txtar.Archive) []conf.File {
	var all []conf.File
	for _, f := range a.Files {
		if f.Name == "want" {
			continue
		}
		host, rest, onHost := strings.Cut(f.Name, "/")
		file := conf.File{Path: f.Name, Data: f.Data}
		if onHost {
			file.Host, file.Path = host, "/"+rest
		}
		switch path := file.Path; {
		case strings.HasSuffix(path, "haproxy.cfg"):
			file.Kind = conf.HAProxy
		case strings.HasSuffix(path, "keepalived.conf"):
			file.Kind = conf.Keepalived
		case strings.Contains(path, "/nginx/"):
			file.Kind = conf.Nginx
		case strings.HasSuffix(path, ".cnf"):
			file.Kind = conf.MySQL
		case strings.HasPrefix(path, "/etc/default/"):
			file.Kind = conf.Env
		case path == conf.ManifestName:
			file.Kind = conf.JSON
		}
		all = append(all, file)
	}
	return all
}

// describe says what Read found about how hosts hang together.
func describe(s *fact.Stack) string {
	var b strings.Builder
	for _, h := range s.Hosts {
		fmt.Fprintf(&b, "host %s %s", h.Name, h.Role)
		if h.Zone != "" {
			fmt.Fprintf(&b, " zone %s on %s capacity %d", h.Zone, h.RunsOn, h.Capacity)
		}
		if h.Partial {
			b.WriteString(" partial")
		}
		for _, a := range h.Addresses {
			fmt.Fprintf(&b, ", %s by %s", a.Addr, a.Why)
			if a.Word.Pos.IsValid() {
				fmt.Fprintf(&b, " at %s", a.Word.Pos)
			}
		}
		if d := h.Database; d != nil {
			fmt.Fprintf(&b, ", database %s %s", d.Flavour.V, d.Role.V)
		}
		b.WriteByte('\n')
	}
	for _, c := range s.Clusters {
		fmt.Fprintf(&b, "cluster %s: %s; %v", c.Name, c.Why, c.VIPs)
		for _, m := range c.Members {
			fmt.Fprintf(&b, " %s:", m.Host.Name)
			for _, i := range m.Instances {
				b.WriteString(" " + i.Name.Text)
			}
		}
		b.WriteByte('\n')
	}
	for _, e := range s.Edges {
		fmt.Fprintf(&b, "edge %s %s", e.Server.Address.Pos, e.Server.Address.Text)
		if e.VIP != nil {
			b.WriteString(" VIP")
		}
		if e.To != nil {
			b.WriteString(" → " + e.To.Name)
		}
		if e.Listener != nil {
			fmt.Fprintf(&b, " at %s", e.Listener.Word.Pos)
		}
		b.WriteByte('\n')
	}
	for _, a := range s.Assumed {
		b.WriteString("assumed " + a + "\n")
	}
	for _, n := range s.NotRead {
		fmt.Fprintf(&b, "not read %s %s: %s\n", n.Host, n.At.Text, n.Why)
	}
	return b.String()
}

func TestStack(t *testing.T) {
	paths, err := filepath.Glob("testdata/stack/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(p)
			if err != nil {
				t.Fatal(err)
			}
			in := conf.FromFiles("", files(a))
			if len(in.Errors) > 0 {
				t.Fatal(in.Errors)
			}
			got := describe(fact.Read(in, fact.Options{})[0])
			want := &a.Files[len(a.Files)-1]
			if golden.Updating() {
				want.Data = []byte(got)
				if err := os.WriteFile(p, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}
