package tree

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stackgen/pkg/conf"
)

// again runs one test of this binary in another process, which finds dir in the environment.
func again(t *testing.T, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "TREE_TEST_DIR="+dir)
	return cmd
}

// large is a stack of n files of 4 KiB.
func large(n int, fill string) []conf.File {
	var files []conf.File
	for i := range n {
		files = append(files, file(fmt.Sprintf("web%d", i%10), fmt.Sprintf("/etc/nginx/%d.conf", i), strings.Repeat(fill, 4096)))
	}
	return stack(files...)
}

// TestFullDisk writes to a file system of 256 KiB.
func TestFullDisk(t *testing.T) {
	dir := os.Getenv("TREE_TEST_DIR")
	if dir == "" {
		if os.Getuid() != 0 {
			t.Skip("NOT TESTED: a full disk needs root, to mount a small one")
		}
		cmd := again(t, t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.EPERM) {
			t.Skip("NOT TESTED: this root may not make a mount namespace")
		}
		if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	write(t, out, large(20, "1"))
	before, stamps := snapshot(t, out), touched(t, filepath.Join(out, "web1/etc/nginx/1.conf"))
	for range 2 {
		p, err := Compare(out, large(60, "2"), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Write(false)
		if err == nil || !strings.Contains(err.Error(), "no space left on device; nothing in") {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, snapshot(t, out)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(stamps, touched(t, filepath.Join(out, "web1/etc/nginx/1.conf"))); diff != "" {
			t.Errorf("touched (-before +after):\n%s", diff)
		}
	}
	want := large(20, "3")
	write(t, out, want)
	if diff := cmp.Diff(expected(want, nil), snapshot(t, out)); diff != "" {
		t.Errorf("with room again (-want +got):\n%s", diff)
	}
}

// TestSIGKILL kills a process that writes one stack after the other.
func TestSIGKILL(t *testing.T) {
	sets := [][]conf.File{large(200, "1"), large(150, "2"), large(300, "3")}
	if dir := os.Getenv("TREE_TEST_DIR"); dir != "" {
		for i := 0; ; i++ {
			write(t, dir, sets[i%3])
			os.WriteFile(dir+".started", nil, 0o600)
		}
	}
	dir := filepath.Join(t.TempDir(), "out")
	torn := 0
	for i := range 6 {
		os.Remove(dir + ".started")
		cmd := again(t, dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(dir + ".started"); err == nil {
				break
			}
			if time.Now().After(deadline) {
				cmd.Process.Kill()
				cmd.Wait()
				t.Fatal("the writer does not write")
			}
		}
		time.Sleep(rand.N(60 * time.Millisecond))
		cmd.Process.Kill()
		cmd.Wait()
		if _, err := os.Stat(filepath.Join(dir, journalName)); err == nil {
			torn++
		}
		want := sets[i%3]
		write(t, dir, want)
		if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
			t.Fatalf("after kill %d (-want +got):\n%s", i, diff)
		}
	}
	t.Logf("%d of 6 kills left a journal", torn)
}

// asNobody runs f with the file system rights of an ordinary user.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := syscall.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestNoPermission(t *testing.T) {
	base := t.TempDir()
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	for parent := base; parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
		os.Chmod(parent, 0o755)
	}
	dir := filepath.Join(base, "out")
	old := stack(file("lb1", "/etc/a", "1"), file("lb1", "/etc/k/b", "1"))
	want := stack(file("lb1", "/etc/a", "2"), file("lb1", "/etc/k/b", "2"))
	write(t, dir, old)
	mode := func(name string, m os.FileMode) {
		if err := os.Chmod(filepath.Join(dir, name), m); err != nil {
			t.Fatal(err)
		}
	}
	own := func(uid int) {
		if os.Getuid() != 0 {
			return
		}
		filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error { return os.Chown(path, uid, -1) })
	}
	for _, tt := range []struct {
		name  string
		setup func()
		want  string
	}{
		{"the folder", func() { mode(".", 0o555) }, `cannot write "DIR/.stackgen-journal.tmp": permission denied; nothing in "DIR" was changed`},
		{"a folder inside", func() { mode(".", 0o755); mode("lb1/etc/k", 0o555) },
			`cannot write "DIR/lb1/etc/k/b": permission denied; nothing in "DIR" was changed`},
		{"a closed folder", func() { mode("lb1/etc/k", 0) }, `cannot open the folder of "DIR/lb1/etc/k/b": permission denied`},
		{"an unreadable file", func() { mode("lb1/etc/k", 0o755); mode("lb1/etc/a", 0) }, `cannot read "DIR/lb1/etc/a": permission denied`},
		{"the parent", func() { mode("lb1/etc/a", 0o644); dir += "/new/deep"; mode("../..", 0o555) },
			`cannot make the folder "DIR": permission denied`},
	} {
		own(65534)
		tt.setup()
		before := snapshot(t, filepath.Join(base, "out"))
		asNobody(t, func() {
			p, err := Compare(dir, want, nil)
			if err == nil {
				_, err = p.Write(false)
			}
			if err == nil {
				t.Errorf("%s: no error", tt.name)
				return
			}
			if diff := cmp.Diff(tt.want, strings.ReplaceAll(err.Error(), dir, "DIR")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		})
		if diff := cmp.Diff(before, snapshot(t, filepath.Join(base, "out"))); diff != "" {
			t.Errorf("%s (-before +after):\n%s", tt.name, diff)
		}
	}
}

func TestTwoWriters(t *testing.T) {
	dir := t.TempDir()
	want := stack(file("lb1", "/etc/a", "1"))
	p, err := Compare(dir, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	late, err := Compare(dir, stack(file("lb1", "/etc/b", "1")), nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	lock(f)
	if _, err := p.Write(false); err == nil || !strings.HasPrefix(err.Error(), "another stackgen is writing to") {
		t.Error(err)
	}
	f.Close()
	if _, err := p.Write(false); err != nil {
		t.Error(err)
	}
	if _, err := late.Write(false); err == nil || !strings.Contains(err.Error(), "was changed by someone else") {
		t.Error(err)
	}
	if diff := cmp.Diff(expected(want, nil), snapshot(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
