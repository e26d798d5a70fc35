package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/model"
	"stackgen/pkg/native"
)

// nativeFlags say whether and which real daemons are asked.
type nativeFlags struct {
	mode  string
	roots []string
}

const (
	askMode     = "ask"
	requireMode = "require"
)

func (f *nativeFlags) register(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.mode, "native", "", "show the files to the real daemons first, in namespaces (Linux, root); a refusal writes nothing and exits 1. With =`require`, exit 3 when a daemon cannot be asked")
	fl.Lookup("native").NoOptDefVal = askMode
	fl.StringArrayVar(&f.roots, "root", nil, "take the daemons from this unpacked root folder, or those of one host or tier: `[HOST|TIER=]DIR` (repeatable; implies --native)")
	complete(c, "native", cobra.FixedCompletions([]cobra.Completion{requireMode}, cobra.ShellCompDirectiveNoFileComp))
	complete(c, "root", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}

// nativeOptions is what is asked, and whether all of it must be answered.
type nativeOptions struct {
	native.Options
	require bool
}

var rootKey = regexp.MustCompile(`^([a-z][a-z0-9-]*)=(.+)$`)

// options reads the flags; nil is: ask nothing.
func (f *nativeFlags) options() (*nativeOptions, error) {
	switch f.mode {
	case "":
		if len(f.roots) == 0 {
			return nil, nil
		}
	case askMode, requireMode:
	default:
		return nil, usage("--native=%s: write --native, or --native=%s to fail when a daemon cannot be asked", f.mode, requireMode)
	}
	o := &nativeOptions{require: f.mode == requireMode}
	o.Roots = map[string]string{}
	o.Cache = native.CacheRoots()
	for _, r := range f.roots {
		key, dir := "", r
		if m := rootKey.FindStringSubmatch(r); m != nil {
			key, dir = m[1], m[2]
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, unfinished(err)
		}
		if info, err := os.Stat(abs); err != nil || !info.IsDir() {
			return nil, usage("--root %s: %q is not a folder", r, dir)
		}
		if other, twice := o.Roots[key]; twice {
			return nil, usage("--root %s: %s is given already; write HOST=DIR or TIER=DIR for more than one", r, other)
		}
		o.Roots[key] = abs
	}
	return o, nil
}

// checkRoots refuses a --root for something that is no host and no tier.
func (o *nativeOptions) checkRoots(stacks []*stack) error {
	for _, key := range slices.Sorted(maps.Keys(o.Roots)) {
		if key == "" || slices.ContainsFunc(stacks, func(s *stack) bool {
			return slices.ContainsFunc(s.topology.Hosts(), func(h model.Host) bool { return matches(h, key) })
		}) {
			continue
		}
		return usage("--root %s=%s: no host or tier has this name", key, o.Roots[key])
	}
	return nil
}

// askNative shows every stack to the daemons. Refusals are printed at the rendered line; nothing has been written yet.
func askNative(stacks []*stack, o nativeOptions, f *renderFlags, progress *progress, tty terminal) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hosts := 0
	for _, s := range stacks {
		hosts += f.hosts(s.topology)
	}
	progress.begin("asking the daemons about hosts", hosts)
	var refused []diag.Diagnostic
	texts := map[string][]byte{}
	answers := map[string]int{} // "haproxy 3.0.11" → files accepted
	missing := map[string][]string{}
	for _, s := range stacks {
		files := s.files()
		manifest, err := conf.DecodeManifest(files[len(files)-1].Data)
		if err != nil {
			return unfinished(fmt.Errorf("manifest: %w", err))
		}
		asked := o.Options
		asked.Only = f.selected(s.topology)
		asked.Progress = progress.step
		verdicts, err := native.Check(ctx, files, manifest, asked)
		if ctx.Err() != nil {
			return unfinished(errors.New("interrupted; nothing was written"))
		}
		if err != nil {
			return unfinished(fmt.Errorf("%s: %w", s.topology.Name, err))
		}
		prefix := ""
		if len(stacks) > 1 {
			prefix = s.topology.Name + "/"
		}
		for _, v := range verdicts {
			switch v.State {
			case native.Accepted:
				answers[v.Daemon+" "+v.Version]++
			case native.NotAsked:
				missing[v.Why] = append(missing[v.Why], prefix+v.File.Host)
			case native.Refused:
				for _, d := range v.Findings {
					d.Pos.File = prefix + d.Pos.File
					texts[d.Pos.File] = v.File.Data
					refused = append(refused, d)
				}
			}
		}
	}
	progress.stop()
	for _, who := range sortedKeys(answers) {
		if !f.quiet {
			fmt.Fprintf(tty.err, "native: %s accepts %s\n", who, plural(answers[who], "file"))
		}
	}
	for _, why := range sortedKeys(missing) {
		hosts := missing[why]
		slices.Sort(hosts)
		fmt.Fprintf(tty.err, "native: not asked: %s: %s\n", few(slices.Compact(hosts)), why)
	}
	if len(answers)+len(missing)+len(refused) == 0 {
		fmt.Fprintln(tty.err, "native: not asked: none of the files is read by a daemon")
	}
	if len(refused) > 0 {
		diag.Sort(refused)
		if err := diag.Human(tty.out, refused, func(name string) []byte { return texts[name] }); err != nil {
			return unfinished(err)
		}
		fmt.Fprintf(tty.err, "the daemons refuse the files (%s); nothing was written\n", plural(len(refused), "complaint"))
		return &failure{code: exitFound}
	}
	if o.require && len(missing) > 0 {
		return unfinished(fmt.Errorf("--native=%s: not every daemon could be asked; nothing was written", requireMode))
	}
	return nil
}
