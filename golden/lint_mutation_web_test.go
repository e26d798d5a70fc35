package golden_test

import (
	"strings"

	"stackgen/pkg/conf"
)

var proxyMutations = []mutation{
	{name: "server port", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 10.0.10.21:8080") }, want: "link-no-listener"},
	{name: "server port on one balancer", fault: func(e *edit) { e.line(haproxy1, "server web1", "server web1 10.0.10.21:8080") }, want: "link-no-listener members-servers"},
	{name: "server of no host", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 10.0.10.29:80") }, want: "link-unknown-host link-unused-host"},
	{name: "servers at one address", fault: func(e *edit) { e.line(haproxyAll, "server web2", "server web2 10.0.10.21:80") }, want: "link-unused-host pool-duplicate-address"},
	{name: "server names exchanged on one balancer", fault: func(e *edit) {
		e.line(haproxy1, "server web1", "server web2 10.0.10.21:80 ")
		e.line(haproxy1, "server web2 10.0.10.22", "server web1 10.0.10.22:80")
	}},
	{name: "server order on one balancer", fault: func(e *edit) {
		e.line(haproxy1, "server web1", "server x")
		e.line(haproxy1, "server web2", "server web2 10.0.10.22:80\n    server web1 10.0.10.21:80")
		e.line(haproxy1, "server x", "")
	}},
	{name: "server is the virtual address", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 10.0.10.10:80") }, want: "link-loop link-unused-host"},
	{name: "server is the balancer", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 127.0.0.1:80") }, want: "link-loop link-unused-host spof-web"},
	{name: "server gone on one balancer", fault: func(e *edit) { e.line(haproxy1, "server web2", "") }, want: "members-servers spof-web"},
	{name: "server gone on both", fault: func(e *edit) { e.line(haproxyAll, "server web2", "") }, want: "link-unused-host spof-web"},
	{name: "server disabled", fault: func(e *edit) { e.line(haproxyAll, "server web2", "server web2 10.0.10.22:80 disabled") }, want: "pool-one-active"},
	{name: "server of weight 0", fault: func(e *edit) { e.line(haproxyAll, "server web2", "server web2 10.0.10.22:80 weight 0") }, want: "pool-one-active"},
	{name: "all servers backup", fault: func(e *edit) {
		e.line(haproxyAll, "server web1", "server web1 10.0.10.21:80 backup")
		e.line(haproxyAll, "server web2", "server web2 10.0.10.22:80 backup")
	}, want: "pool-all-backup"},
	{name: "no check", fault: func(e *edit) {
		e.line(haproxyAll, "default-server", "default-server pool-purge-delay 5s")
	}, want: "pool-no-check"},
	{name: "no check of one server", fault: func(e *edit) { e.line(haproxyAll, "server web2", "server web2 10.0.10.22:80 no-check") }, want: "pool-no-check"},
	{name: "check path that nginx does not know", fault: func(e *edit) { e.text(haproxyAll, "uri /healthz ver", "uri /alive ver") }, want: "link-health-deep"},
	{name: "check host that no server has", fault: func(e *edit) { e.text(haproxyAll, "hdr Host www.foobar.com", "hdr Host www.example.org") }},
	{name: "check without a host", fault: func(e *edit) { e.text(haproxyAll, " ver HTTP/1.1 hdr Host www.foobar.com", "") }},
	{name: "check on another port", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 10.0.10.21:80 port 8081") }, want: "link-health-port"},
	{name: "check by TCP alone", fault: func(e *edit) {
		e.line(haproxyAll, "option httpchk", "")
		e.line(haproxyAll, "http-check", "")
	}, want: "pool-check-connect"},
	{name: "check expects 204", fault: func(e *edit) { e.text(haproxyAll, "expect status 200", "expect status 204") }, want: "link-health-path"},
	{name: "PROXY on the balancers", fault: func(e *edit) {
		e.text(haproxyAll, "default-server check", "default-server check send-proxy-v2 check-send-proxy")
	}, want: "link-proxy-protocol"},
	{name: "PROXY on one server line", fault: func(e *edit) { e.line(haproxyAll, "server web1", "server web1 10.0.10.21:80 send-proxy") }, want: "link-proxy-protocol"},
	{name: "PROXY removed on the balancers", example: "kitchen-sink", fault: func(e *edit) { e.text(haproxyAll, " send-proxy-v2 check-send-proxy", "") }, want: "link-proxy-protocol"},
	{name: "PROXY removed from the check", example: "kitchen-sink", fault: func(e *edit) {
		e.text(haproxyAll, " send-proxy-v2 check-send-proxy", " send-proxy-v2 port 80")
	}, want: "link-check-proxy-protocol"},
	{name: "PROXY removed on nginx", example: "kitchen-sink", fault: func(e *edit) { e.text(nginxAll, " proxy_protocol;", ";") }, want: "link-proxy-protocol link-realip-header nginx-directive"},
	{name: "TLS to nginx", fault: func(e *edit) { e.text(haproxyAll, "default-server check", "default-server ssl verify none check") }, want: "link-tls"},
	{name: "HTTP/2 to nginx", fault: func(e *edit) { e.text(haproxyAll, "default-server check", "default-server proto h2 check") }, want: "link-http2"},
	{name: "bind of one balancer", fault: func(e *edit) { e.line(haproxy1, "bind :80", "bind :8080") }, want: "members-bind"},
	{name: "bind to loopback", fault: func(e *edit) { e.line(haproxyAll, "bind :80", "bind 127.0.0.1:80") }, want: "vip-not-bound"},
	{name: "bind to the balancer's own address", fault: func(e *edit) {
		e.line(haproxy1, "bind :80", "bind 10.0.10.11:80")
		e.line("lb2/etc/haproxy/haproxy.cfg", "bind :80", "bind 10.0.10.12:80")
	}, want: "vip-not-bound"},
	{name: "bind to the virtual address", fault: func(e *edit) { e.line(haproxyAll, "bind :80", "bind 10.0.10.10:80") }, want: "vip-bind-nonlocal"},
	{name: "bind to another host", fault: func(e *edit) { e.line(haproxyAll, "bind :80", "bind 10.0.10.21:80") }, want: "vip-bind-foreign vip-not-bound"},
	{name: "certificate of one balancer", example: "tls", fault: func(e *edit) { e.text(haproxy1, "certs/shop.pem", "certs/old.pem") }, want: "members-certificate"},
	{name: "TLS off on one balancer", example: "tls", fault: func(e *edit) { e.line(haproxy1, "bind :443", "bind :443") }, want: "members-tls"},
	{name: "frontend gone on one balancer", example: "db-vip", fault: func(e *edit) {
		e.each(haproxy1, func(s string) string {
			start, end := strings.Index(s, "frontend fe_db_read"), strings.Index(s, "\nbackend be_db_write")+1
			return s[:start] + s[end:]
		})
	}, want: "members-bind"},
	{name: "balance of one balancer", fault: func(e *edit) { e.line(haproxy1, "balance", "balance roundrobin") }, want: "members-mode"},
	{name: "database check removed", example: "db-vip", fault: func(e *edit) {
		e.line(haproxyAll, "option tcp-check", "")
		e.line(haproxyAll, "tcp-check", "")
	}, want: "mysql-pool-replica"},
	{name: "web server gone", fault: func(e *edit) { e.without("web2") }, want: "link-unknown-host"},
	{name: "web server gone everywhere", fault: func(e *edit) {
		e.without("web2")
		e.line(haproxyAll, "server web2", "")
	}, want: "spof-web"},
	{name: "hosts of a tier on one machine", fault: func(e *edit) {
		e.manifest(func(m *conf.Manifest) {
			for _, name := range []string{"web1", "web2"} {
				h := m.Hosts[name]
				h.RunsOn = "hypervisor1"
				m.Hosts[name] = h
			}
		})
	}, want: "spof-machine"},
	{name: "balancers on one machine", fault: func(e *edit) {
		e.manifest(func(m *conf.Manifest) {
			for _, name := range []string{"lb1", "lb2"} {
				h := m.Hosts[name]
				h.RunsOn = "hypervisor1"
				m.Hosts[name] = h
			}
		})
	}, want: "spof-machine"},
}

var webMutations = []mutation{
	{name: "listen on another port", fault: func(e *edit) { e.text(nginxAll, "listen 80", "listen 8080") }, want: "link-no-listener"},
	{name: "listen on another port on one web server", fault: func(e *edit) { e.text(nginx1, "listen 80", "listen 8080") }, want: "link-no-listener"},
	{name: "listen on loopback", fault: func(e *edit) { e.text(nginxAll, "listen 80", "listen 127.0.0.1:80") }, want: "link-no-listener"},
	{name: "listen on another host's address", fault: func(e *edit) { e.text(nginx1, "listen 80", "listen 10.0.10.22:80") }, want: "link-listen-foreign link-no-listener"},
	{name: "listen with TLS", fault: func(e *edit) { e.text(nginxAll, "listen 80", "listen 80 ssl") }, want: "link-tls nginx-certificate"},
	{name: "listen with PROXY", fault: func(e *edit) {
		e.text(nginxAll, "listen 80;", "listen 80 proxy_protocol;")
		e.text(nginxAll, "listen 80 default_server;", "listen 80 default_server proxy_protocol;")
	}, want: "link-proxy-protocol"},
	{name: "upstream port", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "10.0.10.31:8081") }, want: "link-no-listener"},
	{name: "upstream port on one web server", fault: func(e *edit) { e.text(nginx1, "10.0.10.31:8080", "10.0.10.31:8081") }, want: "link-no-listener members-upstream"},
	{name: "upstream without a port", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "10.0.10.31") }, want: "link-no-listener"},
	{name: "upstream drops a host", fault: func(e *edit) { e.line(nginxAll, "server 10.0.10.33", "") }, want: "link-unused-host"},
	{name: "upstream of one web server drops a host", fault: func(e *edit) { e.line(nginx1, "server 10.0.10.33", "") }, want: "members-upstream"},
	{name: "upstream of no host", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "10.0.10.39:8080") }, want: "link-unknown-host link-unused-host"},
	{name: "upstream is the web server", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "127.0.0.1:80") }, want: "link-loop link-unused-host"},
	{name: "upstream is a balancer", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "10.0.10.11:80") }, want: "link-loop link-unused-host"},
	{name: "upstream is the virtual address", fault: func(e *edit) { e.text(nginxAll, "10.0.10.31:8080", "10.0.10.10:80") }, want: "link-loop link-unused-host"},
	{name: "upstream of one host twice", fault: func(e *edit) {
		e.text(nginxAll, "10.0.10.32:8080", "10.0.10.31:8080")
		e.text(nginxAll, "10.0.10.33:8080", "10.0.10.31:8080")
	}, want: "link-unused-host pool-duplicate-address"},
	{name: "upstream all down but one", fault: func(e *edit) {
		e.text(nginxAll, "10.0.10.32:8080", "10.0.10.32:8080 down")
		e.text(nginxAll, "10.0.10.33:8080", "10.0.10.33:8080 down")
	}, want: "pool-one-active"},
	{name: "upstream by TLS", fault: func(e *edit) { e.text(nginxAll, "proxy_pass http://app;", "proxy_pass https://app;") }},
	{name: "FastCGI to an HTTP port", fault: func(e *edit) { e.text(nginxAll, "proxy_pass http://app;", "fastcgi_pass app;") }, want: "link-retry-budget"},
	{name: "application listens on another port", fault: func(e *edit) { e.line(app1, "LISTEN", "LISTEN=10.0.10.31:9090") }, want: "link-no-listener"},
	{name: "application listens on loopback", fault: func(e *edit) { e.line(app1, "LISTEN", "LISTEN=127.0.0.1:8080") }, want: "link-no-listener"},
	{name: "real address from one balancer alone", fault: func(e *edit) { e.line(nginxAll, "set_real_ip_from 10.0.10.12", "") }, want: "link-realip-trust"},
	{name: "real address from nobody", fault: func(e *edit) { e.line(nginxAll, "set_real_ip_from", "") }, want: "link-realip-missing"},
	{name: "real address from a header that nobody sends", fault: func(e *edit) { e.line(nginxAll, "real_ip_header", "real_ip_header CF-Connecting-IP;") }, want: "link-realip-header"},
	{name: "health location removed", fault: func(e *edit) { e.text(nginxAll, "location = /healthz {", "location = /alive {") }, want: "link-health-deep"},
	{name: "health location redirects", fault: func(e *edit) { e.text(nginxAll, `return 200 "ok\n";`, "return 301 https://$host/;") }, want: "link-health-redirect"},
	{name: "health location fails", fault: func(e *edit) { e.text(nginxAll, `return 200 "ok\n";`, "return 503;") }, want: "link-health-path"},
	{name: "health location denied", fault: func(e *edit) { // return would answer before deny is asked
		e.text(nginxAll, "            return 200 \"ok\\n\";", "            allow 127.0.0.1;\n            deny all;\n            try_files /ok =404;")
	}, want: "link-health-denied"},
	{name: "health location behind a password", fault: func(e *edit) {
		e.text(nginxAll, "            return 200 \"ok\\n\";", "            auth_basic staff;\n            auth_basic_user_file /etc/nginx/htpasswd;\n            try_files /ok =404;")
	}, want: "link-health-denied"},
	{name: "health location asks the application", fault: func(e *edit) { e.text(nginxAll, `return 200 "ok\n";`, "proxy_pass http://app;") }, want: "link-health-deep link-retry-budget"},
	{name: "default server removed", fault: func(e *edit) { e.text(nginxAll, "listen 80 default_server;", "listen 80;") }},
	{name: "server name of one web server", fault: func(e *edit) { e.text(nginx1, "server_name www.foobar.com foobar.com;", "server_name www.foobar.org;") }, want: "link-site members-site"},
	{name: "server name of all web servers", fault: func(e *edit) {
		e.text(nginxAll, "server_name www.foobar.com foobar.com;", "server_name www.foobar.org;")
	}, want: "link-site"},
	{name: "application gone", fault: func(e *edit) { e.without("app3") }, want: "link-unknown-host"},
	{name: "two applications gone everywhere", fault: func(e *edit) {
		e.without("app2", "app3")
		e.line(nginxAll, "server 10.0.10.32", "")
		e.line(nginxAll, "server 10.0.10.33", "")
	}, want: "spof-app"},
	{name: "headers to a FastCGI port", example: "php-fpm", fault: func(e *edit) { e.text(nginxAll, "fastcgi_pass app;", "proxy_pass http://app;") }, want: "link-retry-budget"},
	{name: "default server twice", fault: func(e *edit) { e.text(nginxAll, "listen 80;", "listen 80 default_server;") }, want: "nginx-duplicate"},
}
