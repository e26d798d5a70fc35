package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Style says how Human prints.
type Style struct {
	Source func(file string) []byte // a file's text, nil where it cannot be had
	Color  bool                     // for a terminal
	See    string                   // the command that explains a rule ("stackgen explain"); empty: do not point to it
}

// Human writes findings as a person reads them: the place and the sentence, the line with the word underlined, the other
// places with their own lines, then proof and help. source returns a file's text, or nil where it cannot be had.
func Human(w io.Writer, ds []Diagnostic, source func(file string) []byte) error {
	return Style{Source: source}.Human(w, ds)
}

// Human writes findings in this style.
func (s Style) Human(w io.Writer, ds []Diagnostic) error {
	p := printer{Style: s, lines: map[string][][]byte{}}
	for _, d := range ds {
		p.head(d.Pos, d.Severity.String(), d.Message)
		if d.Rule != "" {
			p.printf(" %s", p.paint(faint, "["+d.Rule+"]"))
		}
		p.printf("\n")
		p.frame(d.Pos, d.End, colors[d.Severity.String()])
		for _, r := range d.Related {
			p.printf("  ")
			p.head(r.Pos, "note", r.Message)
			p.printf("\n")
			p.frame(r.Pos, r.End, colors["note"])
		}
		for _, proof := range d.Proof {
			p.printf("  = %s %s\n", p.paint(bold, "proof:"), clean(proof))
		}
		if d.Help != "" {
			p.printf("  = %s %s\n", p.paint(bold, "help:"), clean(d.Help))
		}
		if d.Rule != "" && s.See != "" {
			p.printf("  = %s %s %s\n", p.paint(bold, "see:"), s.See, d.Rule)
		}
		if p.buf.Len() > 1<<20 {
			if _, err := p.buf.WriteTo(w); err != nil {
				return err
			}
		}
	}
	_, err := p.buf.WriteTo(w)
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
	_, err := p.buf.WriteTo(w)
	return err
}

// The codes of a terminal.
const (
	bold  = "1"
	faint = "2"
)

var colors = map[string]string{"error": "1;31", "warning": "1;33", "info": "1;36", "note": "1;34"}

type printer struct {
	Style
	buf   bytes.Buffer
	lines map[string][][]byte
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(&p.buf, format, args...) }

func (p *printer) head(pos Pos, kind, message string) {
	if s := pos.String(); s != "" {
		p.printf("%s ", p.paint(bold, clean(s)+":"))
	}
	p.printf("%s %s", p.paint(colors[kind], kind+":"), clean(message))
}

func (p *printer) paint(code, text string) string {
	if !p.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// clean takes out what must not reach a terminal, or would break a line in two.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '�'
		}
		return r
	}, s)
}

// A frame shows at most this many columns of a line.
const frameWidth = 160

// frame shows the line at pos with the text up to end underlined; without an end, the word at pos.
func (p *printer) frame(pos, end Pos, color string) {
	line, ok := p.line(pos)
	if !ok {
		return
	}
	start := min(max(pos.Col, 1)-1, len(line))
	stop := start
	if end.Line == pos.Line && end.Col > pos.Col {
		stop = min(end.Col-1, len(line))
	} else {
		stop += wordLength(line[start:])
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
	p.printf("     | %s%s\n", string(pad), p.paint(color, "^"+strings.Repeat("~", max(0, stop-start-1))))
}

func (p *printer) line(pos Pos) ([]rune, bool) {
	if pos.Line == 0 || p.Source == nil {
		return nil, false
	}
	lines, ok := p.lines[pos.File]
	if !ok {
		lines = bytes.Split(p.Source(pos.File), []byte("\n"))
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
