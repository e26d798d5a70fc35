package conf

import (
	"strings"
	"testing"
)

func TestManifestEncode(t *testing.T) {
	m := &Manifest{
		Version: 1, Name: "a<b>&c",
		Hosts: map[string]ManifestHost{"lb1": {Addresses: []string{}, Availability: 99.95}, "db1": {}},
		Files: []ManifestFile{{Host: "lb1", Path: "/b"}, {Path: "DEPLOY.md"}, {Host: "lb1", Path: "/a"}},
	}
	text := string(m.Encode())
	if m.Files[0].Path != "/b" {
		t.Error("Encode changed the manifest")
	}
	if !strings.Contains(text, `  "name": "a<b>&c",`) || !strings.HasSuffix(text, "}\n") {
		t.Errorf("text: %s", text)
	}
	if a, b, c := strings.Index(text, "DEPLOY.md"), strings.Index(text, `"/a"`), strings.Index(text, `"/b"`); a > b || b > c {
		t.Errorf("files are not sorted: %s", text)
	}
	again, err := DecodeManifest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(again.Encode()); got != text {
		t.Errorf("read and written again: %s\nwas: %s", got, text)
	}
}

func TestDecodeManifest(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"version": 1, "hosts": {"lb1": {"addresses": ["10.0.0.1"], "colour": "red"}}, "later": []}`, ""},
		{"{\n  \"version\": 1,\n  \"hosts\": {,}\n}", "3:13: invalid character"},
		{`{"version": 1} x`, "1:16: invalid character"},
		{``, "1:1: unexpected end"},
		{"{\"version\": 1,\n\"hosts\": {\"lb1\": {\"cpus\": \"four\"}}}", `2:32: "hosts.cpus" cannot be this string`},
		{`{"hosts": {}}`, `"version" is missing`},
		{`{"version": 2}`, "version 2 is not known"},
		{`[]`, "not this array"},
	} {
		_, err := DecodeManifest([]byte(tt.text))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.text, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
	}
}
