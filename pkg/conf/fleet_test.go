package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// fleet is n stacks of ten hosts, like those a topology renders: three to seven kilobytes a file.
func fleet(n int) map[string][]File {
	stacks := map[string][]File{}
	sized := func(k Kind, size int) []byte { return []byte(benchInputs(size)[k]) }
	haproxy, keepalived, nginx := sized(HAProxy, 4<<10), sized(Keepalived, 2<<10), sized(Nginx, 5<<10)
	mysql, env, script := sized(MySQL, 3<<10), sized(Env, 1<<10), []byte("#!/bin/sh\n")
	for i := range n {
		var files []File
		for _, h := range []string{"lb1", "lb2"} {
			files = append(files, File{h, "/etc/haproxy/haproxy.cfg", HAProxy, 0o644, haproxy}, File{h, "/etc/keepalived/keepalived.conf", Keepalived, 0o644, keepalived},
				File{h, "/etc/keepalived/check-haproxy", Other, 0o755, script}, File{h, "/etc/systemd/system/keepalived.service.d/stackgen.conf", Other, 0o644, env})
		}
		for _, h := range []string{"web1", "web2"} {
			files = append(files, File{h, "/etc/nginx/nginx.conf", Nginx, 0o644, nginx}, File{h, "/etc/nginx/stackgen/mime.types", Other, 0o644, env})
		}
		for _, h := range []string{"app1", "app2", "app3", "app4"} {
			files = append(files, File{h, "/etc/default/app", Env, 0o644, env})
		}
		for _, h := range []string{"db1", "db2"} {
			files = append(files, File{h, "/etc/mysql/my.cnf", MySQL, 0o644, mysql}, File{h, "/etc/mysql/bootstrap.sh", Other, 0o755, script})
		}
		files = append(files, File{Path: ManifestName, Kind: JSON, Mode: 0o644, Data: []byte(`{"version": 1, "hosts": {"lb1": {"addresses": ["10.0.0.1"]}}}`)})
		stacks[fmt.Sprintf("s%04d", i)] = files
	}
	return stacks
}

func writeFleet(tb testing.TB, root string, stacks map[string][]File) {
	tb.Helper()
	for name, files := range stacks {
		for _, f := range files {
			place := filepath.Join(root, name, filepath.FromSlash(f.Name()))
			if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(place, f.Data, os.FileMode(f.Mode)); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func BenchmarkFleetInMemory(b *testing.B) {
	stacks := fleet(1000)
	b.ReportAllocs()
	for b.Loop() {
		var all []*Input
		for name, files := range stacks {
			all = append(all, FromFiles(name, files))
		}
		if in := Join(all...); len(in.Groups) != 1000 || len(in.Errors) > 0 {
			b.Fatal(in.Errors)
		}
	}
}

func BenchmarkLoadFleet(b *testing.B) {
	for _, hosts := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			root := b.TempDir()
			writeFleet(b, root, fleet(hosts/10))
			b.ReportAllocs()
			for b.Loop() {
				in, err := Load([]string{root}, Options{})
				if err != nil || len(in.Groups) != hosts/10 || len(in.Errors) > 0 {
					b.Fatal(err, len(in.Groups), in.Errors)
				}
			}
		})
	}
}

// One file of 50 MB: what finding and splicing add to Parse.
func BenchmarkLoadLarge(b *testing.B) {
	data := []byte(benchInputs(50 << 20)[Nginx])
	name := filepath.Join(b.TempDir(), "nginx.conf")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if in, err := Load([]string{name}, Options{}); err != nil || len(in.Errors) > 0 {
			b.Fatal(err, in.Errors)
		}
	}
}
