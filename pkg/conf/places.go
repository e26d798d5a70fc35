package conf

import (
	"path"
	"slices"
	"strings"
)

// known says where daemons keep configuration below /etc, or below another folder laid out like it.
var known = []struct {
	folder   string // a name in /etc
	kind     Kind
	main     string   // the file read first
	patterns []string // below folder; read even where no include names them only if there is no main file
}{
	{"haproxy", HAProxy, "haproxy.cfg", []string{"*.cfg", "conf.d/*.cfg"}},
	{"keepalived", Keepalived, "keepalived.conf", []string{"*.conf", "conf.d/*.conf"}},
	{"nginx", Nginx, "nginx.conf", []string{"*.conf", "conf.d/*.conf", "http.d/*.conf", "sites-enabled/*", "stream.d/*.conf", "streams-enabled/*"}},
	{"mysql", MySQL, "my.cnf", []string{"*.cnf", "conf.d/*.cnf", "mysql.conf.d/*.cnf", "mysqld.conf.d/*.cnf", "mariadb.conf.d/*.cnf"}},
	{"mariadb", MySQL, "my.cnf", []string{"*.cnf", "conf.d/*.cnf", "mariadb.conf.d/*.cnf"}},
	{"my.cnf.d", MySQL, "", []string{"*.cnf"}},
	{"my.cnf", MySQL, "", nil},
	{"default", Env, "", []string{"*"}},
}

// others are main files outside of /etc.
var others = []string{"/usr/local/nginx/conf/nginx.conf", "/usr/local/openresty/nginx/conf/nginx.conf", "/usr/share/nginx/nginx.conf"}

// etcFolders are where a host's tree may hold folders of known.
var etcFolders = []string{"/etc", "/usr/local/etc"}

// inside are folders of a daemon's folder: they belong to its host and are none.
var inside = map[string]bool{
	"conf.d": true, "http.d": true, "sites-enabled": true, "sites-available": true, "snippets": true, "stream.d": true, "streams-enabled": true,
	"modules-enabled": true, "modules-available": true, "mysql.conf.d": true, "mysqld.conf.d": true, "mariadb.conf.d": true, "my.cnf.d": true,
	"errors": true, "certs": true, "ssl": true, "scripts": true, "maps": true, "lua": true, "includes": true, "vhosts": true, "default.d": true,
}

// containers are folders whose name says neither a host nor an environment.
var containers = map[string]bool{
	"files": true, "host_files": true, "hosts": true, "config": true, "configs": true, "conf": true, "configuration": true, "etc": true, "src": true,
	"out": true, "docker": true, "roles": true, "templates": true, "rootfs": true, "root": true, "nodes": true, "servers": true, "machines": true,
	"haproxy": true, "keepalived": true, "nginx": true, "mysql": true, "mariadb": true, "my.cnf.d": true, "sites-enabled": true,
	"sites-available": true, "conf.d": true, ".": true, "..": true, "/": true, "": true, "ansible": true, "deploy": true,
}

// tiers are folders that sort hosts by what they do. They are hosts themselves where a main file lies in them.
var tiers = map[string]bool{
	"lb": true, "lbs": true, "loadbalancer": true, "loadbalancers": true, "load-balancer": true, "load-balancers": true, "balancers": true,
	"web": true, "webs": true, "webserver": true, "webservers": true, "web-servers": true, "app": true, "apps": true, "appservers": true,
	"db": true, "dbs": true, "database": true, "databases": true,
}

// skipped are folders in which nobody keeps the configuration of a running host.
var skipped = map[string]bool{"node_modules": true, "vendor": true, "testdata": true, "__pycache__": true}

// discover fills found with the configuration that lies at its known places in a whole tree of the host.
func (h *Host) discover() {
	for _, etc := range etcFolders {
		real, _, mode, why := h.resolve(etc)
		if why != "" || !mode.IsDir() {
			continue
		}
		names, _ := h.list(real)
		for _, k := range known {
			if !slices.Contains(names, k.folder) {
				continue
			}
			dir := real + "/" + k.folder
			if k.patterns == nil {
				h.found = append(h.found, File{Path: dir, Kind: k.kind})
				continue
			}
			h.patterns(dir, k.kind, k.patterns)
			if k.kind == Nginx && !slices.ContainsFunc(h.found, func(f File) bool { return f.Kind == Nginx }) {
				h.patterns(dir, Nginx, []string{"sites-available/*"})
			}
		}
		for _, n := range names {
			if strings.HasSuffix(n, ".env") {
				h.found = append(h.found, File{Path: real + "/" + n, Kind: Env})
			}
		}
	}
	if _, _, _, why := h.resolve("/usr"); why == "" {
		for _, p := range others {
			if _, _, mode, why := h.resolve(p); why == "" && mode.IsRegular() {
				h.found = append(h.found, File{Path: p, Kind: Nginx})
			}
		}
	}
}

// patterns adds the files below dir that match, and no backups.
func (h *Host) patterns(dir string, k Kind, patterns []string) {
	names, _ := h.list(dir)
	for _, pattern := range patterns {
		if sub, _, ok := strings.Cut(pattern, "/"); ok && !slices.Contains(names, sub) {
			continue
		}
		for _, p := range h.Glob(dir + "/" + pattern) {
			base := path.Base(p)
			if isBackup(base) || base == "debian.cnf" {
				continue
			}
			if _, _, mode, why := h.resolve(p); why == "" && mode.IsDir() {
				continue
			}
			h.found = append(h.found, File{Path: p, Kind: k})
		}
	}
}
