package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/lint"
)

// report is what a run says.
type report struct {
	*lintFlags
	*lintInput
	stacks   []*fact.Stack
	findings []diag.Diagnostic
	summary  diag.Summary
}

// print writes the findings.
func (r *report) print(tty terminal) error {
	switch r.format.value {
	case "concise":
		return diag.Concise(tty.out, r.findings)
	case "json":
		diag.Ends(r.findings, r.text)
		return diag.JSON(tty.out, r.findings, r.summary)
	case "sarif":
		diag.Ends(r.findings, r.text)
		tool, err := sarifTool()
		if err != nil {
			return err
		}
		return diag.SARIF(tty.out, r.findings, tool, r.summary.Complete)
	case "github":
		diag.Ends(r.findings, r.text)
		return diag.GitHub(tty.out, r.findings)
	}
	style := diag.Style{Source: r.text, See: "stackgen explain"}
	style.Color = isTerminal(tty.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return style.Human(tty.out, r.findings)
}

func sarifTool() (diag.Tool, error) {
	tool := diag.Tool{Name: "stackgen", Version: version()}
	for _, r := range lint.Rules {
		p, err := r.Page()
		if err != nil {
			return tool, err
		}
		tool.Rules = append(tool.Rules, diag.ToolRule{ID: r.ID, Severity: r.Severity, Summary: p.Summary(), Text: p.Prose})
	}
	return tool, nil
}

// summarize gathers what there is to say beside the findings.
func (r *report) summarize(accepted int) {
	s := diag.Summary{Accepted: accepted, Assumptions: slices.Clone(r.Assumed), Complete: r.Complete()}
	s.Count(r.findings)
	for _, n := range r.NotRead {
		s.NotRead = append(s.NotRead, diag.SummaryNotRead{Host: n.Host, Path: n.Path, Line: n.From.Line, Why: n.Why})
	}
	for _, stack := range r.stacks {
		name := ""
		if len(r.stacks) > 1 {
			name = stack.Name
		}
		for _, line := range stack.Assumed {
			if name != "" {
				line = name + ": " + line
			}
			s.Assumptions = append(s.Assumptions, line)
		}
		for _, h := range stack.Hosts {
			host := diag.SummaryHost{Stack: name, Name: h.Name, Role: h.Role, Addresses: []string{}}
			for _, a := range h.Addresses {
				host.Addresses = append(host.Addresses, a.Addr.String())
			}
			s.Hosts = append(s.Hosts, host)
			if h.Source == nil { // only the manifest knows it
				s.NotRead = append(s.NotRead, diag.SummaryNotRead{Host: h.Name, Path: h.Name, Why: "the manifest names it, and no file of it is in the input"})
				continue
			}
			s.Files += len(h.Source.Files)
		}
		for _, c := range stack.Clusters {
			cluster := diag.SummaryCluster{Stack: name, Hosts: []string{}, Addresses: []string{}, Why: c.Why}
			for _, h := range c.Hosts {
				cluster.Hosts = append(cluster.Hosts, h.Name)
			}
			for _, a := range c.VIPs {
				cluster.Addresses = append(cluster.Addresses, a.String())
			}
			s.Clusters = append(s.Clusters, cluster)
		}
	}
	slices.Sort(s.Assumptions)
	s.Assumptions = slices.Compact(s.Assumptions)
	r.summary = s
}

// tell says on standard error what was assumed, what was left out, and the sums.
func (r *report) tell(accepted []diag.Diagnostic, tty terminal) {
	w := tty.err
	if r.quiet {
		for _, n := range r.NotRead {
			if n.Failed {
				fmt.Fprintf(w, "not read: %s: %s\n", n.Path, n.Why)
			}
		}
		return
	}
	s := r.summary
	var hosts, left, taken []string
	for _, stack := range r.stacks {
		if stack.Manifest != nil {
			continue // it says what its hosts are
		}
		for _, h := range stack.Hosts {
			text := h.Name + ": " + cmp.Or(h.Role, "role unknown")
			if len(r.stacks) > 1 && stack.Name != "" {
				text = stack.Name + "/" + text
			}
			for _, a := range h.Addresses {
				text += fmt.Sprintf(", %s (%s)", a.Addr, a.Why)
			}
			hosts = append(hosts, text)
		}
	}
	for _, n := range s.NotRead {
		left = append(left, n.Path+": "+n.Why)
	}
	for _, d := range accepted {
		taken = append(taken, fmt.Sprintf("%s: %s [%s]", d.Pos, d.Message, d.Rule))
	}
	lines(w, "assumed", s.Assumptions)
	lines(w, "host", hosts)
	lines(w, "not read", left)
	lines(w, "accepted", taken)
	text := fmt.Sprintf("%s, %s", plural(s.Errors, "error"), plural(s.Warnings, "warning"))
	if r.profile.value == "strict" || s.Infos > 0 {
		text += fmt.Sprintf(", %d info", s.Infos)
	}
	if s.Accepted > 0 {
		text += fmt.Sprintf(", %d accepted", s.Accepted)
	}
	fmt.Fprintf(w, "%s in %s of %s\n", text, plural(s.Files, "file"), plural(len(s.Hosts), "host"))
}

// lines writes a list, one thing a line, and counts the rest where it is too long to read; --format json has all.
func lines(w io.Writer, label string, list []string) {
	const shown = 20
	for i, text := range list {
		if i == shown && len(list) > shown+1 {
			fmt.Fprintf(w, "%s: and %d more; --format json lists them all\n", label, len(list)-shown)
			return
		}
		fmt.Fprintf(w, "%s: %s\n", label, strings.Map(printable, text))
	}
}

// printable replaces what must not reach a terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '�'
	}
	return r
}
