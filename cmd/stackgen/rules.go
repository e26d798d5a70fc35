package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"stackgen/pkg/lint"
)

func rulesCommand(tty terminal) *cobra.Command {
	format := choice{"table", []string{"table", "json", "markdown"}}
	c := &cobra.Command{
		Use:               "rules",
		Short:             "List the rules of lint",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			print := map[string]func(io.Writer) error{
				"table":    rulesTable,
				"json":     rulesJSON,
				"markdown": lint.Markdown,
			}[format.value]
			if err := print(tty.out); err != nil {
				return unfinished(err)
			}
			return nil
		},
	}
	c.Flags().Var(&format, "format", "print as `FORMAT`: table (the default), json, markdown (every rule's page; docs/rules.md)")
	complete(c, "format", cobra.FixedCompletions(asCompletions(format.of), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func rulesTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range lint.Rules {
		p, err := r.Page()
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.ID, r.Severity, p.Summary())
	}
	return table.Flush()
}

func rulesJSON(w io.Writer) error {
	type rule struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Absence  bool   `json:"absence"` // info where the input may not be the whole stack
		Summary  string `json:"summary"`
		Page     string `json:"page"`
	}
	rules := []rule{}
	for _, r := range lint.Rules {
		p, err := r.Page()
		if err != nil {
			return err
		}
		rules = append(rules, rule{r.ID, r.Severity.String(), r.Absence, p.Summary(), p.Prose})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(rules)
}
