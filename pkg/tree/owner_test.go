package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stackgen/pkg/conf"
)

// stackOf returns a stack of one host and its manifest.
func stackOf(name string) []conf.File {
	m := conf.Manifest{Version: 1, Name: name, Files: []conf.ManifestFile{{Host: "lb1", Path: "/etc/" + name}}}
	return []conf.File{
		{Host: "lb1", Path: "/etc/" + name, Data: []byte(name), Mode: 0o644},
		{Path: conf.ManifestName, Data: m.Encode(), Mode: 0o644},
	}
}

func TestAnotherStack(t *testing.T) {
	dir := t.TempDir()
	place := func(name string, force bool) error {
		p, err := Compare(dir, stackOf(name), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Write(force)
		return err
	}
	if err := place("a", false); err != nil {
		t.Fatal(err)
	}
	if err := place("b", false); err == nil || !strings.Contains(err.Error(), `holds the stack "a"`) {
		t.Errorf("a folder of another stack: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lb1/etc/a")); err != nil {
		t.Error(err)
	}
	if err := place("b", true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lb1/etc/a")); err == nil {
		t.Error("a file of the stack that was replaced is still there")
	}
}

func TestDropUmask(t *testing.T) {
	for _, test := range []struct {
		mode    os.FileMode
		dropped bool
	}{{0o664, true}, {0o600, true}, {0o744, false}, {0o755, false}} {
		dir := t.TempDir()
		want := stackOf("a")
		p, err := Compare(dir, want, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(false); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "lb1/etc/a"), test.mode); err != nil {
			t.Fatal(err)
		}
		if p, err = Compare(dir, want, nil); err != nil {
			t.Fatal(err)
		}
		if len(p.Changes) != 1 {
			t.Fatalf("mode %o: %d changes", test.mode, len(p.Changes))
		}
		if n := p.DropUmask(); (n == 1) != test.dropped || len(p.Changes) != 1-n {
			t.Errorf("mode %o: dropped %d, left %d", test.mode, n, len(p.Changes))
		}
	}
}
