package render

import (
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// stackFiles returns the files that belong to no host: what to point DNS at, how to bring the files to the hosts, and
// the manifest, which lists all others.
func stackFiles(t *model.Topology, hosts []File) []File {
	files := []File{dnsFile(t), deployFile(t, hosts)}
	return append(files, manifestFile(t, hosts, files))
}

// stackFile is a file at the root of the output.
func stackFile(name string, kind conf.Kind, data []byte) File {
	return File{File: conf.File{Path: name, Kind: kind, Mode: configMode, Data: data}}
}
