package fact

import (
	"net/netip"
	"time"

	"stackgen/pkg/conf"
)

// HAProxy is one haproxy.cfg.
type HAProxy struct {
	Host      *Host
	Tree      *conf.Tree
	Global    *conf.Node // nil: there is none
	LocalPeer Value[string]
	MaxConn   Value[int]
	Proxies   []*Proxy
	Peers     []*Peers
}

// Proxy is a frontend, backend or listen section, with what it inherits from defaults already in place.
type Proxy struct {
	HAProxy  *HAProxy
	Kind     string // frontend, backend, listen
	Name     conf.Word
	Node     *conf.Node
	Defaults *conf.Node // the section it inherits from; nil: none
	Mode     Value[string]
	Disabled Value[bool] // it has no Binds then, since HAProxy opens none of its sockets
	Binds    []*Bind
	Pool     *Pool // backend and listen
	Routes   []*Route
	Check    *Check
	Timeouts map[string]Value[time.Duration] // by name: "connect", "http-request"
	Options  map[string]Value[bool]          // by name: "httplog", "redispatch"; V false: "no option"
	Retries  Value[int]
	MaxConn  Value[int]
	Balance  Value[string]
	Hash     Value[string] // hash-type
	Cookie   *conf.Node    // nil: none
	Stick    []*conf.Node  // stick, stick-table, stick-…
	Monitor  Value[string] // monitor-uri
	Rules    []*conf.Node  // http-request, tcp-request, http-response, acl …, in order
}

// Bind is one address of a bind line.
type Bind struct {
	Proxy *Proxy
	Word  conf.Word // the address as written
	Node  *conf.Node
	Certs []conf.Word
	ALPN  Value[string]
	// Datagram: UDP or QUIC. The listener has no port then, since no TCP connection reaches it.
	Datagram bool
	*Listener
}

// Route is a use_backend or default_backend.
type Route struct {
	Node    *conf.Node
	Backend Value[string]
	Pool    *Pool // nil: unknown or not there
	Default bool
	Cond    []conf.Word // if/unless and what follows
}

// Check is what asks the servers of a pool whether they are well.
type Check struct {
	Kind    string     // tcp, http, mysql, tcp-check, redis, external …
	Node    *conf.Node // the option that says so
	Method  Value[string]
	URI     Value[string]
	Version Value[string] // HTTP/1.1
	Host    Value[string] // Host header
	Expect  *conf.Node
	Port    Value[int]
	// TLS and SendProxy are what a rule's own connection does; without one, the server line decides.
	TLS, SendProxy Value[bool]
	User           Value[string]        // mysql-check
	Timeout        Value[time.Duration] // timeout check
	Rules          []*conf.Node         // http-check, tcp-check: those that take effect
}

// Peers is a peers section.
type Peers struct {
	Name conf.Word
	Node *conf.Node
	List []*Peer
}

// Peer is one member that stick tables are shared with.
type Peer struct {
	Name conf.Word
	Addr netip.Addr
	Port int
	Word conf.Word // the address
}
