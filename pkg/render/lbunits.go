package render

import (
	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

const (
	checkPath  = "/etc/keepalived/check-haproxy"
	watchPath  = "/etc/keepalived/watch-haproxy"
	watchState = "/run/watch-haproxy" // keepalived creates it; its folder must exist before

	// Debian's systemd lets a service open 524,288 files. HAProxy needs two per connection and some of its own.
	unitMaxConn = 260000
)

const rendered = "Rendered by stackgen; edit the topology, not this file."

// askHAProxy is the command that succeeds when the local HAProxy answers within the limit.
func askHAProxy(t *model.Topology, limit model.Duration) string {
	return "/usr/bin/curl --silent --fail --noproxy '*' --output /dev/null --max-time " + seconds(limit) +
		" http://" + t.LB.Stats.String() + healthPath
}

// checkScript is what keepalived runs. A dead HAProxy refuses at once; the limit is for one that hangs. It is two
// intervals, so that a starved machine is no failover, and below keepalived's own timeout of three.
func checkScript(t *model.Topology) File {
	var p page
	p.put("lb", 0, "#!/bin/sh", "")
	p.note("lb.failover.check", 0, "Does the local HAProxy answer? Run by keepalived.\n"+rendered)
	p.put("lb.stats", 0, "exec "+askHAProxy(t, 2*t.LB.Failover.Check.Interval), "")
	return p.sharedFile(checkPath, scriptMode)
}

// watchScript asks far more often than keepalived can, and tells it by a file. While HAProxy is down it writes each time: keepalived
// resets the file when it starts.
func watchScript(t *model.Topology) File {
	watch := t.LB.Failover.Watch
	var p page
	p.put("lb", 0, "#!/bin/sh", "")
	p.note("lb.failover.watch", 0, "Asks the local HAProxy again and again; keepalived reads the answer: 0 well, 1 not.\n"+rendered)
	p.put("lb.failover.mode", 0, "last=", "")
	p.put("lb.failover.mode", 0, "while :; do", "")
	p.put("lb.failover.mode", 4, "now=1", "")
	p.put("lb.failover.watch", 4, askHAProxy(t, millis(max(300, watch.Milliseconds()*3/2)))+" && now=0", "")
	p.put("lb.failover.mode", 4, `[ "$last$now" = 00 ] || echo "$now" >`+watchState, "")
	p.put("lb.failover.mode", 4, "last=$now", "")
	p.put("lb.failover.watch", 4, "sleep "+seconds(watch), "")
	p.put("lb.failover.mode", 0, "done", "")
	return p.sharedFile(watchPath, scriptMode)
}

func watchUnit(t *model.Topology) File {
	var p page
	p.note("lb.failover.mode", 0, "Tells keepalived within a fraction of a second that HAProxy does not answer.\n"+rendered)
	p.unit("lb.failover.mode", "[Unit]",
		"Description=Watch the local HAProxy for keepalived",
		"After=haproxy.service",
		"Before=keepalived.service",
		"",
		"[Service]",
		"ExecStart="+watchPath,
		"# without the watcher keepalived would believe the last answer",
		"Restart=always",
		"RestartSec=100ms",
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)
	return p.sharedFile("/etc/systemd/system/watch-haproxy.service", configMode)
}

// keepalivedDropIn orders keepalived behind HAProxy and lets it return: Debian's unit does neither.
func keepalivedDropIn(t *model.Topology) File {
	wants := "haproxy.service"
	if t.LB.Failover.Mode == "fast" {
		wants += " watch-haproxy.service"
	}
	var p page
	p.note("lb", 0, rendered)
	p.unit("lb", "[Unit]",
		"# HAProxy first, or the first check fails; not Requires: keepalived must outlive HAProxy to give the VIP away",
		"After="+wants,
		"Wants="+wants,
		"# never give up",
		"StartLimitIntervalSec=0",
		"",
		"[Service]",
		"# Debian's unit leaves a crashed keepalived down",
		"Restart=always",
		"RestartSec=1",
	)
	return p.sharedFile("/etc/systemd/system/keepalived.service.d/stackgen.conf", configMode)
}

// haproxyDropIn raises the limit of open files where the number of connections asks for it.
func haproxyDropIn(t *model.Topology) File {
	var p page
	p.note("lb", 0, rendered)
	p.unit("lb.maxconn", "[Service]",
		"# two per connection, listeners and checks: else HAProxy does not start",
		"LimitNOFILE="+itoa(2*t.LB.MaxConn+4096),
	)
	return p.sharedFile("/etc/systemd/system/haproxy.service.d/stackgen.conf", configMode)
}

// sysctlFile lets HAProxy bind a VIP that another member holds.
func sysctlFile(t *model.Topology) File {
	var p page
	p.note("vips", 0, "HAProxy listens on the VIPs by name, also while another balancer holds them.\n"+rendered)
	var v4, v6 bool
	for _, v := range t.VIPs {
		for _, a := range v.Prefixes() {
			v4, v6 = v4 || a.Addr().Is4(), v6 || a.Addr().Is6()
		}
	}
	if v4 {
		p.put("vips", 0, "net.ipv4.ip_nonlocal_bind = 1", "")
	}
	if v6 {
		p.put("vips", 0, "net.ipv6.ip_nonlocal_bind = 1", "")
	}
	return p.sharedFile("/etc/sysctl.d/60-stackgen.conf", configMode)
}

// unit puts the lines of a systemd unit, which knows no comment behind a statement.
func (p *page) unit(path string, lines ...string) {
	for _, line := range lines {
		if line == "" {
			p.gap()
			continue
		}
		p.put(path, 0, line, "")
	}
}

func millis(n int64) model.Duration { return model.Duration(n * 1e6) }

// sharedFile is the page as a file of no host yet.
func (p *page) sharedFile(path string, mode uint32) File { return p.file("", path, conf.Other, mode) }
