package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/fact"
	"stackgen/pkg/lint"
)

// lintFleet reads and lints rendered stacks as one input, as `stackgen lint DIR` does with files that are in memory.
func lintFleet(stacks [][]conf.File, see func()) lint.Result {
	inputs := make([]*conf.Input, len(stacks))
	each(len(stacks), func(i int) {
		name := ""
		if len(stacks) > 1 {
			name = fmt.Sprintf("s%d", i)
		}
		inputs[i] = conf.FromFiles(name, stacks[i])
		see()
	})
	in := conf.Join(inputs...)
	facts := fact.Read(in, fact.Options{})
	see()
	r := lint.Run(in, facts, lint.Options{})
	see()
	return r
}

// BenchmarkLint lints fleets of ten-host stacks. haproxy-µs and nginx-µs are what `haproxy -c` and `nginx -t` take for the
// file of one balancer or web server of the same fleet in the same run: of hundreds of them only the first fifty are asked.
// x-daemons is how many times longer they would take, one after another, for all of them.
func BenchmarkLint(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stacks := rendered(b, n)
			b.ResetTimer()
			fleetRun(b, n, func(see func()) {
				if r := lintFleet(stacks, see); hasSyntax(r) {
					b.Fatal("a rendered file has a syntax error")
				}
			})
			ours := b.Elapsed() / time.Duration(b.N)
			b.StopTimer()
			if theirs := askDaemons(b, stacks); theirs > 0 {
				b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-daemons")
			}
		})
	}
}

func hasSyntax(r lint.Result) bool {
	for _, d := range r.Findings {
		if d.Rule == "syntax" {
			return true
		}
	}
	return false
}

// askDaemons returns how long the daemons would take for all of their files; 0 where one is not installed.
func askDaemons(b *testing.B, stacks [][]conf.File) time.Duration {
	var total time.Duration
	for _, d := range []struct {
		kind conf.Kind
		unit string
		args func(file string) []string
	}{
		{conf.HAProxy, "haproxy-µs", func(file string) []string { return []string{"haproxy", "-c", "-f", file} }},
		{conf.Nginx, "nginx-µs", func(file string) []string {
			return []string{"nginx", "-t", "-e", "stderr", "-c", file, "-g", "pid " + file + ".pid;"}
		}},
	} {
		dir := b.TempDir()
		count, asked := 0, 0
		var took time.Duration
		for i, files := range stacks {
			for _, f := range files {
				if f.Kind != d.kind {
					continue
				}
				count++
				if asked == 50 {
					continue
				}
				file := filepath.Join(dir, fmt.Sprint(i, f.Host), filepath.Base(f.Path))
				place(b, file, f, files)
				used, err := run(time.Minute, d.args(file)...)
				if errors.Is(err, exec.ErrNotFound) {
					b.Logf("%v: not compared", err)
					return 0
				}
				if err != nil {
					b.Fatal(err)
				}
				took += used
				asked++
			}
		}
		one := took / time.Duration(asked)
		b.ReportMetric(float64(one.Microseconds()), d.unit)
		total += one * time.Duration(count)
	}
	return total
}

// place writes a daemon's file where this user may have it checked: nginx logs into the folder of its file and finds there
// what the host's files include; the users, pid files and logs of a host are left out.
func place(b *testing.B, name string, f conf.File, all []conf.File) {
	text := string(f.Data)
	dir := filepath.Dir(name)
	if f.Kind == conf.Nginx {
		for _, other := range all {
			if other.Host == f.Host && strings.HasPrefix(other.Path, "/etc/nginx/stackgen/") {
				put(b, filepath.Join(dir, "stackgen", filepath.Base(other.Path)), other.Data)
			}
		}
		text = strings.ReplaceAll(text, "/var/log/nginx/", dir+"/")
		text = strings.Replace(text, "\npid ", "\n#pid ", 1)
	}
	put(b, name, []byte(text))
}

func put(b *testing.B, name string, data []byte) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		b.Fatal(err)
	}
}

// run runs a daemon's check and returns the processor time it took.
func run(limit time.Duration, args ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); ctx.Err() != nil {
		return 0, fmt.Errorf("%s took more than %v: %w", args[0], limit, ctx.Err())
	} else if err != nil {
		return 0, fmt.Errorf("%s: %w\n%.2000s", strings.Join(args, " "), err, out.String())
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
}

// BenchmarkLintWide is one stack of n web and n application servers. The bytes on its hosts grow with n²; the web servers'
// files are one text, which is read for each of them, so ns/byte is the measure and must not grow.
func BenchmarkLintWide(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stacks := [][]conf.File{files(load(b, wide(n)))}
			var heap peak
			cpu := cpuTime(b)
			b.ResetTimer()
			for b.Loop() {
				lintFleet(stacks, heap.see)
			}
			perRun := float64((cpuTime(b) - cpu).Nanoseconds()) / float64(b.N)
			b.ReportMetric(perRun/1e6, "cpu-ms")
			b.ReportMetric(perRun/float64(size(stacks[0])), "cpu-ns/byte-on-hosts")
			b.ReportMetric(perRun/float64(distinct(stacks[0])), "cpu-ns/byte-in-memory")
			b.ReportMetric(float64(heap.most.Load())/(1<<20), "peak-heap-MiB")
		})
	}
}

// BenchmarkLintServers is one haproxy.cfg with n servers in backends of a hundred, beside `haproxy -c` in the same run. HAProxy
// compares each server's name with those before it in the backend, and keeps a good 10 kB of each.
func BenchmarkLintServers(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var text bytes.Buffer
			text.WriteString("defaults\n    mode http\n    timeout connect 2s\n    timeout client 30s\n    timeout server 30s\nfrontend web\n    bind :8080\n    default_backend b0\n")
			for i := range n {
				if i%100 == 0 {
					fmt.Fprintf(&text, "backend b%d\n    balance leastconn\n    option httpchk GET /healthz\n", i/100)
				}
				fmt.Fprintf(&text, "    server s%d 10.%d.%d.%d:8080 check inter 2s fall 3 rise 2\n", i, i/62500, i/250%250, i%250+1)
			}
			one(b, conf.File{Host: "lb1", Path: "/etc/haproxy/haproxy.cfg", Kind: conf.HAProxy, Data: text.Bytes()}, "haproxy", "-c", "-f")
		})
	}
}

// BenchmarkLintLarge is one nginx.conf of 50 MB, beside `nginx -t` in the same run.
func BenchmarkLintLarge(b *testing.B) {
	for _, mb := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("%dMB", mb), func(b *testing.B) {
			var text bytes.Buffer
			text.WriteString("error_log stderr;\nevents {\n}\nhttp {\n    access_log off;\n    server_names_hash_max_size 1048576;\n    server_names_hash_bucket_size 128;\n")
			for i := 0; text.Len() < mb*1_000_000; i++ {
				fmt.Fprintf(&text, "    upstream u%d {\n        server 10.1.%d.%d:8080;\n    }\n    server {\n        listen 8080;\n        server_name s%[1]d.example.com;\n"+
					"        location / {\n            proxy_pass http://u%[1]d;\n            proxy_set_header Host $host;\n        }\n    }\n", i, i/250%250, i%250+1)
			}
			text.WriteString("}\n")
			one(b, conf.File{Host: "web1", Path: "/etc/nginx/nginx.conf", Kind: conf.Nginx, Data: text.Bytes()}, "nginx", "-t", "-e", "stderr", "-g", "pid nginx.pid;", "-c")
		})
	}
}

// one lints a single file, and has its daemon check it, within five minutes.
func one(b *testing.B, f conf.File, daemon ...string) {
	stacks := [][]conf.File{{f}}
	var heap peak
	cpu := cpuTime(b)
	b.ResetTimer()
	for b.Loop() {
		lintFleet(stacks, heap.see)
	}
	perRun := (cpuTime(b) - cpu) / time.Duration(b.N)
	b.StopTimer()
	b.ReportMetric(perRun.Seconds()*1000, "cpu-ms")
	b.ReportMetric(float64(perRun.Nanoseconds())/float64(len(f.Data)), "cpu-ns/byte")
	b.ReportMetric(float64(heap.most.Load())/(1<<20), "peak-heap-MiB")
	name := filepath.Join(b.TempDir(), filepath.Base(f.Path))
	put(b, name, f.Data)
	switch theirs, err := run(5*time.Minute, append(daemon, name)...); {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, context.DeadlineExceeded):
		b.Logf("not compared: %v", err)
	case err != nil:
		b.Fatal(err)
	default:
		b.ReportMetric(theirs.Seconds()*1000, daemon[0]+"-cpu-ms")
	}
}

// BenchmarkLintProcess is stackgen lint as people run it, on the nine servers as they lie on disk: start, find the hosts, read,
// judge, print.
func BenchmarkLintProcess(b *testing.B) {
	stackgen := program(b)
	dir := filepath.Join("..", "golden", "foobar")
	var cpu time.Duration
	for b.Loop() {
		used, err := run(time.Minute, stackgen, "lint", "--fail-on", "never", dir)
		if err != nil {
			b.Fatal(err)
		}
		cpu += used
	}
	b.ReportMetric(cpu.Seconds()*1000/float64(b.N), "cpu-ms")
}
