package conf

import (
	"bytes"
	"path"
	"strings"
)

// daemonWords are words of file names that say the daemon and not the host.
var daemonWords = map[string]Kind{
	"haproxy": HAProxy, "hap": HAProxy, "keepalived": Keepalived, "keepalive": Keepalived, "vrrp": Keepalived, "nginx": Nginx,
	"my": MySQL, "mysql": MySQL, "mysqld": MySQL, "mariadb": MySQL,
}

// plainWords say neither.
var plainWords = map[string]bool{
	"cfg": true, "cnf": true, "conf": true, "config": true, "etc": true, "default": true, "server": true, "client": true, "site": true,
	"sites": true, "main": true, "local": true, "custom": true, "common": true, "global": true, "base": true, "example": true, "sample": true,
	"vhost": true, "proxy": true, "upstream": true, "upstreams": true, "test": true, "d": true,
}

// hostWords name a host although they end in no digit.
var hostWords = map[string]bool{
	"master": true, "backup": true, "primary": true, "secondary": true, "replica": true, "slave": true, "standby": true, "active": true,
	"passive": true, "source": true, "lb": true, "web": true, "app": true, "db": true, "node": true, "loadbalancer": true, "frontend": true,
}

// hostOfName is the host that a file's name tells ("lb1.haproxy.cfg", "keepalived_master.conf"), and whether the name
// tells the daemon too. sure is false where the rest of the name may be anything.
func hostOfName(base string) (host string, daemon Kind, sure bool) {
	stem := strings.ToLower(base)
	for _, ext := range []string{".cfg", ".conf", ".cnf", ".env"} {
		stem = strings.TrimSuffix(stem, ext)
	}
	var b strings.Builder
	separator := ""
	for stem != "" {
		n := strings.IndexAny(stem, "._-")
		word, next := stem, ""
		rest := ""
		if n >= 0 {
			word, next, rest = stem[:n], stem[n:n+1], stem[n+1:]
		}
		stem = rest
		if k, ok := daemonWords[word]; ok {
			if daemon == Other || k != MySQL {
				daemon = k
			}
			continue
		}
		if word == "" || plainWords[word] || b.Len() == 0 && strings.Trim(word, "0123456789") == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(separator)
		}
		b.WriteString(word)
		separator = next
	}
	host = b.String()
	return host, daemon, hostLike(host)
}

// hostLike reports whether a word looks like a host's name: lb1, web-02, master.
func hostLike(s string) bool {
	if s == "" {
		return false
	}
	return hostWords[s] || isDigit(s[len(s)-1]) && isAlpha(s[0]) && len(s) < 32
}

// isBackup reports whether a name is that of an editor's or a package manager's copy, which no daemon is meant to read.
func isBackup(base string) bool {
	if strings.HasSuffix(base, "~") || base[0] == '.' || base[0] == '#' || strings.Contains(base, ".dpkg-") || strings.Contains(base, ".ucf-") {
		return true
	}
	switch strings.ToLower(path.Ext(base)) {
	case ".bak", ".orig", ".rej", ".swp", ".swo", ".old", ".save", ".rpmnew", ".rpmsave", ".rpmorig", ".backup", ".tmp", ".disabled", ".dist", ".sample", ".example", ".gz", ".md5", ".sha256":
		return true
	}
	return false
}

// kindOfName is the language that a file's name and its folder tell; Other where they do not.
func kindOfName(place string) Kind {
	base := strings.ToLower(path.Base(place))
	dir := path.Base(path.Dir(place))
	up := path.Base(path.Dir(path.Dir(place)))
	_, daemon, _ := hostOfName(base)
	ext := path.Ext(base)
	for _, e := range []string{".cfg", ".conf", ".cnf"} {
		if _, host, ok := strings.Cut(base, e+"."); ok && hostLike(host) {
			ext = e // keepalived.conf.lb1
		}
	}
	switch {
	case base == ManifestName:
		return JSON
	case ext == ".env" || dir == "default" && up == "etc":
		return Env
	case ext != "" && ext != ".cfg" && ext != ".conf" && ext != ".cnf" && ext != ".nginx":
		if dir != "sites-enabled" && dir != "sites-available" {
			return Other
		}
		return Nginx
	case base == "openssl.cnf" || base == "debian.cnf":
		return Other
	case daemon != Other && (ext != "" || base == "haproxy" || base == "nginx"):
		if daemon == MySQL && ext != ".cnf" {
			return Other
		}
		return daemon
	case dir == "sites-enabled" || dir == "sites-available":
		return Nginx
	case ext == ".cfg" && (dir == "haproxy" || up == "haproxy"):
		return HAProxy
	case ext == ".conf" && (dir == "nginx" || up == "nginx" && dir == "conf.d"):
		return Nginx
	case ext == ".conf" && (dir == "keepalived" || up == "keepalived"):
		return Keepalived
	case ext == ".cnf" && (daemonWords[dir] == MySQL || strings.HasPrefix(dir, "my") || strings.HasPrefix(dir, "mariadb")):
		return MySQL
	}
	return Other
}

const sniffed = 64 << 10 // bytes that a guess by content looks at

// kindOfContent guesses the language of a text by the statements that only one daemon has. whole says that it is a main
// file rather than a part of one. Other: nothing is certain.
func kindOfContent(data []byte) (k Kind, whole bool) {
	score := map[Kind]int{}
	main := map[Kind]bool{}
	for line := range bytes.Lines(data[:min(len(data), sniffed)]) {
		if n := bytes.IndexByte(line, '#'); n >= 0 {
			line = line[:n]
		}
		indented := len(line) > 0 && isBlank(line[0])
		words := strings.Fields(string(line[:min(len(line), 256)]))
		if len(words) == 0 {
			continue
		}
		first, last := words[0], words[len(words)-1]
		opens := last == "{" || strings.HasSuffix(last, "{") || strings.HasSuffix(last, "}")
		ends := strings.HasSuffix(last, ";")
		switch {
		case first[0] == '[':
			switch group := strings.ToLower(strings.Trim(words[0], "[]")); {
			case group == "mysqld" || group == "mariadb" || group == "mariadbd" || strings.HasPrefix(group, "mysqld-") || group == "galera":
				score[MySQL] += 3
				main[MySQL] = true
			case group == "mysql" || group == "client" || group == "client-server" || group == "mysqldump" || group == "mysqld_safe":
				score[MySQL] += 2
			}
		case opens && (strings.HasPrefix(first, "vrrp_") || strings.HasPrefix(first, "global_defs") || first == "virtual_server" ||
			first == "static_ipaddress" || first == "virtual_ipaddress"):
			score[Keepalived] += 3
			main[Keepalived] = true
		case opens || ends:
			switch strings.TrimSuffix(first, "{") {
			case "http", "events", "stream":
				score[Nginx] += 3
				main[Nginx] = true
			case "server", "location", "upstream", "map", "geo", "types":
				if opens {
					score[Nginx] += 2
				}
				score[Nginx]++
			case "listen", "server_name", "proxy_pass", "root", "include", "proxy_set_header", "fastcgi_pass", "return", "add_header", "ssl_certificate":
				score[Nginx]++
			}
		case !indented && len(words) <= 2 && (first == "global" || first == "defaults"):
			score[HAProxy] += 2
			main[HAProxy] = true
		case !indented && len(words) >= 2 && (first == "frontend" || first == "backend" || first == "listen"):
			score[HAProxy] += 2
		case len(words) >= 2 && (first == "server" && len(words) >= 3 || first == "bind" || first == "option" || first == "timeout" ||
			first == "default_backend" || first == "balance" || first == "mode" || first == "maxconn" || first == "log"):
			score[HAProxy]++
		}
	}
	best, second := 0, 0
	for kind := HAProxy; kind <= MySQL; kind++ {
		switch n := score[kind]; {
		case n > best:
			best, second, k = n, best, kind
		case n > second:
			second = n
		}
	}
	if best < 3 && !(k == MySQL && best == 2) || best < 2*second {
		return Other, false
	}
	return k, main[k]
}
