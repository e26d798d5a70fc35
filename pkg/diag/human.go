package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Human writes findings as a person reads them: the place and the sentence, the line with the word underlined, the other
// places with their own lines, then proof and help. source returns a file's text, or nil where it cannot be had.
func Human(w io.Writer, ds []Diagnostic, source func(file string) []byte) error {
	p := printer{source: source, lines: map[string][][]byte{}}
	for _, d := range ds {
		p.head(d.Pos, d.Severity.String(), d.Message)
		if d.Rule != "" {
			p.printf(" [%s]", d.Rule)
		}
		p.printf("\n")
		p.frame(d.Pos, d.End)
		for _, r := range d.Related {
			p.printf("  ")
			p.head(r.Pos, "note", r.Message)
			p.printf("\n")
			p.frame(r.Pos, r.End)
		}
		for _, proof := range d.Proof {
			p.printf("  = proof: %s\n", proof)
		}
		if d.Help != "" {
			p.printf("  = help: %s\n", d.Help)
		}
	}
	_, err := w.Write(p.buf.Bytes())
	return err
}

// Concise writes one line a finding: "path:line:col: severity: message [rule]".
func Concise(w io.Writer, ds []Diagnostic) error {
	p := printer{}
	for _, d := range ds {
		p.head(d.Pos, d.Severity.String(), d.Message)
		if d.Rule != "" {
			p.printf(" [%s]", d.Rule)
		}
		p.printf("\n")
	}
	_, err := w.Write(p.buf.Bytes())
	return err
}

type printer struct {
	buf    bytes.Buffer
	source func(string) []byte
	lines  map[string][][]byte
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(&p.buf, format, args...) }

func (p *printer) head(pos Pos, kind, message string) {
	if s := pos.String(); s != "" {
		p.printf("%s: ", s)
	}
	p.printf("%s: %s", kind, message)
}

// A frame shows at most this many columns of a line.
const frameWidth = 160

// frame shows the line at pos with the text up to end underlined; without an end, the word at pos.
func (p *printer) frame(pos, end Pos) {
	line, ok := p.line(pos)
	if !ok {
		return
	}
	start := min(max(pos.Col, 1)-1, len(line))
	stop := start
	if end.Line == pos.Line && end.Col > pos.Col {
		stop = min(end.Col-1, len(line))
	} else {
		for stop < len(line) && !strings.ContainsRune(" \t,;{}[]#", line[stop]) {
			stop++
		}
	}
	if start > frameWidth-20 {
		cut := start - 20
		line, start, stop = append([]rune("…"), line[cut:]...), start-cut+1, stop-cut+1
	}
	if len(line) > frameWidth {
		line = append(line[:frameWidth-1:frameWidth-1], '…')
		stop = min(stop, len(line))
	}
	pad := make([]rune, 0, start)
	for _, r := range line[:start] {
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	p.printf("%4d | %s\n", pos.Line, string(line))
	p.printf("     | %s^%s\n", string(pad), strings.Repeat("~", max(0, stop-start-1)))
}

func (p *printer) line(pos Pos) ([]rune, bool) {
	if pos.Line == 0 || p.source == nil {
		return nil, false
	}
	lines, ok := p.lines[pos.File]
	if !ok {
		lines = bytes.Split(p.source(pos.File), []byte("\n"))
		p.lines[pos.File] = lines
	}
	if pos.Line > len(lines) {
		return nil, false
	}
	text := bytes.TrimSuffix(lines[pos.Line-1], []byte("\r"))
	line := make([]rune, 0, utf8.RuneCount(text))
	for _, r := range string(text) {
		if r < ' ' && r != '\t' || r == 0x7f {
			r = '�' // a control character must not reach the terminal
		}
		line = append(line, r)
	}
	return line, true
}
