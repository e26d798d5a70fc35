//go:build linux

package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// stand is a set of hosts connected by a switch, and a client beside them. Nothing is made in the machine's own
// network namespace.
type stand struct {
	client  netip.Prefix
	calls   chan func() // run in the namespace of the switch, one after the other
	scratch string

	mu         sync.Mutex
	machines   []*machine
	namespaces map[string]bool // of the switch and the hosts: "net:[4026532177]"
}

// newStand makes the switch. The client's address is the switch's own.
func newStand(client netip.Prefix) (*stand, error) {
	scratch, err := os.MkdirTemp("", "stackgen-round-")
	if err != nil {
		return nil, err
	}
	st := &stand{client: client, calls: make(chan func()), scratch: scratch, namespaces: map[string]bool{}}
	ready := make(chan error, 1)
	go st.runSwitch(ready)
	if err := <-ready; err != nil {
		return nil, errors.Join(err, os.Remove(scratch))
	}
	return st, nil
}

// runSwitch holds the switch's namespace on a thread that ends with it. It is never the process's first thread, whose
// namespaces others see as the process's.
func (st *stand) runSwitch(ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		other := make(chan error, 1)
		go st.runSwitch(other) // on another one, since this goroutine holds the first
		ready <- <-other
		runtime.UnlockOSThread()
		return
	}
	err := st.makeSwitch()
	ready <- err
	if err != nil {
		return
	}
	for f := range st.calls {
		f()
	}
}

const switchName = "switch"

func (st *stand) makeSwitch() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	ns, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	st.namespaces[ns] = true
	attrs := netlink.NewLinkAttrs()
	attrs.Name = switchName
	attrs.HardwareAddr = net.HardwareAddr{2, 0x4d, 0, 0, 0, 1} // else it changes with each port
	no := false                                                // snooping may keep VRRP's multicast back
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &no}); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	link, err := netlink.LinkByName(switchName)
	if err != nil {
		return err
	}
	ip := &net.IPNet{IP: st.client.Addr().AsSlice(), Mask: net.CIDRMask(st.client.Bits(), st.client.Addr().BitLen())}
	return errors.Join(netlink.AddrAdd(link, &netlink.Addr{IPNet: ip}), netlink.LinkSetUp(link))
}

// inSwitch calls f in the namespace of the switch.
func (st *stand) inSwitch(f func() error) error {
	done := make(chan error, 1)
	st.calls <- func() { done <- f() }
	return <-done
}

// plug connects a process's network namespace with the switch.
func (st *stand) plug(name, inside string, pid int) error {
	return st.inSwitch(func() error {
		hub, err := netlink.LinkByName(switchName)
		if err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MasterIndex = "p-"+name, hub.Attrs().Index
		port := &netlink.Veth{LinkAttrs: attrs, PeerName: inside, PeerNamespace: netlink.NsPid(pid)}
		return errors.Join(netlink.LinkAdd(port), netlink.LinkSetUp(port))
	})
}

// dial connects from the client. A connection stays in the namespace in which its socket was made.
func (st *stand) dial(_ context.Context, network, address string) (c net.Conn, err error) {
	err = st.inSwitch(func() error {
		c, err = net.DialTimeout(network, address, time.Second)
		return err
	})
	return c, err
}

// httpClient asks as the client, each time on a new connection.
func (st *stand) httpClient() *http.Client {
	return &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DialContext: st.dial, DisableKeepAlives: true}}
}

// machine is a host as the test sees it.
type machine struct {
	name    string
	cmd     *exec.Cmd
	said    bytes.Buffer // its first process on stderr
	orders  *os.File
	answers *os.File
}

// boot starts a host and makes it.
func (st *stand) boot(s hostSpec) (*machine, error) {
	m := &machine{name: s.Name, cmd: exec.Command("/proc/self/exe")}
	stdin, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	answers, stdout, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, orders.Close())
	}
	defer stdout.Close()
	m.orders, m.answers = orders, answers
	m.cmd.Env = []string{roleVariable + "=host"}
	m.cmd.Stdin, m.cmd.Stdout, m.cmd.Stderr = stdin, stdout, &m.said
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWUTS, Setsid: true}
	if err := m.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("namespaces: %w", err), orders.Close(), answers.Close())
	}
	st.mu.Lock()
	st.machines = append(st.machines, m)
	for _, kind := range []string{"net", "mnt", "pid", "uts"} {
		ns, linkErr := os.Readlink(m.proc("ns/" + kind))
		err = errors.Join(err, linkErr)
		st.namespaces[ns] = true
	}
	st.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := st.plug(s.Name, s.Host.Interface, m.cmd.Process.Pid); err != nil {
		return nil, fmt.Errorf("connect %s: %w", s.Name, err)
	}
	s.Scratch, s.Network = st.scratch, st.client
	_, err = m.ask(order{Make: &s})
	return m, err
}

// ask sends an order and waits for its answer.
func (m *machine) ask(o order) (answer, error) {
	var a answer
	deadline := time.Now().Add(20 * time.Second)
	err := errors.Join(m.orders.SetDeadline(deadline), m.answers.SetDeadline(deadline))
	if err == nil {
		err = json.NewEncoder(m.orders).Encode(o)
	}
	if err == nil {
		err = json.NewDecoder(m.answers).Decode(&a) // one answer to one order: nothing is read ahead
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", m.name, err)
	}
	return a, err
}

// proc is a file of the host's first process, in the machine's /proc.
func (m *machine) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", m.cmd.Process.Pid, name)
}

// read returns a file of the host.
func (m *machine) read(path string) string {
	data, err := os.ReadFile(m.proc("root" + path))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// holds reports whether an IPv4 address is the host's own at the moment.
func (m *machine) holds(a netip.Addr) (bool, error) {
	trie, err := os.ReadFile(m.proc("net/fib_trie"))
	if err != nil {
		return false, err
	}
	return regexp.MatchString(`\|-- `+regexp.QuoteMeta(a.String())+`\n\s+/32 host LOCAL`, string(trie))
}

// close ends all hosts and the switch, and returns what is left of them.
func (st *stand) close() error {
	var errs []error
	for _, m := range st.machines {
		m.orders.Close() // its first process ends, and the kernel ends the others
	}
	for _, m := range st.machines {
		late := time.AfterFunc(10*time.Second, func() { m.cmd.Process.Kill() })
		if err := m.cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w\n%s", m.name, err, &m.said))
		}
		late.Stop()
		m.answers.Close()
	}
	close(st.calls)
	return errors.Join(append(errs, vanished(st.namespaces), os.Remove(st.scratch))...) // no RemoveAll: it must be empty
}

// vanished waits until no thread is in one of the namespaces, and no mount is left in the test's own.
func vanished(namespaces map[string]bool) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var left []string
		links, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/[mnpu]*")
		if err != nil {
			return err
		}
		for _, l := range links {
			if ns, err := os.Readlink(l); err == nil && namespaces[ns] {
				left = append(left, l+" is in "+ns)
			}
		}
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(mounts)) {
			if strings.Contains(line, "/stackgen-round-") {
				left = append(left, line)
			}
		}
		switch {
		case len(left) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("left after the end:\n%s", strings.Join(left, "\n"))
		}
	}
}
