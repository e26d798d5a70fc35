// Package examples holds stacks that show what a topology can say. They are embedded in the program, and each is a
// golden test.
package examples

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed */stack.yaml
var files embed.FS

// Names returns the names of all examples, sorted.
func Names() []string {
	stacks, err := fs.Glob(files, "*/stack.yaml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, s := range stacks {
		stacks[i] = path.Dir(s)
	}
	return stacks
}

// Stack returns the topology of the example of that name.
func Stack(name string) ([]byte, error) {
	data, err := files.ReadFile(name + "/stack.yaml")
	if err != nil {
		return nil, fmt.Errorf("no example is named %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return data, nil
}
