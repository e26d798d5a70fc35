package golden_test

import (
	"os"
	"slices"
	"testing"

	"stackgen/examples"
	"stackgen/internal/golden"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// load returns an example's topology.
func load(t testing.TB, name string, targets map[string]string) *model.Topology {
	t.Helper()
	data, err := examples.Stack(name)
	if err != nil {
		t.Fatal(err)
	}
	top, errs := model.Load(model.Source{Name: "examples/" + name + "/stack.yaml", Data: data}, nil, targets)
	for _, e := range errs {
		t.Errorf("%s: %s", e.Pos, e.Message)
	}
	if top == nil {
		t.FailNow()
	}
	return top
}

// TestGolden holds every byte that every example renders.
func TestGolden(t *testing.T) {
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			top := load(t, name, nil)
			if top.Name != name {
				t.Errorf("example %s calls itself %q", name, top.Name)
			}
			files := map[string]golden.File{}
			for _, f := range render.Render(top) {
				if _, twice := files[f.Name()]; twice {
					t.Errorf("%s is rendered twice", f.Name())
				}
				files[f.Name()] = golden.File{Text: string(f.Data), Executable: f.Mode&0o100 != 0}
			}
			golden.Tree(t, name, files, besides)
		})
	}
}

// TestNoStaleGolden fails for a folder whose example is gone.
func TestNoStaleGolden(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(examples.Names(), e.Name()) {
			t.Errorf("golden/%s belongs to no example", e.Name())
		}
	}
}
