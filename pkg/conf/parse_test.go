package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// Each archive holds files "NAME.in" and what they are read as, "NAME.want". STACKGEN_UPDATE=1 rewrites the latter.
func TestParse(t *testing.T) {
	for kind := HAProxy; kind <= JSON; kind++ {
		archives, err := filepath.Glob(filepath.Join("testdata", kind.String(), "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if len(archives) == 0 {
			t.Errorf("no test data for %s", kind)
		}
		for _, file := range archives {
			t.Run(strings.TrimSuffix(filepath.ToSlash(file[len("testdata/"):]), ".txtar"), func(t *testing.T) {
				testArchive(t, kind, file)
			})
		}
	}
}

// testInputs are the inputs of a kind's archives, as "archive/name".
func testInputs(t testing.TB, kind Kind) map[string]string {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", kind.String(), "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, file := range archives {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if name, ok := strings.CutSuffix(f.Name, ".in"); ok {
				m[strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name] = string(unescapeInput(f.Data))
			}
		}
	}
	return m
}

func testArchive(t *testing.T, kind Kind, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range ar.Files {
		want[f.Name] = string(f.Data)
	}
	out := txtar.Archive{Comment: ar.Comment}
	for _, f := range ar.Files {
		name, ok := strings.CutSuffix(f.Name, ".in")
		if !ok {
			continue
		}
		got := dump(Parse(File{Kind: kind, Data: unescapeInput(f.Data)}, "in"))
		if diff := cmp.Diff(want[name+".want"], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
	}
	if len(out.Files) == 0 {
		t.Error("no file NAME.in in the archive")
	}
	if os.Getenv("STACKGEN_UPDATE") == "1" {
		if err := os.WriteFile(file, txtar.Format(&out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// unescapeInput stands in for bytes an editor or txtar would not keep: ␍ is a carriage return, ␀ a NUL, ␠ a byte that
// is not UTF-8, and ⌁ at the very end takes the last line feed away.
func unescapeInput(b []byte) []byte {
	s := strings.NewReplacer("␍", "\r", "␀", "\x00", "␠", "\xff", "⌁\n", "").Replace(string(b))
	return []byte(s)
}

// dump prints a tree: one statement a line, each word quoted where its text is not plain, "@line:col" before it.
func dump(t *Tree) string {
	var b strings.Builder
	var body func(nodes []*Node, indent string)
	body = func(nodes []*Node, indent string) {
		for _, n := range nodes {
			b.WriteString(indent)
			for i, w := range n.Words {
				if i > 0 {
					b.WriteByte(' ')
				}
				fmt.Fprintf(&b, "%d:%d:%s", w.Pos.Line, w.Pos.Col, show(w.Text))
				if w.Text != w.Raw {
					raw := w.Raw
					if !utf8.ValidString(raw) || strings.Contains(raw, "\n") {
						raw = fmt.Sprintf("%q", raw)
					}
					fmt.Fprintf(&b, "(%s)", raw)
				}
			}
			if n.Cond != nil {
				w := n.Cond.Arg(0)
				fmt.Fprintf(&b, " <%s %d:%d>", w.Text, w.Pos.Line, w.Pos.Col)
			}
			if n.Block {
				b.WriteString(" {")
			}
			b.WriteByte('\n')
			body(n.Body, indent+"  ")
		}
	}
	body(t.Body, "")
	for _, c := range t.Comments {
		fmt.Fprintf(&b, "comment %d:%d:%s\n", c.Pos.Line, c.Pos.Col, show(c.Text))
	}
	for _, d := range t.Errors {
		fmt.Fprintf(&b, "error %d:%d: %s\n", d.Pos.Line, d.Pos.Col, d.Message)
	}
	return b.String()
}

func show(s string) string {
	if q := fmt.Sprintf("%q", s); len(q) != len(s)+2 || s == "" || strings.ContainsAny(s, " {}") {
		return q
	}
	return s
}
