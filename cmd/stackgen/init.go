package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stackgen/examples"
)

func initCommand(tty terminal) *cobra.Command {
	var example string
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented topology to begin with",
		Long: `Init writes an example's topology to FILE, ./stack.yaml by default; "-" is standard output. It never overwrites a file.
The examples that open the format up are two-sites, tls, db-vip and kitchen-sink, which has every key.`,
		Example: `  stackgen init
  stackgen init --example tls shop/stack.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("init writes one file; %q is one too many", args[1])
			}
			return nil
		},
		ValidArgsFunction: completeTopologies,
		RunE: func(_ *cobra.Command, args []string) error {
			name := defaultFile
			if len(args) > 0 {
				name = args[0]
			}
			data, err := examples.Stack(example)
			if err != nil {
				return usage("%w", err)
			}
			if name == "-" {
				if _, err := tty.out.Write(data); err != nil {
					return unfinished(err)
				}
				return nil
			}
			if err := writeNew(name, data); err != nil {
				return err
			}
			fmt.Fprintf(tty.err, "wrote %s; edit it, then: stackgen render %s -o out/\n", name, name)
			return nil
		},
	}
	c.Flags().StringVar(&example, "example", "foobar", "the `example` to begin with")
	complete(c, "example", cobra.FixedCompletions(asCompletions(examples.Names()), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// writeNew writes a file that must not exist yet, whole or not at all, and the folders it needs.
func writeNew(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usage("%q is a folder; name the file: stackgen init %s", name, filepath.Join(name, defaultFile))
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return unfinished(fmt.Errorf("cannot make the folder %q: %w", filepath.Dir(name), cause(err)))
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%q exists and is left as it is; give another name", name)
	}
	if err != nil {
		return unfinished(fmt.Errorf("cannot write %q: %w", name, cause(err)))
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Close()); err != nil {
		os.Remove(name)
		return unfinished(fmt.Errorf("cannot write %q: %w", name, cause(err)))
	}
	return nil
}

// cause takes off what package os puts before an error: messages name the path as the user wrote it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
