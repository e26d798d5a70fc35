//go:build linux

package golden_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"stackgen/pkg/conf"
	"stackgen/pkg/native"
	"stackgen/pkg/render"
)

// roleVariable makes the test binary another program: the tests start it again in namespaces or as another user.
const roleVariable = "STACKGEN_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "host":
		runHost()
	case "lonely":
		runLonely()
	case "writer":
		runWriter()
	default:
		fmt.Fprintf(os.Stderr, "%s=%s: no such role\n", roleVariable, role)
		os.Exit(2)
	}
}

// clientAddress is the address that asks.
const clientAddress = "10.0.10.99"

// TestRound runs the balancers, web servers and applications of foobar from the rendered files, asks through the virtual
// IP, ends HAProxy on the balancer that holds it, and asks again.
func TestRound(t *testing.T) {
	needNative(t)
	for _, g := range generations {
		t.Run(g.suite, func(t *testing.T) {
			t.Parallel()
			lower := daemonRoot(t, g.suite, g.targets)
			r := newRound(t, lower, g.targets)
			r.start(t)
			r.fetch(t)
			r.failover(t)
			r.logs(t)
		})
	}
}

type round struct {
	*stand
	manifest *conf.Manifest
	vip      netip.Addr
	client   *http.Client
	hosts    map[string]*machine
	lbs      []string
	asked    heard // what the application heard of the first request
}

func newRound(t *testing.T, lower string, targets map[string]string) *round {
	files := render.Render(load(t, "foobar", targets))
	manifest, err := conf.DecodeManifest(files[len(files)-1].Data)
	if err != nil {
		t.Fatal(err)
	}
	vip := netip.MustParsePrefix(manifest.VIPs["www"].Addresses[0])
	st, err := newStand(netip.PrefixFrom(netip.MustParseAddr(clientAddress), vip.Bits()))
	if err != nil {
		t.Fatal(err)
	}
	r := &round{stand: st, manifest: manifest, vip: vip.Addr(), client: st.httpClient(), hosts: map[string]*machine{}, lbs: manifest.Tiers["lb"].Hosts}
	t.Cleanup(func() {
		if t.Failed() {
			r.tell(t)
		}
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	for name, h := range manifest.Hosts {
		if h.Role == "db" { // theirs is a round of its own, in pkg/render
			continue
		}
		spec := hostSpec{Name: name, Lower: lower, Host: h}
		if h.Interface == "" {
			spec.Host.Interface = "eth0"
		}
		for _, f := range files {
			if f.Host == name {
				spec.Files = append(spec.Files, f.File)
			}
		}
		if h.Role == "web" {
			spec.Files = append(spec.Files, conf.File{Path: "/srv/www/foobar/hello.txt", Mode: 0o644, Data: []byte("a file\n")})
		}
		wg.Go(func() {
			m, err := st.boot(spec)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			r.hosts[name] = m
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return r
}

// start starts the daemons as Debian's units do, keepalived when HAProxy answers.
func (r *round) start(t *testing.T) {
	for name, h := range r.manifest.Hosts {
		switch h.Role {
		case "app":
			r.ask(t, name, order{Serve: true})
		case "web":
			r.ask(t, name, order{Start: []string{"/usr/sbin/nginx", "-g", "daemon off; master_process on;"}})
		case "lb":
			r.ask(t, name, order{Start: haproxyCommand(t, r.hosts[name].read("/etc/haproxy/haproxy.cfg"))})
		}
	}
	for _, name := range r.lbs {
		eventually(t, 20*time.Second, func() error {
			_, err := r.get(r.manifest.Hosts[name].Addresses[0], "/healthz", http.StatusOK)
			return err
		})
		r.ask(t, name, order{Start: []string{"/usr/sbin/keepalived", "--dont-fork", "--log-detail"}})
	}
	eventually(t, 30*time.Second, func() error {
		_, err := r.holder()
		return err
	})
}

// haproxyCommand is that of Debian's unit. Where root may not have the files that maxconn needs, it gives HAProxy fewer
// connections: on the command line, since the file is to be tried as it was rendered.
func haproxyCommand(t *testing.T, cfg string) []string {
	argv := []string{"/usr/sbin/haproxy", "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "-p", "/run/haproxy.pid", "-S", "/run/haproxy-master.sock"}
	global := regexp.MustCompile(`(?m)^global$[^\f]*?^\s+maxconn (\d+)`).FindStringSubmatch(cfg)
	if global == nil {
		t.Fatal("haproxy.cfg has no maxconn")
	}
	maxconn, _ := strconv.Atoi(global[1])
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	need := uint64(2*maxconn + 200) // both sides of a connection; listeners and checks
	if limit.Max >= need {
		return argv
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit.Cur, Max: need}); err == nil {
		return argv
	}
	fewer := strconv.FormatUint(limit.Max/2-200, 10)
	t.Logf("this machine allows a process %d files, maxconn %d needs %d: haproxy -n %s", limit.Max, maxconn, need, fewer)
	return append(argv, "-n", fewer)
}

// holder is the balancer that holds the virtual IP; it is an error if that is not exactly one, or a keepalived is gone.
func (r *round) holder() (string, error) {
	var holders []string
	for _, name := range r.lbs {
		a, err := r.hosts[name].ask(order{})
		if err != nil {
			return "", err
		}
		if a.Running["keepalived"] == 0 {
			return "", fmt.Errorf("keepalived does not run on %s", name)
		}
		holds, err := r.hosts[name].holds(r.vip)
		if err != nil {
			return "", err
		}
		if holds {
			holders = append(holders, name)
		}
	}
	if len(holders) != 1 {
		return "", fmt.Errorf("%v hold %s, want exactly one", holders, r.vip)
	}
	return holders[0], nil
}

// fetch asks for everything once.
func (r *round) fetch(t *testing.T) {
	var page string
	eventually(t, 10*time.Second, func() (err error) { // clients learn the holder within a second
		page, err = r.get(r.vip.String(), "/", http.StatusOK)
		return err
	})
	if err := json.Unmarshal([]byte(page), &r.asked); err != nil {
		t.Fatalf("not the application's answer: %v\n%s", err, page)
	}
	for name, want := range map[string]string{
		"X-Forwarded-For": clientAddress, "X-Real-Ip": clientAddress, "X-Forwarded-Proto": "http",
		"X-Forwarded-Port": "80", "X-Forwarded-Host": "www.foobar.com", "Forwarded": "",
	} {
		if got := strings.Join(r.asked.Header[name], " | "); got != want {
			t.Errorf("the application hears %s: %q, want %q", name, got, want)
		}
	}
	if r.asked.Host != "www.foobar.com" {
		t.Errorf("the application hears host %q", r.asked.Host)
	}
	if id := r.asked.Header["X-Request-Id"]; len(id) != 1 || !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id[0]) {
		t.Fatalf("the application hears request ids %q, want one of the balancer's", id)
	}
	for path, want := range map[string]string{"/hello.txt": "a file\n", "/healthz": "ok\n"} {
		if got, err := r.get(r.vip.String(), path, http.StatusOK); err != nil || got != want {
			t.Errorf("%s: %v %q, want %q", path, err, got, want)
		}
	}
	if _, err := r.get(r.vip.String(), "/", http.StatusMisdirectedRequest, "unknown.example"); err != nil {
		t.Error(err)
	}
}

// get asks for a page, with headers that no client should get through.
func (r *round) get(address, path string, status int, domain ...string) (string, error) {
	req, err := http.NewRequest("GET", "http://"+address+path, nil)
	if err != nil {
		return "", err
	}
	req.Host = strings.Join(append(domain, "www.foobar.com")[:1], "")
	for name, forged := range map[string]string{
		"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "https", "X-Real-IP": "192.0.2.66", "Forwarded": "for=192.0.2.66", "X-Request-ID": "forged",
	} {
		req.Header.Set(name, forged)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("%s%s answers %s, want %d", req.Host, path, resp.Status, status)
	}
	return string(body), err
}

// failover ends HAProxy on the holder.
func (r *round) failover(t *testing.T) {
	var old string
	eventually(t, 10*time.Second, func() (err error) {
		old, err = r.holder()
		return err
	})
	running := r.ask(t, old, order{}).Running["haproxy"]
	if running == 0 {
		t.Fatalf("haproxy does not run on %s", old)
	}
	killed := time.Now()
	r.ask(t, old, order{Kill: running})
	eventually(t, 10*time.Second, func() error {
		holder, err := r.holder()
		if err == nil && holder == old {
			err = fmt.Errorf("%s is still on %s, whose haproxy is gone", r.vip, old)
		}
		if err != nil {
			return err
		}
		_, err = r.get(r.vip.String(), "/after", http.StatusOK)
		return err
	})
	t.Logf("haproxy of %s killed: an answer from the other after %v", old, time.Since(killed).Round(10*time.Millisecond))
}

// logs finds the requests in the logs.
func (r *round) logs(t *testing.T) {
	id := r.asked.Header["X-Request-Id"][0]
	type line struct{ RID, Client, LB, Site, URI, Upstream string }
	requests := map[string]line{}
	eventually(t, 15*time.Second, func() error { // nginx writes within five seconds
		for _, name := range r.manifest.Tiers["web"].Hosts {
			for text := range strings.Lines(r.hosts[name].read("/var/log/nginx/access.log")) {
				var l line
				if err := json.Unmarshal([]byte(text), &l); err != nil {
					return fmt.Errorf("%s: %w: %s", name, err, text)
				}
				if l.Site == "www.foobar.com" {
					requests[l.URI] = l
				}
			}
		}
		for _, uri := range []string{"/", "/hello.txt", "/after"} {
			if requests[uri] == (line{}) {
				return fmt.Errorf("nginx has logged no request for %s", uri)
			}
		}
		return nil
	})
	page, file := requests["/"], requests["/hello.txt"]
	if page.RID != id || page.Client != clientAddress || page.Upstream == "" {
		t.Errorf("nginx logs %+v, want request id %s, client %s and an application server", page, id, clientAddress)
	}
	if file.Upstream != "" {
		t.Errorf("nginx asked %s for a static file", file.Upstream)
	}
	if !slices.ContainsFunc(r.lbs, func(name string) bool { return strings.Contains(r.hosts[name].read("/var/log/syslog"), " id="+id) }) {
		t.Errorf("no balancer has logged request id %s", id)
	}
}

func (r *round) ask(t *testing.T, name string, o order) answer {
	t.Helper()
	a, err := r.hosts[name].ask(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tell shows what the daemons have said.
func (r *round) tell(t *testing.T) {
	for _, m := range r.machines {
		for _, log := range []string{"syslog", "haproxy.out", "keepalived.out", "nginx.out", "nginx/error.log"} {
			if text := m.read("/var/log/" + log); !strings.HasSuffix(text, "no such file or directory") && text != "" {
				t.Logf("%s %s:\n%s", m.name, log, text[max(0, len(text)-4000):])
			}
		}
	}
}

// TestRoundEndsWithItsProcess kills a process that has booted a host.
func TestRoundEndsWithItsProcess(t *testing.T) {
	needNative(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=lonely", "TMPDIR=" + t.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	namespaces := map[string]bool{}
	err = json.NewDecoder(stdout).Decode(&namespaces)
	if err = errors.Join(err, cmd.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if len(namespaces) != 5 { // the switch's network; the host's network, mounts, processes and name
		t.Errorf("namespaces %v", namespaces)
	}
	if err := vanished(namespaces); err != nil {
		t.Error(err)
	}
}

// runLonely boots a host, says where, and waits for its death.
func runLonely() {
	st, err := newStand(netip.MustParsePrefix(clientAddress + "/24"))
	if err == nil {
		h := conf.ManifestHost{Interface: "eth0", Addresses: []string{"10.0.10.11"}}
		_, err = st.boot(hostSpec{Name: "lonely", Lower: "/", Host: h})
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(st.namespaces)
	}
	if err == nil {
		time.Sleep(time.Minute)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func eventually(t *testing.T, bound time.Duration, f func() error) {
	t.Helper()
	err := f()
	for deadline := time.Now().Add(bound); err != nil; err = f() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", bound, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// daemonRoot returns the root folder of a generation: the machine's own, or that of scripts/daemons. The machine's own
// daemons can be required; what the archive holds for others moves.
func daemonRoot(t *testing.T, generation string, targets map[string]string) string {
	t.Helper()
	root := "/"
	if suite(t) != generation {
		roots := native.CacheRoots()
		i := slices.IndexFunc(roots, func(dir string) bool { return filepath.Base(dir) == generation })
		if i < 0 {
			t.Skipf("NOT RUN: no root folder of %s: scripts/daemons makes it where the archive can supply it", generation)
		}
		root = roots[i]
	}
	for _, daemon := range []string{"haproxy", "keepalived", "nginx"} {
		cmd := exec.Command("/usr/sbin/"+daemon, "-v")
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		out, err := cmd.CombinedOutput()
		version := regexp.MustCompile(`\d+\.\d+`).FindString(string(out))
		if err == nil && version == targets[daemon] {
			continue
		}
		if root == "/" && required() {
			t.Fatalf("%s here is not %s: %v %s", daemon, targets[daemon], err, out)
		}
		t.Skipf("NOT RUN: %s of %s is not %s: %v %s", daemon, root, targets[daemon], err, out)
	}
	return root
}
