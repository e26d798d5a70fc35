package main

import (
	"github.com/spf13/cobra"

	"stackgen/pkg/lint"
)

func explainCommand(tty terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "explain RULE",
		Short:   "Print what a rule of lint finds, why it matters, and a bad and a good example",
		Example: "  stackgen explain syntax",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one rule, such as: stackgen explain syntax; stackgen rules lists them")
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return asCompletions(ruleIDs()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := lint.Find(args[0])
			if err != nil {
				return usage("%w", err)
			}
			if err := r.Explain(tty.out); err != nil {
				return unfinished(err)
			}
			return nil
		},
	}
}
