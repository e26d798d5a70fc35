package model

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	netipTypes      = []any{netip.Addr{}, netip.Prefix{}, netip.AddrPort{}}
	reflectTopology = reflect.TypeFor[Topology]()
)

// reload explains top, loads what was written, compares, and returns what was written.
func reload(t *testing.T, top *Topology) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := top.Explain(&b); err != nil {
		t.Fatal(err)
	}
	got, ds := Load(Source{"explained", b.Bytes()}, nil, nil)
	if len(ds) > 0 {
		t.Fatalf("what Explain wrote does not load:\n%s\n%s", lines(ds), b.Bytes())
	}
	if diff := cmp.Diff(top, got, equal); diff != "" {
		t.Errorf("-loaded +explained and loaded:\n%s", diff)
	}
	return b.Bytes()
}

func TestExplain(t *testing.T) {
	for _, path := range goodFiles(t) {
		t.Run(filepath.ToSlash(path), func(t *testing.T) {
			text := reload(t, mustLoad(t, "stack.yaml", read(t, path)))
			for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
				if !strings.HasSuffix(line, ":") && !strings.Contains(line, "# ") {
					t.Errorf("line %d does not say where it came from: %s", i+1, line)
				}
			}
		})
	}
}

func TestExplainFoobar(t *testing.T) {
	var b bytes.Buffer
	if err := mustLoad(t, "stack.yaml", read(t, "../../examples/foobar/stack.yaml")).Explain(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"stackgen: 1                                     # stack.yaml:6:11\n",
		"  haproxy: \"3.0\"                                # default\n",
		"      - www.foobar.com                          # stack.yaml:8:9\n",
		"    router_id: 10                               # last byte of vips.www.address\n",
		"      app1:\n        address: 10.0.10.31 ",
		"  semi_sync_wait: 10s ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in\n%s", want, b.String())
		}
	}
}

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		"": `""`, "eth0": "eth0", "/srv/www": "/srv/www", "10.0.0.1/24": "10.0.0.1/24", "2001:db8::1": `"2001:db8::1"`, "10": `"10"`,
		"1e3": `"1e3"`, "0x1f": `"0x1f"`, "true": `"true"`, "No": `"No"`, "-": `"-"`, ".inf": `".inf"`, "a#b": `"a#b"`, `a"\b`: `"a\"\\b"`,
		"gzip on;": `"gzip on;"`, "2027-03-31": "2027-03-31", "é": `"é"`, "180d": "180d", "1_000": `"1_000"`, "null": `"null"`,
	} {
		if got := quote(s); got != want {
			t.Errorf("quote(%q) = %s, want %s", s, got, want)
		}
	}
}
