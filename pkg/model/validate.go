package model

import "strings"

// broken reports whether something at path, above or below it could not be read, so that what is there proves nothing.
func (p *problems) broken(path string) bool {
	for bad := range p.bad {
		if bad == path || within(bad, path) || within(path, bad) {
			return true
		}
	}
	return false
}

// within reports whether path lies below ancestor.
func within(path, ancestor string) bool {
	return len(path) > len(ancestor) && path[len(ancestor)] == '.' && strings.HasPrefix(path, ancestor)
}

// check reports everything that is wrong with a topology whose defaults are filled in.
func check(t *Topology, p *problems) {
}
