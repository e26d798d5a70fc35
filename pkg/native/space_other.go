//go:build !linux

package native

import (
	"context"
	"errors"
)

// space is a host in namespaces, which only Linux has.
type space struct{}

const linuxOnly = "namespaces need Linux"

func able() string { return linuxOnly }

func askVersion(string, daemon) string { return "" }

func inSpace(*question, string, func(*space) error) error { return errors.New(linuxOnly) }

func (*space) run(context.Context, ...string) (stdout, stderr string, code int, err error) {
	return "", "", 0, errors.New(linuxOnly)
}
