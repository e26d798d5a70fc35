package lint

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed doc/*.txtar
var pages embed.FS

// Page is what doc/ID.txtar says of a rule: prose, and trees of hosts that are bad and good.
type Page struct {
	Prose string // the first line is one sentence
	Trees []PageTree

	// What the trees are linted with; lines "key: value" above the prose.
	Complete bool     // "complete: true": nothing is missing in them
	Targets  []string // "target: keepalived=2.3 mysql=8.4"
	Also     []string // "also: ID ID": rules or prefixes that find something in a bad tree too
	Allow    []string // "allow: ID ID": that find something in a good one
}

// PageTree is one example: "bad", "good", or a variant such as "bad-2".
type PageTree struct {
	Name  string
	Files []PageFile
}

// PageFile is a file of an example. Path is that in a folder with one folder per host.
type PageFile struct {
	Path  string
	Text  string         // without the wants
	Wants map[int]string // by line: patterns of what is found there, as written
}

// Page reads the rule's page.
func (r *Rule) Page() (*Page, error) {
	data, err := pages.ReadFile("doc/" + r.ID + ".txtar")
	if err != nil {
		return nil, err
	}
	return parsePage(string(data))
}

// Summary is the first sentence of the prose.
func (p *Page) Summary() string {
	line, _, _ := strings.Cut(p.Prose, "\n")
	return line
}

var (
	marker    = regexp.MustCompile(`(?m)^-- (\S+) --\n`)
	directive = regexp.MustCompile(`^(complete|target|also|allow): *(.*)$`)
	want      = regexp.MustCompile(`[ \t]*# want ("[^\n]*")[ \t]*(?:\n|$)`)
)

// parsePage reads a txtar archive, as golang.org/x/tools/txtar does.
func parsePage(text string) (*Page, error) {
	p := &Page{}
	marks := marker.FindAllStringSubmatchIndex(text, -1)
	comment := text
	if len(marks) > 0 {
		comment = text[:marks[0][0]]
	}
	for {
		line, rest, _ := strings.Cut(comment, "\n")
		m := directive.FindStringSubmatch(line)
		if m == nil {
			break
		}
		comment = rest
		switch words := strings.Fields(m[2]); m[1] {
		case "complete":
			p.Complete = m[2] == "true"
		case "target":
			p.Targets = append(p.Targets, words...)
		case "also":
			p.Also = append(p.Also, words...)
		case "allow":
			p.Allow = append(p.Allow, words...)
		}
	}
	p.Prose = strings.TrimSpace(comment) + "\n"
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		name := text[m[2]:m[3]]
		tree, file, ok := strings.Cut(name, "/")
		if kind, _, _ := strings.Cut(tree, "-"); !ok || !fs.ValidPath(name) || kind != "bad" && kind != "good" {
			return nil, fmt.Errorf("%s: a file's name begins with bad/ or good/, or with that of a variant such as bad-2/", name)
		}
		j := slices.IndexFunc(p.Trees, func(t PageTree) bool { return t.Name == tree })
		if j < 0 {
			j = len(p.Trees)
			p.Trees = append(p.Trees, PageTree{Name: tree})
		}
		p.Trees[j].Files = append(p.Trees[j].Files, pageFile(file, text[m[1]:end]))
	}
	return p, nil
}

// pageFile takes the wants out: an environment file has no comments behind a value.
func pageFile(name, text string) PageFile {
	f := PageFile{Path: name, Wants: map[int]string{}}
	var b strings.Builder
	line := 0
	for l := range strings.Lines(text) {
		line++
		if m := want.FindStringSubmatchIndex(l); m != nil {
			f.Wants[line] = l[m[2]:m[3]]
			l = l[:m[0]] + "\n"
		}
		b.WriteString(l)
	}
	f.Text = b.String()
	return f
}

// patterns are the quoted regular expressions behind a want, one for each finding on the line.
func patterns(want string) ([]string, error) {
	var out []string
	for rest := strings.TrimSpace(want); rest != ""; rest = strings.TrimSpace(rest) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, fmt.Errorf("%s: a want is a quoted regular expression", rest)
		}
		pattern, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		out, rest = append(out, pattern), rest[len(quoted):]
	}
	return out, nil
}

// Explain writes the rule's page as text.
func (r *Rule) Explain(w io.Writer) error {
	p, err := r.Page()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\n%s", r.ID, r.weight(), p.Prose)
	for _, t := range p.Trees {
		fmt.Fprintf(&b, "\n%s:\n", strings.ReplaceAll(t.Name, "-", " "))
		for _, f := range t.Files {
			fmt.Fprintf(&b, "\n    # %s\n", f.Path)
			for line := range strings.Lines(f.Shown()) {
				b.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
			}
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// weight is the rule's severity, and what becomes of it where something may be missing in the input.
func (r *Rule) weight() string {
	if r.Absence {
		return r.Severity.String() + "; info where the input may not be the whole stack"
	}
	return r.Severity.String()
}

var escape = regexp.MustCompile(`\\(.)|\.[*+]\??`)

// Shown is the file's text with the finding behind its line: "# <- pool app has one server".
func (f PageFile) Shown() string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(f.Text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if w, ok := f.Wants[n]; ok {
			list, err := patterns(w)
			if err != nil {
				list = []string{w} // the test of the pages reports it
			}
			for i, pattern := range list {
				list[i] = escape.ReplaceAllStringFunc(pattern, func(s string) string {
					if s[0] == '\\' {
						return s[1:]
					}
					return "…"
				})
			}
			line += "  # <- " + strings.Join(list, "; ")
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
