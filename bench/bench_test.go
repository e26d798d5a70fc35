// Package bench_test measures stackgen at its two extremes, many stacks and one wide stack, and beside cp and Ansible.
// docs/performance.md says what the numbers mean.
package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
	"stackgen/pkg/tree"
)

// fleet writes n topologies of ten hosts each, no two with a name, domain or address in common: two balancers, two web and
// three application servers, a primary and two replicas. They are what a user would write, so nearly all is default.
func fleet(n int) []model.Source {
	list := make([]model.Source, n)
	for i := range list {
		net := fmt.Sprintf("10.%d.%d", i/250, i%250)
		list[i] = model.Source{Name: fmt.Sprintf("s%d.yaml", i), Data: []byte(strings.ReplaceAll(fmt.Sprintf(`stackgen: 1
name: s%d
domain: s%[1]d.example.com
vip: NET.10/24
lb:  {interface: eth0, nodes: {lb1: NET.11, lb2: NET.12}}
web: {web1: NET.21, web2: NET.22}
app: {app1: NET.31, app2: NET.32, app3: NET.33}
db:
  primary:  {db1: NET.41}
  replicas: {db2: NET.42, db3: NET.43}
`, i), "NET", net))}
	}
	return list
}

// wide is one stack of n web and n application servers.
func wide(n int) model.Source {
	var b bytes.Buffer
	b.WriteString("stackgen: 1\nname: wide\ndomain: wide.example.com\nvip: 10.0.0.10/16\nlb: {interface: eth0, nodes: {lb1: 10.0.0.11, lb2: 10.0.0.12}}\n")
	for tier, name := range []string{"web", "app"} {
		fmt.Fprintf(&b, "%s:\n", name)
		for i := range n {
			fmt.Fprintf(&b, "  %s%d: 10.0.%d.%d\n", name, i+1, 16*(tier+1)+i/250, i%250+1)
		}
	}
	b.WriteString("db:\n  primary: {db1: 10.0.0.41}\n  replicas: {db2: 10.0.0.42}\n")
	return model.Source{Name: "wide.yaml", Data: b.Bytes()}
}

func load(b *testing.B, src model.Source) *model.Topology {
	t, problems := model.Load(src, nil, nil)
	if len(problems) > 0 {
		diag.Human(os.Stderr, problems, func(string) []byte { return src.Data })
		b.Errorf("%s does not load", src.Name)
		runtime.Goexit()
	}
	return t
}

// files are the rendered files without their origins, as cmd writes them.
func files(t *model.Topology) []conf.File {
	rendered := render.Render(t)
	list := make([]conf.File, len(rendered))
	for i, r := range rendered {
		list[i] = r.File
	}
	return list
}

func size(list ...[]conf.File) (n int64) {
	for _, files := range list {
		for _, f := range files {
			n += int64(len(f.Data))
		}
	}
	return n
}

// each calls f for each number below n, on every processor: what cmd does.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// cpuTime is the processor time this process has taken, user and system. On a machine with other work it says more
// than the clock.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A peak follows the largest heap, live objects and garbage not yet collected; see is called at the points where it may
// have grown. It returns the largest so far.
type peak struct{ most atomic.Uint64 }

func (p *peak) see() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	for now := sample[0].Value.Uint64(); ; {
		was := p.most.Load()
		if now <= was || p.most.CompareAndSwap(was, now) {
			return
		}
	}
}

// forgetRSS gives unused memory back and resets the kernel's mark of the largest resident set; peakRSS reads it. It
// counts everything: code, stacks, and what the collector has not returned.
func forgetRSS() {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // fails elsewhere than on Linux: then peakRSS is 0
}

func peakRSS() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseFloat(kib, 64)
	return n / 1024
}

// write makes dir equal to the files.
func write(b *testing.B, dir string, list []conf.File) tree.Result {
	plan, err := tree.Compare(dir, list, nil)
	if err != nil {
		b.Error(err)
		runtime.Goexit()
	}
	result, err := plan.Write(false)
	if err != nil {
		b.Error(err)
		runtime.Goexit()
	}
	return result
}

// program builds stackgen.
func program(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "stackgen")
	if out, err := exec.Command("go", "build", "-o", path, "stackgen/cmd/stackgen").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// timed runs a command and returns how long it took by the clock.
func timed(b *testing.B, name string, args ...string) time.Duration {
	start := time.Now()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	return time.Since(start)
}
