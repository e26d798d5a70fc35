package golden_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/examples"
	"stackgen/internal/golden"
	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/lint"
	"stackgen/pkg/render"
)

// lintName is what `stackgen lint --profile strict` says of an example, beside its files.
const lintName = "lint.txt"

// besides are files of an example's folder that nothing renders.
func besides(path string) bool { return path == lintName }

func strict(in *conf.Input) lint.Result {
	return lint.Run(in, fact.Read(in, fact.Options{}), lint.Options{Profile: lint.Strict})
}

// rendered is an example as its hosts would have it.
func rendered(t *testing.T, name string) []conf.File {
	t.Helper()
	var files []conf.File
	for _, f := range render.Render(load(t, name, nil)) {
		files = append(files, f.File)
	}
	return files
}

// TestLint holds what every example says: nothing but what it exists to show, and what its team has accepted.
func TestLint(t *testing.T) {
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			files := rendered(t, name)
			texts := map[string][]byte{}
			for _, f := range files {
				texts[f.Name()] = f.Data
			}
			result := strict(conf.FromFiles("", files))
			var b bytes.Buffer
			style := diag.Style{Source: func(file string) []byte { return texts[file] }, See: "stackgen explain"}
			if err := style.Human(&b, result.Findings); err != nil {
				t.Fatal(err)
			}
			for _, d := range result.Accepted {
				fmt.Fprintf(&b, "accepted: %s: %s: %s [%s]\n", d.Pos, d.Severity, d.Message, d.Rule)
			}
			path := filepath.Join(name, lintName)
			if golden.Updating() {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Errorf("%v; STACKGEN_UPDATE=1 writes it", err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s differs (-golden +now); STACKGEN_UPDATE=1 rewrites it:\n%s", path, d)
			}
		})
	}
}

// TestLintFromDisk: the same findings, with the same names, in the files as they lie on disk, from two folders.
func TestLintFromDisk(t *testing.T) {
	type finding struct{ Host, Rule, Message, Fingerprint string }
	list := func(in *conf.Input) (out []finding) {
		r := strict(in)
		for _, d := range append(r.Findings, r.Accepted...) {
			out = append(out, finding{d.Host, d.Rule, d.Message, d.Fingerprint})
		}
		return out
	}
	want := map[string][]finding{}
	for _, name := range examples.Names() {
		want[name] = list(conf.FromFiles("", rendered(t, name)))
	}
	for _, folder := range []string{"", "golden"} {
		if folder != "" {
			t.Chdir("..")
		}
		for _, name := range examples.Names() {
			in, err := conf.Load([]string{filepath.Join(folder, name)}, conf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want[name], list(in)); d != "" {
				t.Errorf("%s in memory and in %s (-memory +disk):\n%s", name, filepath.Join(folder, name), d)
			}
		}
	}
}
