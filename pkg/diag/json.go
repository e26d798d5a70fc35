package diag

import (
	"encoding/json"
	"io"
)

// Summary is what a run has to say beside its findings.
type Summary struct {
	Errors      int              `json:"errors"`
	Warnings    int              `json:"warnings"`
	Infos       int              `json:"infos"`
	Accepted    int              `json:"accepted"` // found, and accepted by the stack's team
	Files       int              `json:"files"`
	Hosts       []SummaryHost    `json:"hosts"`
	Clusters    []SummaryCluster `json:"clusters"`
	Assumptions []string         `json:"assumptions"`
	NotRead     []SummaryNotRead `json:"notRead"`
	Complete    bool             `json:"complete"` // false: something in the input could not be read
}

// SummaryHost is a machine that was seen.
type SummaryHost struct {
	Stack     string   `json:"stack,omitempty"`
	Name      string   `json:"name"`
	Role      string   `json:"role,omitempty"`
	Addresses []string `json:"addresses"`
}

// SummaryCluster is a set of hosts that hold addresses in turn.
type SummaryCluster struct {
	Stack     string   `json:"stack,omitempty"`
	Hosts     []string `json:"hosts"`
	Addresses []string `json:"addresses"`
	Why       string   `json:"why"`
}

// SummaryNotRead is what was left out.
type SummaryNotRead struct {
	Host string `json:"host,omitempty"`
	Path string `json:"path"`
	Line int    `json:"line,omitempty"`
	Why  string `json:"why"`
}

// Count sets the counts of findings.
func (s *Summary) Count(ds []Diagnostic) {
	s.Errors, s.Warnings, s.Infos = 0, 0, 0
	for _, d := range ds {
		switch d.Severity {
		case Error:
			s.Errors++
		case Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
}

type jsonReport struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Summary  Summary       `json:"summary"`
}

type jsonFinding struct {
	Rule        string        `json:"rule"`
	Severity    string        `json:"severity"`
	Message     string        `json:"message"`
	Help        string        `json:"help"`
	Proof       []string      `json:"proof"`
	File        string        `json:"file"`
	Line        int           `json:"line"`
	Column      int           `json:"column"`
	EndLine     int           `json:"endLine"`
	EndColumn   int           `json:"endColumn"`
	Host        string        `json:"host"`
	Related     []jsonRelated `json:"related"`
	Fingerprint string        `json:"fingerprint"`
}

type jsonRelated struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// JSON writes a report as docs/finding.schema.json describes it. A place that is a whole file has line 0, one that is
// nowhere an empty file.
func JSON(w io.Writer, ds []Diagnostic, s Summary) error {
	out := jsonReport{Version: 1, Findings: make([]jsonFinding, len(ds)), Summary: s}
	for i, d := range ds {
		end := d.End
		if !end.IsValid() {
			end = d.Pos
		}
		f := jsonFinding{
			Rule: d.Rule, Severity: d.Severity.String(), Message: d.Message, Help: d.Help, Proof: orEmpty(d.Proof),
			File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Col, EndLine: end.Line, EndColumn: end.Col,
			Host: d.Host, Related: make([]jsonRelated, len(d.Related)), Fingerprint: d.Fingerprint,
		}
		for j, r := range d.Related {
			f.Related[j] = jsonRelated{r.Pos.File, r.Pos.Line, r.Pos.Col, r.Message}
		}
		out.Findings[i] = f
	}
	out.Summary.Hosts, out.Summary.Clusters = orEmpty(s.Hosts), orEmpty(s.Clusters)
	out.Summary.Assumptions, out.Summary.NotRead = orEmpty(s.Assumptions), orEmpty(s.NotRead)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// orEmpty makes an array of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
