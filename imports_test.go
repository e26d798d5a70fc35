package stackgen_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// may lists what each room imports beside the standard library: rooms by name, modules by path.
// design: diag ← conf ← …; lint never sees model or render; one importer per dependency.
var may = map[string][]string{
	"cmd/stackgen":    {"*"},
	"examples":        {},
	"internal/draw":   {"pgregory.net/rapid"},
	"internal/golden": {"github.com/google/go-cmp"},
	"pkg/conf":        {"pkg/diag"},
	"pkg/diag":        {},
	"pkg/fact":        {"pkg/conf", "pkg/diag", "github.com/haproxytech/config-parser/v5", "github.com/tufanbarisyildirim/gonginx"},
	"pkg/lint":        {"pkg/fact", "pkg/sim", "pkg/conf", "pkg/diag", "golang.org/x/tools/txtar"},
	"pkg/sim":         {"pkg/fact", "pkg/conf", "pkg/diag"},
	"pkg/model":       {"pkg/diag", "go.yaml.in/yaml/v4", "github.com/invopop/jsonschema", "github.com/pb33f/ordered-map"},
	"pkg/native":      {"pkg/conf", "pkg/diag", "github.com/vishvananda/netlink", "golang.org/x/sys"},
	"pkg/render":      {"pkg/model", "pkg/conf", "github.com/haproxytech/config-parser/v5", "github.com/tufanbarisyildirim/gonginx"},
	"pkg/tree":        {"pkg/conf", "pkg/diag", "github.com/hexops/gotextdiff", "golang.org/x/sys"},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		imports := strings.Fields(line)
		room := strings.TrimPrefix(imports[0], "stackgen/")
		allowed, known := may[room]
		if !known && len(imports) > 1 {
			t.Errorf("room %s is not listed here: say what it may import", room)
		}
		for _, i := range imports[1:] {
			i = strings.TrimPrefix(i, "stackgen/")
			if first, _, _ := strings.Cut(i, "/"); !strings.Contains(first, ".") && !slices.Contains([]string{"cmd", "pkg", "internal", "examples"}, first) {
				continue // the standard library
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return a == "*" || i == a || strings.HasPrefix(i, a+"/") }) {
				t.Errorf("%s may not import %s", room, i)
			}
		}
	}
}
