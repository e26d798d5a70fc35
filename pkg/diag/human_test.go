package diag

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHuman(t *testing.T) {
	text := "lb:\n\tlb1: 10.0.10.300 # ü\n\x1b[31m: x\n"
	ds := []Diagnostic{
		{
			Pos: Pos{"s.yaml", 2, 7}, Severity: Error, Message: `"10.0.10.300" is no address`, Help: "write four numbers below 256", Rule: "r",
			Proof: []string{"300 > 255"}, Related: []Related{{Pos: Pos{"s.yaml", 1, 1}, End: Pos{"s.yaml", 1, 3}, Message: "of this tier"}},
		},
		{Pos: Pos{"s.yaml", 3, 1}, Severity: Warning, Message: "odd"},
		{Pos: Pos{"s.yaml", 99, 1}, Severity: Info, Message: "beyond the end"},
		{Severity: Error, Message: "nowhere"},
	}
	var b strings.Builder
	if err := Human(&b, ds, func(string) []byte { return []byte(text) }); err != nil {
		t.Fatal(err)
	}
	want := `s.yaml:2:7: error: "10.0.10.300" is no address [r]
   2 | 	lb1: 10.0.10.300 # ü
     | 	     ^~~~~~~~~~~
  s.yaml:1:1: note: of this tier
   1 | lb:
     | ^~
  = proof: 300 > 255
  = help: write four numbers below 256
s.yaml:3:1: warning: odd
   3 | �[31m: x
     | ^
s.yaml:99:1: info: beyond the end
error: nowhere
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestHumanLongLine(t *testing.T) {
	text := strings.Repeat("a", 1000) + " word"
	var b strings.Builder
	err := Human(&b, []Diagnostic{{Pos: Pos{"f", 1, 1002}, Severity: Error, Message: "m"}}, func(string) []byte { return []byte(text) })
	if err != nil {
		t.Fatal(err)
	}
	want := "f:1:1002: error: m\n   1 | …" + strings.Repeat("a", 19) + " word\n     | " + strings.Repeat(" ", 21) + "^~~~\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestSort(t *testing.T) {
	ds := []Diagnostic{
		{Pos: Pos{"b", 1, 1}, Message: "4"}, {Pos: Pos{"a", 2, 1}, Message: "3"},
		{Pos: Pos{"a", 1, 9}, Message: "2"}, {Pos: Pos{"a", 1, 9}, Message: "1"},
	}
	Sort(ds)
	var got strings.Builder
	if err := Concise(&got, ds); err != nil {
		t.Fatal(err)
	}
	want := "a:1:9: severity(0): 1\na:1:9: severity(0): 2\na:2:1: severity(0): 3\nb:1:1: severity(0): 4\n"
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Error(d)
	}
}
