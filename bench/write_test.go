package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"stackgen/pkg/conf"
)

// rendered are the files of each stack of a fleet.
func rendered(b *testing.B, n int) [][]conf.File {
	sources := fleet(n)
	all := make([][]conf.File, n)
	each(n, func(i int) { all[i] = files(load(b, sources[i])) })
	return all
}

// writeFleet makes a folder of each stack below dir what it must be. It returns how many files that changed.
func writeFleet(b *testing.B, dir string, stacks [][]conf.File) int {
	changed := make([]int, len(stacks))
	each(len(stacks), func(i int) {
		r := write(b, filepath.Join(dir, fmt.Sprint(i)), stacks[i])
		changed[i] = r.Added + r.Changed + r.Removed
	})
	total := 0
	for _, n := range changed {
		total += n
	}
	return total
}

// settle waits until what was written before is on the disk, so that nobody pays for somebody else. What a single stack
// writes is too little for the kernel to begin with.
func settle(stacks int) {
	if stacks >= 100 {
		syscall.Sync()
	}
}

// BenchmarkFleetWrite writes rendered stacks into a new folder, and cp -r copies the same tree to one beside it; who is
// first alternates, and what was written or removed before is synced. x-cp is our time by cp's, in the same run on the same
// file system. Both leave syncing to the kernel. cp is one process with one thread, we have one per processor; but what we
// write has another name first and is then renamed.
func BenchmarkFleetWrite(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stacks := rendered(b, n)
			dir := b.TempDir()
			source, ours, theirs := filepath.Join(dir, "source"), filepath.Join(dir, "ours"), filepath.Join(dir, "cp")
			writeFleet(b, source, stacks)
			var cp time.Duration
			copies := func() {
				settle(n)
				cp += timed(b, "cp", "-r", source, theirs)
				settle(n)
			}
			for round := 0; b.Loop(); round++ {
				b.StopTimer()
				wipe(b, n, ours, theirs)
				if round%2 == 1 {
					copies()
				}
				b.StartTimer()
				writeFleet(b, ours, stacks)
				b.StopTimer()
				if round%2 == 0 {
					copies()
				}
				b.StartTimer()
			}
			b.ReportMetric(b.Elapsed().Seconds()/cp.Seconds(), "x-cp")
			b.ReportMetric(cp.Seconds()*1000/float64(b.N), "cp-ms")
			reportTree(b, stacks)
		})
	}
}

// BenchmarkFleetUnchanged does the same once more, where everything lies there already. x-first is its time by that of
// the first run.
func BenchmarkFleetUnchanged(b *testing.B) {
	for _, n := range fleetSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			stacks := rendered(b, n)
			dir := filepath.Join(b.TempDir(), "ours")
			settle(n)
			start := time.Now()
			writeFleet(b, dir, stacks)
			first := time.Since(start)
			settle(n)
			for b.Loop() {
				if changed := writeFleet(b, dir, stacks); changed > 0 {
					b.Fatalf("%d files changed in a run that should change none", changed)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/first.Seconds(), "x-first")
			reportTree(b, stacks)
		})
	}
}

// BenchmarkFleetProcess is stackgen as people run it, with all topologies as arguments: start, read, check, render, compare,
// write. x-cp is its time by that of cp -r of what it wrote; unchanged is its second run.
func BenchmarkFleetProcess(b *testing.B) {
	stackgen := program(b)
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "cp")
			args := []string{"render", "-q", "-o", ours}
			for _, src := range fleet(n) {
				name := filepath.Join(dir, src.Name)
				if err := os.WriteFile(name, src.Data, 0o644); err != nil {
					b.Fatal(err)
				}
				args = append(args, name)
			}
			var cp, again time.Duration
			for b.Loop() {
				b.StopTimer()
				wipe(b, n, ours, theirs)
				b.StartTimer()
				timed(b, stackgen, args...)
				b.StopTimer()
				settle(n)
				cp += timed(b, "cp", "-r", ours, theirs)
				settle(n)
				again += timed(b, stackgen, args...)
				b.StartTimer()
			}
			b.ReportMetric(b.Elapsed().Seconds()/cp.Seconds(), "x-cp")
			b.ReportMetric(cp.Seconds()*1000/float64(b.N), "cp-ms")
			b.ReportMetric(again.Seconds()*1000/float64(b.N), "unchanged-ms")
		})
	}
}

// wipe removes folders of an earlier round.
func wipe(b *testing.B, stacks int, dirs ...string) {
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	settle(stacks)
}

func reportTree(b *testing.B, stacks [][]conf.File) {
	n := 0
	for _, s := range stacks {
		n += len(s)
	}
	b.ReportMetric(float64(n), "files")
	b.ReportMetric(float64(size(stacks...))/1e6, "MB")
}
