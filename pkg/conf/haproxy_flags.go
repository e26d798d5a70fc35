package conf

import (
	"maps"
	"slices"
	"strings"
)

// haproxyMain is what Debian's and Red Hat's units read unless told otherwise.
const (
	haproxyMain   = "/etc/haproxy/haproxy.cfg"
	haproxyFolder = "/etc/haproxy/conf.d"
)

// haproxyFiles are the files that HAProxy is started with, in order, and what says so: a unit, or a file of its
// environment; empty where nothing does.
func (r *reader) haproxyFiles() (names []string, from string) {
	env := map[string]string{"CONFIG": haproxyMain, "CFGDIR": haproxyFolder}
	start := "-f $CONFIG $EXTRAOPTS"
	note := func(name string) {
		if from == "" {
			from = name
		}
	}
	read := func(name string) *Tree {
		f, ok := r.h.File(name)
		if !ok {
			return nil
		}
		f.Kind = Env
		return Parse(f, name)
	}
	if t := read("/etc/sysconfig/haproxy"); t != nil {
		start = "-f $CONFIG -f $CFGDIR $OPTIONS"
		for _, n := range t.Body {
			env[n.Name()] = n.Arg(1).Text
		}
		note("/etc/sysconfig/haproxy")
	}
	if t := read("/etc/default/haproxy"); t != nil {
		for _, n := range t.Body {
			env[n.Name()] = n.Arg(1).Text
			if n.Name() == "CONFIG" || n.Name() == "EXTRAOPTS" && strings.Contains(n.Arg(1).Text, "-f") {
				note("/etc/default/haproxy")
			}
		}
	}
	units := append([]string{"/etc/systemd/system/haproxy.service"}, r.h.Glob("/etc/systemd/system/haproxy.service.d/*.conf")...)
	for _, unit := range units {
		t := read(unit)
		if t == nil {
			continue
		}
		for _, n := range t.Body {
			switch value := n.Arg(1).Text; n.Name() {
			case "ExecStart":
				if strings.Contains(value, "haproxy") {
					start = value
					note(unit)
				}
			case "Environment":
				for _, a := range strings.FieldsFunc(n.Arg(1).Raw, func(r rune) bool { return r == '"' || r == '\'' }) {
					if k, v, ok := strings.Cut(strings.TrimSpace(a), "="); ok {
						env[k] = v
						if k == "CONFIG" || strings.Contains(v, "-f ") {
							note(unit)
						}
					}
				}
			}
		}
	}
	for range 3 { // variables in variables
		for _, k := range slices.Sorted(maps.Keys(env)) {
			v := env[k]
			start = strings.ReplaceAll(strings.ReplaceAll(start, "${"+k+"}", v), "$"+k+" ", v+" ")
			if cut, ok := strings.CutSuffix(start, "$"+k); ok {
				start = cut + v
			}
		}
	}
	words := strings.Fields(start)
	for i := 0; i < len(words); i++ {
		if words[i] == "--" {
			names = append(names, words[i+1:]...)
			break
		}
		if words[i] != "-f" || i+1 == len(words) {
			continue
		}
		i++
		name := words[i]
		real, _, mode, why := r.h.resolve(name)
		switch {
		case why != "" && name == haproxyFolder:
		case why == "" && mode.IsDir():
			files, _ := r.h.list(real)
			for _, f := range files {
				if strings.HasSuffix(f, ".cfg") && f[0] != '.' {
					names = append(names, real+"/"+f)
				}
			}
		default:
			names = append(names, name)
		}
	}
	return names, from
}
