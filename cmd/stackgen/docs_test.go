package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/internal/golden"
	"stackgen/pkg/lint"
	"stackgen/pkg/model"
)

// TestDocs compares the generated pages with what the program says now.
func TestDocs(t *testing.T) {
	var page bytes.Buffer
	writeReference(rootCommand(terminal{}), &page)
	var rules bytes.Buffer
	if err := lint.Markdown(&rules); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"../../docs/cli.md": page.Bytes(), "../../docs/schema.json": model.Schema(), "../../docs/rules.md": rules.Bytes(),
	} {
		if golden.Updating() {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("%v; STACKGEN_UPDATE=1 writes it", err)
			continue
		}
		if d := cmp.Diff(string(got), string(want)); d != "" {
			t.Errorf("%s differs (-file +now); STACKGEN_UPDATE=1 rewrites it:\n%s", name, d)
		}
	}
}
