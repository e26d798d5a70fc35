package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

var (
	githubData  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubValue = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHub writes findings as workflow commands, which GitHub shows at the lines of a pull request.
func GitHub(w io.Writer, ds []Diagnostic) error {
	var b bytes.Buffer
	for _, d := range ds {
		b.WriteString("::" + githubLevel(d.Severity) + " ")
		if d.Pos.File != "" {
			fmt.Fprintf(&b, "file=%s,", githubValue.Replace(d.Pos.File))
		}
		if d.Pos.IsValid() {
			end := d.End
			if !end.IsValid() {
				end = d.Pos
			}
			fmt.Fprintf(&b, "line=%d,endLine=%d,", d.Pos.Line, end.Line)
			if d.Pos.Col > 0 && end.Line == d.Pos.Line { // GitHub takes columns of one line only
				fmt.Fprintf(&b, "col=%d,endColumn=%d,", d.Pos.Col, end.Col)
			}
		}
		fmt.Fprintf(&b, "title=%s::%s\n", githubValue.Replace(d.Rule), githubData.Replace(withDetails(d)))
	}
	_, err := b.WriteTo(w)
	return err
}

func githubLevel(s Severity) string {
	if s == Info {
		return "notice"
	}
	return s.String()
}

// withDetails is the message with all that belongs to it, a line each.
func withDetails(d Diagnostic) string {
	lines := []string{d.Message}
	for _, r := range d.Related {
		if r.Pos.File == "" {
			lines = append(lines, r.Message)
			continue
		}
		lines = append(lines, r.Pos.String()+": "+r.Message)
	}
	for _, p := range d.Proof {
		lines = append(lines, "proof: "+p)
	}
	if d.Help != "" {
		lines = append(lines, "help: "+d.Help)
	}
	return strings.Join(lines, "\n")
}
