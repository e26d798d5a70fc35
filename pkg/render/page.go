package render

import (
	"slices"
	"strings"

	"stackgen/pkg/conf"
)

// page collects the lines of one file with their origins.
type page struct {
	text   []byte
	origin []string
}

// reasons begin in this column, where the statement leaves room.
const reasonColumn = 52

// put writes one statement that comes from path; why is the reason for it, as a comment at its end.
func (p *page) put(path string, indent int, statement, why string) {
	p.text = grow(p.text, indent+len(statement)+reasonColumn+len(why)+len("# \n"))
	start := len(p.text)
	for range indent {
		p.text = append(p.text, ' ')
	}
	p.text = append(p.text, statement...)
	if why != "" {
		for pad := max(2, reasonColumn-(len(p.text)-start)); pad > 0; pad-- {
			p.text = append(p.text, ' ')
		}
		p.text = append(p.text, "# "...)
		p.text = append(p.text, why...)
	}
	p.end(path)
}

// note writes a comment on lines of its own.
func (p *page) note(path string, indent int, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.put(path, indent, "# "+line, "")
	}
}

// gap writes an empty line.
func (p *page) gap() { p.end("") }

func (p *page) end(path string) {
	p.text = append(p.text, '\n')
	p.origin = append(grow(p.origin, 1), path)
}

// grow makes room for n more elements. It doubles: append, which adds a quarter at a time, would copy a file of the
// usual 8 KiB a dozen times, and that was a quarter of all the time that rendering took.
func grow[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	return slices.Grow(s, max(n, len(s), 32))
}

// file is the page as a file of a host.
func (p *page) file(host, path string, kind conf.Kind, mode uint32) File {
	return File{File: conf.File{Host: host, Path: path, Kind: kind, Mode: mode, Data: p.text}, Origin: p.origin}
}

const (
	configMode = 0o644
	scriptMode = 0o755
)
