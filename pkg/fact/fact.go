// Package fact says what files mean: pools and servers, listeners, VRRP instances, databases, and who talks to whom. Every
// fact keeps the word of the file that it was read from. What cannot be known — a variable, a name that nobody resolves, a
// missing include — stays unknown, and is listed in Stack.NotRead. It does not judge.
package fact

import (
	"net/netip"
	"time"

	"stackgen/pkg/conf"
)

// Value is one setting: its value, the word that gives it, and whether it could be read.
type Value[T any] struct {
	V     T
	Word  conf.Word // where it is written; for a default, the place where it would stand
	State State
}

// State says how a Value is known.
type State int

const (
	Default State = iota // nobody wrote it: V is the daemon's default, or the zero value where that depends on more
	Written
	Unknown // written, but not to be read: a variable, a condition, a missing include
)

// Known reports whether V can be relied on.
func (v Value[T]) Known() bool { return v.State != Unknown }

// Written reports whether the file gives the value.
func (v Value[T]) Written() bool { return v.State == Written }

// Stack is all that is known of hosts that work together.
type Stack struct {
	Name     string // of the manifest, or the folder that groups the hosts; may be empty
	Manifest *conf.Manifest
	Complete bool // nothing is missing: a topology, a manifest or --complete. Only then absence means something.
	Targets  map[string]Version
	Hosts    []*Host // by name
	Clusters []*Cluster
	Edges    []*Edge
	NotRead  []NotRead
	Assumed  []string
}

// NotRead is a thing that was left out, and why; no rule may conclude anything from its absence.
type NotRead struct {
	Host string
	At   conf.Word // Pos.File alone where it is a whole file
	Why  string
}

// Version is major and minor of a daemon; the zero value is unknown.
type Version struct{ Major, Minor int }

// Host is one machine.
type Host struct {
	Name         string
	Role         string // lb, web, app, db; empty where neither the manifest nor a file tells
	Tier         string
	Addresses    []Address
	Zone, RunsOn string
	Capacity     int // requests a second; 0 unknown
	Source       *conf.Host

	HAProxy    *HAProxy
	Keepalived *Keepalived
	Nginx      *Nginx
	Database   *Database
	Apps       []*App
	Listeners  []*Listener // of all daemons
	Sysctl     map[string]Value[string]
	Partial    bool // some file of the host could not be read: what is absent may be there
}

// Address is an address that a host has, and how that is known.
type Address struct {
	Addr netip.Addr
	Word conf.Word // where it is said; its Pos is zero for --hosts and other sources without a place
	Why  string    // "manifest", "unicast_src_ip", "bind", "server name equals the host's name" …
}

// Layer names the daemon that a listener or a pool belongs to.
type Layer string

// The layers, in the order of a request's way.
const (
	LayerHAProxy  Layer = "haproxy"
	LayerNginx    Layer = "nginx"
	LayerApp      Layer = "app"
	LayerDatabase Layer = "database"
)

// Listener is an address and port that a daemon of a host accepts connections on.
type Listener struct {
	Host  *Host
	Layer Layer
	Addr  netip.Addr // invalid: every address of the families below
	V4    bool       // accepts IPv4
	V6    bool
	Port  int // 0 unknown
	To    int // last port of a range; equals Port
	Unix  string
	TLS   Value[bool]
	HTTP2 Value[bool]
	Proxy Value[bool] // expects the PROXY protocol
	Word  conf.Word
	Known bool // false: a variable stands where the address or port should
	// One of these is set where a listener leads on.
	Proxies []*Proxy       // HAProxy: the frontend or listen section
	Servers []*NginxServer // nginx: those that share the address
}

// Covers reports whether the listener accepts connections to an address and port of its host.
func (l *Listener) Covers(a netip.Addr, port int) bool {
	if l.Unix != "" || port < l.Port || port > l.To {
		return false
	}
	a = a.Unmap()
	if l.Addr.IsValid() && !l.Addr.IsUnspecified() {
		return l.Addr.Unmap() == a
	}
	return a.Is4() && l.V4 || a.Is6() && l.V6
}

// Pool is a set of servers that requests are spread over: a backend or listen section of HAProxy, an upstream of nginx,
// a proxy_pass straight to a server, or the list of databases of an application.
type Pool struct {
	Host    *Host
	Layer   Layer
	Name    conf.Word
	Node    *conf.Node
	Servers []*Server
	Balance Value[string]
	Check   *Check // HAProxy: what asks the servers; nil: nothing at the level of the pool
	Proxy   *Proxy // HAProxy: the section
	Used    bool   // some listener leads to it
	Partial bool   // servers may be missing: a server-template, a condition, an include that was not read
	Direct  bool   // written in place (proxy_pass http://10.0.0.1:80), not as a group
	Write   bool   // database pools: takes writes

	Keepalive Value[int] // nginx: idle connections that a worker keeps
	Zone      conf.Word  // nginx: the shared memory of the workers; empty: each counts for itself
}

// Server is a member of a pool.
type Server struct {
	Pool    *Pool
	Name    conf.Word
	Address conf.Word  // as written: host:port
	Addr    netip.Addr // invalid: unknown, or unix
	Port    int        // 0: unknown
	Unix    string
	To      *Edge // nil: the address is not known

	Checked   Value[bool] // an active health check is on
	Backup    Value[bool]
	Down      Value[bool] // disabled, down
	Weight    Value[int]
	MaxConn   Value[int]
	TLS       Value[bool]
	Verify    Value[string] // none, required
	SendProxy Value[string] // "", v1, v2
	Proto     Value[string] // h2, h1; for nginx the protocol spoken: http, https, fastcgi, uwsgi, grpc
	SlowStart Value[time.Duration]

	*HAProxyServer

	MaxFails    Value[int] // nginx
	FailTimeout Value[time.Duration]

	Node *conf.Node
}

// HAProxyServer is what only servers of HAProxy have. All others share an empty one: a stack may have a million of them, and
// this is half of a server.
type HAProxyServer struct {
	Cookie         Value[string]
	ID             Value[int]
	CheckPort      Value[int]
	CheckAddr      Value[netip.Addr]
	CheckTLS       Value[bool]
	CheckSendProxy Value[bool]
	Inter          Value[time.Duration]
	FastInter      Value[time.Duration]
	DownInter      Value[time.Duration]
	Fall, Rise     Value[int]
	OnMarkedDown   Value[string]
	Observe        Value[string]

	lines []*conf.Node // the default-server statements that apply, in order
}

var noHAProxy = &HAProxyServer{}

// Up reports whether the server takes requests when all is well: not down, no weight 0, not a backup.
func (s *Server) Up() bool { return s.Eligible() && !s.Backup.V }

// Eligible reports whether the server could ever take requests.
func (s *Server) Eligible() bool { return !s.Down.V && (s.Weight.State == Default || s.Weight.V > 0) }

// Edge is one connection that files ask for: a server of a pool, or an application's database, and what stands there.
type Edge struct {
	From     *Host
	Server   *Server
	To       *Host     // nil: no host of the stack has the address
	Listener *Listener // nil: nothing known listens there
	VIP      *VRRPAddress
}

// Cluster is a set of hosts that hold virtual IP addresses in turn.
type Cluster struct {
	Name    string // "lb1, lb2"
	Hosts   []*Host
	VIPs    []netip.Addr
	Why     string // what makes them one: "share 10.0.10.10", "are each other's unicast peers" …
	Members []*Member
}

// Member is one host's part in a cluster: its instances that belong to it.
type Member struct {
	Host      *Host
	Instances []*VRRPInstance
}
