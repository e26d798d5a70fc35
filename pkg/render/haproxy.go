package render

import (
	"slices"
	"strconv"
	"time"

	"github.com/haproxytech/config-parser/v5/params"
	"github.com/haproxytech/config-parser/v5/parsers"
	"github.com/haproxytech/config-parser/v5/parsers/actions"
	"github.com/haproxytech/config-parser/v5/parsers/stats"
	settings "github.com/haproxytech/config-parser/v5/parsers/stats/settings"
	"github.com/haproxytech/config-parser/v5/types"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

const (
	haproxyPath = "/etc/haproxy/haproxy.cfg"
	rateTable   = "st_src"
	healthPath  = "/healthz" // of the local frontend
)

// haproxy is haproxy.cfg, and the lists of certificates it reads.
type haproxy struct {
	proxyPage
	certLists []File
	// Where the members replicate a table, each must know which of them it is: a statement at this place in
	// global. Zero: the file is the same on all.
	memberByte, memberLine int
}

func newHAProxy(t *model.Topology) *haproxy {
	h := &haproxy{}
	but := ""
	if t.SharesTables() {
		but = " but for localpeer"
	}
	h.note("lb", 0, "haproxy.cfg of the load balancers of "+t.Name+": the same on each"+but+".\n"+
		"Rendered by stackgen; edit the topology, not this file.")
	h.global(t)
	h.defaults(t)
	if t.LB.RateLimit != nil {
		h.rateLimitTable(t)
	}
	h.localFrontend(t)
	doors := entrances(t)
	for _, e := range doors {
		h.certLists = append(h.certLists, h.frontend(t, e, max(1, sitesMaxConn(t)/len(doors)))...)
	}
	for _, s := range t.Sites {
		h.backend(t, s)
	}
	if t.DB != nil && t.DB.VIP != "" {
		h.database(t)
	}
	return h
}

// file is the haproxy.cfg of one member.
func (h *haproxy) file(n model.Balancer) File {
	if h.memberByte == 0 {
		return h.page.file(n.Name, haproxyPath, conf.HAProxy, configMode)
	}
	var own proxyPage
	own.word("lb.nodes."+n.Name, "localpeer", n.Name, "the member's name among the peers; the only line that differs")
	own.text = slices.Concat(h.text[:h.memberByte], own.text, h.text[h.memberByte:])
	own.origin = slices.Concat(h.origin[:h.memberLine], own.origin, h.origin[h.memberLine:])
	return own.page.file(n.Name, haproxyPath, conf.HAProxy, configMode)
}

func (h *haproxy) global(t *model.Topology) {
	h.section("lb", "global")
	h.say("lb", &parsers.Log{}, types.Log{Address: "/dev/log", Facility: "local0"}, "requests")
	h.say("lb", &parsers.Log{}, types.Log{Address: "/dev/log", Facility: "local1", Level: "notice"}, "state changes once more, apart")
	h.word("lb", "chroot", "/var/lib/haproxy", "a broken worker sees an empty folder")
	h.word("lb", "user", "haproxy", "root only until the ports are bound")
	h.word("lb", "group", "haproxy", "")
	h.say("lb", &parsers.Socket{}, types.Socket{Path: "/run/haproxy/admin.sock", Params: []params.BindOption{
		bindValue("mode", "660"), bindValue("level", "admin")}}, "drain a server, show its state")
	h.word("lb", "stats timeout", "30s", "a forgotten session ends")
	h.maxconn("lb.maxconn", t.LB.MaxConn, "of this balancer alone: it must carry all of the load")
	h.word("timeouts.drain", "hard-stop-after", haproxyTime(t.Timeouts.Drain), "old workers end after a reload, WebSockets too")
	h.number("lb", "spread-checks", 5, "percent: not all checks in the same millisecond")
	h.tlsGlobal(t.Sites)
	if t.SharesTables() {
		h.memberByte, h.memberLine = len(h.text), len(h.origin)
	}
	h.raw("raw.haproxy.global", t.Raw.HAProxy.Global)
}

func (h *haproxy) defaults(t *model.Topology) {
	w := t.Timeouts
	h.section("lb", "defaults base")
	h.word("lb", "mode", "http", "not tcp")
	h.say("lb", &parsers.Log{}, types.Log{Global: true}, "without it nothing is logged")
	h.say("lb", &parsers.OptionHTTPLog{}, types.OptionHTTPLog{}, "")
	h.option("lb", "dontlognull", "no line for a connection without a request")
	h.option("lb", "log-health-checks", "why a server went down")
	h.option("lb", "idle-close-on-response", "a reload closes a kept-alive connection only after an answer")
	h.say("lb", &parsers.OptionRedispatch{}, types.OptionRedispatch{Interval: ptr(int64(1))}, "the retry goes to another server")
	h.number("lb", "retries", 1, "two tries: what the client's budget is made of")
	h.word("lb", "retry-on", "conn-failure empty-response response-timeout", "never on an answer: 5xx is the application's word")
	h.timeout("timeouts.connect", "connect", w.Connect, "a server in the same network")
	h.timeout("timeouts.server", "server", w.Server, "longer than nginx takes for both its tries, so that nginx answers first")
	h.timeout("timeouts.client", "client", t.ClientBudget(t.Sites), "not below two tries of queue + connect + server")
	if t.Web.MaxConn > 0 {
		h.timeout("timeouts.queue", "queue", w.Queue, "wait for a slot of a server, then 503")
	}
	h.timeout("lb", "http-request", model.Duration(10*time.Second), "a client that dribbles its headers")
	h.timeout("timeouts.idle", "http-keep-alive", w.Idle, "an idle client")
	h.timeout("lb.check.interval", "check", t.LB.Check.Interval, "a check is answered before the next is due")
	if path := webSocketRoute(t.Sites); path != "" {
		h.timeout("timeouts.websocket", "tunnel", w.Websocket, "an idle WebSocket")
		h.timeout(path, "client-fin", model.Duration(30*time.Second), "a WebSocket closed by one side only")
		h.timeout(path, "server-fin", model.Duration(30*time.Second), "")
	}
	h.raw("raw.haproxy.defaults", t.Raw.HAProxy.Defaults)
}

// webSocketRoute is the path of the first route with WebSockets; empty: there is none.
func webSocketRoute(sites []model.Site) string {
	for _, s := range sites {
		for _, r := range s.Routes {
			if r.WebSocket {
				return "sites." + s.Name + ".routes." + r.Prefix + ".websocket"
			}
		}
	}
	return ""
}

// rateLimitTable counts requests per client, on all members together.
func (h *haproxy) rateLimitTable(t *model.Topology) {
	limit := t.LB.RateLimit
	table := types.StickTable{Type: "ipv6", Size: "200k", Expire: haproxyTime(2 * limit.Per),
		Store: "http_req_rate(" + haproxyTime(limit.Per) + ")"}
	if t.SharesTables() {
		table.Peers = "lbs"
		h.section("lb.rate_limit", "peers lbs")
		for _, n := range t.LB.Nodes {
			ip := n.Address.String()
			if n.Address.Is6() {
				ip = "[" + ip + "]"
			}
			h.say("lb.nodes."+n.Name+".address", &parsers.Peer{}, types.Peer{Name: n.Name, IP: ip, Port: model.PeersPort}, "")
		}
	}
	h.section("lb.rate_limit", "backend "+rateTable+" from base")
	h.say("lb.rate_limit.per", &parsers.StickTable{}, table, "holds IPv4 too; the rate looks back two periods")
}

// localMaxConn keeps slots for the local frontend: a flood of requests must not look like a dead HAProxy.
func localMaxConn(t *model.Topology) int { return min(200, max(1, t.LB.MaxConn/20)) }

// databaseMaxConn is what one of the two database frontends may take of the balancer's connections.
func databaseMaxConn(t *model.Topology) int {
	if t.DB == nil || t.DB.VIP == "" {
		return 0
	}
	return max(1, min(t.DB.MaxConnections, t.LB.MaxConn/8))
}

// sitesMaxConn is what is left for the sites, so that all frontends together stay below the global limit.
func sitesMaxConn(t *model.Topology) int {
	return t.LB.MaxConn - localMaxConn(t) - 2*databaseMaxConn(t)
}

// localFrontend answers keepalived, Prometheus and the operator.
func (h *haproxy) localFrontend(t *model.Topology) {
	h.section("lb.stats", "frontend fe_local from base")
	h.say("lb.stats", &parsers.Bind{}, types.Bind{Path: t.LB.Stats.String()}, "")
	h.maxconn("lb.maxconn", localMaxConn(t), "kept free for keepalived's check in a flood")
	h.option("lb.stats", "dontlog-normal", "a check that passes is no news")
	h.say("lb.stats", &parsers.MonitorURI{}, types.MonitorURI{URI: healthPath}, "HAProxy itself answers, whatever the servers do")
	h.request("lb.stats", &actions.UseService{Name: "prometheus-exporter", Cond: "if", CondTest: "{ path /metrics }"}, "for Prometheus")
	h.say("lb.stats", &stats.Stats{}, &settings.OneWord{Name: "enable"}, "")
	h.say("lb.stats", &stats.Stats{}, &settings.URI{Prefix: "/stats"}, "")
}

func ptr[T any](v T) *T { return &v }

func itoa(n int) string { return strconv.Itoa(n) }
