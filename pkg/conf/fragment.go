package conf

import (
	"strings"

	"stackgen/pkg/diag"
)

// fragments puts files without an nginx.conf into the blocks they belong in.
func (r *reader) fragments(names []string) *Tree {
	var all *Tree
	inside := map[string][]*Node{}
	for _, name := range names {
		t := r.tree(name, Nginx)
		if t == nil {
			continue
		}
		context := nginxContext(t)
		inside[context] = append(inside[context], t.Body...)
		if context != "main" {
			r.assume("%s is read as a part of nginx's %s block", r.h.Place(t.File.Path), context)
		}
		if all == nil {
			all = t
			all.Fragment = context
			continue
		}
		all.Comments = append(all.Comments, t.Comments...)
		all.Errors = append(all.Errors, t.Errors...)
	}
	if all == nil {
		return nil
	}
	around := unknown(all)
	wrap := func(name string, body []*Node) *Node {
		w := around.Words[0]
		w.Text = name
		return &Node{Words: []Word{w}, Block: true, Body: append([]*Node{around}, body...)}
	}
	http := inside["http"]
	if body := inside["server"]; body != nil {
		http = append(http, wrap("server", body))
	}
	all.Body = append([]*Node{around}, inside["main"]...)
	if http != nil {
		all.Body = append(all.Body, wrap("http", http))
	}
	if body := inside["stream"]; body != nil {
		all.Body = append(all.Body, wrap("stream", body))
	}
	return all
}

// unknown is a statement for what stands outside of the fragment t.
func unknown(t *Tree) *Node {
	pos, off := diag.Pos{}, 0
	if len(t.Body) > 0 && len(t.Body[0].Words) > 0 {
		pos, off = t.Body[0].Words[0].Pos, t.Body[0].Words[0].Off
	}
	return &Node{Words: []Word{{Text: "include", Pos: pos, Off: off}}, Unread: true}
}

// nginxContext is the block that a file without one belongs in: main, http, stream or server.
func nginxContext(t *Tree) string {
	if strings.Contains(t.File.Path, "stream") {
		return "stream"
	}
	stream := false
	for _, n := range t.Body {
		switch n.Name() {
		case "server":
			for _, c := range n.Body {
				switch c.Name() {
				case "location", "root", "return", "rewrite", "server_name", "index", "access_log", "try_files":
					return "http"
				case "proxy_pass":
					stream = stream || !strings.Contains(c.Arg(1).Text, "://")
				case "ssl_preread", "proxy_timeout", "proxy_responses", "pass":
					stream = true
				}
			}
		case "upstream", "map", "geo", "limit_req_zone", "proxy_cache_path", "log_format", "split_clients", "types":
		case "location", "if", "listen", "server_name", "proxy_pass", "root", "try_files", "fastcgi_pass", "return", "rewrite":
			return "server"
		case "load_module", "user", "worker_processes":
			return "main"
		}
	}
	if stream {
		return "stream"
	}
	return "http"
}
