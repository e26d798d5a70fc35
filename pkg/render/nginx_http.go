package render

import (
	"math/bits"
	"net/netip"
	"strconv"
	"time"

	"stackgen/pkg/model"
)

// nginxConf is nginx.conf. Nothing in it belongs to one web server.
func nginxConf(t *model.Topology) *nginxPage {
	n := new(nginxPage)
	n.say("name", "nginx of every web server of "+t.Name+": static files, and everything else to the application servers.\n"+
		"Rendered by stackgen, the same bytes on each of them; edit the topology, not this file.")
	connections := t.Web.WorkerConnections
	n.set("web", "Debian's account for it", "user", "www-data")
	n.set("web", "one per processor", "worker_processes", "auto")
	n.set("web.worker_connections", "a socket and a file per connection, logs", "worker_rlimit_nofile", strconv.Itoa(2*connections+1024))
	n.set("timeouts.drain", "old workers after a reload end at last", "worker_shutdown_timeout", nginxTime(t.Timeouts.Drain))
	n.set("web", "where the unit looks for it", "pid", "/run/nginx.pid")
	n.set("web", "warn: says when a server is taken out", "error_log", "/var/log/nginx/error.log", "warn")
	n.raw("main", t.Raw.Nginx.Main)
	n.gap()
	n.open("web", "", "events")
	n.set("web.worker_connections", "clients and applications together", "worker_connections", strconv.Itoa(connections))
	n.raw("events", t.Raw.Nginx.Events)
	n.shut("web")
	n.gap()
	n.open("web", "", "http")
	n.basics(t)
	n.clients(t)
	n.log()
	n.passing(t)
	for i := range t.Apps {
		n.upstream(t, &t.Apps[i])
	}
	n.unknown(t)
	for i := range t.Sites {
		n.site(t, &t.Sites[i])
	}
	n.status()
	if len(t.Raw.Nginx.HTTP) > 0 {
		n.gap()
	}
	n.raw("http", t.Raw.Nginx.HTTP)
	n.shut("web")
	return n
}

// basics are files, connections and what a client may take.
func (n *nginxPage) basics(t *model.Topology) {
	n.set("web", "", "include", "stackgen/mime.types")
	n.set("web", "never guess: the browser would run it", "default_type", "application/octet-stream")
	n.set("web", "the kernel copies", "sendfile", "on")
	n.set("web", "headers and the file's begin in one packet", "tcp_nopush", "on")
	n.set("web", "no version in answers", "server_tokens", "off")
	n.set("web", "redirects keep the balancer's scheme and port", "absolute_redirect", "off")
	n.serverNames(t)
	n.gap()

	// HAProxy drops idle connections after I/12, its clients' after I: it closes first, whatever the topology says.
	n.set("timeouts.idle", "above the balancers': they close first", "keepalive_timeout", nginxTime(max(beyondIdle(t), model.Duration(75*time.Second))))
	n.set("web", "the balancers reuse connections for long", "keepalive_requests", "10000")
	// A client that stalls is the balancers' to judge: they see it, nginx sees only them.
	stall := nginxTime(max(t.ClientBudget(t.Sites)+model.Duration(5*time.Second), model.Duration(60*time.Second)))
	n.set("timeouts.client", "the balancers give up on a slow client first", "client_body_timeout", stall)
	n.set("timeouts.client", "as above", "send_timeout", stall)
	n.set("web", "no file for an ordinary form", "client_body_buffer_size", "128k")
	n.set("lb", "a header line as long as HAProxy lets through", "large_client_header_buffers", "4", "16k")
}

// serverNames makes room for long and for many domains; nginx refuses to start with too little.
func (n *nginxPage) serverNames(t *model.Topology) {
	longest, count := 0, 0
	for _, s := range t.Sites {
		for _, d := range s.Domains {
			longest, count = max(longest, len(d)), count+1
		}
	}
	// An element is a pointer, a length of two bytes and the name, rounded up to a pointer's size; a bucket ends in a null pointer.
	if bucket := 8 + (longest+2+7)/8*8 + 8; bucket > 64 {
		n.set("sites", "for the longest domain", "server_names_hash_bucket_size", strconv.Itoa(powerOfTwo(bucket)))
	}
	if count > 100 {
		n.set("sites", "for so many domains", "server_names_hash_max_size", strconv.Itoa(powerOfTwo(8*count)))
	}
}

// powerOfTwo is the smallest one that is not below n.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

// clients is how nginx learns who asks: from the balancers' own addresses, and from nobody else.
func (n *nginxPage) clients(t *model.Topology) {
	n.gap()
	n.say("lb.nodes", "Who asks, in which scheme, under which request id: only the balancers are believed.")
	header := "X-Forwarded-For"
	if t.LB.ClientIP == "proxy" {
		header = "proxy_protocol"
	}
	for _, b := range t.LB.Nodes {
		for _, a := range b.AddressList() {
			n.set(balancerPath(b, a), b.Name, "set_real_ip_from", a.String())
		}
	}
	n.set("lb.client_ip", "", "real_ip_header", header)
	if t.LB.ClientIP != "proxy" {
		n.set("lb", "the last address that is no balancer's", "real_ip_recursive", "on")
	}
	n.open("lb.nodes", "the peer itself, whatever it claims", "geo", "$realip_remote_addr", "$from_lb")
	n.set("lb.nodes", "", "default", "0")
	for _, b := range t.LB.Nodes {
		for _, a := range b.AddressList() {
			n.set(balancerPath(b, a), "", a.String(), "1")
		}
	}
	n.shut("lb.nodes")
	n.open("lb", "nginx itself always hears http", "map", "$from_lb:$http_x_forwarded_proto", "$client_scheme")
	n.set("lb", "", "default", "http")
	n.set("lb", "", "1:https", "https")
	n.shut("lb")
	n.open("lb", "nothing else gets into a log", "map", "$from_lb:$http_x_request_id", "$rid")
	n.set("lb", "", "default", "$request_id")
	n.set("lb", "", "~^1:[0-9A-Za-z:._-]{1,128}$", "$http_x_request_id")
	n.shut("lb")
	n.open("lb", "", "map", "$client_scheme", "$client_port")
	n.set("lb", "", "default", "80")
	n.set("lb", "", "https", "443")
	n.shut("lb")
	if speaks(t, "fastcgi") || speaks(t, "uwsgi") {
		n.open("apps", "CGI's HTTPS is \"on\" or not there", "map", "$client_scheme", "$client_https")
		n.set("apps", "", "default", "")
		n.set("apps", "", "https", "on")
		n.shut("apps")
	}
	if !hasWebSocket(t) {
		return
	}
	n.open("sites", "only WebSocket: an upgrade to h2c would slip past every rule here", "map", "$http_upgrade", "$upgrade")
	n.set("sites", "", "default", "")
	n.set("sites", "", "websocket", "websocket")
	n.shut("sites")
	n.open("sites", "", "map", "$upgrade", "$connection_upgrade")
	n.set("sites", "an ordinary request: keep the connection", "default", "")
	n.set("sites", "", "websocket", "upgrade")
	n.shut("sites")
}

func balancerPath(b model.Balancer, a netip.Addr) string {
	if a == b.Address6 {
		return "lb.nodes." + b.Name + ".address6"
	}
	return "lb.nodes." + b.Name + ".address"
}

func hasWebSocket(t *model.Topology) bool {
	for _, s := range t.Sites {
		for _, r := range s.Routes {
			if r.WebSocket {
				return true
			}
		}
	}
	return false
}

func (n *nginxPage) log() {
	n.gap()
	n.say("web", "One JSON object a request: the id that the balancer's log has too, and what each tried application server did.")
	n.long("web", "log_format", "stack", "escape=json",
		`{"time":"$time_iso8601","rid":"$rid","client":"$remote_addr","lb":"$realip_remote_addr","site":"$server_name",`,
		`"host":"$host","scheme":"$client_scheme","method":"$request_method","uri":"$request_uri","status":$status,`,
		`"bytes":$body_bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr","upstream_status":"$upstream_status",`,
		`"connect":"$upstream_connect_time","header":"$upstream_header_time","response":"$upstream_response_time",`,
		`"referer":"$http_referer","agent":"$http_user_agent"}`)
	n.set("web", "fewer writes, five seconds late at most", "access_log", "/var/log/nginx/access.log", "stack", "buffer=64k", "flush=5s")
}

// passer is the prefix of the directives that pass a request on in an application tier's protocol.
func passer(protocol string) string {
	if protocol == "http" {
		return "proxy"
	}
	return protocol
}

// passing is what all requests to application servers have in common.
func (n *nginxPage) passing(t *model.Topology) {
	for _, protocol := range []string{"http", "fastcgi", "uwsgi"} {
		if !speaks(t, protocol) {
			continue
		}
		p := passer(protocol)
		n.gap()
		if protocol == "http" {
			n.set("apps", "1.0 cannot keep a connection", "proxy_http_version", "1.1")
		}
		n.set("timeouts.connect", "C", p+"_connect_timeout", nginxTime(t.Timeouts.Connect))
		n.set("apps", "never on 5xx; once sent, not POST, LOCK, PATCH", p+"_next_upstream", "error", "timeout")
		n.set("apps", "two tries fit into the balancers' patience", p+"_next_upstream_tries", "2")
		n.set("apps", "large cookies; 4k would be a 502", p+"_buffer_size", "16k")
		n.set("apps", "none may be smaller", p+"_buffers", "8", "16k")
	}
}

// upstream is one application tier.
func (n *nginxPage) upstream(t *model.Topology, a *model.App) {
	path := "apps." + a.Name
	n.gap()
	n.open(path, "", "upstream", a.Name)
	// About 1 KiB a server; a step, so that another server changes no other line.
	n.set(path, "workers share failures and load", "zone", a.Name, strconv.Itoa(max(1, powerOfTwo(len(a.Nodes)*2)/1024))+"m")
	switch a.Balance {
	case "least_conn":
		n.set(path+".balance", "a slow server gets less", "least_conn")
	case "random":
		n.set(path+".balance", "the less busy of two", "random", "two", "least_conn")
	}
	// max_fails: a tier that gets slow as a whole must not be emptied; a dead server is found by single failures at
	// this rate anyway. 0 would ask a hung server again and again.
	n.say("timeouts", "50 failures in 2 s rest a server for 2 s: slowness that all share must not take them all out.")
	for _, s := range a.Nodes {
		args := make([]string, 0, 5)
		args = append(args, netip.AddrPortFrom(s.Address, uint16(a.Port)).String())
		if s.Weight != 1 {
			args = append(args, "weight="+strconv.Itoa(s.Weight))
		}
		args = append(args, "max_fails=50", "fail_timeout=2s")
		if s.Backup {
			args = append(args, "backup")
		}
		n.set(path+".nodes."+s.Name+".address", s.Name, "server", args...)
	}
	switch {
	case a.Keepalive > 0:
		n.set(path+".keepalive", "idle connections of one worker", "keepalive", strconv.Itoa(a.Keepalive))
		n.set("timeouts.idle", "the application keeps them 15 s longer", "keepalive_timeout", nginxTime(t.Timeouts.Idle))
		n.set(path, "no new connection every thousand", "keepalive_requests", "10000")
	case t.Targets.Nginx.AtLeast(1, 30): // older ones keep none by themselves, and refuse the 0
		n.set(path+".keepalive", "nginx would keep 32", "keepalive", "0")
	}
	n.shut(path)
}
