package diag

import "strings"

// Ends gives each finding and related place without an end that of the word it begins at, for formats that underline
// nothing themselves.
func Ends(ds []Diagnostic, source func(file string) []byte) {
	p := printer{Style: Style{Source: source}, lines: map[string][][]byte{}}
	for i := range ds {
		ds[i].End = p.end(ds[i].Pos, ds[i].End)
		for j, r := range ds[i].Related {
			ds[i].Related[j].End = p.end(r.Pos, r.End)
		}
	}
}

func (p *printer) end(pos, end Pos) Pos {
	line, ok := p.line(pos)
	if !ok || end.IsValid() || pos.Col == 0 {
		return end
	}
	start := min(pos.Col-1, len(line))
	end = pos
	end.Col = start + max(1, wordLength(line[start:])) + 1
	return end
}

// wordLength is where the first word of a line's rest ends, whatever the language.
func wordLength(rest []rune) int {
	for i, r := range rest {
		if strings.ContainsRune(" \t,;{}[]#", r) {
			return i
		}
	}
	return len(rest)
}
