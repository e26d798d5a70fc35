package fact

import (
	"path"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// readSysctl reads the kernel's settings as systemd-sysctl and "sysctl --system" do: of the files of one name in two
// folders the one in /etc counts, all are read in the order of their names, and /etc/sysctl.conf last.
func readSysctl(h *conf.Host) map[string]Value[string] {
	files := map[string]string{}
	for _, dir := range []string{"/usr/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		for _, p := range h.Glob(dir + "/*.conf") {
			files[path.Base(p)] = p
		}
	}
	var order []string
	for name := range files {
		order = append(order, name)
	}
	slices.Sort(order)
	for i, name := range order {
		order[i] = files[name]
	}
	var settings map[string]Value[string]
	for _, p := range append(order, "/etc/sysctl.conf") {
		f, ok := h.File(p)
		if !ok {
			continue
		}
		if settings == nil {
			settings = map[string]Value[string]{}
		}
		place := h.Place(p)
		for l := range textLines(f.Data, place) {
			key, value, ok := strings.Cut(l.Text, "=")
			key = strings.TrimLeft(strings.TrimSpace(key), "-")
			if !ok || key == "" || key[0] == '#' || key[0] == ';' {
				continue
			}
			v := strings.TrimSpace(value)
			settings[sysctlName(key)] = Value[string]{V: v, Word: l.part(v), State: Written}
		}
	}
	return settings
}

// sysctlName writes a key with dots: in "net/ipv4/conf/eth0.1/forwarding" the first separator is the slash, and dots
// stand for slashes.
func sysctlName(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '/' {
		return strings.NewReplacer("/", ".", ".", "/").Replace(key)
	}
	return key
}

// textLine is a line of a file that is no configuration of a daemon.
type textLine struct{ conf.Word }

// textLines cuts a file into lines.
func textLines(data []byte, place string) func(yield func(textLine) bool) {
	return func(yield func(textLine) bool) {
		n, off := 1, 0
		for line := range strings.Lines(string(data)) {
			text := strings.TrimRight(line, "\r\n")
			if !yield(textLine{conf.Word{Text: text, Raw: text, Pos: diag.Pos{File: place, Line: n, Col: 1}, Off: off}}) {
				return
			}
			n++
			off += len(line)
		}
	}
}

// part is the word s in the line, its last occurrence.
func (l textLine) part(s string) conf.Word {
	i := max(strings.LastIndex(l.Text, s), 0)
	return l.from(i, len(s))
}

func (l textLine) from(i, length int) conf.Word {
	w := l.Word
	w.Text = l.Text[i : i+length]
	w.Raw = w.Text
	w.Off += i
	w.Pos.Col += len([]rune(l.Text[:i]))
	return w
}
