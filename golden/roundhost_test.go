//go:build linux

package golden_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"stackgen/pkg/conf"
)

// This file is what runs in the namespaces of a host: the test binary, started again as the host's first process. It
// makes the host, starts what it is told to, and ends when the pipe from the test ends; the kernel then ends all
// processes of the host, and its mounts and its network with them. So nothing outlives the test, however that ends.

// hostSpec is one host.
type hostSpec struct {
	Name    string
	Lower   string // root folder whose daemons it runs
	Scratch string // empty folder; what is mounted there is seen by the host alone
	Network netip.Prefix
	Host    conf.ManifestHost
	Files   []conf.File
}

// order is what the test tells a host; one field is set.
type order struct {
	Make  *hostSpec
	Start []string // a daemon in a process group of its own
	Kill  int      // process group
	Serve bool     // the application
}

// answer holds the process groups whose first process lives, by the daemon's name.
type answer struct {
	Running map[string]int
	Error   string
}

// host is the first process of a host.
type host struct {
	mu      sync.Mutex
	running map[string]int
}

func runHost() {
	h := &host{running: map[string]int{}}
	go h.reap()
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "order:", err)
			}
			os.Exit(0)
		}
		var a answer
		if err := h.obey(o); err != nil {
			a.Error = err.Error()
		}
		h.mu.Lock()
		a.Running = maps.Clone(h.running)
		h.mu.Unlock()
		if err := answers.Encode(a); err != nil {
			os.Exit(1)
		}
	}
}

func (h *host) obey(o order) error {
	switch {
	case o.Make != nil:
		return o.Make.make()
	case o.Start != nil:
		return h.start(o.Start)
	case o.Kill != 0:
		return unix.Kill(-o.Kill, unix.SIGKILL)
	case o.Serve:
		return serveApplication()
	}
	return nil
}

// reap waits for whatever ends, the daemons' orphans too.
func (h *host) reap() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	for range ended {
		h.mu.Lock()
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err != nil || pid <= 0 {
				break
			}
			maps.DeleteFunc(h.running, func(_ string, p int) bool { return p == pid })
		}
		h.mu.Unlock()
	}
}

func (h *host) start(argv []string) error {
	name := filepath.Base(argv[0])
	log, err := os.OpenFile("/var/log/"+name+".out", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	h.mu.Lock()
	defer h.mu.Unlock() // else it may be reaped before it is noted
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root"},
		Files: []*os.File{null, log, log},
		Sys:   &unix.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return err
	}
	h.running[name] = p.Pid
	return p.Release()
}

func (s *hostSpec) make() error {
	unix.Umask(0o022)
	if err := s.mount(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(s.Name)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	for _, socket := range []string{"/dev/log", "/var/lib/haproxy/dev/log"} { // the second is that of HAProxy's chroot
		if err := readLog(socket); err != nil {
			return err
		}
	}
	return s.network()
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, target, err)
	}
	return nil
}

// mount makes the host's root and enters it. Files are staged before they are mounted: through the merged tree an
// absolute link of the root folder would lead to the machine's own files.
func (s *hostSpec) mount() error {
	upper, work, root := s.Scratch+"/upper", s.Scratch+"/work", s.Scratch+"/root"
	if err := errors.Join(
		mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		mount("tmpfs", s.Scratch, "tmpfs", 0, "mode=755"),
		os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755), os.Mkdir(root, 0o755),
		s.stage(upper),
	); err != nil {
		return err
	}
	if err := errors.Join(
		mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", s.Lower, upper, work)),
		mount("proc", root+"/proc", "proc", 0, ""),
		mount("tmpfs", root+"/dev", "tmpfs", unix.MS_NOSUID, "mode=755"),
	); err != nil {
		return err
	}
	for _, dev := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"} {
		if err := errors.Join(os.WriteFile(root+dev, nil, 0o666), mount(dev, root+dev, "", unix.MS_BIND, "")); err != nil {
			return err
		}
	}
	if err := errors.Join(
		os.Chdir(root),
		unix.PivotRoot(".", "."), // the old root lies on top of the new one
		unix.Unmount(".", unix.MNT_DETACH),
		os.Chdir("/"),
	); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	for _, dir := range []string{"/run", "/tmp", "/var/log"} {
		if err := mount("tmpfs", dir, "tmpfs", 0, "mode=1777"); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/run/haproxy", "/run/keepalived", "/var/lib/haproxy/dev", "/var/lib/nginx", "/var/log/nginx"} {
		if err := os.MkdirAll(dir, 0o755); err != nil { // what packages and units make
			return err
		}
	}
	return nil
}

// stage writes the host's files and hides those of the root folder beside them. Not in /etc/keepalived: the daemon does
// not start without keepalived.config-opts of its package (since 2.3).
func (s *hostSpec) stage(upper string) error {
	for _, dir := range []string{"/etc/haproxy", "/etc/nginx"} {
		if err := os.MkdirAll(upper+dir, 0o755); err != nil {
			return err
		}
		if err := unix.Setxattr(upper+dir, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
			return fmt.Errorf("hide the machine's %s: %w", dir, err)
		}
	}
	for _, f := range s.Files {
		name := upper + f.Path
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Data, os.FileMode(f.Mode))); err != nil {
			return err
		}
	}
	return nil
}

// network gives the addresses to the interface, which the test has put here.
func (s *hostSpec) network() error {
	for _, name := range []string{"lo", s.Host.Interface} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		if name == "lo" {
			continue
		}
		for _, a := range s.Host.Addresses {
			addr := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(a), Mask: net.CIDRMask(s.Network.Bits(), s.Network.Addr().BitLen())}}
			if err := netlink.AddrAdd(link, addr); err != nil {
				return fmt.Errorf("address %s: %w", a, err)
			}
		}
	}
	return nil
}

// readLog stands for the syslog daemon.
func readLog(socket string) error {
	in, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	out, err := os.OpenFile("/var/log/syslog", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	go func() {
		line := make([]byte, 64<<10)
		for {
			n, err := in.Read(line)
			if err != nil {
				return
			}
			fmt.Fprintf(out, "%s\n", line[:n])
		}
	}()
	return os.Chmod(socket, 0o666)
}

// heard is what the application answers with: the request as it came.
type heard struct {
	Path, Host string
	Header     http.Header
}

// serveApplication is a small application with the environment that was rendered for it.
func serveApplication() error {
	text, err := os.ReadFile("/etc/default/app")
	if err != nil {
		return err
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			env[key] = value
		}
	}
	keep, err := strconv.Atoi(env["KEEPALIVE_S"])
	if err != nil {
		return fmt.Errorf("KEEPALIVE_S: %w", err)
	}
	l, err := net.Listen("tcp", env["LISTEN"])
	if err != nil {
		return err
	}
	server := &http.Server{
		IdleTimeout: time.Duration(keep) * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(heard{r.URL.Path, r.Host, r.Header})
		}),
	}
	go server.Serve(l)
	return nil
}
