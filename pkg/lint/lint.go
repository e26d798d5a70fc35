package lint

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

// Options say what to look for.
type Options struct {
	Select  []string // rule ids or prefixes of them ("vrrp"); empty: all
	Ignore  []string
	Profile Profile
	Now     time.Time // for the last day of an accepted finding; zero: acceptances do not end
}

// Profile is the least severity that is reported. A rule selected by its whole id is reported whatever it weighs.
type Profile int

// The profiles.
const (
	Recommended Profile = iota // errors and warnings
	Minimal                    // errors
	Strict                     // all
)

func (o Options) admits(d diag.Diagnostic) bool {
	switch {
	case o.Profile == Strict || slices.Contains(o.Select, d.Rule):
		return true
	case o.Profile == Minimal:
		return d.Severity == diag.Error
	}
	return d.Severity != diag.Info
}

// Check reports every selected or ignored name that is neither a rule nor the beginning of one.
func (o Options) Check() error {
	var unknown []string
	for _, name := range slices.Concat(o.Select, o.Ignore) {
		if !slices.ContainsFunc(Rules, func(r *Rule) bool { return covers(name, r.ID) }) {
			unknown = append(unknown, notRule(name, beginnings()))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%s", strings.Join(unknown, "\n"))
	}
	return nil
}

func (o Options) wants(id string) bool {
	covered := func(name string) bool { return covers(name, id) }
	return (len(o.Select) == 0 || slices.ContainsFunc(o.Select, covered)) && !slices.ContainsFunc(o.Ignore, covered)
}

// covers reports whether name is the id or its first words.
func covers(name, id string) bool {
	return name == id || name != "" && strings.HasPrefix(id, strings.TrimSuffix(name, "-")+"-")
}

// Result is what was found.
type Result struct {
	Findings []diag.Diagnostic // sorted
	Accepted []diag.Diagnostic // found, and accepted by the stack's manifest
}

// Run applies the rules to the stacks that fact.Read made of the input.
func Run(in *conf.Input, stacks []*fact.Stack, opts Options) Result {
	rules := slices.DeleteFunc(slices.Clone(Rules), func(r *Rule) bool { return !opts.wants(r.ID) })
	found := make([][]*Finding, len(stacks)*len(rules)) // by stack, then by rule: one wide stack uses all processors too
	asked := make([]*common, len(stacks))
	for i, s := range stacks {
		asked[i] = commonOf(s)
	}
	inParallel(len(found), func(i int) {
		s, r := stacks[i/len(rules)], rules[i%len(rules)]
		if r.Run == nil {
			return
		}
		defer func() {
			if p := recover(); p != nil {
				panic(fmt.Sprintf("rule %s on stack %q: %v", r.ID, s.Name, p))
			}
		}()
		p := &Pass{Stack: s, rule: r, common: asked[i/len(rules)]}
		r.Run(p)
		found[i] = p.found
	})
	if i := slices.Index(rules, syntax); i >= 0 {
		for s, list := range syntaxFindings(in, stacks) {
			found[s*len(rules)+i] = list
		}
	}
	results := make([]Result, len(stacks))
	inParallel(len(stacks), func(i int) {
		results[i] = settle(stacks[i], found[i*len(rules):(i+1)*len(rules)], opts)
	})
	var all Result
	for _, r := range results {
		all.Findings = append(all.Findings, r.Findings...)
		all.Accepted = append(all.Accepted, r.Accepted...)
	}
	diag.Sort(all.Findings)
	diag.Sort(all.Accepted)
	return all
}

// settle makes diagnostics of what each rule found in one stack: one for each flaw, named, and accepted or not.
func settle(s *fact.Stack, found [][]*Finding, opts Options) Result {
	var out Result
	files := files{stack: s}
	for _, list := range found {
		for _, f := range list {
			files.place(f)
		}
		ordinals := map[string]int{}
		for _, f := range merge(list) {
			f.Fingerprint = f.fingerprint(s, ordinals)
			if !opts.admits(f.Diagnostic) {
				continue
			}
			yes, until := accepted(s, f, opts.Now)
			if yes {
				out.Accepted = append(out.Accepted, f.Diagnostic)
				continue
			}
			if until != "" {
				f.Message += fmt.Sprintf(" (accepted until %s, which has passed)", until)
			}
			out.Findings = append(out.Findings, f.Diagnostic)
		}
	}
	return out
}

// merge joins findings that are one flaw, in order of place.
func merge(found []*Finding) []*Finding {
	slices.SortStableFunc(found, func(a, b *Finding) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Message, b.Message))
	})
	type place struct {
		pos     diag.Pos
		message string
	}
	seen := map[place]*Finding{}
	first := map[string]*Finding{}
	var out []*Finding
	for _, f := range found {
		// A file that two hosts share is read twice.
		if one, twice := seen[place{f.Pos, f.Message}]; twice && f.same == one.same {
			one.hosts = append(one.hosts, f.hosts...)
			continue
		}
		seen[place{f.Pos, f.Message}] = f
		key := f.same
		if key == "" {
			key = f.Message + "\x00" + f.words
		}
		one, ok := first[key]
		if !ok || f.same == "" && one.Pos.File == f.Pos.File {
			if !ok {
				first[key] = f
			}
			out = append(out, f)
			continue
		}
		seen[place{f.Pos, f.Message}] = one
		one.join(f)
	}
	return out
}

// join takes over another finding of the same flaw.
func (f *Finding) join(other *Finding) {
	f.hosts = append(f.hosts, other.hosts...)
	f.Severity = min(f.Severity, other.Severity)
	if other.Pos == f.Pos || slices.ContainsFunc(f.Diagnostic.Related, func(r diag.Related) bool { return r.Pos == other.Pos }) {
		return
	}
	message := "the same here"
	if other.Message != f.Message {
		message = other.Message
	}
	f.Diagnostic.Related = append(f.Diagnostic.Related, diag.Related{Pos: other.Pos, End: other.End, Message: message})
}

// accepted reports whether the stack's manifest accepts the finding today: on the host it names, or anywhere. Of a
// finding about several hosts all must be accepted. until is the last day of an acceptance that has ended.
func accepted(s *fact.Stack, f *Finding, now time.Time) (yes bool, until string) {
	if s.Manifest == nil {
		return false, ""
	}
	today := now.Format(time.DateOnly)
	on := func(host string) bool {
		for _, a := range s.Manifest.Accept {
			if a.Rule != f.Rule || a.Host != "" && a.Host != host {
				continue
			}
			if a.Until == "" || now.IsZero() || today <= a.Until {
				return true
			}
			until = max(until, a.Until)
		}
		return false
	}
	hosts := f.hosts
	if len(hosts) == 0 {
		hosts = []string{f.Host}
	}
	yes = true
	for _, h := range hosts {
		yes = on(h) && yes
	}
	return yes, until
}

// inParallel calls do for each number below n, on every processor. A panic of do is one of the caller's.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	var failed atomic.Pointer[string]
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					text := fmt.Sprintf("%v\n%s", p, debug.Stack())
					failed.Store(&text)
				}
			}()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
	if text := failed.Load(); text != nil {
		panic(*text)
	}
}
