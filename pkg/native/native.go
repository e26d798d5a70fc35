// Package native asks the real daemons what they think of a set of files, before the files reach a host. Each host's
// files are shown to its daemons at their real paths, in namespaces that hold the host's interface and addresses; the
// machine itself is not changed. It does not know topologies or rules.
package native

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
)

// State is the outcome of a question.
type State int

const (
	NotAsked State = iota // Why says what was missing
	Accepted              // without a warning
	Refused               // Findings hold the daemon's own words
)

// Verdict is one daemon's answer to one file of one host.
type Verdict struct {
	File     conf.File
	Daemon   string // "haproxy", "keepalived", "nginx", "mysql", "mariadb"
	Version  string // "3.0.11"
	Root     string // root folder it was taken from; "/" is the machine's own
	State    State
	Why      string
	Findings []diag.Diagnostic // at places in File.Name()
}

// Options say which daemons to ask.
type Options struct {
	// Roots are root folders with daemons, by host, tier or role; "" is for all hosts. A host with a root folder is asked
	// of that one only. All others take the first whose version fits the manifest's targets: the machine itself, then
	// the folders of Cache.
	Roots map[string]string
	Cache []string
	// Only limits the question to some hosts; nil is all.
	Only func(host string) bool
	// Progress is called after each host, from several goroutines.
	Progress func()
}

// Check asks about every file that has a daemon. The verdicts are in the order of files. The error is of the machine,
// not of the files.
func Check(ctx context.Context, files []conf.File, m *conf.Manifest, opts Options) ([]Verdict, error) {
	var hosts []*question
	byHost := map[string]*question{}
	for _, f := range files {
		if f.Host == "" || opts.Only != nil && !opts.Only(f.Host) {
			continue
		}
		q := byHost[f.Host]
		if q == nil {
			q = &question{name: f.Host, host: m.Hosts[f.Host]}
			byHost[f.Host] = q
			hosts = append(hosts, q)
		}
		q.files = append(q.files, f)
	}
	found := newFinder(m, opts)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(hosts), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(hosts)); i = next.Add(1) - 1 {
				hosts[i].ask(ctx, found)
				if opts.Progress != nil {
					opts.Progress()
				}
			}
		})
	}
	wg.Wait()
	var out []Verdict
	for _, q := range hosts {
		if q.err != nil {
			return nil, fmt.Errorf("host %s: %w", q.name, q.err)
		}
		out = append(out, q.verdicts...)
	}
	return out, ctx.Err()
}

// question is all that is asked about one host.
type question struct {
	name     string
	host     conf.ManifestHost
	files    []conf.File
	verdicts []Verdict
	err      error
}

func (q *question) ask(ctx context.Context, found *finder) {
	byRoot := map[string][]int{}
	for _, f := range q.files {
		d, ok := daemonOf(f, found.mariadb)
		if !ok {
			continue
		}
		v := Verdict{File: f, Daemon: d.name}
		if v.Why = able(); v.Why == "" {
			v.Root, v.Version, v.Why = found.daemon(d, q.name, q.host)
		}
		q.verdicts = append(q.verdicts, v)
		if v.Why == "" {
			byRoot[v.Root] = append(byRoot[v.Root], len(q.verdicts)-1)
		}
	}
	for root, asked := range byRoot {
		q.err = inSpace(q, root, func(s *space) error {
			for _, i := range asked {
				v := &q.verdicts[i]
				d, _ := daemonOf(v.File, found.mariadb)
				if err := d.ask(ctx, s, v); err != nil {
					return fmt.Errorf("%s: %w", d.name, err)
				}
			}
			return nil
		})
		if q.err != nil {
			return
		}
	}
}
