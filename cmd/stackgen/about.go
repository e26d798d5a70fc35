package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

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
		Example:           "  stackgen schema > stackgen.schema.json",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if _, err := tty.out.Write(model.Schema()); err != nil {
				return unfinished(err)
			}
			return nil
		},
	}
}

func versionCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print stackgen's version and the versions of the daemons it writes for",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			text := fmt.Sprintf("stackgen %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			supported := model.Supported()
			for _, name := range sortedKeys(supported) {
				text += fmt.Sprintf("%-10s %s\n", name, supported[name])
			}
			if _, err := fmt.Fprint(tty.out, text); err != nil {
				return unfinished(err)
			}
			return nil
		},
	}
}

// setting is something the build recorded: "vcs.revision"; "" where it did not.
func setting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// version is the module's version, with the commit where the build knows one.
func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	if commit := setting("vcs.revision"); len(commit) >= 12 && !strings.Contains(v, commit[:12]) {
		v += " " + commit[:12]
	}
	return v
}

func manCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one folder for the pages, such as: stackgen man man/")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			dir := args[0]
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return unfinished(fmt.Errorf("cannot make the folder %q: %w", dir, cause(err)))
			}
			header := &doc.GenManHeader{Title: "STACKGEN", Section: "1", Source: "stackgen", Manual: "stackgen"}
			if made, err := time.Parse(time.RFC3339, setting("vcs.time")); err == nil {
				header.Date = &made // else SOURCE_DATE_EPOCH, else today
			}
			if err := doc.GenManTree(c.Root(), header, dir); err != nil {
				return unfinished(err)
			}
			fmt.Fprintf(tty.err, "wrote the pages to %s; read them with: man -l %s/stackgen.1\n", dir, strings.TrimRight(dir, "/"))
			return nil
		},
	}
}

func completionCommand(tty terminal) *cobra.Command {
	shells := map[string]func(*cobra.Command) error{
		"bash":       func(root *cobra.Command) error { return root.GenBashCompletionV2(tty.out, true) },
		"fish":       func(root *cobra.Command) error { return root.GenFishCompletion(tty.out, true) },
		"powershell": func(root *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(tty.out) },
		"zsh":        func(root *cobra.Command) error { return root.GenZshCompletion(tty.out) },
	}
	names := strings.Join(sortedKeys(shells), "|")
	return &cobra.Command{
		Use:   "completion " + names,
		Short: "Print the completion script of a shell",
		Example: `  source <(stackgen completion bash)                                              # this shell
  stackgen completion bash > /usr/share/bash-completion/completions/stackgen     # all of them
  stackgen completion zsh > "${fpath[1]}/_stackgen"
  stackgen completion fish > ~/.config/fish/completions/stackgen.fish
  stackgen completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: sortedKeys(shells),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || shells[args[0]] == nil {
				return usage("name one shell: stackgen completion %s", names)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := shells[args[0]](c.Root()); err != nil {
				return unfinished(err)
			}
			return nil
		},
	}
}
