// Command stackgen renders, checks and explains the configuration of a highly available web stack.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes: see docs/cli.md.
const (
	exitFound      = 1 // a difference, a refusal, a finding
	exitUsage      = 2 // could not start: bad flag, invalid topology, no input
	exitUnfinished = 3 // could not finish: unreadable file, a required checker missing
)

// failure ends the program with a code. A failure without an error has been reported already.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return ""
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// usage is an error in what the user typed.
func usage(format string, args ...any) error { return &failure{exitUsage, fmt.Errorf(format, args...)} }

// unfinished is an error in the middle of the work.
func unfinished(err error) error { return &failure{exitUnfinished, err} }

// terminal is where a command reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, tty terminal) int {
	root := rootCommand(tty)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{exitUsage, err} // cobra's own: an unknown command or flag
	}
	if f.err != nil {
		fmt.Fprintf(tty.err, "stackgen: %v\n", f.err)
	}
	return f.code
}

func rootCommand(tty terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "stackgen",
		Short: "Render, check and explain the configuration of a highly available web stack",
		Long: `stackgen turns one YAML topology into every file of every host of a highly available web stack: HAProxy and
keepalived on the balancers, nginx on the web servers, an environment file for the application, MySQL or MariaDB
with replication on the database servers.

Exit codes: 0 fine; 1 a difference, or a daemon refuses; 2 could not start (bad flag, invalid topology, no input);
3 could not finish (unreadable file, a required checker missing).`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
		Args:              cobra.NoArgs,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(tty.in)
	root.SetOut(tty.out)
	root.SetErr(tty.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(renderCommand(tty), initCommand(tty), schemaCommand(tty), versionCommand(tty), manCommand(tty))
	return root
}
