package tree

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hexops/gotextdiff"
	"github.com/hexops/gotextdiff/myers"
	"github.com/hexops/gotextdiff/span"
)

// unended marks a last line without a newline. Text has no NUL, or it is binary.
const unended = "\x00\n"

// Diff writes the plan as a unified diff that patch and git apply read, every name below prefix ("" or "shop/"). With
// color it is for a terminal: control characters of the old files are shown as ^X.
func (p *Plan) Diff(w io.Writer, prefix string, color bool) error {
	d := differ{Writer: bufio.NewWriter(w), color: color}
	for _, c := range p.Changes {
		d.change(c, prefix+c.File.Name())
	}
	return d.Flush()
}

type differ struct {
	*bufio.Writer
	color bool
}

const (
	plain = ""
	bold  = "\x1b[1m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
)

// line writes one line of the diff; text may end in a newline or in unended.
func (d *differ) line(style, mark, text string) {
	text, cut := strings.CutSuffix(text, unended)
	text = strings.TrimSuffix(text, "\n")
	if d.color {
		text = visible(text)
	}
	if !d.color || style == plain {
		d.WriteString(mark + text + "\n")
	} else {
		d.WriteString(style + mark + text + "\x1b[m\n")
	}
	if cut {
		d.WriteString("\\ No newline at end of file\n")
	}
}

// visible replaces control characters, which would move the cursor or worse.
func visible(s string) string {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	if !strings.ContainsFunc(s, control) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; control(rune(c)) {
			b.Write([]byte{'^', c ^ 0x40})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (d *differ) change(c Change, name string) {
	a, b := "a/"+name, "b/"+name
	if c.Note != "" {
		d.line(plain, "", fmt.Sprintf("%s %s", name, c.Note))
	}
	old, data := c.Old, c.File.Data
	if crlf(old) != crlf(data) && c.Kind == Edit {
		is := map[bool]string{true: "CRLF", false: "LF"}
		d.line(plain, "", fmt.Sprintf("%s: lines end in %s in the folder, in %s when rendered", name, is[crlf(old)], is[crlf(data)]))
	}
	d.line(bold, "", "diff --git "+a+" "+b)
	from, to := a, b
	switch {
	case c.Kind == Add:
		d.line(bold, "", fmt.Sprintf("new file mode 100%03o", c.File.Mode&0o777))
		from = "/dev/null"
	case c.Kind == Remove:
		d.line(bold, "", fmt.Sprintf("deleted file mode 100%03o", c.OldMode))
		to = "/dev/null"
	case c.Note == "" && c.OldMode != c.File.Mode&0o777:
		d.line(bold, "", fmt.Sprintf("old mode 100%03o", c.OldMode))
		d.line(bold, "", fmt.Sprintf("new mode 100%03o", c.File.Mode&0o777))
	}
	switch {
	case c.Kind == Chmod, len(old) == 0 && len(data) == 0 && c.Note == "":
		return
	case c.Kind != Add && c.Old == nil || bytes.IndexByte(old, 0) >= 0 || bytes.IndexByte(data, 0) >= 0:
		d.line(plain, "", fmt.Sprintf("Binary files %s and %s differ", from, to))
		return
	}
	d.line(bold, "", "--- "+header(from))
	d.line(bold, "", "+++ "+header(to))
	for _, h := range hunks(marked(old), marked(data)) {
		d.hunk(h)
	}
}

// header ends a name with a space in a tab: patch would take it to end at the space.
func header(name string) string {
	if strings.Contains(name, " ") {
		return name + "\t"
	}
	return name
}

func crlf(data []byte) bool { return bytes.Contains(data, []byte("\r\n")) }

func marked(data []byte) string {
	if len(data) == 0 || data[len(data)-1] == '\n' {
		return string(data)
	}
	return string(data) + unended
}

// hunk is written here and not by gotextdiff, which counts the lines of an empty side from 1.
func (d *differ) hunk(h *gotextdiff.Hunk) {
	var del, ins int
	for _, l := range h.Lines {
		if l.Kind != gotextdiff.Insert {
			del++
		}
		if l.Kind != gotextdiff.Delete {
			ins++
		}
	}
	d.line(cyan, "", fmt.Sprintf("@@ -%s +%s @@", span1(h.FromLine, del), span1(h.ToLine, ins)))
	for _, l := range h.Lines {
		switch l.Kind {
		case gotextdiff.Delete:
			d.line(red, "-", l.Content)
		case gotextdiff.Insert:
			d.line(green, "+", l.Content)
		case gotextdiff.Equal:
			d.line(plain, " ", l.Content)
		}
	}
}

func span1(line, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", line-1)
	case 1:
		return fmt.Sprint(line)
	}
	return fmt.Sprintf("%d,%d", line, count)
}

// maxMyers is how many lines, of both sides together, gotextdiff's Myers is given at once. It copies a vector of that
// length for every line that differs: 16 MB for a thousand lines that have nothing in common, 1.6 GB for ten thousand.
const maxMyers = 1000

// hunks compares two texts whose lines all end in newlines.
func hunks(before, after string) []*gotextdiff.Hunk {
	a, b := splitLines(before), splitLines(after)
	var edits []gotextdiff.TextEdit
	var i, j int
	for _, m := range anchors(a, b) {
		edits = append(edits, segment(a[i:m.a], b[j:m.b], i)...)
		i, j = m.a+1, m.b+1
	}
	edits = append(edits, segment(a[i:], b[j:], i)...)
	return gotextdiff.ToUnified("", "", before, edits).Hunks
}

func splitLines(s string) []string { return slices.Collect(strings.Lines(s)) }

// segment compares two runs of lines; the first of a stands at line first of its text, counted from 0.
func segment(a, b []string, first int) []gotextdiff.TextEdit {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b, first = a[1:], b[1:], first+1
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	at := func(from, to int) span.Span {
		return span.New("", span.NewPoint(first+from+1, 1, 0), span.NewPoint(first+to+1, 1, 0))
	}
	switch {
	case len(a) == 0 && len(b) == 0:
		return nil
	case len(a) == 0 || len(b) == 0 || len(a)+len(b) > maxMyers:
		return []gotextdiff.TextEdit{{Span: at(0, len(a)), NewText: strings.Join(b, "")}}
	}
	edits := myers.ComputeEdits("", strings.Join(a, ""), strings.Join(b, ""))
	for i, e := range edits {
		edits[i].Span = at(e.Span.Start().Line()-1, e.Span.End().Line()-1)
	}
	return edits
}

// match is a line that both sides have.
type match struct{ a, b int }

// anchors are lines that stand once on each side and in the same order on both, as in a patience diff. Short texts
// need none.
func anchors(a, b []string) []match {
	if len(a)+len(b) <= maxMyers {
		return nil
	}
	type place struct{ inA, inB, a, b int }
	places := make(map[string]place, len(a))
	for i, l := range a {
		p := places[l]
		places[l] = place{inA: p.inA + 1, a: i}
	}
	for j, l := range b {
		if p, ok := places[l]; ok {
			p.inB, p.b = p.inB+1, j
			places[l] = p
		}
	}
	// The longest increasing run of places in b, over the lines in the order of a.
	var tails []int // by length of a run: index in list of its last line
	var list []match
	var before []int // index in list of the line before in its run
	for i, l := range a {
		p := places[l]
		if p.inA != 1 || p.inB != 1 {
			continue
		}
		n, _ := slices.BinarySearchFunc(tails, p.b, func(t, b int) int { return list[t].b - b })
		last := -1
		if n > 0 {
			last = tails[n-1]
		}
		list, before = append(list, match{i, p.b}), append(before, last)
		if n == len(tails) {
			tails = append(tails, 0)
		}
		tails[n] = len(list) - 1
	}
	if len(tails) == 0 {
		return nil
	}
	run := make([]match, len(tails))
	for i, t := len(run)-1, tails[len(tails)-1]; i >= 0; i, t = i-1, before[t] {
		run[i] = list[t]
	}
	return run
}
