package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"stackgen/examples"
)

func initCommand(tty terminal) *cobra.Command {
	var example string
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented topology to begin with",
		Long: `Init writes an example's topology to FILE, ./stack.yaml by default. It never overwrites a file. The examples that open
the format up are two-sites, tls, db-vip and kitchen-sink, which has every key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := defaultFile
			if len(args) > 0 {
				name = args[0]
			}
			data, err := examples.Stack(example)
			if err != nil {
				return usage("%w", err)
			}
			if err := writeNew(name, data); err != nil {
				return err
			}
			fmt.Fprintf(tty.err, "wrote %s; edit it, then: stackgen render %s\n", name, name)
			return nil
		},
	}
	c.Flags().StringVar(&example, "example", "foobar", "the `example` to begin with")
	return c
}

// writeNew writes a file that must not exist yet, whole or not at all.
func writeNew(name string, data []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s exists and is left as it is; give another name", name)
	}
	if err != nil {
		return unfinished(err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		os.Remove(name)
		return unfinished(err)
	}
	return nil
}
