package diag

import (
	"encoding/json"
	"io"
	"net/url"
	"path"
	"strings"
)

// Tool says for SARIF who found the findings, and what its rules are.
type Tool struct {
	Name, Version string
	Rules         []ToolRule
}

// ToolRule is one rule of a Tool.
type ToolRule struct {
	ID       string
	Severity Severity
	Summary  string // one sentence
	Text     string // the whole page
}

// The parts of SARIF 2.1.0 that a linter needs; names are the standard's.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string      `json:"id"`
		ShortDescription *sarifText  `json:"shortDescription,omitempty"`
		FullDescription  *sarifText  `json:"fullDescription,omitempty"`
		Help             *sarifText  `json:"help,omitempty"`
		Default          sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful bool `json:"executionSuccessful"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    *int              `json:"ruleIndex,omitempty"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints,omitempty"`
	}
	sarifLocation struct {
		ID       *int          `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

// SARIF writes findings as a SARIF 2.1.0 log. complete says whether all of the input was read.
func SARIF(w io.Writer, ds []Diagnostic, tool Tool, complete bool) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: tool.Name, Version: tool.Version, Rules: make([]sarifRule, len(tool.Rules))}},
		ColumnKind:  "unicodeCodePoints",
		Invocations: []sarifInvocation{{complete}},
		Results:     make([]sarifResult, len(ds)),
	}
	index := map[string]*int{}
	for i, r := range tool.Rules {
		index[r.ID] = &i
		run.Tool.Driver.Rules[i] = sarifRule{
			ID: r.ID, ShortDescription: sarifWords(r.Summary), FullDescription: sarifWords(r.Summary), Help: sarifWords(r.Text),
			Default: sarifConfig{sarifLevel(r.Severity)},
		}
	}
	for i, d := range ds {
		details := d
		details.Related = nil // they are in relatedLocations
		result := sarifResult{RuleID: d.Rule, RuleIndex: index[d.Rule], Level: sarifLevel(d.Severity), Message: sarifText{withDetails(details)}}
		if d.Pos.File != "" {
			result.Locations = []sarifLocation{sarifPlace(d.Pos, d.End)}
		}
		for j, r := range d.Related {
			if r.Pos.File == "" {
				result.Message.Text += "\n" + r.Message
				continue
			}
			at := sarifPlace(r.Pos, r.End)
			at.ID, at.Message = &j, sarifWords(r.Message)
			result.Related = append(result.Related, at)
		}
		if d.Fingerprint != "" {
			result.Fingerprints = map[string]string{"stackgen/v1": d.Fingerprint}
		}
		run.Results[i] = result
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

func sarifLevel(s Severity) string {
	if s == Info {
		return "note"
	}
	return s.String()
}

func sarifWords(s string) *sarifText {
	if s == "" {
		return nil
	}
	return &sarifText{s}
}

func sarifPlace(pos, end Pos) sarifLocation {
	u := url.URL{Path: path.Clean(strings.ReplaceAll(pos.File, "\\", "/"))}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	at := sarifPhysical{Artifact: sarifArtifact{u.String()}}
	if pos.IsValid() {
		at.Region = &sarifRegion{StartLine: pos.Line, StartColumn: pos.Col}
		if end.IsValid() && pos.Col > 0 {
			at.Region.EndLine, at.Region.EndColumn = end.Line, end.Col
		}
	}
	return sarifLocation{Physical: at}
}
