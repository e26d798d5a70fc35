package render

import (
	"sync"

	"stackgen/pkg/conf"
	"stackgen/pkg/model"
)

// webFiles returns the files of the web servers: the same bytes on each, rendered once.
func webFiles(t *model.Topology) []File {
	if len(t.Web.Nodes) == 0 {
		return nil
	}
	shared := []File{
		nginxConf(t).file("", "/etc/nginx/nginx.conf", conf.Nginx, configMode),
		fixed("/etc/nginx/stackgen/mime.types", mimeTypes()),
	}
	if speaks(t, "fastcgi") {
		shared = append(shared, fixed("/etc/nginx/stackgen/fastcgi_params", fastcgiParams()))
	}
	if speaks(t, "uwsgi") {
		shared = append(shared, fixed("/etc/nginx/stackgen/uwsgi_params", uwsgiParams()))
	}
	shared = append(shared, fixed("/etc/systemd/system/nginx.service.d/stackgen.conf", nginxUnit()))

	files := make([]File, 0, len(shared)*len(t.Web.Nodes))
	for _, n := range t.Web.Nodes {
		for _, f := range shared {
			f.Host = n.Name
			files = append(files, f)
		}
	}
	return files
}

// fixed is a file that no topology changes.
func fixed(path string, data []byte) File {
	return File{File: conf.File{Path: path, Kind: conf.Other, Mode: configMode, Data: data}}
}

// speaks reports whether an application tier has that protocol.
func speaks(t *model.Topology, protocol string) bool {
	for _, a := range t.Apps {
		if a.Protocol == protocol {
			return true
		}
	}
	return false
}

var nginxUnit = sync.OnceValue(func() []byte {
	return []byte(`# What Debian's unit of nginx lacks; rendered by stackgen, the same on every web server.
[Unit]
# Keep trying: a server that gave up after five starts stays down until somebody comes.
StartLimitIntervalSec=0

[Service]
# The packaged unit leaves a killed or crashed nginx dead.
Restart=on-failure
RestartSec=1s
`)
})

// What every request to a FastCGI server says. Only the location knows the script.
var fastcgiParams = sync.OnceValue(func() []byte {
	var n nginxPage
	n.say("", "FastCGI parameters of every request; rendered by stackgen, the same for every stack.")
	for _, p := range gatewayParams {
		n.set("", p.why, "fastcgi_param", p.words...)
	}
	n.set("", "PHP built with force-cgi-redirect asks for it", "fastcgi_param", "REDIRECT_STATUS", "200")
	n.set("", "", "fastcgi_param", "GATEWAY_INTERFACE", "CGI/1.1")
	n.set("", "PHP's warning pages name it", "fastcgi_param", "SERVER_SOFTWARE", "nginx")
	return n.text
})

// What every request to a uWSGI server says.
var uwsgiParams = sync.OnceValue(func() []byte {
	var n nginxPage
	n.say("", "uWSGI parameters of every request; rendered by stackgen, the same for every stack.")
	for _, p := range gatewayParams {
		n.set("", p.why, "uwsgi_param", p.words...)
	}
	n.set("", "all of it: the application is not told where it is mounted", "uwsgi_param", "PATH_INFO", "$document_uri")
	return n.text
})

// gatewayParams are the variables of RFC 3875 and the headers that the application may believe: a parameter named HTTP_…
// replaces the client's header of that name.
var gatewayParams = []struct {
	words []string
	why   string
}{
	{[]string{"REQUEST_METHOD", "$request_method"}, ""},
	{[]string{"REQUEST_URI", "$request_uri"}, ""},
	{[]string{"QUERY_STRING", "$query_string"}, ""},
	{[]string{"CONTENT_TYPE", "$content_type"}, ""},
	{[]string{"CONTENT_LENGTH", "$content_length"}, ""},
	{[]string{"DOCUMENT_URI", "$document_uri"}, ""},
	{[]string{"SERVER_PROTOCOL", "$server_protocol"}, ""},
	{[]string{"SERVER_NAME", "$host"}, "the site may have several"},
	{[]string{"SERVER_ADDR", "$server_addr"}, ""},
	{[]string{"SERVER_PORT", "$client_port"}, "the balancer's port, which the client sees"},
	{[]string{"REQUEST_SCHEME", "$client_scheme"}, "the client's scheme: it is always http here"},
	{[]string{"HTTPS", "$client_https", "if_not_empty"}, "\"on\" where the balancer has ended TLS"},
	{[]string{"REMOTE_ADDR", "$remote_addr"}, "the client, not the balancer"},
	{[]string{"REMOTE_PORT", "$remote_port"}, ""},
	{[]string{"HTTP_HOST", "$host"}, "the name the site was chosen by"},
	{[]string{"HTTP_X_REAL_IP", "$remote_addr"}, "these replace what the client may have sent"},
	{[]string{"HTTP_X_FORWARDED_FOR", "$remote_addr"}, ""},
	{[]string{"HTTP_X_FORWARDED_PROTO", "$client_scheme"}, ""},
	{[]string{"HTTP_X_FORWARDED_HOST", "$host"}, ""},
	{[]string{"HTTP_X_FORWARDED_PORT", "$client_port"}, ""},
	{[]string{"HTTP_X_REQUEST_ID", "$rid"}, "the same id in all logs"},
	{[]string{"HTTP_FORWARDED", ""}, "nobody has verified it"},
	{[]string{"HTTP_PROXY", ""}, "httpoxy: taken for a proxy to use"},
}
