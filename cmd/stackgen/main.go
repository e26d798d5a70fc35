// Command stackgen renders, checks and explains the configuration of a highly available web stack.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

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

func run(args []string, tty terminal) (code int) {
	defer func() {
		if p := recover(); p != nil { // the runtime would exit with 2, which means a mistake of the user's
			fmt.Fprintf(tty.err, "stackgen: internal error, please report it with the topology and what follows: %v\n%s", p, debug.Stack())
			code = exitUnfinished
		}
	}()
	root := rootCommand(tty)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{exitUsage, err} // cobra's own
	}
	if f.err != nil {
		for line := range strings.Lines(f.err.Error() + "\n") {
			if !strings.HasPrefix(line, " ") { // a list belongs to the line above it
				line = "stackgen: " + line
			}
			fmt.Fprint(tty.err, line)
		}
	}
	return f.code
}

func rootCommand(tty terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "stackgen COMMAND",
		Short: "Render, check and explain the configuration of a highly available web stack",
		Long: `stackgen turns one YAML topology into every file of every host of a highly available web stack: HAProxy and
keepalived on the balancers, nginx on the web servers, an environment file for the application, MySQL or MariaDB
with replication on the database servers.

To begin:

  stackgen init                    # writes a commented stack.yaml
  stackgen render -o out/          # writes every file of every host; out/DEPLOY.md says what to do with them
  stackgen lint out/               # or any other folder with the configuration of hosts: what takes the stack down

Exit codes: 0 fine; 1 a finding, a difference, or a daemon refuses; 2 could not start (bad flag, invalid topology, no
input, a file in the way); 3 could not finish (unreadable file, full disk, a required daemon missing).`,
		Version:                    version(),
		SilenceUsage:               true,
		SilenceErrors:              true,
		DisableAutoGenTag:          true,
		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: 2, // wrong letters
		Args:                       noCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(tty.in)
	root.SetOut(tty.out)
	root.SetErr(tty.err)
	root.SetVersionTemplate("stackgen {{.Version}}\n")
	root.SetUsageFunc(func(c *cobra.Command) error {
		_, err := fmt.Fprint(tty.err, usageText(c))
		return err
	})
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { fmt.Fprint(tty.out, helpText(c)) })
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; see: %s --help", err, c.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(helpCommand())
	root.AddCommand(renderCommand(tty), lintCommand(tty), explainCommand(tty), rulesCommand(tty), initCommand(tty), schemaCommand(tty),
		versionCommand(tty), completionCommand(tty), manCommand(tty))
	return root
}

// noCommand refuses a word that is no command, and says which one it may have been.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word := args[0]
	if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() {
		return usage("%q is a file, not a command; did you mean: stackgen render %s", word, word)
	}
	if near := root.SuggestionsFor(word); len(near) > 0 {
		return usage("there is no command %q; did you mean %s? see: stackgen --help", word, strings.Join(near, " or "))
	}
	return usage("there is no command %q; see: stackgen --help", word)
}

// noArgs is for commands that take nothing but flags.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%q is one word too many: %s takes no arguments; see: %s --help", args[0], c.CommandPath(), c.CommandPath())
	}
	return nil
}

// exclusive refuses two of the flags together.
func exclusive(c *cobra.Command, names ...string) error {
	first := ""
	for _, name := range names {
		if !c.Flags().Changed(name) {
			continue
		}
		if first != "" {
			return usage("--%s and --%s exclude each other; see: %s --help", first, name, c.CommandPath())
		}
		first = name
	}
	return nil
}
