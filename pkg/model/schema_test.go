package model

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as editors do, with the dates of YAML 1.2, which are strings.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Load(bytes.ReplaceAll(data, []byte("until: 2027-03-31"), []byte(`until: "2027-03-31"`)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAccepts(t *testing.T) {
	s := compiled(t)
	for _, path := range goodFiles(t) {
		t.Run(filepath.ToSlash(path), func(t *testing.T) {
			if err := s.Validate(asJSON(t, read(t, path))); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	const base = "stackgen: 1\nname: foo\nvip: 10.0.10.10/24\n"
	if err := s.Validate(asJSON(t, []byte(base))); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"nmae: foo", "vips: {www: 10.0.10.9/24}", "domain: www.foo.example", "lb: {maxcon: 5, lb1: 10.0.0.1}", "lb: {maxconn: 5, lb1: 10.0.0.1}",
		"lb: {sticky: always, nodes: {}}", "lb: {lb1: here}", "lb: {lb1: {adress: 10.0.0.1}}", "db: {replication: {password: hunter2}}",
		"timeouts: {request: 30}", "timeouts: {request: fast}", "targets: {haproxy: \"1.8\"}", "web: {port: \"80\"}", "web: {port: -1}",
		"raw: {nginx: {http: gzip}}", "sites: {foo: {body_max: 20MB}}", "app: {protocol: spdy}", "accept: {}", "lb: {failover: slow}",
	} {
		if err := s.Validate(asJSON(t, []byte(base+bad+"\n"))); err == nil {
			t.Errorf("%s is valid", bad)
		}
	}
	if err := s.Validate(asJSON(t, []byte("stackgen: 2\nname: foo\n"))); err == nil {
		t.Error("format 2 is valid")
	}
}

// TestSchemaWords: whoever writes in an editor sees what each key means.
func TestSchemaWords(t *testing.T) {
	text := string(Schema())
	for _, want := range []string{
		`"description": "how web servers learn the client's address: forwarded-for (default) or proxy"`,
		`"description": "LB is the tier of load balancers: HAProxy and keepalived."`,
		`"$schema": "https://json-schema.org/draft/2020-12/schema"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s", want)
		}
	}
}
