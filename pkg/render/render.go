// Package render turns a valid topology into every file of every host. It is pure: the same topology gives the same
// bytes, no clock, no machine, no error. Statements of HAProxy are printed by config-parser, those of nginx by gonginx.
package render

import (
	"slices"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// File is a rendered file, and the place in the topology that each of its lines comes from.
type File struct {
	conf.File
	// Origin holds one topology path per line: the written key that gives the line its last word, or the nearest
	// ancestor; "" is the topology itself. It is nil for a file that no topology changes.
	Origin []string
}

// Render returns the files of all hosts in the order of the topology, then those of the stack, the manifest last.
func Render(t *model.Topology) []File {
	files := slices.Concat(lbFiles(t), webFiles(t), appFiles(t), dbFiles(t))
	return append(files, stackFiles(t, files)...)
}
