package bench_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"stackgen/pkg/conf"
)

// BenchmarkWide is one stack of n web and n application servers: nginx.conf has n lines of upstream and lies on n hosts, so
// that the bytes to write grow with n². render keeps equal files once in memory: its measure is ns per byte of those. write
// pays for each of them on each host.
func BenchmarkWide(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		src := wide(n)
		b.Run(fmt.Sprintf("%d/render", n), func(b *testing.B) {
			var list []conf.File
			b.ReportAllocs()
			cpu := cpuTime(b)
			for b.Loop() {
				list = files(load(b, src))
			}
			perRun := float64((cpuTime(b) - cpu).Nanoseconds()) / float64(b.N)
			b.ReportMetric(perRun/float64(size(list)), "cpu-ns/byte-on-hosts")
			b.ReportMetric(perRun/float64(distinct(list)), "cpu-ns/byte-in-memory")
			b.ReportMetric(float64(distinct(list))/1e6, "MB-in-memory")
		})
		b.Run(fmt.Sprintf("%d/write", n), func(b *testing.B) {
			list := files(load(b, src))
			dir := filepath.Join(b.TempDir(), "out")
			for b.Loop() {
				b.StopTimer()
				wipe(b, 1, dir)
				b.StartTimer()
				write(b, dir, list)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size(list)), "ns/byte")
			reportTree(b, [][]conf.File{list})
		})
	}
}

// distinct counts the bytes of files that share theirs once.
func distinct(list []conf.File) (n int) {
	seen := map[*byte]bool{}
	for _, f := range list {
		if len(f.Data) > 0 && !seen[&f.Data[0]] {
			seen[&f.Data[0]] = true
			n += len(f.Data)
		}
	}
	return n
}
