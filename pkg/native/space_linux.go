package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"stackgen/pkg/conf"
)

// space is one host on a thread of its own: a network namespace with the host's interface and addresses, and a mount
// namespace in which the files of a root folder lie below those of the host. Both end with the thread.
type space struct {
	root string
}

// inSpace calls f in the namespaces of a host whose daemons come from lower.
func inSpace(q *question, lower string, f func(*space) error) error {
	scratch, err := os.MkdirTemp("", "stackgen-native-")
	if err != nil {
		return err
	}
	defer os.Remove(scratch) // empty: what is mounted there is seen by the thread alone
	return onThread(func() error {
		s := &space{root: filepath.Join(scratch, "root")}
		if err := s.enter(q, scratch, lower); err != nil {
			return err
		}
		return f(s)
	})
}

// onThread calls f on a thread that ends afterwards, and its namespaces with it. It is never the process's first
// thread, whose namespaces others see as the process's.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f) // on another one, since this goroutine holds the first
			runtime.UnlockOSThread()
			return
		}
		done <- f()
	}()
	return <-done
}

// running are folders that packages and units make on a host.
var running = []struct{ path, user string }{
	{"/run/haproxy", ""}, {"/run/keepalived", ""}, {"/run/mysqld", "mysql"}, {"/run/lock", ""},
	{"/var/lib/haproxy", ""}, {"/var/lib/nginx", ""}, {"/var/lib/mysql", "mysql"}, {"/var/log/nginx", ""}, {"/var/log/mysql", "mysql"},
}

func (s *space) enter(q *question, scratch, lower string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Sethostname([]byte(q.name)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	if err := s.mounts(q, scratch, lower); err != nil {
		return err
	}
	if err := network(q.host); err != nil {
		return err
	}
	return sysctls(q.files)
}

func (s *space) mounts(q *question, scratch, lower string) error {
	mount := func(source, target, kind string, flags uintptr, data string) error {
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			return fmt.Errorf("mount %s: %w", strings.TrimPrefix(target, s.root), err)
		}
		return nil
	}
	if err := mount("tmpfs", scratch, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{upper, work, s.root} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := stage(q.files, upper); err != nil {
		return err
	}
	err := mount("overlay", s.root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work))
	if err != nil {
		return err
	}
	if err := mount("proc", s.root+"/proc", "proc", 0, ""); err != nil {
		return err
	}
	if err := mount("/dev", s.root+"/dev", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	for _, dir := range []string{"/run", "/tmp"} {
		if err := mount("tmpfs", s.root+dir, "tmpfs", 0, "mode=1777"); err != nil {
			return err
		}
	}
	inside, err := os.OpenRoot(s.root) // a link in a root folder may be absolute, and mean the machine's own path
	if err != nil {
		return err
	}
	defer inside.Close()
	for _, r := range running {
		if err := inside.MkdirAll(r.path[1:], 0o755); err != nil {
			return err
		}
		if uid, gid, ok := user(inside, r.user); ok {
			if err := inside.Chown(r.path[1:], uid, gid); err != nil {
				return err
			}
		}
	}
	return nil
}

// stage writes the files of a host, before a root folder lies below them: there a name may be a link to anywhere. What
// the packages put beside them stays visible; a daemon reads only what its file names, and keepalived 2.3 refuses to
// start without its package's keepalived.config-opts.
func stage(files []conf.File, upper string) error {
	for _, f := range files {
		name := filepath.Join(upper, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(f.Mode)
		if mode == 0 {
			mode = 0o644
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			return err
		}
		if err := os.Chmod(name, mode); err != nil {
			return err
		}
	}
	return certificates(files, upper)
}

// user looks a name up in the root's own passwd file.
func user(inside *os.Root, name string) (uid, gid int, ok bool) {
	if name == "" {
		return 0, 0, false
	}
	passwd, err := inside.ReadFile("etc/passwd")
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(passwd)) {
		fields := strings.Split(line, ":")
		if len(fields) > 3 && fields[0] == name {
			n, err := fmt.Sscan(fields[2]+" "+fields[3], &uid, &gid)
			return uid, gid, n == 2 && err == nil
		}
	}
	return 0, 0, false
}

// defaultInterface is what a host without one in the manifest has.
const defaultInterface = "eth0"

// network makes the host's interface with its addresses. A veth pair rather than a dummy: keepalived wants a link that
// carries frames, and not every kernel has dummies.
func network(host conf.ManifestHost) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	name := host.Interface
	if name == "" {
		name = defaultInterface
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "stackgen-peer"}); err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	for _, n := range []string{"stackgen-peer", name} {
		link, err := netlink.LinkByName(n)
		if err != nil {
			return fmt.Errorf("interface %s: %w", n, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("interface %s: %w", n, err)
		}
		if n != name {
			continue
		}
		for _, a := range host.Addresses {
			if err := addAddress(link, a); err != nil {
				return fmt.Errorf("address %s on %s: %w", a, name, err)
			}
		}
	}
	return nil
}

func addAddress(link netlink.Link, text string) error {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	bits := 24
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice()}}
	if a.Is6() {
		bits = 64
		addr.Flags = unix.IFA_F_NODAD // else it stays tentative for a second and cannot be bound
	}
	addr.IPNet.Mask = net.CIDRMask(bits, a.BitLen())
	return netlink.AddrAdd(link, addr)
}

// sysctls applies what the host's files say of the network; the rest of /proc/sys is the machine's.
func sysctls(files []conf.File) error {
	for _, f := range files {
		if !strings.HasPrefix(f.Path, "/etc/sysctl.d/") {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			key, value, ok := strings.Cut(line, "=")
			value, _, _ = strings.Cut(value, "#")
			key = strings.TrimSpace(key)
			if !ok || !strings.HasPrefix(key, "net.") {
				continue
			}
			name := "/proc/sys/" + strings.ReplaceAll(key, ".", "/")
			if err := os.WriteFile(name, []byte(strings.TrimSpace(value)), 0o644); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
		}
	}
	return nil
}

// patience is how long a daemon may take to check a file.
const patience = time.Minute

// run runs a command in the space and returns what it said on both outputs and its exit code; -1 is a signal.
func (s *space) run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root"}
	// Without Pdeathsig: it follows the thread that forked, which is this one.
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root, Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second // for a grandchild that holds the pipes
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", "", 0, fmt.Errorf("%s did not answer: %w", argv[0], ctx.Err())
	case err == nil, errors.As(err, &exit):
		return out.String(), errOut.String(), cmd.ProcessState.ExitCode(), nil
	}
	return "", "", 0, err
}

// able says why this machine cannot ask at all; empty: it can.
func able() string {
	if os.Geteuid() != 0 {
		return "namespaces and mounts need root"
	}
	return ""
}

func askVersion(root string, d daemon) string {
	if _, err := os.Stat(filepath.Join(root, d.binary)); err != nil {
		return ""
	}
	cmd := exec.Command(d.binary, d.versionFlag)
	if root != "/" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		cmd.Dir = "/"
	}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "MariaDB") != (d.name == "mariadb") {
		return ""
	}
	return versionWords.FindString(string(out))
}
