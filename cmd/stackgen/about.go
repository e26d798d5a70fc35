package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"stackgen/pkg/model"
)

func schemaCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the topology, for editors",
		Long: `Schema prints the JSON Schema of the topology (draft 2020-12). An editor with a YAML language server completes and checks
a topology that begins with the line:

  # yaml-language-server: $schema=./stackgen.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := tty.out.Write(model.Schema())
			return err
		},
	}
}

func versionCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print stackgen's version and the daemons it writes for",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(tty.out, "stackgen %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			supported := model.Supported()
			for _, name := range sortedKeys(supported) {
				fmt.Fprintf(tty.out, "%-10s %s\n", name, supported[name])
			}
			return nil
		},
	}
}

// version is the module's version, with the commit where the build knows one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value[:min(12, len(s.Value))]
		}
	}
	return v
}

func manCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return unfinished(err)
			}
			header := &doc.GenManHeader{Title: "STACKGEN", Section: "1", Source: "stackgen", Manual: "stackgen"}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return unfinished(err)
			}
			fmt.Fprintf(tty.err, "wrote the pages to %s; read them with: man -l %s/stackgen.1\n", args[0], args[0])
			return nil
		},
	}
}
