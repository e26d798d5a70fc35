package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
	"stackgen/pkg/lint"
)

type lintFlags struct {
	input    inputFlags
	format   choice
	failOn   choice
	profile  choice
	selected []string
	ignored  []string
	complete bool
	manifest string
	hosts    string
	named    []string // --host
	stdin    string   // --stdin-filename
	quiet    bool
}

func lintCommand(tty terminal) *cobra.Command {
	f := lintFlags{
		format:  choice{"human", []string{"human", "concise", "json", "sarif", "github"}},
		failOn:  choice{"error", []string{"error", "warning", "info", "never"}},
		profile: choice{"recommended", []string{"minimal", "recommended", "strict"}},
	}
	f.input.verb = "linted"
	c := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find what takes a stack down in the configuration of its hosts",
		Long: `Lint reads the configuration of HAProxy, keepalived, nginx and MySQL or MariaDB of all hosts together, and finds single points
of failure, virtual addresses that do not move or are held twice, and files that contradict each other.

A PATH is a folder with one folder per host (what render writes, a copy of each /etc, an Ansible files/ tree), one host's
/etc, single files, "-" for a file from standard input, or a topology (*.yaml), which is rendered in memory and whose
findings stand at the line of the topology. Without a PATH it takes ./stack.yaml, or this folder where there is none.

Findings go to standard output; what was assumed and what could not be read, to standard error. Rules about what is absent
(one balancer, one web server) weigh only where the input is the whole stack: a topology, a manifest, or --complete.

Exit codes: 0 no finding at or above --fail-on; 1 findings; 2 could not start, or nothing to read; 3 something could not be
read.`,
		Example: `  stackgen lint stack.yaml
  stackgen lint out/
  stackgen lint --host lb1=/etc --complete
  stackgen lint lb1.haproxy.cfg lb2.haproxy.cfg keepalived-lb1.conf keepalived-lb2.conf
  ssh lb1 cat /etc/haproxy/haproxy.cfg | stackgen lint - --stdin-filename lb1/etc/haproxy/haproxy.cfg
  stackgen lint --format sarif --fail-on warning files/ > stackgen.sarif`,
		RunE: func(c *cobra.Command, args []string) error {
			opts, err := f.valid(c)
			if err != nil {
				return err
			}
			return f.run(args, opts, tty)
		},
	}
	f.input.register(c)
	fl := c.Flags()
	fl.Lookup("example").Usage = "lint this embedded `example`: " + strings.SplitN(fl.Lookup("example").Usage, ": ", 2)[1]
	fl.Lookup("target").Usage = "the daemons' versions: `DAEMON=VERSION,...`, such as haproxy=2.6,mariadb=10.11"
	fl.Var(&f.format, "format", "print as `FORMAT`: "+f.format.list()+" (default human; github under GITHUB_ACTIONS=true)")
	fl.Var(&f.failOn, "fail-on", "exit 1 from this `SEVERITY` on: "+f.failOn.list()+" (default error; info implies --profile strict)")
	fl.Var(&f.profile, "profile", "report `PROFILE`: minimal (errors), recommended (and warnings; the default), strict (and good practice)")
	fl.StringSliceVar(&f.selected, "select", nil, "apply only these `RULES`: ids or beginnings of them, such as vrrp (repeatable, or comma between); a whole id is reported in every profile")
	fl.StringSliceVar(&f.ignored, "ignore", nil, "leave these `RULES` out: ids or beginnings of them")
	fl.BoolVar(&f.complete, "complete", false, "the input is the whole stack: report what is absent, too")
	fl.StringVar(&f.manifest, "manifest", "", "take this manifest.json `file`, which may hold hosts and addresses alone; implies --complete")
	fl.StringVar(&f.hosts, "hosts", "", "take the hosts' addresses from this `file`, with lines as in /etc/hosts")
	fl.StringArrayVar(&f.named, "host", nil, "the file or folder is this host's: `NAME=PATH` (repeatable)")
	fl.StringVar(&f.stdin, "stdin-filename", "", "what \"-\" is called on disk: `NAME`, such as lb1/etc/haproxy/haproxy.cfg")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no assumptions and no summary; what could not be read is still told")
	for name, of := range map[string][]string{"format": f.format.of, "fail-on": f.failOn.of, "profile": f.profile.of, "select": ruleIDs(), "ignore": ruleIDs()} {
		complete(c, name, cobra.FixedCompletions(asCompletions(of), cobra.ShellCompDirectiveNoFileComp))
	}
	return c
}

// choice is the value of a flag that is one of a few words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return "" }

func (c *choice) Type() string { return "WORD" }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		return fmt.Errorf("it is one of %s", c.list())
	}
	c.value = value
	return nil
}

func (c *choice) list() string { return strings.Join(c.of, ", ") }

func ruleIDs() []string {
	var ids []string
	for _, r := range lint.Rules {
		ids = append(ids, r.ID)
	}
	return ids
}

// failAt are the severities that --fail-on names.
var failAt = map[string]diag.Severity{"never": 0, "error": diag.Error, "warning": diag.Warning, "info": diag.Info}

// shows are the severities down to which a profile reports.
var shows = map[string]diag.Severity{"minimal": diag.Error, "recommended": diag.Warning, "strict": diag.Info}

// valid refuses flags that contradict each other, or that would do nothing.
func (f *lintFlags) valid(c *cobra.Command) (lint.Options, error) {
	opts := lint.Options{Select: f.selected, Ignore: f.ignored, Now: time.Now()}
	if err := opts.Check(); err != nil {
		return opts, &failure{exitUsage, err}
	}
	changed := c.Flags().Changed
	if changed("example") && f.input.example == "" {
		return opts, usage("--example is empty; name an example, or leave the flag out")
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" && !changed("format") {
		f.format.value = "github"
	}
	if !changed("profile") && f.failOn.value == "info" {
		f.profile.value = "strict"
	}
	if changed("fail-on") && shows[f.profile.value] < failAt[f.failOn.value] {
		return opts, usage("--fail-on %s: --profile %s does not look for that; choose a stricter profile", f.failOn.value, f.profile.value)
	}
	opts.Profile = map[string]lint.Profile{"minimal": lint.Minimal, "recommended": lint.Recommended, "strict": lint.Strict}[f.profile.value]
	return opts, nil
}

func (f *lintFlags) run(args []string, opts lint.Options, tty terminal) error {
	facts, err := f.facts()
	if err != nil {
		return err
	}
	in, err := f.read(args, tty)
	if err != nil {
		return err
	}
	stacks := fact.Read(in.Input, facts)
	result := lint.Run(in.Input, stacks, opts)
	in.move(result.Findings)
	diag.Sort(result.Findings)

	r := report{lintFlags: f, lintInput: in, stacks: stacks, findings: result.Findings}
	r.summarize(len(result.Accepted))
	if err := r.print(tty); err != nil {
		return unfinished(err)
	}
	r.tell(result.Accepted, tty)
	for _, s := range stacks {
		f.unknownAccepted(s, tty)
	}
	limit := failAt[f.failOn.value]
	switch {
	case !in.Complete():
		return unfinished(errors.New("the report is not complete: part of the input could not be read"))
	case slices.ContainsFunc(result.Findings, func(d diag.Diagnostic) bool { return d.Severity <= limit }):
		return &failure{code: exitFound}
	}
	return nil
}

// unknownAccepted tells of accepted findings that no rule makes.
func (f *lintFlags) unknownAccepted(s *fact.Stack, tty terminal) {
	if s.Manifest == nil || f.quiet {
		return
	}
	for _, a := range s.Manifest.Accept {
		if _, err := lint.Find(a.Rule); err != nil {
			fmt.Fprintf(tty.err, "accept: %v\n", err)
		}
	}
}
