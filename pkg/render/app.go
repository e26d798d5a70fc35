package render

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// appFiles returns the environment file of each application server's service. Within a tier only LISTEN differs.
func appFiles(t *model.Topology) []File {
	var files []File
	for i := range t.Apps {
		a := &t.Apps[i]
		rest := appRest(t, a)
		for _, s := range a.Nodes {
			path := "apps." + a.Name
			var p page
			p.text = make([]byte, 0, 512+len(rest.text))
			p.note(path, 0, "Environment of the "+a.Name+" application on "+s.Name+", for its unit: EnvironmentFile=/etc/default/"+a.Name+"\n"+
				"Rendered by stackgen; edit the topology, not this file.")
			p.gap()
			p.note(path, 0, "Where the web servers ask ("+a.Protocol+").")
			p.put(path+".nodes."+s.Name+".address", 0, "LISTEN="+netip.AddrPortFrom(s.Address, uint16(a.Port)).String(), "")
			p.text = append(p.text, rest.text...)
			p.origin = append(p.origin, rest.origin...)
			files = append(files, p.file(s.Name, "/etc/default/"+a.Name, conf.Env, configMode))
		}
	}
	return files
}

// appRest is what all servers of a tier have in common. In an EnvironmentFile a comment has its own line: a # further
// right belongs to the value.
func appRest(t *model.Topology, a *model.App) *page {
	p := new(page)
	path := "apps." + a.Name

	p.gap()
	p.note("timeouts.request", 0, "The slowest good answer, database waits included: nginx gives up after it.")
	longest, from := longestRequest(t, a.Name)
	p.put(from, 0, "REQUEST_TIMEOUT_MS="+strconv.FormatInt(longest.Milliseconds(), 10), "")
	p.note("timeouts.idle", 0, "Idle connections: longer than nginx keeps them, which closes first.")
	keep := time.Duration(beyondIdle(t) + model.Duration(time.Second-1)).Truncate(time.Second)
	p.put("timeouts.idle", 0, "KEEPALIVE_S="+strconv.FormatInt(int64(keep/time.Second), 10), "")
	if a.Concurrency > 0 {
		p.note(path+".concurrency", 0, "Requests at a time that this server must be able to answer.")
		p.put(path+".concurrency", 0, "MAX_CONCURRENT="+strconv.Itoa(a.Concurrency), "")
	}
	if t.DB == nil {
		return p
	}

	p.gap()
	if t.DB.VIP != "" {
		vip := t.VIP(t.DB.VIP).Address.Addr()
		p.note("db.vip", 0, "The balancers' address: it leads to the one writable server, whichever that is,")
		p.note("db.vip", 0, "and by the second port to the servers that only read.")
		p.put("db.vip", 0, "DB_WRITE="+netip.AddrPortFrom(vip, uint16(t.DB.Port)).String(), "")
		p.put("db.vip", 0, "DB_READ="+netip.AddrPortFrom(vip, uint16(t.DB.ReadPort)).String(), "")
	} else {
		p.note("db.primary", 0, "The primary. After a promotion: render again and restart this service.")
		p.put("db.primary", 0, "DB_WRITE="+endpoints(t.DB.Port, t.DB.Primary), "")
		p.note("db.replicas", 0, "To be tried in this order; the primary comes last, so that reads go on without a replica.")
		p.put("db.replicas", 0, "DB_READ="+endpoints(t.DB.Port, t.DB.Replicas, t.DB.Primary), "")
	}
	p.note("timeouts.database", 0, "Each connect and each query: a replica that hangs leaves time for the primary.")
	p.put("timeouts.database", 0, "DB_TIMEOUT_MS="+strconv.FormatInt(t.Timeouts.Database.Milliseconds(), 10), "")
	return p
}

// longestRequest is the longest request timeout of the routes to a tier, and where it comes from.
func longestRequest(t *model.Topology, app string) (model.Duration, string) {
	longest, from := t.Timeouts.Request, "timeouts.request"
	first := true
	for _, s := range t.Sites {
		for _, r := range s.Routes {
			if r.App != app || !first && r.RequestTimeout <= longest {
				continue
			}
			first = false
			longest, from = r.RequestTimeout, "timeouts.request"
			if longest != t.Timeouts.Request {
				from = "sites." + s.Name + ".routes." + r.Prefix + ".request_timeout"
			}
		}
	}
	return longest, from
}

// endpoints are the servers' addresses with the port, comma between.
func endpoints(port int, groups ...[]model.Database) string {
	var list []string
	for _, g := range groups {
		for _, d := range g {
			list = append(list, netip.AddrPortFrom(d.Address, uint16(port)).String())
		}
	}
	return strings.Join(list, ",")
}
