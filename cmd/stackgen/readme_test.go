package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stackgen/internal/golden"
)

// shown is a block of the README that shows a file, from a line on to the next empty one or the end, or what a command
// prints.
var shown = regexp.MustCompile("(?s)(<!-- ([^\n]+) -->\n```\\w*\n)(.*?)(```\n)")

var shownFile = regexp.MustCompile(`^(\S+) from "([^"]+)"$`)

// TestReadme holds the README to the files and to the program.
func TestReadme(t *testing.T) {
	name := filepath.Join("..", "..", "README.md")
	t.Chdir(filepath.Dir(name))
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	now := shown.ReplaceAllFunc(readme, func(block []byte) []byte {
		blocks++
		m := shown.FindSubmatch(block)
		return bytes.Join([][]byte{m[1], show(t, string(m[2])), m[4]}, nil)
	})
	if blocks < 4 {
		t.Errorf("only %d blocks found", blocks)
	}
	if golden.Updating() {
		if err := os.WriteFile("README.md", now, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(readme), string(now)); d != "" {
		t.Errorf("README.md is not what the program does (-README +now); make docs rewrites it:\n%s", d)
	}
}

func show(t *testing.T, what string) []byte {
	if args, ok := strings.CutPrefix(what, "stackgen "); ok {
		var out bytes.Buffer
		run(strings.Fields(args), terminal{strings.NewReader(""), &out, &out})
		return out.Bytes()
	}
	m := shownFile.FindStringSubmatch(what)
	if m == nil {
		t.Fatalf("cannot show %q", what)
	}
	data, err := os.ReadFile(m[1])
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(append([]byte("\n"), data...), []byte("\n"+m[2]))
	if !ok {
		t.Fatalf("%s has no line that begins with %q", m[1], m[2])
	}
	rest, _, _ = bytes.Cut(rest, []byte("\n\n"))
	return append(append([]byte(m[2]), bytes.TrimRight(rest, "\n")...), '\n')
}
