package golden_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stackgen/internal/draw"
	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// asked are errors of a topology, not of what is rendered from it: it may put a tier onto one machine, and ask for more memory
// than a host has.
var asked = []string{"spof-machine", "mysql-buffer-pool"}

// TestLintDraws: no random stack with two hosts in every tier has an error that its topology does not accept, and whatever
// is said is said at a place of a file. STACKGEN_DRAWS is their number; -rapid.seed repeats what failed.
func TestLintDraws(t *testing.T) {
	draws := os.Getenv("STACKGEN_DRAWS")
	if draws == "" {
		draws = "500"
	}
	for name, value := range map[string]string{"checks": draws, "nofailfile": "true", "shrinktime": "5s"} {
		f := flag.Lookup("rapid." + name)
		old := f.Value.String()
		t.Cleanup(func() { _ = f.Value.Set(old) })
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := draw.Topology(t, draw.Options{Pairs: true})
		top, errs := model.Load(model.Source{Name: "drawn.yaml", Data: []byte(text)}, nil, nil)
		if len(errs) > 0 {
			t.Fatalf("%v\n%s", errs, text)
		}
		var files []conf.File
		texts := map[string][]byte{}
		for _, f := range render.Render(top) {
			files = append(files, f.File)
			texts[f.Name()] = f.Data
		}
		r := strict(conf.FromFiles("", files))
		var wrong []diag.Diagnostic
		for _, d := range r.Findings {
			if d.Severity == diag.Error && !slices.Contains(asked, d.Rule) {
				wrong = append(wrong, d)
			}
		}
		if len(wrong) > 0 {
			var b bytes.Buffer
			if err := diag.Human(&b, wrong, func(name string) []byte { return texts[name] }); err != nil {
				t.Error(err)
			}
			t.Fatalf("%s\n%s", b.String(), text)
		}
		for _, d := range append(r.Findings, r.Accepted...) {
			places := []diag.Pos{d.Pos}
			for _, other := range d.Related {
				places = append(places, other.Pos)
			}
			for _, p := range places {
				if err := within(p, texts); err != nil {
					t.Errorf("%s: %q: %v\n%s", d.Rule, d.Message, err, text)
				}
			}
		}
	})
}

// within reports whether a place is one of a file: all of it, or a line of it, and a column up to the one behind the line's end.
func within(p diag.Pos, texts map[string][]byte) error {
	data, ok := texts[p.File]
	if !ok {
		return fmt.Errorf("%q is no file", p.File)
	}
	if p.Line == 0 && p.Col == 0 {
		return nil
	}
	lines := bytes.Split(data, []byte("\n"))
	if p.Line < 1 || p.Line > len(lines) {
		return fmt.Errorf("%s has no line %d", p.File, p.Line)
	}
	if n := len(bytes.Runes(lines[p.Line-1])); p.Col < 1 || p.Col > n+1 {
		return fmt.Errorf("line %d of %s has no column %d", p.Line, p.File, p.Col)
	}
	return nil
}
