//go:build linux

package golden_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/render"
	"stackgen/pkg/tree"
)

// TestCopy renders as an ordinary user, leaves the modes to the umask as a repository does, and copies as DEPLOY.md says:
// what arrives is root's, with the modes of the manifest, and the folders that a host has stay as they were.
func TestCopy(t *testing.T) {
	needNative(t)
	for _, umask := range []string{"002", "077"} {
		t.Run(umask, func(t *testing.T) { testCopy(t, umask) })
	}
}

func testCopy(t *testing.T, umask string) {
	const user = 65534
	base, err := os.MkdirTemp("", "stackgen-copy-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(base, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(out, user, user); err != nil {
		t.Fatal(err)
	}
	writer := exec.Command("/proc/self/exe")
	writer.Dir = out
	writer.Env = []string{roleVariable + "=writer", "UMASK=" + umask}
	writer.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if said, err := writer.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}

	data, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := conf.DecodeManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	deploy, err := os.ReadFile(filepath.Join(out, "DEPLOY.md"))
	if err != nil {
		t.Fatal(err)
	}
	command := copyCommand(t, string(deploy))
	for name := range manifest.Hosts {
		root := filepath.Join(base, name)
		before := fakeHost(t, root)
		cmd := exec.Command("sh", "-ec", "umask "+umask+"\n"+command)
		cmd.Dir = out
		cmd.Env = append(os.Environ(), "HOST="+name, "FAKEROOT="+root)
		if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
			t.Fatalf("%s: %v\n%s", command, err, said)
		}
		want := map[string]string{}
		for _, f := range manifest.Files {
			if f.Host != name {
				continue
			}
			want[f.Path] = "-" + f.Mode + " 0:0"
			if f.Owner != "root:root" {
				t.Errorf("%s%s: the manifest says owner %s", name, f.Path, f.Owner)
			}
			for dir := filepath.Dir(f.Path); dir != "/"; dir = filepath.Dir(dir) {
				want[dir] = "d0755 0:0"
			}
		}
		for path, what := range before {
			want[path] = what
		}
		got := describe(t, root)
		for path, what := range want {
			if got[path] != what {
				t.Errorf("%s%s is %q, want %q", name, path, got[path], what)
			}
		}
		for path, what := range got {
			if want[path] == "" {
				t.Errorf("%s%s came too: %s", name, path, what)
			}
		}
	}
}

// copyCommand is the command that DEPLOY.md shows, without the network.
func copyCommand(t *testing.T, deploy string) string {
	t.Helper()
	for line := range strings.Lines(deploy) {
		if !strings.HasPrefix(line, "tar ") {
			continue
		}
		local, ok := strings.CutSuffix(strings.Replace(line, `| ssh "root@$HOST" tar`, `| tar`, 1), " -C /\n")
		if !ok || strings.Contains(local, "ssh") {
			t.Fatalf("cannot leave the network out of %q", line)
		}
		return local + ` -C "$FAKEROOT"`
	}
	t.Fatal("DEPLOY.md shows no tar command")
	return ""
}

// fakeHost makes the folders of a host that is not as every other, and describes them.
func fakeHost(t *testing.T, root string) map[string]string {
	t.Helper()
	for _, d := range []struct {
		path  string
		mode  fs.FileMode
		group int
	}{
		{"/", 0o751, 3},
		{"/etc", 0o711, 0},
		{"/etc/haproxy", 0o750, 4},
		{"/etc/nginx", 0o2775, 5},
		{"/etc/mysql", 0o700, 6},
		{"/etc/systemd", 0o755, 0},
	} {
		if err := os.Mkdir(root+d.path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(root+d.path, 0, d.group); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Chmod(root+d.path, uint32(d.mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(root+"/etc/nginx/own.conf", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return describe(t, root)
}

// describe lists what lies below a folder: "d0755 0:0".
func describe(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		kind := map[uint32]string{syscall.S_IFREG: "-", syscall.S_IFDIR: "d"}[st.Mode&syscall.S_IFMT]
		all["/"+strings.TrimPrefix(strings.TrimPrefix(path, root), "/")] = fmt.Sprintf("%s%04o %d:%d", kind, st.Mode&0o7777, st.Uid, st.Gid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runWriter writes the files of foobar into the folder it was started in.
func runWriter() {
	umask, err := strconv.ParseUint(os.Getenv("UMASK"), 8, 32)
	if err == nil {
		syscall.Umask(int(umask))
		err = errors.Join(writeExample("."), checkOut(".", fs.FileMode(umask)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// checkOut gives files and folders the modes with which a repository is checked out: it knows only what is executable.
func checkOut(dir string, umask fs.FileMode) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o666)
		if info.Mode()&0o100 != 0 {
			mode = 0o777
		}
		return os.Chmod(path, mode&^umask)
	})
}

func writeExample(dir string) error {
	data, err := examples.Stack("foobar")
	if err != nil {
		return err
	}
	top, problems := model.Load(model.Source{Name: "foobar", Data: data}, nil, nil)
	if top == nil {
		return fmt.Errorf("%v", problems)
	}
	var files []conf.File
	for _, f := range render.Render(top) {
		files = append(files, f.File)
	}
	plan, err := tree.Compare(dir, files, nil)
	if err != nil {
		return err
	}
	_, err = plan.Write(false)
	return err
}
