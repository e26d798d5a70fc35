package lint

import (
	"strings"
	"testing"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

func TestVRRPScriptMode(t *testing.T) {
	const text = "global_defs {\n script_user root\n enable_script_security\n}\nvrrp_script chk {\n script /etc/keepalived/check\n}\n" +
		"vrrp_instance V {\n interface eth0\n virtual_router_id 5\n priority 100\n virtual_ipaddress {\n 10.0.0.1/24\n }\n track_script {\n chk\n }\n}\n"
	manifest := []byte(`{"version": 1, "hosts": {"lb1": {"addresses": ["10.0.0.11"]}}}`)
	for _, test := range []struct {
		mode   uint32
		script string
		want   string
	}{
		{0o755, "#!/bin/sh\nexit 0\n", ""},
		{0, "#!/bin/sh\nexit 0\n", ""},
		{0o644, "#!/bin/sh\nexit 0\n", "vrrp-script-file: is not executable"},
		{0o755, "#!/bin/sh\r\nexit 0\r\n", "vrrp-script-file: carriage return"},
		{0o777, "#!/bin/sh\nexit 0\n", "vrrp-script-writable: disables the check"},
	} {
		in := conf.FromFiles("x", []conf.File{
			{Path: conf.ManifestName, Kind: conf.JSON, Data: manifest},
			{Host: "lb1", Path: "/etc/keepalived/keepalived.conf", Kind: conf.Keepalived, Data: []byte(text)},
			{Host: "lb1", Path: "/etc/keepalived/check", Mode: test.mode, Data: []byte(test.script)},
		})
		r := Run(in, fact.Read(in, fact.Options{}), Options{Profile: Strict, Select: []string{"vrrp-script"}})
		id, message, _ := strings.Cut(test.want, ": ")
		ok := len(r.Findings) == 0
		if test.want != "" {
			ok = len(r.Findings) == 1 && r.Findings[0].Rule == id && strings.Contains(r.Findings[0].Message, message)
		}
		if !ok {
			t.Errorf("mode %o, %q: want %q, got %s", test.mode, test.script, test.want, messages(r.Findings))
		}
	}
}

func messages(list []diag.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString("\n\t" + d.Rule + ": " + d.Message)
	}
	return b.String()
}
