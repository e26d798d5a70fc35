package render

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// deployFile is DEPLOY.md: what the hosts need, how the files get there, and in which order the daemons take them.
func deployFile(t *model.Topology, hosts []File) File {
	d := deploy{t: t, files: hosts}
	d.Grow(8 << 10)
	d.printf("# Deploying %s\n\n", t.Name)
	d.printf("Rendered by stackgen; edit the topology, not this file. One folder per host lies beside it; below it every file has its\npath on the host.\n")
	d.hosts()
	d.flows()
	d.before()
	d.preflight()
	d.copying()
	d.order()
	if t.DB != nil {
		d.database()
	}
	d.dns()
	return stackFile("DEPLOY.md", conf.Other, []byte(d.String()))
}

type deploy struct {
	strings.Builder
	t     *model.Topology
	files []File
}

func (d *deploy) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

func (d *deploy) hosts() {
	d.printf("\n## Hosts and packages\n\n| host | tier | addresses | packages |\n|---|---|---|---|\n")
	for _, h := range d.t.Hosts() {
		p := strings.Join(packages(d.t, h), " ")
		if p == "" {
			p = "the application's own"
		}
		d.printf("| %s | %s | %s | %s |\n", h.Name, h.Tier, strings.Join(texts(h.AddressList()), " "), p)
	}
	var daemons []string
	for _, name := range []string{"haproxy", "keepalived", "nginx", "mysql", "mariadb"} {
		if v, ok := targets(d.t)[name]; ok {
			daemons = append(daemons, name+" "+v)
		}
	}
	d.printf("\nThe files are written for %s. Another version: `stackgen render --target NAME=VERSION`.\n", strings.Join(daemons, ", "))
}

func (d *deploy) flows() {
	d.printf("\n## Network flows to open\n\nA tier's name stands for all its hosts. VRRP is IP protocol 112, neither TCP nor UDP.\n\n")
	d.printf("| to | address | from | protocol | port | for |\n|---|---|---|---|---|---|\n")
	for _, h := range d.t.Hosts() {
		for _, f := range flows(d.t, h) {
			port := "–"
			if f.Port != 0 {
				port = fmt.Sprint(f.Port)
			}
			d.printf("| %s | %s | %s | %s | %s | %s |\n", h.Name, strings.Join(f.To, " "), strings.Join(f.From, " "), f.Protocol, port, f.Purpose)
		}
	}
}

// before lists what is needed on the hosts and never rendered.
func (d *deploy) before() {
	t := d.t
	d.printf("\n## What must lie on the hosts already\n\nNo secret is ever rendered. Put these there first, readable by root alone where they are secret:\n\n")
	for _, s := range t.Sites {
		if s.TLS != nil {
			d.printf("- every balancer: `%s`, the certificate of %s with its chain and key in one PEM file (0600)\n", s.TLS.Certificate, strings.Join(s.Domains, ", "))
		}
	}
	for _, s := range t.Sites {
		d.printf("- every web server: the static files of site %s in `%s`\n", s.Name, s.Root)
	}
	for _, a := range t.Apps {
		switch a.Protocol {
		case "fastcgi":
			d.printf("- every host of tier %s: a php-fpm pool that listens on port %d of the host's address, and `%s/index.php`\n", a.Name, a.Port, a.Root)
		default:
			d.printf("- every host of tier %s: the application, whose unit reads `EnvironmentFile=/etc/default/%s` and listens where it says\n", a.Name, a.Name)
		}
	}
	if t.DB != nil {
		if len(t.DB.Replicas) > 0 {
			d.printf("- every database server: `%s`, the password of the replication account in its first line: up to 32 printable characters without quotes and backslash, the same on each (0600)\n", t.DB.Replication.Password.File)
		}
		if t.DB.TLS != nil {
			d.printf("- every database server: `%s`, `%s` and `%s` (the key readable by mysql alone)\n", t.DB.TLS.CA, t.DB.TLS.Certificate, t.DB.TLS.Key)
		}
	}
}

func (d *deploy) preflight() {
	d.printf("\n## Preflight\n\nEach line prints what is missing on its host, then the host's name:\n\n```sh\n")
	for _, h := range d.t.Hosts() {
		iface := ""
		for _, b := range d.t.LB.Nodes {
			if b.Name == h.Name {
				iface = " dev " + b.Interface
			}
		}
		d.printf("ssh root@%s '", h.Name)
		for _, a := range h.AddressList() {
			d.printf("ip -o addr show%s | grep -qwF %s || echo \"%s is not on %s%s\"; ", iface, a, a, h.Name, iface)
		}
		if p := packages(d.t, h); len(p) > 0 {
			d.printf("dpkg -s %s >/dev/null; ", strings.Join(p, " "))
		}
		d.printf("echo \"%s: asked\"'\n", h.Name)
	}
	d.printf("```\n")
}

func (d *deploy) copying() {
	d.printf(`
## Copying

Root must own the files, and the folders that exist on a host must stay as they are: keepalived disables a check script that
another user could replace. Modes and owners are set here, whatever the umask of the machine that rendered. A plain ` + "`rsync -a`" + ` hands ` + "`/etc`" + ` to whoever rendered. Run in this folder, one host at a time and in the
order below:

` + "```sh" + `
HOST=lb1
tar --owner=0 --group=0 --mode=u=rwX,go=rX -C "$HOST" -cf - . | ssh "root@$HOST" tar -x --no-overwrite-dir -C /
` + "```" + `
`)
}

func (d *deploy) order() {
	t := d.t
	d.printf("\n## Order, check and reload\n\nCopy, check, reload, look; then the next host. A check that fails stops here: nothing has been reloaded yet.\n")
	step := 0
	group := func(title, wait string, hosts ...string) {
		if len(hosts) == 0 {
			return
		}
		step++
		d.printf("\n%d. **%s**: %s.%s\n", step, title, strings.Join(hosts, ", "), wait)
	}
	if t.DB != nil {
		if len(t.DB.Replicas) > 0 {
			group("Replicas, one by one", " Wait until the replica has caught up.", databaseNames(t.DB.Replicas)...)
			d.commands(t.DB.Replicas[0].Name)
		}
		group("The primary", " A restart is a short write outage; a change that the server takes at run time may be set there first.", databaseNames(t.DB.Primary)...)
		d.commands(t.DB.Primary[0].Name)
	}
	for _, a := range t.Apps {
		group("Applications of tier "+a.Name+", one by one", " Restart the application's own unit; wait until it answers.", serverNames(a.Nodes)...)
	}
	group("Web servers, one by one", fmt.Sprintf(" Wait until both balancers see it up again: rise × interval = %s.", model.Duration(int64(t.LB.Check.Rise)*int64(t.LB.Check.Interval))), serverNames(t.Web.Nodes)...)
	d.commands(t.Web.Nodes[0].Name)
	var names []string
	for _, b := range t.LB.Nodes {
		names = append(names, b.Name)
	}
	if len(names) > 1 {
		group("The standby balancer", " Which one that is: `ip -o addr | grep -wF "+t.VIPs[0].Address.Addr().String()+"` finds the virtual IP on the other.", strings.Join(names, " or "))
		d.commands(names[0])
		group("The balancer that holds the virtual IP", " HAProxy reloads without losing a connection. Stopping keepalived moves the address at once.", strings.Join(names, " or "))
	} else {
		group("The balancer", "", names...)
	}
	d.commands(names[0])
	d.printf("\nOn a host that has just got its packages: `systemctl enable` the same units too. manifest.json says the same of each file:\nits mode, owner, checksum, check and reload command.\n")
}

// commands prints what makes a host take its files: what the kernel and systemd must know first, then each daemon's
// check and reload.
func (d *deploy) commands(host string) {
	var first, units, then []string
	for _, f := range d.files {
		check, reload := commands(d.t, f.File)
		switch {
		case f.Host != host || reload == "":
		case strings.HasPrefix(f.Path, sysctlFolder):
			first = append(first, reload)
		case strings.HasPrefix(f.Path, unitFolder):
			if len(units) == 0 {
				units = append(units, reload)
			}
			if strings.HasSuffix(f.Path, ".service") {
				units = append(units, "systemctl restart "+path.Base(f.Path))
			}
		default:
			then = append(then, check+" && "+reload)
		}
	}
	d.printf("\n   ```sh\n")
	for _, line := range slices.Concat(first, units, then) {
		d.printf("   %s\n", line)
	}
	d.printf("   ```\n")
}

func (d *deploy) database() {
	t := d.t
	d.printf("\n## The database, the first time\n\n")
	d.printf("On %s, then on each replica: `/etc/mysql/bootstrap.sh`. It can be run again at any time and changes only what is missing.\n", t.DB.Primary[0].Name)
	if t.DB.VIP != "" || t.DB.Failover == "external" {
		d.printf("Every server's file starts it read-only, so that a primary that was lost cannot come back beside the new one. After a restart of\n%s it takes no writes until `/etc/mysql/bootstrap.sh` has asked the others and opened it.\n", t.DB.Primary[0].Name)
	}
	if len(t.DB.Replicas) > 0 {
		d.printf("When the primary is lost: `/etc/mysql/promote.sh` on the replica that has received most. It refuses while the old primary answers.\n")
		d.printf("Afterwards exchange `primary` and `replicas` in the topology, render, and copy.\n")
	}
}

func (d *deploy) dns() {
	d.printf("\n## DNS\n\n`dns.zone` holds the records of all domains. Set them last, when `curl --resolve` shows each site at the virtual IP:\n\n```sh\n")
	for _, s := range d.t.Sites {
		scheme, port := "http", 80
		if s.TLS != nil {
			scheme, port = "https", 443
		}
		d.printf("curl -sS -o /dev/null -w '%%{http_code}\\n' --resolve %s:%d:%s %s://%s%s\n", s.Domains[0], port, bracketed(d.t.VIP(s.VIP)), scheme, s.Domains[0], s.Health)
	}
	d.printf("```\n")
}

// bracketed is the VIP's first address as a URL has it.
func bracketed(v model.VIP) string {
	if a := v.Address.Addr(); a.Is6() {
		return "[" + a.String() + "]"
	}
	return v.Address.Addr().String()
}

func serverNames(nodes []model.Server) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}

func databaseNames(nodes []model.Database) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}
