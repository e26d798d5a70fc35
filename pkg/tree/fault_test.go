package tree

import (
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

// killed is what a process does that is killed: nothing more.
type killed struct{}

// writeUntil writes and stops before the n-th operation on the folder, killed or with an error. It reports whether
// that operation was reached.
func writeUntil(t rapid.TB, dir string, want []conf.File, n int, fault error) (reached bool, err error) {
	p, cerr := Compare(dir, want, nil)
	if cerr != nil {
		t.Fatal(cerr)
	}
	if cerr := p.Conflict(); cerr != nil {
		t.Fatal(cerr)
	}
	p.hook = func(op, name string) error {
		if n--; n >= 0 {
			return nil
		}
		reached = true
		if fault != nil {
			n = 0 // once; undoing works
			return fault
		}
		panic(killed{})
	}
	defer func() {
		if r := recover(); r != nil && r != (killed{}) {
			panic(r)
		}
	}()
	_, err = p.Write(false)
	return reached, err
}

// fixed are stacks that change in every way at once: files become folders and folders files.
var fixed = [][]conf.File{
	stack(file("lb1", "/etc/a", "1"), file("lb1", "/etc/b/c", "1"), file("lb1", "/etc/same", "1"), file("lb2", "/x", "1"), file("", "DEPLOY.md", "1")),
	stack(file("lb1", "/etc/a/n", "2"), file("lb1", "/etc/b", "2"), file("lb1", "/etc/same", "1"), file("web1", "/y/z", "2"), file("", ".hidden", "2")),
	stack(file("lb1", "/etc/a", "3"), file("lb1", "/etc/b", "2"), file("web1", "/y/z", "3"), file("", "dns/zone", "3")),
}

// kill writes sets[0], kills the run that writes sets[1] before its first-th operation and the run of sets[2] before
// its second-th, and looks whether a whole run mends what they left.
func kill(t rapid.TB, dir string, sets [][]conf.File, fresh bool, first, second int, last []conf.File) (reached, again bool) {
	for name, data := range foreign {
		put(t, dir, name, data)
	}
	if !fresh {
		write(t, dir, sets[0])
	}
	reached, _ = writeUntil(t, dir, sets[1], first, nil)
	whole(t, snapshot(t, dir), sets[:2])
	again, _ = writeUntil(t, dir, sets[2], second, nil)
	whole(t, snapshot(t, dir), sets)
	write(t, dir, last)
	if diff := cmp.Diff(expected(last, foreign), snapshot(t, dir)); diff != "" {
		t.Fatalf("mended after kills at %d, %d (-want +got):\n%s", first, second, diff)
	}
	return reached, again
}

func TestKill(t *testing.T) {
	base := t.TempDir()
	first := 0
	for reached := true; reached; first++ {
		for second := first % 6; second < 40; second += 6 {
			dir := filepath.Join(base, "out")
			r, _ := kill(t, dir, fixed, false, first, second, fixed[(first+second/6)%3])
			os.RemoveAll(dir)
			reached = r
		}
	}
	if first < 20 {
		t.Errorf("only %d operations to be killed at", first)
	}
	rapid.Check(t, func(rt *rapid.T) {
		sets := [][]conf.File{drawStack(rt, "A"), drawStack(rt, "B"), drawStack(rt, "C")}
		dir := filepath.Join(base, "out")
		defer os.RemoveAll(dir)
		kill(rt, dir, sets, rapid.Bool().Draw(rt, "first run"), rapid.IntRange(0, 60).Draw(rt, "first"), rapid.IntRange(0, 60).Draw(rt, "second"),
			rapid.SampledFrom(sets).Draw(rt, "last"))
	})
}

// whole fails if there is a file that is neither ours as one of the sets has it nor anyone else's.
func whole(t rapid.TB, snap map[string]string, sets [][]conf.File) {
	known := []map[string]string{expected(nil, foreign)}
	for _, set := range sets {
		known = append(known, expected(set, nil))
	}
	for name, got := range snap {
		has := func(m map[string]string) bool { return m[name] == got }
		if !slices.ContainsFunc(strings.Split(name, "/"), isStaged) && got != "an empty folder" && !slices.ContainsFunc(known, has) {
			t.Fatalf("%s is %s", name, got)
		}
	}
}

// fail lets the n-th operation of a run fail: before the first file is replaced, the folder is as it was.
func fail(t rapid.TB, dir string, a, b []conf.File, fresh bool, n int) (reached bool) {
	if !fresh {
		write(t, dir, a)
	}
	before := snapshot(t, dir)
	reached, err := writeUntil(t, dir, b, n, syscall.ENOSPC)
	if reached != (err != nil) {
		t.Fatalf("fault at %d: reached %v, error %v", n, reached, err)
	}
	if err != nil {
		if !strings.Contains(err.Error(), "no space left on device") {
			t.Fatal(err)
		}
		diff := cmp.Diff(before, snapshot(t, dir))
		if strings.Contains(err.Error(), "nothing in") && diff != "" {
			t.Fatalf("after a fault at %d, %v (-before +after):\n%s", n, err, diff)
		}
	}
	write(t, dir, b)
	if diff := cmp.Diff(expected(b, nil), snapshot(t, dir)); diff != "" {
		t.Fatalf("mended after a fault at %d, %v (-want +got):\n%s", n, err, diff)
	}
	return reached
}

func TestFault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, fresh := range []bool{false, true} {
		n := 0
		for ; fail(t, dir, fixed[0], fixed[1], fresh, n); n++ {
			os.RemoveAll(dir)
		}
		os.RemoveAll(dir)
		if n < 20 {
			t.Errorf("only %d operations to fail", n)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		defer os.RemoveAll(dir)
		fail(rt, dir, drawStack(rt, "A"), drawStack(rt, "B"), rapid.Bool().Draw(rt, "first run"), rapid.IntRange(0, 60).Draw(rt, "n"))
	})
}

// TestNewFolderAtOnce kills first runs: a host's folder is whole as soon as it is there, and what a kill leaves beside it
// goes away, also where a file is rendered now.
func TestNewFolderAtOnce(t *testing.T) {
	base := t.TempDir()
	want := stack(file("lb1", "/etc/a/b", "1"), file("lb1", "/etc/a/c", "1"), file("lb1", "/etc/d", "1"), file("lb2", "/etc/a/b", "1"))
	aside, renamed := 0, 0
	for n, reached := 0, true; reached; n++ {
		for i, next := range [][]conf.File{want, stack(file("lb1", "/etc", "2")), stack(file("", "lb1", "2"))} {
			dir := filepath.Join(base, "out")
			if i > 0 {
				write(t, dir, stack(file("lb1", "/etc/z", "1"))) // so that the folder aside lies inside lb1/etc
			}
			reached, _ = writeUntil(t, dir, want, n, nil)
			snap := snapshot(t, dir)
			if _, err := os.Stat(filepath.Join(dir, "lb1")); err == nil && i == 0 {
				renamed++
				for name, file := range expected(want[:3], nil) {
					if snap[name] != file {
						t.Errorf("killed at %d: lb1 is there, and %s is %q", n, name, snap[name])
					}
				}
			}
			for name := range snap {
				if isStaged(strings.Split(name, "/")[0]) && strings.Contains(name, "/") {
					aside++
				}
			}
			write(t, dir, next)
			if diff := cmp.Diff(expected(next, nil), snapshot(t, dir)); diff != "" {
				t.Fatalf("mended after a kill at %d (-want +got):\n%s", n, diff)
			}
			os.RemoveAll(dir)
		}
	}
	if aside == 0 || renamed < 2 {
		t.Errorf("kills found %d files in folders aside, and lb1 in its place %d times", aside, renamed)
	}
}
