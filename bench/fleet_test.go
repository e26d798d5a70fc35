package bench_test

import (
	"fmt"
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
)

var fleetSizes = []int{1, 100, 1000}

// BenchmarkFleet reads topologies and renders all of their files into memory, where all of them are kept until the last is
// done. load and render are its two halves, each alone.
func BenchmarkFleet(b *testing.B) {
	for _, n := range fleetSizes {
		sources := fleet(n)
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			var all [][]conf.File
			fleetRun(b, n, func(see func()) {
				all = make([][]conf.File, n)
				each(n, func(i int) {
					all[i] = files(load(b, sources[i]))
					see()
				})
			})
			b.ReportMetric(float64(size(all...))/1e6, "MB")
		})
		b.Run(fmt.Sprintf("%d/load", n), func(b *testing.B) {
			fleetRun(b, n, func(see func()) {
				all := make([]*model.Topology, n)
				each(n, func(i int) {
					all[i] = load(b, sources[i])
					see()
				})
			})
		})
		b.Run(fmt.Sprintf("%d/render", n), func(b *testing.B) {
			topologies := make([]*model.Topology, n)
			each(n, func(i int) { topologies[i] = load(b, sources[i]) })
			b.ResetTimer()
			fleetRun(b, n, func(see func()) {
				all := make([][]render.File, n)
				each(n, func(i int) {
					all[i] = render.Render(topologies[i])
					see()
				})
			})
		})
	}
}

// fleetRun measures op over n stacks.
func fleetRun(b *testing.B, n int, op func(see func())) {
	var heap peak
	forgetRSS()
	b.ReportAllocs()
	cpu := cpuTime(b)
	for b.Loop() {
		op(heap.see)
	}
	cpu = cpuTime(b) - cpu
	hosts := float64(10 * n)
	b.ReportMetric(hosts*float64(b.N)/b.Elapsed().Seconds(), "hosts/s")
	b.ReportMetric(cpu.Seconds()/float64(b.N)/hosts*1e6, "cpu-µs/host")
	b.ReportMetric(float64(heap.most.Load())/(1<<20), "peak-heap-MiB")
	b.ReportMetric(peakRSS(), "peak-rss-MiB")
}
