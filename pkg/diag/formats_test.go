package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const sample = "\tweight 3 # ü\npriority 101;\n"

func sampleSource(string) []byte { return []byte(sample) }

// sampleFindings have every field, and the places that are hard: a whole file, nowhere, names with signs.
func sampleFindings() []Diagnostic {
	return []Diagnostic{
		{
			Pos: Pos{"lb1/etc/a b,c:d%.conf", 1, 2}, Severity: Error, Rule: "vrrp-weight", Message: "100 %: <a> & \"b\"", Help: "remove `weight`",
			Proof: []string{"152 > 104", "so"}, Host: "lb1", Fingerprint: "0123456789abcdef",
			Related: []Related{{Pos: Pos{"lb2/x.conf", 2, 10}, End: Pos{"lb2/x.conf", 2, 13}, Message: "only 104"}, {Message: "nowhere"}},
		},
		{Pos: Pos{File: "/abs/whole.conf"}, Severity: Warning, Rule: "other", Message: "a whole file", Fingerprint: "0123456789abcde0"},
		{Severity: Info, Rule: "third", Message: "nowhere\nat all", Fingerprint: "0123456789abcde1"},
	}
}

func TestEnds(t *testing.T) {
	ds := sampleFindings()
	Ends(ds, sampleSource)
	if got, want := ds[0].End, (Pos{"lb1/etc/a b,c:d%.conf", 1, 8}); got != want {
		t.Errorf("end of the word: %v, want %v", got, want)
	}
	if got, want := ds[0].Related[0].End, (Pos{"lb2/x.conf", 2, 13}); got != want {
		t.Errorf("an end that was known: %v, want %v", got, want)
	}
	brace := []Diagnostic{{Pos: Pos{"x", 2, 13}}} // the semicolon
	Ends(brace, sampleSource)
	if brace[0].End.Col != 14 {
		t.Errorf("end of a sign alone: %v", brace[0].End)
	}
	if ds[1].End.IsValid() || ds[2].End.IsValid() {
		t.Error("an end where there is no word")
	}
}

func validate(t *testing.T, schema string, text []byte) {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestJSON(t *testing.T) {
	full := Summary{
		Errors: 1, Files: 2, Hosts: []SummaryHost{{Name: "lb1", Role: "lb", Addresses: []string{"10.0.0.1"}}, {Stack: "s", Name: "x", Addresses: []string{}}},
		Clusters:    []SummaryCluster{{Hosts: []string{"lb1"}, Addresses: []string{"10.0.0.9"}, Why: "share"}},
		Assumptions: []string{"a"}, NotRead: []SummaryNotRead{{Path: "p", Why: "w", Line: 3}}, Complete: true,
	}
	ds := sampleFindings()
	Ends(ds, sampleSource)
	for _, c := range []struct {
		ds []Diagnostic
		s  Summary
	}{{nil, Summary{}}, {ds, full}} {
		var b bytes.Buffer
		if err := JSON(&b, c.ds, c.s); err != nil {
			t.Fatal(err)
		}
		validate(t, "../../docs/finding.schema.json", b.Bytes())
		var got struct{ Findings []jsonFinding }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got.Findings) != len(c.ds) {
			t.Fatal(err, len(got.Findings))
		}
		if len(c.ds) > 0 {
			want := jsonFinding{
				"vrrp-weight", "error", "100 %: <a> & \"b\"", "remove `weight`", []string{"152 > 104", "so"}, "lb1/etc/a b,c:d%.conf", 1, 2, 1, 8, "lb1",
				[]jsonRelated{{"lb2/x.conf", 2, 10, "only 104"}, {"", 0, 0, "nowhere"}}, "0123456789abcdef",
			}
			if d := cmp.Diff(want, got.Findings[0]); d != "" {
				t.Error(d)
			}
		}
	}
	// A schema that allows everything proves nothing.
	s, err := jsonschema.NewCompiler().Compile("../../docs/finding.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{}`, `{"version":1,"findings":[{}],"summary":{}}`} {
		v, _ := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if s.Validate(v) == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

func TestGitHub(t *testing.T) {
	ds := sampleFindings()
	Ends(ds, sampleSource)
	var b strings.Builder
	if err := GitHub(&b, ds); err != nil {
		t.Fatal(err)
	}
	want := `::error file=lb1/etc/a b%2Cc%3Ad%25.conf,line=1,endLine=1,col=2,endColumn=8,title=vrrp-weight::100 %25: <a> & "b"%0A` +
		`lb2/x.conf:2:10: only 104%0Anowhere%0Aproof: 152 > 104%0Aproof: so%0Ahelp: remove ` + "`weight`\n" +
		"::warning file=/abs/whole.conf,title=other::a whole file\n" +
		"::notice title=third::nowhere%0Aat all\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestSARIF checks what the standard asks for (OASIS SARIF 2.1.0; the sections stand at the checks), by a schema of those
// parts and by hand where a schema cannot say it.
func TestSARIF(t *testing.T) {
	ds := sampleFindings()
	Ends(ds, sampleSource)
	tool := Tool{Name: "stackgen", Version: "1", Rules: []ToolRule{{"other", Warning, "Sum.", "Text."}, {"vrrp-weight", Error, "Sum.", "Text."}}}
	var b bytes.Buffer
	if err := SARIF(&b, ds, tool, true); err != nil {
		t.Fatal(err)
	}
	validate(t, "testdata/sarif.schema.json", b.Bytes())
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	for _, r := range run.Results {
		if r.RuleIndex != nil && run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID { // 3.27.6
			t.Errorf("%s has the index of %s", r.RuleID, run.Tool.Driver.Rules[*r.RuleIndex].ID)
		}
		ids := map[int]bool{}
		for _, l := range append(r.Locations, r.Related...) {
			if u, err := url.Parse(l.Physical.Artifact.URI); err != nil || u.Scheme != "" && u.Scheme != "file" { // 3.4.3: a URI
				t.Errorf("uri %q: %v", l.Physical.Artifact.URI, err)
			}
			if l.ID != nil && ids[*l.ID] { // 3.28.2: unique in the result
				t.Errorf("location id %d twice", *l.ID)
			} else if l.ID != nil {
				ids[*l.ID] = true
			}
		}
	}
	var got []string
	for _, r := range run.Results {
		text := r.RuleID + " " + r.Level + " " + r.Message.Text
		for _, l := range r.Locations {
			text += fmt.Sprintf(" at %s %v", l.Physical.Artifact.URI, l.Physical.Region)
		}
		for _, l := range r.Related {
			text += fmt.Sprintf(" with %s %v %s", l.Physical.Artifact.URI, *l.Physical.Region, l.Message.Text)
		}
		got = append(got, text)
	}
	want := []string{
		"vrrp-weight error 100 %: <a> & \"b\"\nproof: 152 > 104\nproof: so\nhelp: remove `weight`\nnowhere at lb1/etc/a%20b,c:d%25.conf &{1 2 1 8} with lb2/x.conf {2 10 2 13} only 104",
		"other warning a whole file at file:///abs/whole.conf <nil>",
		"third note nowhere\nat all",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	b.Reset()
	if err := SARIF(&b, nil, Tool{Name: "stackgen"}, false); err != nil {
		t.Fatal(err)
	}
	validate(t, "testdata/sarif.schema.json", b.Bytes())
	if !strings.Contains(b.String(), `"results": []`) || !strings.Contains(b.String(), `"executionSuccessful": false`) {
		t.Error(b.String())
	}
}

func TestColor(t *testing.T) {
	var plain, colored strings.Builder
	ds := sampleFindings()[:1]
	for w, on := range map[*strings.Builder]bool{&plain: false, &colored: true} {
		if err := (Style{Source: sampleSource, Color: on, See: "stackgen explain"}).Human(w, ds); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(plain.String(), "  = see: stackgen explain vrrp-weight\n") {
		t.Error(plain.String())
	}
	codes := strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[1;31m", "", "\x1b[1;34m", "")
	if d := cmp.Diff(plain.String(), codes.Replace(colored.String())); d != "" || plain.String() == colored.String() {
		t.Errorf("colours change more than the colour: %s", d)
	}
}
