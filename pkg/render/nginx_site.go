package render

import (
	"slices"
	"strconv"

	"stackgen/pkg/model"
)

// unknown answers the balancers' checks without a domain, and refuses domains that no site has.
func (n *nginxPage) unknown(t *model.Topology) {
	n.gap()
	n.say("web", "Domains that no site has, and the balancers' checks.")
	n.open("web", "", "server")
	n.listen(t, "default_server")
	n.set("web", "", "server_name", "_")
	var done []string
	for _, s := range t.Sites {
		if !slices.Contains(done, s.Health) {
			n.health("sites."+s.Name+".health", s.Health)
			done = append(done, s.Health)
		}
	}
	n.open("web", "", "location", "/")
	n.set("web", "not 444: HAProxy would count an error of nginx", "return", "421")
	n.shut("web")
	n.shut("web")
}

// listen is the same in every server: options belong to the socket.
func (n *nginxPage) listen(t *model.Topology, options ...string) {
	if t.LB.ClientIP == "proxy" {
		options = append(options, "proxy_protocol")
	}
	port := strconv.Itoa(t.Web.Port)
	n.set("web.port", "", "listen", append([]string{port}, options...)...)
	if hasIPv6(t) {
		n.set("web.port", "", "listen", append([]string{"[::]:" + port}, options...)...)
	}
}

// hasIPv6 reports whether a web server may be asked over IPv6; a host without it cannot listen there.
func hasIPv6(t *model.Topology) bool {
	return slices.ContainsFunc(t.Web.Nodes, func(s model.Server) bool { return s.Address.Is6() || s.Address6.IsValid() })
}

// health is answered by nginx itself: a check that asked the application would take out every web server with it.
func (n *nginxPage) health(path, uri string) {
	n.open(path, "", "location", "=", uri)
	n.set(path, "every two seconds from each balancer", "access_log", "off")
	n.open("web", "touch it before maintenance: the balancers leave", "if", "(-f", "/etc/nginx/drain)")
	n.set("web", "", "return", "503", "draining\n")
	n.shut("web")
	n.set(path, "", "default_type", "text/plain")
	n.set(path, "without the application and the disk", "return", "200", "ok\n")
	n.shut(path)
}

func (n *nginxPage) site(t *model.Topology, s *model.Site) {
	path := "sites." + s.Name
	n.gap()
	n.open(path, "", "server")
	n.listen(t)
	n.set(path+".domains", "", "server_name", s.Domains...)
	n.set(path+".root", "static files", "root", s.Root)
	n.set(path+".body_max", "more is a 413", "client_max_body_size", nginxSize(s.BodyMax))
	n.health(path+".health", s.Health)
	n.open(path, "no .git, no .env; .well-known is for all", "location", "~", `/\.(?!well-known/)`)
	n.set(path, "", "return", "404")
	n.shut(path)
	n.scripts(t, s)
	for i := range s.Routes {
		n.route(t, s, &s.Routes[i])
	}
	n.raw("server", t.Raw.Nginx.Server)
	n.shut(path)
}

// scripts keeps PHP's sources from being served as files where a site's folder was copied to both tiers.
func (n *nginxPage) scripts(t *model.Topology, s *model.Site) {
	if !slices.ContainsFunc(s.Routes, func(r model.Route) bool { return r.App != "" && t.AppTier(r.App).Protocol == "fastcgi" }) {
		return
	}
	path := "sites." + s.Name
	n.open(path, "never the source of a script", "location", "~", `\.php(?:/|$)`)
	if i := slices.IndexFunc(s.Routes, func(r model.Route) bool { return r.Prefix == "/" }); s.Routes[i].App != "" {
		n.set(path, "418 only leads to the application", "error_page", "418", "=", "@app")
		n.set(path, "", "return", "418")
	} else {
		n.set(path, "", "return", "404")
	}
	n.shut(path)
}

// route is one location. Of plain prefixes nginx takes the longest; ^~ keeps the regular expressions out of what only
// the application can judge.
func (n *nginxPage) route(t *model.Topology, s *model.Site, r *model.Route) {
	path := "sites." + s.Name + ".routes." + r.Prefix
	switch {
	case r.Static:
		n.open(path, "", "location", r.Prefix)
		n.set(path, "", "try_files", "$uri", "$uri/", "=404")
		n.set(path, "longer only where a changed file has a new name", "expires", "1h")
		n.nosniff()
	case r.Prefix == "/":
		n.open(path, "", "location", "/")
		n.set(path, "a file, or the application", "try_files", "$uri", "@app")
		n.nosniff()
		n.shut(path)
		n.open(path, "", "location", "@app")
		n.pass(t, path, r)
	default:
		n.open(path, "", "location", "^~", r.Prefix)
		n.pass(t, path, r)
	}
	n.shut(path)
}

// nosniff is for files alone: what the application says about its own answers is its own.
func (n *nginxPage) nosniff() {
	n.set("web", "the type is what mime.types says", "add_header", "X-Content-Type-Options", "nosniff")
}

// pass hands a request to an application tier. All headers stand in one place: a location that sets one inherits none.
func (n *nginxPage) pass(t *model.Topology, path string, r *model.Route) {
	app := t.AppTier(r.App)
	p := passer(app.Protocol)
	target := app.Name
	if app.Protocol == "http" {
		target = "http://" + target
	}
	n.set(path+".app", "", p+"_pass", target)
	switch app.Protocol {
	case "http":
		n.headers(&app, path, r)
	case "fastcgi":
		root := "apps." + app.Name + ".root"
		n.set("apps", "", "include", "stackgen/fastcgi_params")
		n.set(root, "on the application servers", "fastcgi_param", "DOCUMENT_ROOT", app.Root)
		n.set(root, "the front controller answers everything", "fastcgi_param", "SCRIPT_FILENAME", app.Root+"/index.php")
		n.set(root, "", "fastcgi_param", "SCRIPT_NAME", "/index.php")
		if app.Keepalive > 0 {
			n.set("apps."+app.Name+".keepalive", "", "fastcgi_keep_conn", "on")
		}
	case "uwsgi":
		n.set("apps", "", "include", "stackgen/uwsgi_params")
	}

	chain := t.Chain(*r)
	request, retry := "timeouts.request", "timeouts.retry"
	if r.RequestTimeout != t.Timeouts.Request {
		request, retry = path+".request_timeout", path+".request_timeout"
	}
	patience, from, why := chain.Request, request, "R: the slowest good answer"
	if r.WebSocket {
		patience, from, why = t.Timeouts.Websocket, "timeouts.websocket", "silence in an open WebSocket; the balancers time the rest"
	}
	n.set(from, why, p+"_read_timeout", nginxTime(patience))
	n.set(from, "", p+"_send_timeout", nginxTime(patience))
	n.set(retry, "N: both tries, 2·(C+R)", p+"_next_upstream_timeout", nginxTime(chain.Retry))
}

// headers are those an application may believe, in place of what the client sent.
func (n *nginxPage) headers(app *model.App, path string, r *model.Route) {
	keep, why := "", "keep the connection"
	if app.Keepalive == 0 {
		keep, why = "close", "apps."+app.Name+".keepalive is 0"
	}
	if r.WebSocket {
		n.set(path+".websocket", "", "proxy_set_header", "Upgrade", "$upgrade")
		keep, why = "$connection_upgrade", ""
	}
	n.set(path, why, "proxy_set_header", "Connection", keep)
	n.set(path, "not the upstream's name", "proxy_set_header", "Host", "$host")
	n.set("lb", "the client as verified above", "proxy_set_header", "X-Real-IP", "$remote_addr")
	n.set("lb", "no list that a client began", "proxy_set_header", "X-Forwarded-For", "$remote_addr")
	n.set("lb", "", "proxy_set_header", "X-Forwarded-Proto", "$client_scheme")
	n.set("lb", "", "proxy_set_header", "X-Forwarded-Host", "$host")
	n.set("lb", "", "proxy_set_header", "X-Forwarded-Port", "$client_port")
	n.set("lb", "dropped: nobody has verified it", "proxy_set_header", "Forwarded", "")
	n.set("lb", "httpoxy: taken for a proxy to use", "proxy_set_header", "Proxy", "")
	n.set("lb", "the same id in all logs", "proxy_set_header", "X-Request-ID", "$rid")
}

// status is for the machine itself: a socket of its own, since client addresses of the others come from headers.
func (n *nginxPage) status() {
	n.gap()
	n.say("web", "Counters for a local exporter.")
	n.open("web", "", "server")
	n.set("web", "", "listen", "127.0.0.1:8081")
	n.set("web", "", "server_name", "localhost")
	n.set("web", "", "access_log", "off")
	n.open("web", "", "location", "=", "/nginx_status")
	n.set("web", "", "stub_status")
	n.shut("web")
	n.open("web", "", "location", "/")
	n.set("web", "", "return", "404")
	n.shut("web")
	n.shut("web")
}
