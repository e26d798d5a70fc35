package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestLoad: each archive is a tree on disk. Lines of its comment that start with "$" are what is done: "$ link PATH
// TARGET", "$ large PATH .", "$ stdin FILE NAME", "$ host NAME=PATH" and, last, "$ load PATH...". The file "want" is
// what Load makes of it. STACKGEN_UPDATE=1 rewrites it.
func TestLoad(t *testing.T) {
	archives, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range archives {
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(layOut(t, ar))
			want := ""
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
				}
			}
			got := "no line \"$ load\"\n"
			opts := Options{Hosts: map[string]string{}}
			for line := range strings.Lines(string(ar.Comment)) {
				words := strings.Fields(line)
				if len(words) < 2 || words[0] != "$" {
					continue
				}
				switch words[1] {
				case "host":
					name, place, _ := strings.Cut(words[2], "=")
					opts.Hosts[name] = place
				case "stdin":
					data, err := os.ReadFile(words[2])
					if err != nil {
						t.Fatal(err)
					}
					opts.Stdin = strings.NewReader(string(data))
					if len(words) > 3 {
						opts.StdinName = words[3]
					}
				case "load":
					got = loaded(words[2:], opts)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if os.Getenv("STACKGEN_UPDATE") == "1" {
				out := txtar.Archive{Comment: ar.Comment}
				for _, f := range ar.Files {
					if f.Name != "want" {
						out.Files = append(out.Files, f)
					}
				}
				out.Files = append(out.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(&out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// layOut writes an archive to disk.
func layOut(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range ar.Files {
		if f.Name == "want" {
			continue
		}
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(string(ar.Comment)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "$" {
			continue
		}
		name := filepath.Join(dir, words[2])
		var err error
		switch words[1] {
		case "link":
			if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
				err = os.Symlink(words[3], name)
			}
		case "large": // a hole, which needs no disk
			err = os.Truncate(name, maxFile+1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loaded prints what Load made of the paths.
func loaded(paths []string, opts Options) string {
	in, err := Load(paths, opts)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return describe(in)
}

func describe(in *Input) string {
	var b strings.Builder
	for _, g := range in.Groups {
		if g.Name != "" || g.Manifest != nil {
			fmt.Fprintf(&b, "group %q manifest=%t\n", g.Name, g.Manifest != nil)
		}
		for _, h := range g.Hosts {
			fmt.Fprintf(&b, "host %s\n", h.Name)
			for _, f := range h.Files {
				fmt.Fprintf(&b, "  %s %s at %s", f.Kind, f.Path, h.Place(f.Path))
				if f.Mode != 0o644 {
					fmt.Fprintf(&b, " mode %o", f.Mode)
				}
				b.WriteString("\n")
			}
			for _, t := range h.Trees {
				fmt.Fprintf(&b, "  tree %s %s", t.File.Kind, t.File.Path)
				if t.Fragment != "" {
					fmt.Fprintf(&b, " fragment=%s", t.Fragment)
				}
				b.WriteString("\n")
				outline(&b, t.Body, "    ")
			}
		}
	}
	for _, s := range in.Assumed {
		fmt.Fprintf(&b, "assumed %s\n", s)
	}
	for _, n := range in.NotRead {
		fmt.Fprintf(&b, "not read %s", n.Path)
		if n.From.IsValid() {
			fmt.Fprintf(&b, " from %s", n.From)
		}
		fmt.Fprintf(&b, ": %s", n.Why)
		if n.Failed {
			b.WriteString(" (failed)")
		}
		b.WriteString("\n")
	}
	for _, d := range in.Errors {
		fmt.Fprintf(&b, "%s: %s\n", d.Pos, d.Message)
	}
	return b.String()
}

func outline(b *strings.Builder, nodes []*Node, indent string) {
	for _, n := range nodes {
		b.WriteString(indent)
		for i, w := range n.Words {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(w.Text)
		}
		if n.Unread {
			b.WriteString(" ?")
		}
		if n.Block {
			b.WriteString(" {")
		}
		if len(n.Words) > 0 {
			fmt.Fprintf(b, " | %s", n.Words[0].Pos)
		}
		b.WriteByte('\n')
		outline(b, n.Body, indent+"  ")
	}
}

// Rules ask for a host's files at the same time, and following a link out of its folder changes the host.
func TestHostConcurrent(t *testing.T) {
	ar := txtar.Parse([]byte("-- shared/a.conf --\nserver { listen 80; }\n-- web1/etc/nginx/nginx.conf --\nevents {}\n"))
	ar.Comment = []byte("$ link web1/etc/ssl ../../shared\n$ link web1/etc/nginx/a.inc ../../../shared/a.conf\n")
	t.Chdir(layOut(t, ar))
	in, err := Load([]string{"."}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	hosts := in.Groups[0].Hosts
	h := hosts[len(hosts)-1]
	if h.Name != "web1" {
		t.Fatalf("host %q", h.Name)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if f, ok := h.File("/etc/ssl/a.conf"); !ok || len(f.Data) == 0 {
				t.Error("the linked folder's file is missing")
			}
			if got := h.Place("/etc/nginx/a.inc"); got != "shared/a.conf" {
				t.Errorf("the linked file is at %q", got)
			}
			if got := h.Glob("/etc/ssl/*.conf"); len(got) != 1 {
				t.Errorf("the linked folder has %q", got)
			}
		})
	}
	wait.Wait()
}
