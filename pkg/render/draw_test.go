package render_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stackgen/internal/draw"
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
	"stackgen/pkg/native"
	"stackgen/pkg/render"
)

// checkDraws runs a property on STACKGEN_DRAWS random topologies, 500 by default. What fails is shown with the seed to repeat it:
// go test -run NAME -rapid.seed=SEED.
func checkDraws(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	n := 500
	if s := os.Getenv("STACKGEN_DRAWS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1 {
			t.Fatalf("STACKGEN_DRAWS=%s is no number of draws", s)
		}
	}
	set := func(name, value string) {
		f := flag.Lookup("rapid." + name)
		if f == nil {
			t.Fatalf("rapid has no flag %s any more", name)
		}
		old := f.Value.String()
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(old) })
	}
	set("checks", strconv.Itoa(n))
	set("nofailfile", "true") // the seed says the same
	set("shrinktime", "5s")
	rapid.Check(t, property)
}

// failer is what a test, a property and a fuzz target have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// load reads a topology that must be valid.
func load(t failer, text string, overlays ...string) *model.Topology {
	t.Helper()
	var over []model.Source
	for i, o := range overlays {
		over = append(over, model.Source{Name: fmt.Sprint("overlay", i+1, ".yaml"), Data: []byte(o)})
	}
	top, errs := model.Load(model.Source{Name: "drawn.yaml", Data: []byte(text)}, over, nil)
	if len(errs) > 0 {
		var words []string
		for _, e := range errs {
			words = append(words, e.Pos.String()+": "+e.Message)
		}
		t.Fatalf("%s\nof the topology\n%s\n%s", strings.Join(words, "\n"), text, strings.Join(overlays, "\n"))
	}
	return top
}

// Generations of the daemons that one machine has, in root folders or by itself.
var generations = []map[string]string{
	{"haproxy": "2.6", "keepalived": "2.2", "nginx": "1.22", "mariadb": "10.11"},
	{"haproxy": "3.0", "keepalived": "2.3", "nginx": "1.26", "mariadb": "11.8"},
	{"haproxy": "3.2", "keepalived": "2.3", "nginx": "1.30", "mysql": "9.7"},
}

// TestDrawnNative lets the real daemons read what random topologies become: ten of each generation, and none may warn.
func TestDrawnNative(t *testing.T) {
	wantNative(t)
	for _, targets := range generations {
		t.Run("haproxy-"+targets["haproxy"], func(t *testing.T) {
			gen := draw.Generator(draw.Options{Targets: targets})
			asked := map[string]int{}
			for seed := range 10 {
				text := gen.Example(seed)
				top := load(t, text)
				askDaemons(t, fmt.Sprint("seed ", seed), text, top, asked)
			}
			missingDaemons(t, targets, asked)
		})
	}
}

// wantNative skips a test of the real daemons where nobody wants them, or where they cannot be asked.
func wantNative(t *testing.T) {
	t.Helper()
	if os.Getenv("STACKGEN_NO_NATIVE") == "1" {
		t.Skip("STACKGEN_NO_NATIVE=1: no daemon is asked")
	}
	if os.Geteuid() != 0 {
		notRun(t, "the daemons are asked in namespaces, which needs root")
	}
}

func notRun(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("STACKGEN_REQUIRE_NATIVE") == "1" {
		t.Fatal(why + " (STACKGEN_REQUIRE_NATIVE=1)")
	}
	t.Skip("NOT RUN: " + why)
}

// askDaemons asks about every kind of host: one web server, whose files are those of all, two balancers, the primary and
// one replica. It counts the answers by daemon.
func askDaemons(t *testing.T, what, text string, top *model.Topology, asked map[string]int) {
	t.Helper()
	var files []conf.File
	var m *conf.Manifest
	for _, f := range render.Render(top) {
		files = append(files, f.File)
		if f.Path == conf.ManifestName {
			var err error
			if m, err = conf.DecodeManifest(f.Data); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	verdicts, err := native.Check(ctx, files, m, native.Options{Cache: native.CacheRoots(), Only: func(host string) bool {
		switch i := slices.Index(m.Tiers[m.Hosts[host].Tier].Hosts, host); m.Hosts[host].Role {
		case "lb", "db":
			return i < 2
		case "web":
			return i < 1
		}
		return false // no daemon of ours
	}})
	if err != nil {
		t.Fatal(err)
	}
	refused := false
	for _, v := range verdicts {
		switch v.State {
		case native.Accepted:
			asked[v.Daemon]++
		case native.Refused:
			refused = true
			for _, f := range v.Findings {
				t.Errorf("%s: %s: %s\n  %s", what, f.Pos, f.Message, line(v.File.Data, f.Pos.Line))
			}
		case native.NotAsked:
			t.Logf("%s: %s: not asked: %s", what, v.File.Name(), v.Why)
		}
	}
	if refused {
		t.Logf("%s is the topology\n%s", what, text)
	}
}

// missingDaemons ends a test as not run where a daemon of a generation never answered. The distribution's own must.
func missingDaemons(t *testing.T, targets map[string]string, asked map[string]int) {
	t.Helper()
	var missing []string
	for name, version := range targets {
		if asked[name] == 0 {
			missing = append(missing, name+" "+version)
		}
	}
	slices.Sort(missing)
	t.Logf("files accepted: %v", asked)
	if len(missing) > 0 {
		notRun(t, "nobody was there to be asked for "+strings.Join(missing, ", ")+": scripts/daemons brings them")
	}
}

func line(data []byte, n int) string {
	lines := strings.Split(string(data), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}
