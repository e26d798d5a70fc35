package fact

import (
	"net/netip"
	"sync"
	"time"

	"stackgen/pkg/conf"
)

// Nginx is one nginx.conf with all it includes.
type Nginx struct {
	Host      *Host
	Tree      *conf.Tree
	HTTP      *conf.Node // nil: none
	Root      *Location  // the http block, as the context that servers inherit from; nil: none
	Upstreams []*Pool    // of the http and the stream block
	Servers   []*NginxServer
	Streams   []*NginxServer // servers of the stream block
	RealIP    []NginxSource  // set_real_ip_from of the http level
	Workers   Value[int]     // worker_processes; 0: auto
	Conns     Value[int]     // worker_connections
	Partial   bool           // an include is missing

	names sync.Map // *Listener → *nginxNames: rules ask at the same time
}

// NginxSource is a set_real_ip_from, allow or deny: a prefix, or what cannot be read.
type NginxSource struct {
	Prefix netip.Prefix // invalid: all, unix: or unknown
	All    bool
	Word   conf.Word
}

// NginxServer is a server block.
type NginxServer struct {
	Nginx     *Nginx
	Node      *conf.Node
	Names     []conf.Word    // server_name
	Listen    []*NginxListen // of TCP and Unix sockets: quic and udp are left out; one made up where there is no listen
	Locations []*Location    // in the order of the file; nested ones follow their parent
	Root      *Location      // the server block itself, as the context that locations inherit from; its Parent is the http block
	Stream    bool           // of the stream block: no names and locations, Root has the Pass

	vars nginxVars // while it is read
}

// NginxListen is one listen line. The options of its listener are those of all lines with the address.
type NginxListen struct {
	Word     conf.Word  // the address as written; the server's keyword where there is no listen
	Node     *conf.Node // nil: there is no listen
	Explicit bool       // default_server is written
	*Listener
}

// Location is a location block, with what it inherits.
type Location struct {
	Server    *NginxServer
	Parent    *Location
	Node      *conf.Node
	Modifier  string // "", =, ~, ~*, ^~, @
	Path      conf.Word
	Pass      *Pass      // nil: none
	Handler   *conf.Node // what else makes the answer: stub_status, content_by_lua_block …
	Return    *conf.Node
	TryFiles  *conf.Node
	Rewrites  []*conf.Node
	Access    []*conf.Node                    // allow and deny that apply here, in order
	Auth      *conf.Node                      // auth_basic and the like that apply here
	RealIP    Value[string]                   // real_ip_header that applies
	Trusted   []NginxSource                   // set_real_ip_from that apply
	Headers   map[string]*conf.Node           // proxy_set_header that apply, by lower-case name
	Timeouts  map[string]Value[time.Duration] // proxy_connect_timeout … that apply, by directive
	Other     map[string]*conf.Node           // every other directive that applies here, by name; the last of its level
	Ifs       []*conf.Node                    // the if blocks of this level; what is in them is nowhere else
	Limits    []*conf.Node                    // limit_except
	Sometimes []*Pass                         // of the blocks in Ifs and Limits
	Partial   bool                            // an include here or around is missing

	unread bool // an include of this very level is missing
}

// Pass is a proxy_pass, fastcgi_pass, uwsgi_pass, scgi_pass or grpc_pass.
type Pass struct {
	Kind string // proxy, fastcgi, uwsgi, scgi, grpc; stream for a server of the stream block
	Node *conf.Node
	Word conf.Word // the target
	TLS  bool      // https://, grpcs://
	Pool *Pool     // the upstream, or a pool of its own for a target written in place; nil: a variable
	URI  string    // the path behind the target, "" none
}
