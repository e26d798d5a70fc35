package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

func manifestFile(t *model.Topology, groups ...[]File) File {
	m := &conf.Manifest{
		Version: 1,
		Name:    t.Name,
		Targets: targets(t),
		Sites:   map[string]conf.ManifestSite{},
		DNS:     map[string]conf.ManifestRecord{},
		VIPs:    map[string]conf.ManifestVIP{},
		Tiers:   map[string]conf.ManifestTier{},
		Hosts:   map[string]conf.ManifestHost{},
	}
	for _, s := range t.Sites {
		site := conf.ManifestSite{Domains: s.Domains, VIP: s.VIP, TLS: s.TLS != nil, Routes: map[string]conf.ManifestRoute{}}
		for _, r := range s.Routes {
			site.Routes[r.Prefix] = conf.ManifestRoute{App: r.App, RequestMS: r.RequestTimeout.Milliseconds(), WebSocket: r.WebSocket}
		}
		m.Sites[s.Name] = site
		for _, d := range s.Domains {
			m.DNS[d] = conf.ManifestRecord{Addresses: texts(publicAddresses(t.VIP(s.VIP))), VIP: s.VIP}
		}
	}
	for _, v := range t.VIPs {
		m.VIPs[v.Name] = conf.ManifestVIP{Addresses: texts(v.Prefixes()), Public: texts(publicAddresses(v)), Prefer: v.Prefer}
	}
	if t.Load != nil {
		m.Load = &conf.ManifestLoad{Requests: t.Load.Requests, Concurrent: t.Load.Concurrent}
	}
	for _, a := range t.Accept {
		m.Accept = append(m.Accept, conf.ManifestAccept{Rule: a.Rule, Host: a.Host, Reason: a.Reason, Until: a.Until.String()})
	}
	for _, h := range t.Hosts() {
		tier := m.Tiers[h.Tier]
		tier.Role = string(h.Role)
		tier.Hosts = append(tier.Hosts, h.Name)
		m.Tiers[h.Tier] = tier
		m.Hosts[h.Name] = manifestHost(t, h)
	}
	sums := map[*byte]string{} // files that share their bytes are hashed once
	for _, files := range groups {
		for _, f := range files {
			m.Files = append(m.Files, manifestEntry(t, f, sums))
		}
	}
	return stackFile(conf.ManifestName, conf.JSON, m.Encode())
}

func targets(t *model.Topology) map[string]string {
	out := map[string]string{"haproxy": t.Targets.HAProxy.String(), "keepalived": t.Targets.Keepalived.String(), "nginx": t.Targets.Nginx.String()}
	if t.DB != nil {
		if t.MariaDB() {
			out["mariadb"] = t.Targets.MariaDB.String()
		} else {
			out["mysql"] = t.Targets.MySQL.String()
		}
	}
	return out
}

func manifestHost(t *model.Topology, h model.Host) conf.ManifestHost {
	out := conf.ManifestHost{
		Role: string(h.Role), Tier: h.Tier, Addresses: texts(h.AddressList()), Zone: h.Zone, RunsOn: h.RunsOn,
		Capacity: h.Capacity, CPUs: h.CPUs, Memory: int64(h.Memory), Availability: h.Availability,
		Packages: packages(t, h), Flows: flows(t, h),
	}
	for _, b := range t.LB.Nodes {
		if b.Name == h.Name {
			out.Interface = b.Interface
		}
	}
	if h.Role == model.DBRole {
		out.Database = "replica"
		if h.Name == t.DB.Primary[0].Name {
			out.Database = "primary"
		}
	}
	return out
}

// packages names what Debian and Ubuntu must have installed on the host.
func packages(t *model.Topology, h model.Host) []string {
	switch h.Role {
	case model.LBRole:
		return []string{"haproxy", "keepalived", "curl"}
	case model.WebRole:
		return []string{"nginx"}
	case model.AppRole:
		switch t.AppTier(h.Tier).Protocol {
		case "fastcgi":
			return []string{"php-fpm"}
		case "uwsgi":
			return []string{"uwsgi"}
		}
		return nil
	}
	if t.MariaDB() {
		return []string{"mariadb-server", "mariadb-client"}
	}
	return []string{"mysql-server", "mysql-client"}
}

// flows lists what must be let in to the host.
func flows(t *model.Topology, h model.Host) []conf.ManifestFlow {
	var out []conf.ManifestFlow
	to := texts(h.AddressList())
	tcp := func(from []string, to []string, port int, purpose string) {
		out = append(out, conf.ManifestFlow{From: from, To: to, Protocol: "tcp", Port: port, Purpose: purpose})
	}
	var apps []string
	for _, a := range t.Apps {
		apps = append(apps, a.Name)
	}
	switch h.Role {
	case model.LBRole:
		for _, v := range t.VIPs {
			addresses := addressTexts(v.Prefixes())
			sites := t.SitesOf(v.Name)
			if len(sites) > 0 {
				tcp([]string{"any"}, addresses, 80, "HTTP")
			}
			for _, s := range sites {
				if s.TLS != nil {
					tcp([]string{"any"}, addresses, 443, "HTTPS")
					break
				}
			}
			if t.DB != nil && t.DB.VIP == v.Name && len(apps) > 0 {
				tcp(apps, addresses, t.DB.Port, "database, the writable server")
				tcp(apps, addresses, t.DB.ReadPort, "database, the read-only servers")
			}
		}
		if len(t.LB.Nodes) > 1 {
			out = append(out, conf.ManifestFlow{From: []string{"lb"}, To: append(to[:len(to):len(to)], advertGroups(t)...), Protocol: "vrrp", Purpose: "VRRP adverts, IP protocol 112"})
			if t.SharesTables() {
				tcp([]string{"lb"}, to, model.PeersPort, "HAProxy peers: stick tables")
			}
		}
	case model.WebRole:
		tcp([]string{"lb"}, to, t.Web.Port, "HTTP from the balancers, and their checks")
	case model.AppRole:
		a := t.AppTier(h.Tier)
		tcp([]string{"web"}, to, a.Port, a.Protocol+" from the web servers")
	case model.DBRole:
		switch {
		case t.DB.VIP != "":
			tcp([]string{"lb"}, to, t.DB.Port, "connections and checks of the balancers")
		case len(apps) > 0:
			tcp(apps, to, t.DB.Port, "connections of the application")
		}
		if len(t.DB.Replicas) > 0 {
			tcp([]string{"db"}, to, t.DB.Port, "replication")
		}
	}
	return out
}

// advertGroups are the multicast groups that adverts go to where not every balancer has an address of a VIP's family.
func advertGroups(t *model.Topology) []string {
	for _, v := range t.VIPs {
		for _, p := range v.Prefixes() {
			for _, n := range t.LB.Nodes {
				if _, ok := familyAddress(n.Node, p.Addr()); !ok {
					return []string{"ff02::12"} // RFC 9568 section 5.1.2.2
				}
			}
		}
	}
	return nil
}

func manifestEntry(t *model.Topology, f File, sums map[*byte]string) conf.ManifestFile {
	e := conf.ManifestFile{Host: f.Host, Path: f.Path, Mode: fmt.Sprintf("%04o", f.Mode), Owner: "root:root", SHA256: sum(f.Data, sums)}
	e.Check, e.Reload = commands(t, f.File)
	return e
}

func sum(data []byte, sums map[*byte]string) string {
	if len(data) == 0 {
		return hashText(data)
	}
	s, ok := sums[&data[0]]
	if !ok {
		s = hashText(data)
		sums[&data[0]] = s
	}
	return s
}

func hashText(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

const (
	unitFolder   = "/etc/systemd/system/"
	sysctlFolder = "/etc/sysctl.d/"
)

// commands returns what asks a file's daemon about it on the host, and what makes the daemon take it.
func commands(t *model.Topology, f conf.File) (check, reload string) {
	database := "mysql"
	if t.MariaDB() {
		database = "mariadb"
	}
	switch f.Kind {
	case conf.HAProxy:
		return "haproxy -c -f " + f.Path, "systemctl reload haproxy"
	case conf.Keepalived:
		return "keepalived -t -f " + f.Path, "systemctl reload keepalived"
	case conf.Nginx:
		return "nginx -t -c " + f.Path, "systemctl reload nginx"
	case conf.MySQL:
		if database == "mariadb" {
			return "mariadbd --defaults-file=" + f.Path + " --help --verbose >/dev/null", "systemctl restart mariadb"
		}
		return "mysqld --defaults-file=" + f.Path + " --validate-config", "systemctl restart mysql"
	case conf.Env:
		return "", "" // the application's own unit reads it; its name is not the topology's to know
	}
	switch {
	case f.Host == "":
		return "", ""
	case strings.HasPrefix(f.Path, unitFolder):
		unit := path.Base(f.Path)
		if dir := path.Base(path.Dir(f.Path)); strings.HasSuffix(dir, ".d") {
			unit = strings.TrimSuffix(dir, ".d")
		}
		return "systemd-analyze verify " + unit, "systemctl daemon-reload"
	case strings.HasPrefix(f.Path, sysctlFolder):
		return "", "sysctl -p " + f.Path
	case f.Mode == scriptMode:
		return "sh -n " + f.Path, ""
	}
	return "", ""
}

// texts prints addresses or prefixes.
func texts[T interface{ String() string }](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}

// addressTexts prints the addresses of prefixes.
func addressTexts(prefixes []netip.Prefix) []string {
	out := make([]string, len(prefixes))
	for i, p := range prefixes {
		out[i] = p.Addr().String()
	}
	return out
}
