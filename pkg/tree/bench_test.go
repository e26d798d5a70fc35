package tree

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"stackgen/pkg/conf"
)

// tenHosts is a stack of the size of the rendered examples: 10 hosts, 80 files of 2 KiB in 40 folders.
func tenHosts(fill byte) []conf.File {
	data := make([]byte, 2048)
	for i := range data {
		data[i] = fill
	}
	var files []conf.File
	for host := range 10 {
		for i, p := range []string{"/etc/nginx/nginx.conf", "/etc/nginx/mime.types", "/etc/nginx/fastcgi.conf", "/etc/haproxy/haproxy.cfg",
			"/etc/keepalived/keepalived.conf", "/etc/keepalived/check", "/etc/default/app", "/etc/default/app2"} {
			files = append(files, conf.File{Host: fmt.Sprintf("host%d", host), Path: p, Mode: 0o644, Data: data[:2048-i]})
		}
	}
	return stack(files...)
}

func bench(b *testing.B, setup, op func(dir string)) {
	base := b.TempDir()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		dir := filepath.Join(base, fmt.Sprint(i))
		setup(dir)
		b.StartTimer()
		op(dir)
	}
	b.ReportMetric(81, "files")
}

func BenchmarkWrite(b *testing.B) {
	one, two := tenHosts('1'), tenHosts('2')
	b.Run("new", func(b *testing.B) {
		bench(b, func(string) {}, func(dir string) { write(b, dir, one) })
	})
	b.Run("replace", func(b *testing.B) {
		bench(b, func(dir string) { write(b, dir, one) }, func(dir string) { write(b, dir, two) })
	})
	b.Run("cp", func(b *testing.B) { // what to compare with; a process for every stack is not in the price
		from := filepath.Join(b.TempDir(), "from")
		for i := range 20 {
			write(b, filepath.Join(from, fmt.Sprint(i)), one)
		}
		bench(b, func(string) {}, func(dir string) {
			if out, err := exec.Command("cp", "-r", from, dir).CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		})
		b.ReportMetric(81*20, "files")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20, "ns/stack")
	})
}

func BenchmarkCompareEqual(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "out")
	want := tenHosts('1')
	write(b, dir, want)
	for b.Loop() {
		p, err := Compare(dir, want, nil)
		if err != nil || len(p.Changes) > 0 {
			b.Fatal(err, p.Changes)
		}
	}
}
