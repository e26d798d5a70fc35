package lint

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes a table of all rules and then their pages: docs/rules.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The rules of stackgen lint\n\n<!-- Written by a test from pkg/lint/doc; `make docs` rewrites it. -->\n\n" +
		"`error`: outage, split brain or data loss as it stands. `warning`: the same under a second condition, or a security hole. `info`: good\n" +
		"practice, reported with `--profile strict`. Every example below is a test: the linter says so of the bad one and nothing of the good one.\n\n")
	if err := MarkdownTable(&b, "#"); err != nil {
		return err
	}
	for _, r := range Rules {
		p, err := r.Page()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n## %s\n\n*%s*\n\n%s", r.ID, r.weight(), p.Prose)
		for _, t := range p.Trees {
			name := strings.ReplaceAll(t.Name, "-", " ")
			for _, f := range t.Files {
				text := f.Shown()
				fence := "```"
				for strings.Contains(text, fence) {
					fence += "`"
				}
				fmt.Fprintf(&b, "\n%s: `%s`\n\n%s\n%s%s\n", strings.ToUpper(name[:1])+name[1:], f.Path, fence, text, fence)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// MarkdownTable writes the table of all rules; page is where their pages are: "rules.md#", or "#" for the same page.
func MarkdownTable(w io.Writer, page string) error {
	var b strings.Builder
	b.WriteString("| rule | severity | what it says |\n|---|---|---|\n")
	for _, r := range Rules {
		p, err := r.Page()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "| [`%s`](%s%s) | %s | %s |\n", r.ID, page, r.ID, r.Severity, strings.ReplaceAll(p.Summary(), "|", `\|`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
