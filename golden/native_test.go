package golden_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"stackgen/examples"
	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/native"
	"stackgen/pkg/render"
)

// generations are the targets of the three generations that Debian's archive holds at once. MySQL 8.0 and 8.4 are not
// among them; their option names are checked against a list in pkg/render.
var generations = []struct {
	suite   string
	targets map[string]string
}{
	{"bookworm", map[string]string{"haproxy": "2.6", "keepalived": "2.2", "nginx": "1.22", "mariadb": "10.11"}},
	{"trixie", map[string]string{"haproxy": "3.0", "keepalived": "2.3", "nginx": "1.26", "mariadb": "11.8"}},
	{"sid", map[string]string{"haproxy": "3.2", "keepalived": "2.3", "nginx": "1.30", "mysql": "9.7"}},
}

// required says that a missing daemon is a failure, not a reason to skip.
func required() bool { return os.Getenv("STACKGEN_REQUIRE_NATIVE") == "1" }

// needNative skips a test that asks real daemons where that is not wanted or not possible.
func needNative(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv("STACKGEN_NO_NATIVE") == "1":
		t.Skip("STACKGEN_NO_NATIVE=1: no real daemon is asked")
	case os.Geteuid() == 0:
	case required():
		t.Fatal("asking the real daemons needs root")
	default:
		t.Skip("NOT ASKED: asking the real daemons needs root; make test does")
	}
}

// suite is the distribution of this machine: its own generation can never be missing.
func suite(t *testing.T) string {
	t.Helper()
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)`).FindSubmatch(release)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// ask shows the files of a topology to the daemons; every answer must be yes. A daemon that is not there is a failure
// where it is required, unless the archive may be without it at the moment.
func ask(t *testing.T, files []render.File, maySkip bool) {
	t.Helper()
	var plain []conf.File
	for _, f := range files {
		plain = append(plain, f.File)
	}
	m, err := conf.DecodeManifest(plain[len(plain)-1].Data)
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := native.Check(t.Context(), plain, m, native.Options{Cache: native.CacheRoots()})
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, v := range verdicts {
		switch v.State {
		case native.Accepted:
			asked[v.Daemon+" "+v.Version] = true
		case native.Refused:
			var b strings.Builder
			if err := diag.Human(&b, v.Findings, func(string) []byte { return v.File.Data }); err != nil {
				t.Fatal(err)
			}
			t.Error(b.String())
		case native.NotAsked:
			if required() && !maySkip {
				t.Errorf("%s: %s", v.File.Name(), v.Why)
				continue
			}
			t.Logf("NOT ASKED: %s: %s", v.File.Name(), v.Why)
		}
	}
	for who := range asked {
		t.Log("accepted by", who)
	}
	if len(asked) == 0 {
		t.Skip("NOT ASKED: no daemon of these versions is here")
	}
}

// TestNative shows every example to the daemons it is rendered for.
func TestNative(t *testing.T) {
	needNative(t)
	own := suite(t)
	for _, name := range examples.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := load(t, name, nil)
			ask(t, render.Render(top), own != "bookworm" || top.Targets.HAProxy.String() != "2.6")
		})
	}
}

// TestGenerations shows foobar to every generation, rendered for it.
func TestGenerations(t *testing.T) {
	needNative(t)
	own := suite(t)
	for _, g := range generations {
		t.Run(g.suite, func(t *testing.T) {
			t.Parallel()
			ask(t, render.Render(load(t, "foobar", g.targets)), g.suite != own)
		})
	}
}

// TestNativeRefuses proves that a refusal is seen: each daemon is shown a file with one fault, and names its line.
func TestNativeRefuses(t *testing.T) {
	needNative(t)
	own := suite(t)
	faults := []struct {
		kind     conf.Kind
		old, new string
	}{
		{conf.HAProxy, "balance leastconn", "balance leastcon"},
		{conf.HAProxy, "option httplog", "option httplog clf extra"},
		{conf.Keepalived, "    nopreempt", "    nopreemt"},
		{conf.Nginx, "server_tokens off;", "server_token off;"},
		{conf.MySQL, "max_connections =", "max_conections ="},
	}
	for _, g := range generations {
		if g.suite != own {
			continue
		}
		for _, fault := range faults {
			t.Run(fault.new, func(t *testing.T) {
				var files []conf.File
				var broken conf.File
				line := 0
				for _, f := range render.Render(load(t, "foobar", g.targets)) {
					if f.Kind == fault.kind && broken.Host == "" {
						before, after, found := strings.Cut(string(f.Data), fault.old)
						if !found {
							t.Fatalf("%s does not say %q", f.Name(), fault.old)
						}
						f.Data = []byte(before + fault.new + after)
						line = strings.Count(before, "\n") + 1 + strings.Count(fault.new, "\n")
						broken = f.File
					}
					files = append(files, f.File)
				}
				m, err := conf.DecodeManifest(files[len(files)-1].Data)
				if err != nil {
					t.Fatal(err)
				}
				verdicts, err := native.Check(t.Context(), files, m, native.Options{Only: func(host string) bool { return host == broken.Host }})
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range verdicts {
					if v.File.Name() != broken.Name() {
						continue
					}
					if v.State != native.Refused || len(v.Findings) == 0 {
						t.Fatalf("%s says %v %s", v.Daemon, v.State, v.Why)
					}
					d := v.Findings[0]
					t.Logf("%s: %s", d.Pos, d.Message)
					if d.Pos.Line != line {
						t.Errorf("the fault is in line %d", line)
					}
					return
				}
				t.Fatal("nobody was asked")
			})
		}
	}
}

// TestNativeTouchesNothing proves that asking leaves the machine as it was: no mount, no interface, no file.
func TestNativeTouchesNothing(t *testing.T) {
	needNative(t)
	look := func() string {
		var b strings.Builder
		for _, argv := range [][]string{{"cat", "/proc/self/mountinfo"}, {"ip", "-o", "link"}, {"ip", "-o", "addr"}, {"hostname"}, {"ls", os.TempDir()}} {
			out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v", argv, err)
			}
			for l := range strings.Lines(string(out)) {
				if argv[0] != "ls" || strings.HasPrefix(l, "stackgen-native-") {
					b.WriteString(l)
				}
			}
		}
		return b.String()
	}
	before := look()
	ask(t, render.Render(load(t, "minimal", generations[0].targets)), suite(t) != generations[0].suite)
	if after := look(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
