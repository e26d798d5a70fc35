// Package golden compares a set of files with a folder that holds what they should be. STACKGEN_UPDATE=1 rewrites the
// folder instead.
package golden

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Updating reports whether golden files are to be rewritten.
func Updating() bool { return os.Getenv("STACKGEN_UPDATE") == "1" }

// File is a golden file's bytes and whether it may be executed; of its mode git keeps no more.
type File struct {
	Text       string
	Executable bool
}

// Tree compares files, by their slash-separated paths below dir, with dir: every difference, missing or stale file is an
// error. Paths for which ignore returns true belong to another test.
func Tree(t *testing.T, dir string, files map[string]File, ignore func(path string) bool) {
	t.Helper()
	old := read(t, dir, ignore)
	if !Updating() {
		if d := cmp.Diff(old, files); d != "" {
			t.Errorf("%s differs (-golden +now); STACKGEN_UPDATE=1 rewrites it:\n%s", dir, d)
		}
		return
	}
	for path := range old {
		if _, ok := files[path]; !ok {
			check(t, os.Remove(filepath.Join(dir, path)))
		}
	}
	for path, f := range files {
		if old[path] == f {
			continue
		}
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		name := filepath.Join(dir, path)
		check(t, os.MkdirAll(filepath.Dir(name), 0o755))
		check(t, os.WriteFile(name, []byte(f.Text), mode))
		check(t, os.Chmod(name, mode))
	}
}

func read(t *testing.T, dir string, ignore func(string) bool) map[string]File {
	t.Helper()
	files := map[string]File{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil || ignore != nil && ignore(filepath.ToSlash(rel)) {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)] = File{string(data), info.Mode()&0o100 != 0}
		return nil
	})
	if !os.IsNotExist(err) {
		check(t, err)
	}
	return files
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
