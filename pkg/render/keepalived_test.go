package render

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestKeepalivedMembers(t *testing.T) {
	top := load(t)
	for _, m := range []struct{ name, own, priority string }{{"lb1", "10.0.10.11", "250"}, {"lb2", "10.0.10.12", "249"}, {"lb3", "10.0.10.13", "249"}} {
		f := lbFile(top, m.name, keepalivedPath)
		wantAll(t, f, "router_id "+m.name, "unicast_src_ip "+m.own, "priority "+m.priority, "state BACKUP", "nopreempt", "advert_int 1",
			"virtual_router_id 10", "10.0.10.10/24 dev eth0", "script_user nobody nogroup", "vrrp_higher_prio_send_advert true", "version 3",
			"script /etc/keepalived/check-haproxy", "interval 1", "timeout 3", "fall 2", "rise 2", "init_fail")
		var peers []string
		for _, s := range statements(f) {
			if strings.HasSuffix(s, " min_ttl 255 max_ttl 255") {
				peers = append(peers, strings.Fields(s)[0])
			}
		}
		want := slices.DeleteFunc([]string{"10.0.10.11", "10.0.10.12", "10.0.10.13"}, func(a string) bool { return a == m.own })
		wantLines(t, peers, want...)
		if strings.Contains(string(f.Data), "weight") && slices.ContainsFunc(statements(f), func(s string) bool { return strings.HasPrefix(s, "weight") }) {
			t.Error("a weighted check never moves the VIP under nopreempt")
		}
		all := statements(f)
		if slices.Index(all, "vrrp_script chk_haproxy {") > slices.Index(all, "vrrp_instance VI_www {") {
			t.Error("keepalived knows no forward reference")
		}
	}
}

func TestKeepalivedPreempts(t *testing.T) {
	top := load(t, twoVIPs)
	f := lbFile(top, "lb2", keepalivedPath)
	wantAll(t, f, "preempt_delay 15", "vrrp_instance VI_shop {", "vrrp_instance VI_media {", "virtual_router_id 8", "virtual_router_id 9")
	all := statements(f)
	if slices.Contains(all, "nopreempt") {
		t.Error("nopreempt where VIPs prefer different holders: after a repair one balancer holds both for good")
	}
	wantLines(t, withPrefix(all, "priority"), "priority 249", "priority 250")
}

func TestKeepalivedSixFollowsFour(t *testing.T) {
	top := load(t, "vips: {www: {address6: \"2001:db8::10/64\"}}\nlb: {nodes: {lb1: {address6: \"2001:db8::11\"}, lb2: {address6: \"2001:db8::12\"}, lb3: {address6: \"2001:db8::13\"}}}\n")
	f := lbFile(top, "lb1", keepalivedPath)
	wantAll(t, f, "vrrp_sync_group VG_www {", "vrrp_instance VI_www_6 {", "virtual_router_id 16", "unicast_src_ip 2001:db8::11",
		"2001:db8::12 min_ttl 255 max_ttl 255", "2001:db8::10/64 dev eth0 preferred_lft 0")
}

func TestKeepalivedAlone(t *testing.T) {
	top := load(t, "lb: {nodes: {lb2: null, lb3: null}}\n")
	for _, s := range statements(lbFile(top, "lb1", keepalivedPath)) {
		if strings.HasPrefix(s, "unicast") || strings.HasPrefix(s, "track_src_ip") {
			t.Errorf("%q without a peer", s)
		}
	}
}

func TestKeepalivedBeforeTwoThree(t *testing.T) {
	f := lbFile(load(t, "targets: {keepalived: \"2.2\"}\n"), "lb1", keepalivedPath)
	wantAll(t, f, "script_user root", "interval 1", "timeout 3")
}

func TestFastFailover(t *testing.T) {
	top := load(t, "lb: {failover: fast}\n")
	f := lbFile(top, "lb1", keepalivedPath)
	wantAll(t, f, "vrrp_track_file watch_haproxy {", "file /run/watch-haproxy", "track_file {", "watch_haproxy", "track_script {", "advert_int 0.2")
	wantAll(t, lbFile(top, "lb1", "/etc/systemd/system/keepalived.service.d/stackgen.conf"),
		"After=haproxy.service watch-haproxy.service", "Restart=always")
	wantAll(t, lbFile(top, "lb1", "/etc/systemd/system/watch-haproxy.service"), "ExecStart=/etc/keepalived/watch-haproxy", "Restart=always",
		"Before=keepalived.service")
	if lbFile(load(t), "lb1", watchPath) != nil {
		t.Error("a watcher without failover: fast")
	}
	for _, path := range []string{checkPath, watchPath} {
		f := lbFile(top, "lb1", path)
		if f.Mode != 0o755 {
			t.Errorf("%s has mode %o", path, f.Mode)
		}
		sh := exec.Command("sh", "-n")
		sh.Stdin = strings.NewReader(string(f.Data))
		if out, err := sh.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
	wantAll(t, lbFile(top, "lb1", checkPath),
		"exec /usr/bin/curl --silent --fail --noproxy '*' --output /dev/null --max-time 2 http://127.0.0.1:8404/healthz")
}

func TestManyConnectionsNeedFiles(t *testing.T) {
	const dropIn = "/etc/systemd/system/haproxy.service.d/stackgen.conf"
	wantAll(t, lbFile(load(t, "lb: {maxconn: 300000}\n"), "lb1", dropIn), "LimitNOFILE=604096")
	if lbFile(load(t), "lb1", dropIn) != nil {
		t.Error("a drop-in for HAProxy where systemd's own limit is enough")
	}
}
