package render

import (
	"cmp"
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/haproxytech/config-parser/v5/params"
	"github.com/haproxytech/config-parser/v5/parsers"
	"github.com/haproxytech/config-parser/v5/parsers/actions"
	"github.com/haproxytech/config-parser/v5/parsers/http"
	httpactions "github.com/haproxytech/config-parser/v5/parsers/http/actions"
	"github.com/haproxytech/config-parser/v5/types"

	"stackgen/pkg/model"
)

// accessLog is HAProxy's HTTP log without the captured headers, with the request id and what TLS was negotiated.
const (
	accessLog    = `"%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %{+Q}r id=%ID"`
	accessLogTLS = `"%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %{+Q}r id=%ID tls=%sslv"`
)

// frontend takes requests from the clients and gives them to the site they ask for. It returns the lists of
// certificates it reads.
func (h *haproxy) frontend(t *model.Topology, e entrance, maxconn int) []File {
	h.section(e.path, "frontend "+e.frontend+" from base")
	h.bind(e.listen, 80)
	lists := h.bindTLS(t, e)
	secure := slices.ContainsFunc(e.sites, func(s model.Site) bool { return s.TLS != nil })
	h.maxconn("lb.maxconn", maxconn, "all frontends together stay below the global limit")

	h.word("lb", "log-format", accessLogFor(secure), "")
	h.say("lb", &parsers.UniqueIDFormat{}, types.UniqueIDFormat{LogFormat: "%[uuid()]"}, "joins the logs of HAProxy, nginx and application")
	h.say("lb", &parsers.UniqueIDHeader{}, types.UniqueIDHeader{Name: "X-Request-ID"}, "")
	if t.LB.ClientIP != "proxy" {
		h.say("lb.client_ip", &parsers.OptionForwardFor{}, types.OptionForwardFor{}, "X-Forwarded-For: the client")
	}

	several := len(e.sites) > 1
	if several {
		for _, s := range e.sites {
			for i, domain := range s.Domains {
				h.say("sites."+s.Name+".domains."+itoa(i), &parsers.ACL{},
					types.ACL{Name: hostACL(s), Criterion: "req.hdr(host),host_only,lower", Value: "-m str " + domain}, "")
			}
		}
	}

	if limit := t.LB.RateLimit; limit != nil {
		h.request("lb.rate_limit", &actions.TrackSc{Type: actions.TrackScType, StickCounter: 0,
			Key: "src,ipmask(32,64)", Table: rateTable}, "a client of IPv6 has a whole /64")
		h.request("lb.rate_limit.requests", &httpactions.Deny{Status: ptr(int64(429)), Cond: "if",
			CondTest: "{ sc_http_req_rate(0," + rateTable + ") gt " + itoa(limit.Requests) + " }"}, "")
	}
	h.request("lb", &httpactions.DelHeader{Name: "x-forwarded-", Method: "beg"}, "only the balancer's word counts")
	for _, name := range []string{"Forwarded", "X-Real-IP", "X-Request-ID"} {
		h.request("lb", &httpactions.DelHeader{Name: name}, "")
	}
	proto := "http"
	if secure {
		h.redirects(e.sites, several)
		proto = "%[ssl_fc,iif(https,http)]"
	}
	h.request(e.path, &httpactions.SetHeader{Name: "X-Forwarded-Proto", Fmt: proto}, "")
	h.request(e.path, &httpactions.SetHeader{Name: "X-Forwarded-Port", Fmt: "%[dst_port]"}, "")
	// Before the choice of the backend: HAProxy warns of an http-request rule behind it.
	h.raw("raw.haproxy.frontend", t.Raw.HAProxy.Frontend)
	if several {
		for _, s := range e.sites[1:] {
			h.say("sites."+s.Name, &parsers.UseBackend{}, types.UseBackend{Name: siteBackend(s), Cond: "if", CondTest: hostACL(s)}, "")
		}
	}
	why := ""
	if several {
		why = "and unknown hosts: nginx answers them 421"
	}
	h.say("sites."+e.sites[0].Name, &parsers.DefaultBackend{}, &types.StringC{Value: siteBackend(e.sites[0])}, why)
	return lists
}

func accessLogFor(secure bool) string {
	if secure {
		return accessLogTLS
	}
	return accessLog
}

// redirects sends plain requests to port 443, for all sites at once or for those that want it.
func (h *haproxy) redirects(sites []model.Site, several bool) {
	redirect := func(path, cond, test string) {
		h.request(path, &httpactions.Redirect{Type: "scheme", Value: "https", Code: "301", Cond: cond, CondTest: test}, "")
	}
	wanted := slices.DeleteFunc(slices.Clone(sites), func(s model.Site) bool { return s.TLS == nil || !s.TLS.Redirect })
	if len(wanted) == len(sites) {
		redirect("sites."+wanted[0].Name+".tls.redirect", "unless", "{ ssl_fc }")
		return
	}
	for _, s := range wanted {
		redirect("sites."+s.Name+".tls.redirect", "if", "!{ ssl_fc } "+hostACL(s))
	}
}

// balanceWhy is for what is not HAProxy's default, roundrobin.
var balanceWhy = map[string]string{
	"leastconn": "slow requests do not pile up on one server",
	"random":    "several balancers do not pick the same server at once",
}

func hostACL(s model.Site) string     { return "host_" + s.Name }
func siteBackend(s model.Site) string { return "be_" + s.Name }

// backend is the web servers as one site sees them.
func (h *haproxy) backend(t *model.Topology, s model.Site) {
	path := "sites." + s.Name
	h.section(path, "backend "+siteBackend(s)+" from base")
	if t.LB.Sticky == "source" {
		h.say("lb.sticky", &parsers.Balance{}, &types.Balance{Algorithm: "source"}, "a client stays with its server")
		h.say("lb.sticky", &parsers.HashType{}, &types.HashType{Method: "consistent"}, "a lost server moves only its own clients")
	} else {
		h.say("lb.balance", &parsers.Balance{}, &types.Balance{Algorithm: t.LB.Balance}, balanceWhy[t.LB.Balance])
	}
	if t.LB.Sticky == "cookie" {
		h.say("lb.sticky", &parsers.Cookie{}, &types.Cookie{Name: "SRV", Type: "insert", Indirect: true, Nocache: true,
			Httponly: true, Secure: s.TLS != nil && s.TLS.Redirect}, "a client stays with its server while that is up")
	}
	h.say(path+".health", &parsers.OptionHttpchk{}, &types.OptionHttpchk{}, "a connection alone proves nothing")
	h.httpCheck(path+".health", &httpactions.CheckSend{Method: "GET", URI: s.Health, Version: "HTTP/1.1",
		Header: []httpactions.CheckSendHeader{{Name: "Host", Format: s.Domains[0]}}}, "")
	h.httpCheck(path+".health", &actions.CheckExpect{Match: "status", Pattern: "200"}, "a redirect is no health")
	h.request("lb", &httpactions.DisableL7Retry{Cond: "unless", CondTest: "{ method GET HEAD OPTIONS }"}, "nothing else is sent twice")
	h.routeTimeouts(t, s)
	if s.TLS != nil && s.TLS.HSTS > 0 {
		h.say(path+".tls.hsts", &http.Responses{}, &httpactions.SetHeader{Name: "Strict-Transport-Security",
			Fmt: "max-age=" + itoa(int(s.TLS.HSTS.Milliseconds()/1000)), Cond: "if", CondTest: "{ ssl_fc }"}, "")
	}
	h.say("lb.check", &parsers.DefaultServer{}, types.DefaultServer{Params: webServerOptions(t)}, "a suspect is asked again at once; HAProxy drops idle connections long before nginx")
	for _, n := range t.Web.Nodes {
		h.say("web.nodes."+n.Name+".address", &parsers.Server{}, types.Server{Name: n.Name,
			Address: hostPort(n.Address, t.Web.Port), Params: webServer(t, n)}, "")
	}
	h.raw("raw.haproxy.backend", t.Raw.HAProxy.Backend)
}

// routeTimeouts sets the server timeout of the routes whose chain differs from the backend's. The longest prefix comes
// last and so has the last word.
func (h *haproxy) routeTimeouts(t *model.Topology, s model.Site) {
	if !slices.ContainsFunc(s.Routes, func(r model.Route) bool { return t.Chain(r).Server != t.Timeouts.Server }) {
		return
	}
	routes := slices.Clone(s.Routes)
	slices.SortStableFunc(routes, func(a, b model.Route) int { return cmp.Compare(len(a.Prefix), len(b.Prefix)) })
	for i, r := range routes {
		above := t.Timeouts.Server
		for _, shorter := range routes[:i] {
			if strings.HasPrefix(r.Prefix, shorter.Prefix) {
				above = t.Chain(shorter).Server
			}
		}
		if own := t.Chain(r).Server; own != above {
			h.request("sites."+s.Name+".routes."+r.Prefix+".request_timeout", &httpactions.SetTimeout{Type: "server",
				Timeout: haproxyTime(own), Cond: "if", CondTest: "{ path_beg " + r.Prefix + " }"}, "")
		}
	}
}

func webServerOptions(t *model.Topology) []params.ServerOption {
	c := t.LB.Check
	fast := max(c.Interval/4, min(c.Interval, model.Duration(200*time.Millisecond)))
	options := []params.ServerOption{
		serverWord("check"),
		serverValue("inter", haproxyTime(c.Interval)),
		serverValue("fastinter", haproxyTime(fast/model.Duration(time.Millisecond)*model.Duration(time.Millisecond))),
		serverValue("fall", itoa(c.Fall)),
		serverValue("rise", itoa(c.Rise)),
		serverValue("pool-purge-delay", haproxyTime(purgeDelay(t))),
	}
	if t.Web.MaxConn > 0 {
		options = append(options, serverValue("maxconn", itoa(t.Web.MaxConn)))
	}
	return options
}

// purgeDelay is how long HAProxy keeps an idle connection to nginx: far shorter than nginx does, so that it is always
// HAProxy that closes.
func purgeDelay(t *model.Topology) model.Duration {
	ms := max(1, t.Timeouts.Idle.Milliseconds()/12)
	return model.Duration(ms) * model.Duration(time.Millisecond)
}

func webServer(t *model.Topology, n model.Server) []params.ServerOption {
	var options []params.ServerOption
	if t.LB.Sticky == "source" {
		options = append(options, serverValue("id", strconv.FormatUint(uint64(serverID(n.Address)), 10)))
	}
	if n.Weight != 1 {
		options = append(options, serverValue("weight", itoa(n.Weight)))
	}
	if n.Backup {
		options = append(options, serverWord("backup"))
	}
	if t.LB.Sticky == "cookie" {
		options = append(options, serverValue("cookie", n.Name))
	}
	if t.LB.ClientIP == "proxy" {
		options = append(options, serverWord("send-proxy-v2"), serverWord("check-send-proxy"))
	}
	return options
}

// serverID is a server's place on the hash ring: from its address, so that it is the same on all members and stays when
// other servers come and go. HAProxy takes 1 to 2³¹-1.
func serverID(a netip.Addr) uint32 {
	sum := fnv.New32a()
	sum.Write(a.AsSlice())
	return max(1, sum.Sum32()&0x7fffffff)
}
