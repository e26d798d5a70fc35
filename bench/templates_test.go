package bench_test

import (
	"regexp"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// A templater turns rendered files back into Jinja2 templates. It replaces values by variables and lines that repeat for
// the hosts of a tier by loops; everything else stays text. A template by hand would decide and compute more.
type templater struct {
	hosts  []model.Host
	groups []string // tiers, each once
	values []value  // of the stack
}

// value is a word of a rendered file and the variable it came from.
type value struct{ text, variable string }

func newTemplater(t *model.Topology) *templater {
	m := &templater{hosts: t.Hosts()}
	for _, h := range m.hosts {
		if !slices.Contains(m.groups, h.Tier) {
			m.groups = append(m.groups, h.Tier)
		}
	}
	m.values = []value{{t.Sites[0].Domains[0], "domain"}, {t.VIPs[0].Address.Addr().String(), "vip"}}
	return m
}

// variables are the stack's own, for the inventory.
func (m *templater) variables() map[string]any {
	vars := map[string]any{}
	for _, v := range m.values {
		vars[v.variable] = v.text
	}
	return vars
}

// template is the file's template. Ansible trims the newline after a block, so a loop's tags leave no lines.
func (m *templater) template(f conf.File) string {
	lines := strings.SplitAfter(string(f.Data), "\n")
	var out strings.Builder
	for i := 0; i < len(lines); {
		body, n := m.loop(lines[i:])
		if n > 0 {
			out.WriteString(body)
			i += n
			continue
		}
		out.WriteString(m.line(f.Host, lines[i]))
		i++
	}
	return out.String()
}

// loop returns the loop that gives the first n lines, one for each host of a tier.
func (m *templater) loop(lines []string) (text string, n int) {
	for _, group := range m.groups {
		var members []model.Host
		for _, h := range m.hosts {
			if h.Tier == group {
				members = append(members, h)
			}
		}
		if len(members) < 2 || len(lines) < len(members) {
			continue
		}
		const name, address = "\x00n", "\x00a"
		mark := func(h model.Host, line string) string {
			return word(h.Name).ReplaceAllString(word(h.Address.String()).ReplaceAllString(line, "${1}"+address), "${1}"+name)
		}
		first := mark(members[0], lines[0])
		if first == lines[0] || slices.ContainsFunc(members[1:], func(h model.Host) bool { return mark(h, first) != first }) {
			continue
		}
		if !slices.EqualFunc(members, lines[:len(members)], func(h model.Host, line string) bool { return mark(h, line) == first }) {
			continue
		}
		body := strings.NewReplacer(name, "{{ h }}", address, "{{ hostvars[h].address }}").Replace(escape(first))
		return "{% for h in groups['" + group + "'] %}\n" + m.stackValues(body) + "{% endfor %}\n", len(members)
	}
	return "", 0
}

// line is one line with its values as variables.
func (m *templater) line(host, line string) string {
	text := escape(line)
	// A host's name that this puts in is cut in two by NULs until the end, so that it is not replaced itself.
	for _, h := range m.hosts {
		if h.Name == host {
			text = word(h.Address.String()).ReplaceAllString(text, "${1}{{ address }}")
			text = word(h.Name).ReplaceAllString(text, "${1}{{ inventory_hostname }}")
			continue
		}
		text = word(h.Address.String()).ReplaceAllString(text, "${1}{{ hostvars['\x00"+h.Name[:1]+"\x00"+h.Name[1:]+"'].address }}")
	}
	return m.stackValues(strings.ReplaceAll(text, "\x00", ""))
}

func (m *templater) stackValues(text string) string {
	for _, v := range m.values {
		text = word(v.text).ReplaceAllString(text, "${1}{{ "+v.variable+" }}")
	}
	return text
}

// escape keeps what Jinja2 would read as its own.
func escape(line string) string {
	if strings.Contains(line, "{{") || strings.Contains(line, "{%") || strings.Contains(line, "{#") {
		return "{% raw %}" + strings.TrimSuffix(line, "\n") + "{% endraw %}" + "{{ '\\n' }}"
	}
	return line
}

var words = map[string]*regexp.Regexp{}

// word finds text where it is no part of a longer name or address.
func word(text string) *regexp.Regexp {
	re := words[text]
	if re == nil {
		re = regexp.MustCompile(`(^|[^A-Za-z0-9.-])` + regexp.QuoteMeta(text) + `\b`)
		words[text] = re
	}
	return re
}
