package conf_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

// What Load reads of our own output is what FromFiles reads of the same files in memory.
func TestRendered(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	var all []*conf.Input
	for _, name := range examples.Names() {
		data, err := examples.Stack(name)
		if err != nil {
			t.Fatal(err)
		}
		topology, problems := model.Load(model.Source{Name: name, Data: data}, nil, nil)
		if topology == nil {
			t.Fatal(problems)
		}
		var files []conf.File
		for _, f := range render.Render(topology) {
			files = append(files, f.File)
			place := filepath.Join("out", name, filepath.FromSlash(f.Name()))
			if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(place, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(place, os.FileMode(f.Mode)); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Join(root, "out", name))
			compare(t, conf.FromFiles("", files), load(t, "."))
		})
		all = append(all, conf.FromFiles(name, files))
	}
	t.Run("together", func(t *testing.T) {
		t.Chdir("out")
		compare(t, conf.Join(all...), load(t, "."))
	})
}

func load(t *testing.T, path string) *conf.Input {
	t.Helper()
	in, err := conf.Load([]string{path}, conf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func compare(t *testing.T, want, got *conf.Input) {
	t.Helper()
	if len(want.Groups) == 0 || len(want.Groups[0].Hosts) < 4 || want.Groups[0].Manifest == nil {
		t.Fatalf("%d groups: the example is not whole", len(want.Groups))
	}
	if len(want.Assumed)+len(want.NotRead)+len(want.Errors) > 0 {
		t.Errorf("assumed %q, not read %v, errors %v", want.Assumed, want.NotRead, want.Errors)
	}
	if diff := cmp.Diff(conf.Describe(want), conf.Describe(got)); diff != "" {
		t.Errorf("(-memory +disk):\n%s", diff)
	}
}
