package fact

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Random configurations and requests: the location and the server that Match and ServerFor choose are those that a real
// nginx on loopback answers with.
func TestNginxAgainstNginx(t *testing.T) {
	if os.Getenv("STACKGEN_NO_NATIVE") == "1" {
		t.Skip("STACKGEN_NO_NATIVE=1: not compared with nginx")
	}
	program, err := exec.LookPath("nginx")
	if err != nil {
		if os.Getenv("STACKGEN_REQUIRE_NATIVE") == "1" {
			t.Fatalf("%v; STACKGEN_REQUIRE_NATIVE=1 asks for it", err)
		}
		t.Skipf("NOT COMPARED with nginx: %v", err)
	}
	asked, unsure := 0, 0
	for seed := range uint64(30) {
		d := &nginxDraw{Rand: rand.New(rand.NewPCG(seed, 4)), ports: freePorts(t, 3)}
		text := d.conf()
		n := nginxOf(t, text)
		stop := startNginx(t, program, text, d.ports)
		for range 150 {
			port, host, path := d.ports[d.IntN(2)], d.host(), d.path()
			got := ask(t, port, host, path)
			want, ok := predict(n, port, host, path)
			asked++
			if !ok {
				unsure++
				continue
			}
			if got != want {
				t.Errorf("seed %d: port %d, host %q, path %q: nginx answers %q, we say %q\n%s", seed, port, host, path, got, want, text)
				break
			}
		}
		stop()
	}
	t.Logf("%d requests, %d of them not judged", asked, unsure)
	if unsure > asked/3 {
		t.Errorf("%d of %d requests were not judged", unsure, asked)
	}
}

// predict is the answer to a request: the id of a location, or a status.
func predict(n *Nginx, port int, host, path string) (string, bool) {
	var l *Listener
	for _, s := range n.Servers {
		for _, nl := range s.Listen {
			if nl.Port == port {
				l = nl.Listener
			}
		}
	}
	s, ok := n.ServerFor(l, host)
	if !ok {
		return "", false
	}
	a := s.Answer(Request{Path: path, Client: netip.MustParseAddr("127.0.0.1")})
	switch a.Outcome {
	case Answered:
		if a.Status == 200 {
			return "200 " + a.Node.Arg(2).Text, true
		}
	case Proxied:
		return "200 " + a.Location.Headers["x-id"].Arg(2).Text, true
	case Static:
		return fmt.Sprintf("404 %s", a.Location.Other["root"].Arg(1).Text), true
	case "":
		return "", false
	}
	return fmt.Sprint(a.Status), true
}

// ask is the status of an answer, and its body where it is one of ours.
func ask(t *testing.T, port int, host, path string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	header := ""
	if host != "" {
		header = "Host: " + host + "\r\n"
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n%s\r\n", path, header)
	data, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(data), "\r\n\r\n")
	words := strings.Fields(head)
	if len(words) < 2 {
		t.Fatalf("no answer to %s %s: %q", host, path, data)
	}
	switch words[1] {
	case "200":
		return "200 " + body
	case "404":
		_, root, _ := strings.Cut(head, "X-Root: ")
		root, _, _ = strings.Cut(root, "\r\n")
		return "404 " + root
	}
	return words[1]
}

// startNginx runs one process of nginx on loopback until stop.
func startNginx(t *testing.T, program, text string, ports []int) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", file, "-g", "daemon off; master_process off;")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(stop)
	for range 100 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[2]))
		if err == nil {
			conn.Close()
			return stop
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	t.Fatalf("nginx does not start: %s\n%s", out.String(), text)
	return nil
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// nginxDraw makes configurations.
type nginxDraw struct {
	*rand.Rand
	ports []int // two to ask, and the one that passes lead to
	next  int
	b     strings.Builder
}

func (d *nginxDraw) one(of ...string) string { return of[d.IntN(len(of))] }

func (d *nginxDraw) host() string {
	return d.one("", "a.test", "A.Test.", "b.test:80", "x.a.test", "y.x.a.test", "www.a.test", "www.b.other", "www.", "c", "c.other", "wt", "w-t", "[::1]:80", "other")
}

func (d *nginxDraw) path() string {
	p := ""
	for range d.IntN(4) + 1 {
		p += d.one("/", "/a", "/b", "/ab", "/a/", "a", "b", "/A", "/.git", ".php", "//", "/./", "/../b", "/%61", "%2e%2e/", "%2F")
	}
	if p[0] != '/' {
		p = "/" + p
	}
	if d.IntN(8) == 0 {
		p += "?a=/b"
	}
	return p
}

func (d *nginxDraw) conf() string {
	d.b.WriteString("error_log stderr crit;\npid DIR/pid;\nevents { }\nhttp {\naccess_log off;\n")
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&d.b, "%s_temp_path DIR/%s;\n", name, name)
	}
	fmt.Fprintf(&d.b, "server { listen 127.0.0.1:%d; location / { return 200 $http_x_id; } }\n", d.ports[2])
	marked := [2]bool{}
	for i := range d.IntN(4) + 2 {
		d.b.WriteString("server {\n")
		if d.IntN(4) == 0 {
			d.b.WriteString("merge_slashes off;\n")
		}
		for j, port := range d.ports[:2] {
			if i > 0 && d.IntN(3) == 0 {
				continue
			}
			flag := ""
			if !marked[j] && d.IntN(3) == 0 {
				marked[j] = true
				flag = " default_server"
			}
			fmt.Fprintf(&d.b, "listen 127.0.0.1:%d%s;\n", port, flag)
		}
		if i > 0 && !strings.Contains(d.b.String()[strings.LastIndex(d.b.String(), "server {"):], "listen") {
			fmt.Fprintf(&d.b, "listen 127.0.0.1:%d;\n", d.ports[0])
		}
		if d.IntN(5) > 0 {
			d.b.WriteString("server_name")
			for range d.IntN(3) + 1 {
				d.b.WriteString(" " + d.one("a.test", "*.a.test", ".a.test", "*.x.a.test", "b.test", "*.test", "www.*", "www.b.*", "c", `""`, "~^w.*t$", "~^[a-c]\\.", "~C$", "~^w(?!t)", "~other$"))
			}
			d.b.WriteString(";\n")
		}
		if d.IntN(4) == 0 {
			fmt.Fprintf(&d.b, "rewrite %s %s;\n", d.one("^/ab(.*)$", "/b/", "^/a(?=b)"), d.one("/a$1", "/b/$1 last", "/ break"))
		}
		d.body("/", 0)
		d.b.WriteString("}\n")
	}
	d.b.WriteString("}\n")
	return d.b.String()
}

// body writes what a server or location says, and its locations, whose names begin with prefix; without one they are all
// regular expressions, since nginx compares the name with that of a regular expression too.
func (d *nginxDraw) body(prefix string, depth int) {
	d.next++
	fmt.Fprintf(&d.b, "root /none/%d;\nadd_header X-Root /none/%d always;\n", d.next, d.next)
	if d.IntN(4) == 0 {
		fmt.Fprintf(&d.b, "%s;\n%s;\n", d.one("allow 127.0.0.1", "deny 127.0.0.0/8", "allow 10.0.0.1", "deny 10.0.0.0/8"), d.one("deny all", "allow all"))
	}
	if depth > 0 {
		switch d.IntN(6) {
		case 0, 1:
			fmt.Fprintf(&d.b, "return 200 %d;\n", d.next)
		case 2, 3, 4:
			fmt.Fprintf(&d.b, "proxy_set_header X-Id %d;\nproxy_pass http://127.0.0.1:%d;\n", d.next, d.ports[2])
		case 5:
			if d.IntN(2) == 0 {
				fmt.Fprintf(&d.b, "rewrite %s %s;\n", d.one("^/a(.*)$", "b$"), d.one("/b$1", "/b/ last", "/ab break"))
			}
		}
	}
	if depth > 2 {
		return
	}
	used := map[string]bool{}
	for range d.IntN(5 - depth) {
		kind := d.IntN(5)
		if prefix == "" {
			kind = 4
		}
		switch name := prefix + d.one("", "a", "b", "ab", "a/", "b/", "ab/", "a/b", ".git"); kind {
		case 0, 1:
			if !used[name] {
				used[name] = true
				fmt.Fprintf(&d.b, "location %s%s {\n", d.one("", "", "^~ ", "^~"), name)
				d.body(name, depth+1)
				d.b.WriteString("}\n")
			}
		case 2:
			if !used["="+name] {
				used["="+name] = true
				fmt.Fprintf(&d.b, "location %s%s {\n", d.one("=", "= "), name)
				d.body(name, 3)
				d.b.WriteString("}\n")
			}
		default:
			fmt.Fprintf(&d.b, "location %s %s {\n", d.one("~", "~*"), d.one("^/a", "b$", "/a/.*b", `\.git`, `\.php$`, "^/(a|b)+$", "^/b/", `^/a/(?!git)`, "^/a++b", "A"))
			d.body("", depth+1)
			d.b.WriteString("}\n")
		}
	}
}
