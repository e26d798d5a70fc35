package tree

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stackgen/pkg/conf"
)

// stack gives the files and their manifest. Each is "host/path mode content" or "name mode content".
func stack(files ...conf.File) []conf.File {
	m := conf.Manifest{Version: 1, Hosts: map[string]conf.ManifestHost{}}
	for _, f := range files {
		if f.Host != "" {
			m.Hosts[f.Host] = conf.ManifestHost{}
		}
		m.Files = append(m.Files, conf.ManifestFile{Host: f.Host, Path: f.Path, Mode: fmt.Sprintf("%04o", f.Mode), SHA256: fmt.Sprintf("%x", sha256.Sum256(f.Data))})
	}
	return append(slices.Clone(files), conf.File{Path: conf.ManifestName, Kind: conf.JSON, Mode: 0o644, Data: m.Encode()})
}

func file(host, path, data string) conf.File {
	return conf.File{Host: host, Path: path, Mode: 0o644, Data: []byte(data)}
}

func write(t rapid.TB, dir string, want []conf.File) Result {
	t.Helper()
	p, err := Compare(dir, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Write(false)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// snapshot is every file below dir with mode and content, and every folder without entries.
func snapshot(t rapid.TB, dir string) map[string]string {
	t.Helper()
	snap := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		fi, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			list, err := os.ReadDir(path)
			if len(list) == 0 && name != "." {
				snap[name] = "an empty folder"
			}
			return err
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			snap[name] = "→ " + to
			return err
		}
		data, err := os.ReadFile(path)
		snap[name] = fmt.Sprintf("%04o %q", fi.Mode().Perm(), data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return snap
}

func expected(want []conf.File, foreign map[string]string) map[string]string {
	snap := map[string]string{}
	for _, f := range want {
		snap[f.Name()] = fmt.Sprintf("%04o %q", f.Mode, f.Data)
	}
	for name, data := range foreign {
		snap[name] = fmt.Sprintf("0600 %q", data)
	}
	return snap
}

// touched is the inode and change time of every file and folder: what shows that something was written.
func touched(t rapid.TB, dir string) map[string]string {
	t.Helper()
	snap := map[string]string{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		fi, err := d.Info()
		if err != nil {
			t.Fatal(err)
		}
		st := fi.Sys().(*syscall.Stat_t)
		snap[path] = fmt.Sprint(st.Ino, st.Ctim, st.Mtim)
		return nil
	})
	return snap
}

func put(t rapid.TB, dir, name, data string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// drawStack draws a stack whose paths often change between file and folder.
func drawStack(t *rapid.T, label string) []conf.File {
	paths := []string{"/etc/a", "/etc/a/b", "/etc/a/c/d", "/etc/a-b", "/etc/a-b/c", "/etc/d/e/f", "/x"}
	var files []conf.File
	add := func(host, path string) {
		if !rapid.Bool().Draw(t, label+" has "+host+path) {
			return
		}
		name := conf.File{Host: host, Path: path}.Name()
		for _, f := range files {
			if strings.HasPrefix(name, f.Name()+"/") || strings.HasPrefix(f.Name(), name+"/") {
				return
			}
		}
		files = append(files, conf.File{
			Host: host, Path: path,
			Mode: rapid.SampledFrom([]uint32{0o644, 0o755}).Draw(t, "mode"),
			Data: []byte(rapid.SampledFrom([]string{"", "x\n", "y\n", "no newline", "crlf\r\n", "bin\x00ary"}).Draw(t, "data")),
		})
	}
	for _, host := range []string{"lb1", "lb2", "web1"} {
		for _, path := range rapid.Permutation(paths).Draw(t, "order") {
			add(host, path)
		}
	}
	add("", "DEPLOY.md")
	add("", "dns/zone")
	return stack(files...)
}

var foreign = map[string]string{"notes.txt": "mine", "lb1/etc/own": "mine", "lb1/etc/d/own": "mine", "other/etc/a": "mine"}

func TestWriteMakesTheFolderEqual(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir := filepath.Join(base, "out")
		defer os.RemoveAll(dir)
		var own map[string]string
		if rapid.Bool().Draw(rt, "foreign files") {
			own = foreign
			for name, data := range own {
				put(t, dir, name, data)
			}
		}
		for range rapid.IntRange(1, 4).Draw(rt, "runs") {
			want := drawStack(rt, "stack")
			p, err := Compare(dir, want, nil)
			if err != nil {
				rt.Fatal(err)
			}
			before := snapshot(t, dir)
			res, err := p.Write(false)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(expected(want, own), snapshot(t, dir)); diff != "" {
				rt.Fatalf("folder after Write (-want +got):\n%s", diff)
			}
			if res.Added+res.Changed+res.Unchanged != len(want) {
				rt.Errorf("%+v does not count %d files", res, len(want))
			}
			if got := len(snapshot(t, dir)) + res.Removed - res.Added; got != len(before) {
				rt.Errorf("%+v: %d files before, by the counts %d", res, len(before), got)
			}

			stamps := touched(t, dir)
			again, err := Compare(dir, want, nil)
			if err != nil {
				rt.Fatal(err)
			}
			res, err = again.Write(false)
			if err != nil || res != (Result{Unchanged: len(want)}) {
				rt.Errorf("second Write: %+v, %v", res, err)
			}
			if diff := cmp.Diff(stamps, touched(t, dir)); diff != "" {
				rt.Errorf("second Write touched (-before +after):\n%s", diff)
			}
		}
	})
}

func TestCompareWritesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, stack(file("lb1", "/etc/a", "1"), file("lb1", "/etc/b", "1")))
	stamps := touched(t, dir)
	p, err := Compare(dir, stack(file("lb1", "/etc/a", "2"), file("lb2", "/etc/c", "3")), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Changes {
		got = append(got, fmt.Sprintf("%s %s %q", c.Kind, c.File.Name(), c.Old))
	}
	got[3] = strings.Fields(got[3])[1] // its old text is long
	want := []string{`edit lb1/etc/a "1"`, `remove lb1/etc/b "1"`, `add lb2/etc/c ""`, "manifest.json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(stamps, touched(t, dir)); diff != "" {
		t.Errorf("Compare touched (-before +after):\n%s", diff)
	}
	absent := filepath.Join(dir, "absent")
	if _, err := Compare(absent, stack(), nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Compare made the folder: %v", err)
	}
}

func TestOnly(t *testing.T) {
	lb1 := func(host string) bool { return host == "lb1" }
	oldSet := stack(file("", "DEPLOY.md", "1"), file("lb1", "/etc/a", "1"), file("lb1", "/etc/b", "1"), file("web1", "/etc/c", "1"), file("db1", "/etc/d", "1"))
	newSet := stack(file("", "DEPLOY.md", "2"), file("lb1", "/etc/a", "2"), file("web1", "/etc/c", "2"), file("web2", "/etc/c", "2"))

	t.Run("existing folder", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, oldSet)
		p, err := Compare(dir, newSet, lb1)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.Write(false)
		if err != nil {
			t.Fatal(err)
		}
		if res.Changed != 3 || res.Removed != 1 || res.Added != 0 {
			t.Errorf("result %+v", res)
		}
		m, err := conf.DecodeManifest([]byte(read(t, dir, "manifest.json")))
		if err != nil {
			t.Fatal(err)
		}
		sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
		want := []conf.ManifestFile{
			{Path: "DEPLOY.md", Mode: "0644", SHA256: sum("2")},
			{Host: "db1", Path: "/etc/d", Mode: "0644", SHA256: sum("1")},
			{Host: "lb1", Path: "/etc/a", Mode: "0644", SHA256: sum("2")},
			{Host: "web1", Path: "/etc/c", Mode: "0644", SHA256: sum("1")},
		}
		if diff := cmp.Diff(want, m.Files); diff != "" {
			t.Errorf("manifest's files (-want +got):\n%s", diff)
		}
		if _, ok := m.Hosts["web2"]; !ok || len(m.Hosts) != 3 {
			t.Errorf("the manifest's hosts are not the new ones: %v", m.Hosts)
		}
		if p, err = Compare(dir, newSet, lb1); err != nil || len(p.Changes) != 0 {
			t.Errorf("second run: %v, %v", p.Changes, err)
		}
		// The whole stack afterwards: nothing of db1 is left, and no conflict.
		write(t, dir, newSet)
		if diff := cmp.Diff(expected(newSet, nil), snapshot(t, dir)); diff != "" {
			t.Errorf("whole stack (-want +got):\n%s", diff)
		}
		if p, err = Compare(dir, newSet, lb1); err != nil || len(p.Changes) != 0 {
			t.Errorf("lb1 of the whole stack: %v, %v", p.Changes, err)
		}
	})
	t.Run("new folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		p, err := Compare(dir, newSet, lb1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(false); err != nil {
			t.Fatal(err)
		}
		snap := snapshot(t, dir)
		delete(snap, "manifest.json")
		if diff := cmp.Diff(map[string]string{"DEPLOY.md": `0644 "2"`, "lb1/etc/a": `0644 "2"`}, snap); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if strings.Contains(read(t, dir, "manifest.json"), `"/etc/c"`) {
			t.Error("the manifest lists a file that was not written")
		}
		write(t, dir, newSet)
	})
}

func read(t rapid.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestConflict(t *testing.T) {
	want := stack(file("lb1", "/etc/a", "new"), file("lb1", "/etc/b", "same"), file("lb1", "/etc/c", "new"))
	dir := t.TempDir()
	put(t, dir, "lb1/etc/a", "mine")
	put(t, dir, "lb1/etc/b", "same")
	if err := os.Symlink("/nowhere", filepath.Join(dir, "lb1/etc/c")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "manifest.json", `{"name": "a web app", "start_url": "/"}`)
	stamps := touched(t, dir)
	p, err := Compare(dir, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Write(false)
	if err == nil {
		t.Fatal("overwritten")
	}
	wantErr := `3 files are in the way that stackgen did not write; move it away, choose another folder, or overwrite with --force:
  "DIR/lb1/etc/a"
  "DIR/lb1/etc/c" is a symbolic link
  "DIR/manifest.json" is not a manifest that this stackgen can read ("version" is missing; a manifest has "version": 1)`
	if diff := cmp.Diff(wantErr, strings.ReplaceAll(err.Error(), dir, "DIR")); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(stamps, touched(t, dir)); diff != "" {
		t.Errorf("touched (-before +after):\n%s", diff)
	}
	if _, err := p.Write(true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
		t.Errorf("forced (-want +got):\n%s", diff)
	}
}

func TestBadNames(t *testing.T) {
	for _, f := range []conf.File{
		file("lb1", "/../../etc/passwd", ""), file("lb1", "etc/a", ""), file("..", "/a", ""), file(".git", "/config", ""), file("a/b", "/c", ""),
		file("", "/etc/passwd", ""), file("", "../x", ""), file("", ".", ""), file("", "", ""), file("lb1", "/", ""), file("lb1", "/a//b", ""),
		file("lb1", "/a\nb", ""), file("", "\x1b[2J", ""), file("lb1", "/etc/.stackgen-00000001.tmp", ""), file("", journalName, ""),
	} {
		dir := filepath.Join(t.TempDir(), "out")
		if p, err := Compare(dir, stack(f), nil); err == nil {
			t.Errorf("wanted %q: accepted: %v", f.Name(), p.Changes)
		}
		// The same from a folder's manifest: nothing is removed, not even by force.
		outside := filepath.Join(filepath.Dir(dir), "x")
		put(t, filepath.Dir(dir), "x", "precious")
		put(t, dir, "manifest.json", string(stack(f)[1].Data))
		p, err := Compare(dir, stack(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p.Conflict() == nil {
			t.Errorf("a manifest with %q: no conflict", f.Name())
		}
		if res, err := p.Write(true); err != nil || res.Removed != 0 {
			t.Errorf("a manifest with %q: %+v, %v", f.Name(), res, err)
		}
		if _, err := os.Stat(outside); err != nil {
			t.Error(err)
		}
	}
	if _, err := Compare(t.TempDir(), stack(file("a", "/b", ""), file("a", "/b", "")), nil); err == nil {
		t.Error("twice the same: accepted")
	}
	if _, err := Compare(t.TempDir(), stack(file("a", "/b", ""), file("a", "/b-c", ""), file("a", "/b/c", "")), nil); err == nil {
		t.Error("file and folder: accepted")
	}
	if _, err := Compare(t.TempDir(), nil, nil); err == nil {
		t.Error("no manifest: accepted")
	}
}

func TestThingsInTheWay(t *testing.T) {
	want := stack(file("lb1", "/etc/a/b", "new"), file("lb1", "/etc/a/c", "new"), file("lb2", "/etc/x", "new"))
	outside := t.TempDir()
	put(t, outside, "etc/a/b", "precious")
	for _, tt := range []struct {
		name  string
		setup func(dir string) error
		want  string
	}{
		{"host is a symlink", func(dir string) error { return os.Symlink(outside, filepath.Join(dir, "lb1")) },
			`"DIR/lb1" is a symbolic link, and stackgen writes only to real folders; move it away`},
		{"folder is a symlink inside", func(dir string) error {
			put(t, dir, "lb2/etc/own", "")
			return os.Symlink("lb2", filepath.Join(dir, "lb1"))
		}, `"DIR/lb1" is a symbolic link, and stackgen writes only to real folders; move it away`},
		{"deep symlink", func(dir string) error {
			put(t, dir, "lb1/own", "")
			return os.Symlink(outside+"/etc", filepath.Join(dir, "lb1/etc"))
		}, `"DIR/lb1/etc" is a symbolic link, and stackgen writes only to real folders; move it away`},
		{"file for folder", func(dir string) error { put(t, dir, "lb1/etc/a", ""); return nil },
			`"DIR/lb1/etc/a" is not a folder, and stackgen writes only to real folders; move it away`},
		{"folders for files", func(dir string) error {
			return errors.Join(os.MkdirAll(dir+"/lb1/etc/a/b", 0o755), os.MkdirAll(dir+"/lb2/etc/x/y", 0o755))
		}, "\"DIR/lb1/etc/a/b\" is a folder, but a file of this name is rendered; move it away\n\"DIR/lb2/etc/x\" is a folder, but a file of this name is rendered; move it away"},
		{"pipe", func(dir string) error {
			return errors.Join(os.MkdirAll(dir+"/lb2/etc", 0o755), syscall.Mkfifo(dir+"/lb2/etc/x", 0o644))
		}, `"DIR/lb2/etc/x" is neither a file nor a folder (p---------); move it away`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.setup(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Compare(dir, want, nil)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, strings.ReplaceAll(err.Error(), dir, "DIR")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := read(t, outside, "etc/a/b"); got != "precious" {
		t.Errorf("outside: %q", got)
	}
	t.Run("the folder is a file", func(t *testing.T) {
		put(t, outside, "file", "")
		_, err := Compare(outside+"/file", want, nil)
		if err == nil || !strings.HasSuffix(err.Error(), "not a directory") {
			t.Error(err)
		}
	})
	t.Run("the folder is a symlink", func(t *testing.T) {
		dir := t.TempDir()
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		write(t, link, want)
		if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("removal through a symlink", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, want)
		if err := errors.Join(os.RemoveAll(dir+"/lb1"), os.Symlink(outside, dir+"/lb1"), os.Remove(dir+"/lb2/etc/x"), os.Symlink(outside+"/file", dir+"/lb2/etc/x")); err != nil {
			t.Fatal(err)
		}
		write(t, dir, stack())
		if got := read(t, outside, "etc/a/b"); got != "precious" {
			t.Errorf("outside: %q", got)
		}
	})
	t.Run("a symlink after Compare", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, want)
		p, err := Compare(dir, stack(file("lb1", "/etc/a/b", "newer")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.RemoveAll(dir+"/lb1"), os.Symlink(outside, dir+"/lb1")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(true); err == nil {
			t.Error("written")
		}
		if got := read(t, outside, "etc/a/b"); got != "precious" {
			t.Errorf("outside: %q", got)
		}
	})
}

func TestUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	want := stack(conf.File{Host: "lb1", Path: "/etc/k/check", Mode: 0o755}, file("lb1", "/etc/k/conf", ""))
	dir := filepath.Join(t.TempDir(), "out")
	for _, mask := range []int{0o077, 0, 0o777} {
		syscall.Umask(mask)
		if mask == 0o777 {
			dir += "/" // made already
			os.RemoveAll(filepath.Join(dir, "lb1"))
		}
		write(t, dir, want)
		if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
			t.Errorf("umask %o (-want +got):\n%s", mask, diff)
		}
		for _, folder := range []string{"lb1", "lb1/etc", "lb1/etc/k"} {
			if fi, err := os.Stat(filepath.Join(dir, folder)); err != nil || fi.Mode().Perm() != 0o755 {
				t.Errorf("umask %o: %s: %v, %v", mask, folder, fi.Mode(), err)
			}
		}
	}
}

// TestSetgid writes below a folder that hands its group and its setgid bit on.
func TestSetgid(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	want := stack(file("lb1", "/etc/k/conf", ""), conf.File{Host: "lb1", Path: "/etc/k/own", Mode: 0o620})
	write(t, dir, want)
	if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, folder := range []string{"lb1", "lb1/etc", "lb1/etc/k"} {
		if fi, err := os.Stat(filepath.Join(dir, folder)); err != nil || fi.Mode() != fs.ModeDir|0o755 {
			t.Errorf("%s: %v, %v", folder, fi.Mode(), err)
		}
	}
}
