package golden_test

import "strings"

var vrrpMutations = []mutation{
	{name: "priorities equal", fault: func(e *edit) { e.line(keepalived2, "priority", "priority 250") }, want: "vrrp-priority-equal"},
	{name: "priority 255", fault: func(e *edit) { e.line(keepalived1, "priority", "priority 255") }, want: "vrrp-priority-owner"},
	{name: "priority 300", fault: func(e *edit) { e.line(keepalived1, "priority", "priority 300") }, want: "vrrp-priority-range"},
	{name: "router id of one member", fault: func(e *edit) { e.line(keepalived2, "virtual_router_id", "virtual_router_id 11") }, want: "vrrp-router-id-mismatch"},
	{name: "router id missing", fault: func(e *edit) { e.line(keepalived2, "virtual_router_id", "") }, want: "vrrp-id-missing"},
	{name: "router id of two instances", example: "active-active", fault: func(e *edit) { e.line(keepaliveds, "virtual_router_id 9", "virtual_router_id 10") }, want: "vrrp-id-duplicate"},
	{name: "router id of two instances on one member", example: "active-active", fault: func(e *edit) { e.line(keepalived1, "virtual_router_id 9", "virtual_router_id 10") }, want: "vrrp-id-duplicate vrrp-router-id-mismatch"},
	{name: "other virtual address on one member", fault: func(e *edit) { e.text(keepalived2, "10.0.10.10/24 dev", "10.0.10.9/24 dev") }, want: "vrrp-vip-set-mismatch"},
	{name: "prefix of one member", fault: func(e *edit) { e.text(keepalived2, "10.0.10.10/24 dev", "10.0.10.10/25 dev") }, want: "vrrp-prefix-mismatch"},
	{name: "no virtual address", fault: func(e *edit) { e.line(keepaliveds, "10.0.10.10/24", "") }, want: "vip-missing"},
	{name: "one more virtual address on one member", fault: func(e *edit) {
		e.text(keepalived1, "10.0.10.10/24 dev eth0", "10.0.10.10/24 dev eth0\n        10.0.10.9/24 dev eth0")
	}, want: "vrrp-vip-set-mismatch"},
	{name: "virtual address twice", fault: func(e *edit) {
		e.text(keepaliveds, "10.0.10.10/24 dev eth0", "10.0.10.10/24 dev eth0\n        10.0.10.10/24 dev eth0")
	}},
	{name: "virtual address is a member's own", fault: func(e *edit) { e.text(keepaliveds, "10.0.10.10/24 dev", "10.0.10.11/24 dev") }, want: "vip-own-address"},
	{name: "virtual address is no address", fault: func(e *edit) { e.text(keepaliveds, "10.0.10.10/24 dev", "10.0.10.310/24 dev") }, want: "vip-invalid"},
	{name: "passwords differ", fault: func(e *edit) {
		e.line(keepaliveds, "version 3", "version 2")
		e.line(keepalived1, "priority", "priority 250\n    authentication {\n        auth_type PASS\n        auth_pass one\n    }")
		e.line(keepalived2, "priority", "priority 249\n    authentication {\n        auth_type PASS\n        auth_pass two\n    }")
	}, want: "vrrp-auth-mismatch"},
	{name: "password on one member", fault: func(e *edit) {
		e.line(keepaliveds, "version 3", "version 2")
		e.line(keepalived1, "priority", "priority 250\n    authentication {\n        auth_type PASS\n        auth_pass one\n    }")
	}, want: "vrrp-auth-mismatch"},
	{name: "password under version 3", fault: func(e *edit) {
		e.line(keepalived1, "priority", "priority 250\n    authentication {\n        auth_type PASS\n        auth_pass one\n    }")
		e.line(keepalived2, "priority", "priority 249\n    authentication {\n        auth_type PASS\n        auth_pass one\n    }")
	}, want: "vrrp-auth-version"},
	{name: "password of nine letters", fault: func(e *edit) {
		e.line(keepaliveds, "version 3", "version 2")
		e.line(keepalived1, "priority", "priority 250\n    authentication {\n        auth_type PASS\n        auth_pass ninechars\n    }")
		e.line(keepalived2, "priority", "priority 249\n    authentication {\n        auth_type PASS\n        auth_pass ninechars\n    }")
	}, want: "vrrp-auth-long"},
	{name: "advert interval of one member", fault: func(e *edit) { e.line(keepalived2, "advert_int", "advert_int 2") }, want: "vrrp-advert-mismatch"},
	{name: "advert interval of 10 s", fault: func(e *edit) { e.line(keepaliveds, "advert_int", "advert_int 10") }, want: "vrrp-detect-slow"},
	{name: "version of one member", fault: func(e *edit) { e.line(keepalived2, "version 3", "version 2") }, want: "vrrp-version-mismatch"},
	{name: "advert below a second under version 2", example: "fast-failover", fault: func(e *edit) { e.line(keepaliveds, "version 3", "version 2") }, want: "vrrp-advert-rounded"},
	{name: "peer dropped", fault: func(e *edit) { e.line(keepalived1, "10.0.10.12 min_ttl", "10.0.10.13 min_ttl 255 max_ttl 255") }, want: "vrrp-peer-missing"},
	{name: "peers emptied", fault: func(e *edit) { e.line(keepalived1, "10.0.10.12 min_ttl", "") }, want: "vrrp-unicast-no-peer"},
	{name: "peer is itself", fault: func(e *edit) { e.line(keepalived1, "10.0.10.12 min_ttl", "10.0.10.11 min_ttl 255 max_ttl 255") }, want: "vrrp-peer-self"},
	{name: "source of the other member", fault: func(e *edit) { e.line(keepalived2, "unicast_src_ip", "unicast_src_ip 10.0.10.11") }, want: "vrrp-source-equal"},
	{name: "source is no address of the host", fault: func(e *edit) { e.line(keepalived2, "unicast_src_ip", "unicast_src_ip 10.0.10.99") }, want: "vrrp-peer-missing"},
	{name: "unicast on one member", fault: func(e *edit) {
		e.line(keepalived2, "unicast_src_ip", "")
		e.line(keepalived2, "10.0.10.11 min_ttl", "")
		e.line(keepalived2, "track_src_ip", "")
		e.line(keepalived2, "unicast_fault_no_peer", "")
		e.each(keepalived2, func(s string) string { return strings.Replace(s, "    unicast_peer {\n    }\n", "", 1) })
	}, want: "vrrp-unicast-mix"},
	{name: "track removed on one member", fault: func(e *edit) {
		e.each(keepalived1, func(s string) string {
			return strings.Replace(s, "    track_script {\n        chk_haproxy\n    }\n", "", 1)
		})
	}, want: "vrrp-script-unreferenced"},
	{name: "track removed", fault: func(e *edit) {
		e.each(keepaliveds, func(s string) string {
			return strings.Replace(s, "    track_script {\n        chk_haproxy\n    }\n", "", 1)
		})
	}, want: "vrrp-script-unreferenced"},
	{name: "track of one instance removed", example: "active-active", fault: func(e *edit) {
		e.each(keepaliveds, func(s string) string {
			return strings.Replace(s, "    track_script {\n        chk_haproxy\n    }\n", "", 1)
		})
	}, want: "vrrp-no-track"},
	{name: "tracked name misspelt", fault: func(e *edit) { e.line(keepaliveds, "chk_haproxy", "check_haproxy") }, want: "vrrp-script-undefined"},
	{name: "script below the instance", fault: func(e *edit) {
		e.each(keepaliveds, func(s string) string {
			start, end := strings.Index(s, "vrrp_script"), strings.Index(s, "vrrp_instance")
			return s[:start] + s[end:] + "\n" + s[start:end]
		})
	}, want: "vrrp-script-late"},
	{name: "weight under nopreempt", fault: func(e *edit) { e.line(keepaliveds, "interval 1", "interval 1\n    weight -20") }, want: "vrrp-nopreempt-weight"},
	{name: "weight smaller than the gap", example: "active-active", fault: func(e *edit) {
		e.line(keepalived1, "priority 250", "priority 200")
		e.line(keepalived2, "priority 249", "priority 150")
		e.line(keepaliveds, "interval 1", "interval 1\n    weight -10")
	}, want: "vrrp-weight-gap"},
	{name: "weight 0 written", fault: func(e *edit) { e.line(keepaliveds, "interval 1", "interval 1\n    weight 0") }},
	{name: "nopreempt under MASTER", fault: func(e *edit) { e.line(keepalived1, "state BACKUP", "state MASTER") }, want: "vrrp-nopreempt-master"},
	{name: "MASTER on both", example: "active-active", fault: func(e *edit) { e.line(keepaliveds, "state BACKUP", "state MASTER") }, want: "vrrp-preempt-delay vrrp-state-master"},
	{name: "MASTER has the lower priority", example: "active-active", fault: func(e *edit) { e.first(keepalived2, "state BACKUP", "state MASTER") }, want: "vrrp-preempt-delay vrrp-state-inverted"},
	{name: "state in lower case", fault: func(e *edit) { e.line(keepalived1, "state BACKUP", "state master") }, want: "vrrp-state-case"},
	{name: "nopreempt on the lower member alone", fault: func(e *edit) { e.line(keepalived1, "nopreempt", "") }, want: "vrrp-nopreempt-lower"},
	{name: "preempt_delay beside nopreempt", fault: func(e *edit) { e.line(keepalived1, "nopreempt", "nopreempt\n    preempt_delay 15") }, want: "vrrp-preempt-delay"},
	{name: "vrrp_strict", fault: func(e *edit) { e.line(keepaliveds, "script_user", "script_user nobody nogroup\n    vrrp_strict") }, want: "vrrp-strict"},
	{name: "interface missing", fault: func(e *edit) { e.line(keepalived1, "interface eth0", "") }},
	{name: "interface is loopback", fault: func(e *edit) { e.line(keepaliveds, "interface eth0", "interface lo") }, want: "vrrp-interface-loopback"},
	{name: "misspelt keyword", fault: func(e *edit) { e.line(keepalived1, "nopreempt", "no_preempt") }, want: "vrrp-nopreempt-lower vrrp-unknown-keyword"},
	{name: "brace missing", fault: func(e *edit) { e.each(keepalived1, func(s string) string { return strings.TrimSuffix(s, "}\n") }) }, want: "syntax"},
	{name: "check goes through the virtual address", fault: func(e *edit) { e.text(checks, "127.0.0.1:8404", "10.0.10.10:80") }, want: "vrrp-check-vip"},
	{name: "check asks another port", fault: func(e *edit) { e.text(checks, "127.0.0.1:8404", "127.0.0.1:8405") }, want: "vrrp-check-port"},
	{name: "check asks the other balancer", fault: func(e *edit) { e.text(check1, "127.0.0.1:8404", "10.0.10.12:80") }, want: "vrrp-check-shared"},
	{name: "check asks a web server", fault: func(e *edit) { e.text(checks, "127.0.0.1:8404", "10.0.10.21:80") }, want: "vrrp-check-shared"},
	{name: "check asks the site", fault: func(e *edit) { e.text(checks, "127.0.0.1:8404/healthz", "127.0.0.1:80/") }, want: "vrrp-check-backend"},
	{name: "check without a limit", fault: func(e *edit) {
		e.text(checks, " --max-time 2", "")
		e.line(keepaliveds, "timeout 3", "")
	}},
	{name: "check by killall", fault: func(e *edit) { e.line(keepaliveds, "script /etc", `script "/usr/bin/killall -0 haproxy"`) }, want: "vrrp-check-process"},
	{name: "check by killall with weight 2", example: "active-active", fault: func(e *edit) {
		e.line(keepaliveds, "script /etc", `script "/usr/bin/killall -0 haproxy"`+"\n    weight 2")
	}, want: "vrrp-check-process"},
	{name: "check in shell syntax", fault: func(e *edit) {
		e.line(keepaliveds, "script /etc", `script "/usr/bin/curl -sf http://127.0.0.1:8404/healthz || exit 1"`)
	}, want: "vrrp-script-shell"},
	{name: "check not quoted", fault: func(e *edit) { e.line(keepaliveds, "script /etc", "script /usr/bin/killall -0 haproxy") }, want: "vrrp-script-unquoted"},
	{name: "check is no file", fault: func(e *edit) { e.line(keepaliveds, "script /etc", "script /etc/keepalived/check-nothing") }, want: "vrrp-script-missing"},
	{name: "check may not be run", fault: func(e *edit) { e.mode(0o644) }, want: "vrrp-script-file"},
	{name: "check may be written by all", fault: func(e *edit) { e.mode(0o777) }, want: "vrrp-script-writable"},
	{name: "script user missing", fault: func(e *edit) { e.line(keepaliveds, "script_user", "") }, want: "vrrp-security-user"},
	{name: "script security missing", fault: func(e *edit) {
		e.line(keepaliveds, "script_user", "")
		e.line(keepaliveds, "enable_script_security", "")
	}, want: "vrrp-script-user"},
	{name: "timeout of the check below its own", fault: func(e *edit) { e.line(keepaliveds, "timeout 3", "timeout 1") }, want: "vrrp-script-timeout"},
	{name: "sync group of a missing instance", fault: func(e *edit) {
		e.end(keepaliveds, "\nvrrp_sync_group all {\n    group {\n        VI_www\n        VI_db\n    }\n}\n")
	}, want: "vrrp-sync-undefined"},
	{name: "balancer without an instance", fault: func(e *edit) {
		e.each(keepalived2, func(s string) string { return s[:strings.Index(s, "vrrp_instance")] })
	}, want: "spof-vip"},
	{name: "balancer gone", fault: func(e *edit) { e.without("lb2") }, want: "spof-balancer"},
	{name: "instance of the second address gone on one member", example: "active-active", fault: func(e *edit) {
		e.each(keepalived2, func(s string) string { return s[:strings.Index(s, "vrrp_instance VI_media")] })
	}, want: "vip-bind-foreign vrrp-vip-set-mismatch"},
}
