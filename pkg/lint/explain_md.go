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
		"practice, reported with `--profile strict`. Below are the lines of each example that matter; `stackgen explain RULE` prints it whole.\n" +
		"Every example is a test: the linter says so of the bad one and nothing of the good one.\n\n")
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
				text := p.excerpt(t.Name, f)
				if text == "" {
					continue
				}
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

// excerpt is what matters of a file: of a bad one the lines around a finding, of a good one those that are not in the
// bad one beside it. It is empty where nothing does.
func (p *Page) excerpt(tree string, f PageFile) string {
	lines := strings.Split(strings.TrimSuffix(f.Shown(), "\n"), "\n")
	keep := make([]bool, len(lines))
	mark := func(from, to int) { // with three lines around
		for i := max(0, from-3); i < min(len(lines), to+4); i++ {
			keep[i] = true
		}
	}
	for line := range f.Wants {
		mark(line-1, line-1)
	}
	if !strings.HasPrefix(tree, "bad") {
		other := p.file("bad"+strings.TrimPrefix(tree, "good"), f.Path)
		if other == f.Text {
			return ""
		}
		theirs := strings.Split(strings.TrimSuffix(other, "\n"), "\n")
		before, after := 0, 0
		for before < min(len(lines), len(theirs)) && lines[before] == theirs[before] {
			before++
		}
		for after < min(len(lines), len(theirs))-before && lines[len(lines)-1-after] == theirs[len(theirs)-1-after] {
			after++
		}
		mark(before, len(lines)-1-after)
	}
	var b strings.Builder
	for i, line := range lines {
		switch {
		case keep[i]:
			b.WriteString(line + "\n")
		case i > 0 && keep[i-1]:
			b.WriteString("…\n")
		}
	}
	return b.String()
}

// file is the text of a file of a tree, or of the first bad one; empty where it is in neither.
func (p *Page) file(tree, path string) string {
	first := ""
	for _, t := range p.Trees {
		for _, f := range t.Files {
			switch {
			case f.Path != path:
			case t.Name == tree:
				return f.Text
			case t.Name == "bad":
				first = f.Text
			}
		}
	}
	return first
}
