// Package model is the topology of one stack: plain typed data, loaded strictly from YAML, complete with defaults, and
// valid or not at all. It does not know any daemon's configuration language.
//
// The types mirror the long form of the file. Tags: `yaml:"name"` is the key; the option key marks the field that holds
// the entry's own key in its parent mapping (so a slice of such structs is a mapping whose order is kept); scalar marks
// the field that a bare scalar stands for; inline splices an embedded struct. A pointer is a section that may be absent.
package model

import "net/netip"

// Topology is one stack. A value that Load returned has every default filled in and needs no further check.
type Topology struct {
	Version  int      `yaml:"stackgen"` // of the format: 1
	Name     string   `yaml:"name"`
	Targets  Targets  `yaml:"targets"`
	VIPs     []VIP    `yaml:"vips"`
	Sites    []Site   `yaml:"sites"`
	LB       LB       `yaml:"lb"`
	Web      Web      `yaml:"web"`
	Apps     []App    `yaml:"apps"`
	DB       *DB      `yaml:"db"`
	Load     *Peak    `yaml:"load"`
	Timeouts Timeouts `yaml:"timeouts"`
	Raw      Raw      `yaml:"raw"`
	Accept   []Accept `yaml:"accept"`

	origins origins
}

// Targets are the versions the files are written for. Exactly one of MySQL and MariaDB is set where there is a database.
type Targets struct {
	HAProxy    Version `yaml:"haproxy"`    // 2.6 … 3.2
	Keepalived Version `yaml:"keepalived"` // 2.2 … 2.3
	Nginx      Version `yaml:"nginx"`      // 1.22 … 1.30
	MySQL      Version `yaml:"mysql"`      // 8.0 8.4 9.7
	MariaDB    Version `yaml:"mariadb"`    // 10.11 11.8
}

// VIP is a virtual IP address that the balancers hold in turn. Address is IPv4 or IPv6; Address6 adds the second family.
type VIP struct {
	Name      string       `yaml:",key"`
	Address   netip.Prefix `yaml:"address,scalar"`
	Address6  netip.Prefix `yaml:"address6"`
	Public    netip.Addr   `yaml:"public"`     // what DNS shows for Address; default: Address
	Public6   netip.Addr   `yaml:"public6"`    // what DNS shows for Address6; default: Address6
	Prefer    string       `yaml:"prefer"`     // the balancer that holds it when all are well; default: the first
	RouterID  int          `yaml:"router_id"`  // VRRP virtual router id, 1…255; default: last byte of Address
	RouterID6 int          `yaml:"router_id6"` // of the IPv6 instance; default: last byte of Address6
}

// Site is a set of domains that are answered alike.
type Site struct {
	Name    string   `yaml:",key"`
	Domains []string `yaml:"domains"` // default for the short form: www.DOMAIN and DOMAIN
	VIP     string   `yaml:"vip"`     // name in VIPs; default: the only one, or the first that the database does not use
	TLS     *TLS     `yaml:"tls"`
	Root    string   `yaml:"root"`     // static files on the web servers; default /srv/www/NAME
	Health  string   `yaml:"health"`   // answered by nginx itself; default /healthz
	BodyMax Size     `yaml:"body_max"` // largest request body; default 20M
	Routes  []Route  `yaml:"routes"`   // longest prefix wins; default: / → the only application tier
}

// TLS is terminated by the balancers.
type TLS struct {
	Certificate string   `yaml:"certificate,scalar"` // PEM file with chain and key on the balancers; default /etc/haproxy/certs/SITE.pem
	Profile     string   `yaml:"profile"`            // Mozilla's intermediate (default) or modern
	HSTS        Duration `yaml:"hsts"`               // Strict-Transport-Security max-age; default 180d, 0: no header
	Redirect    bool     `yaml:"redirect"`           // port 80 redirects to 443; default true
}

// Route says who answers the requests below a path prefix. Exactly one of App and Static is set.
type Route struct {
	Prefix         string   `yaml:",key"`
	App            string   `yaml:"app,scalar"` // name in Apps
	Static         bool     `yaml:"static"`
	WebSocket      bool     `yaml:"websocket"`
	RequestTimeout Duration `yaml:"request_timeout"` // default: Timeouts.Request
}

// LB is the tier of load balancers: HAProxy and keepalived.
type LB struct {
	Interface string         `yaml:"interface"` // that carries the VIPs; default eth0, and said to be assumed
	ClientIP  string         `yaml:"client_ip"` // how web servers learn the client's address: forwarded-for (default) or proxy
	Sticky    string         `yaml:"sticky"`    // none (default), cookie or source
	Balance   string         `yaml:"balance"`   // leastconn (default), roundrobin or random
	MaxConn   int            `yaml:"maxconn"`   // of one HAProxy; default 20000, more where Load.Concurrent asks for it
	RateLimit *RateLimit     `yaml:"rate_limit"`
	Check     Check          `yaml:"check"` // of the web servers; default 2s, fall 3, rise 2
	Failover  Failover       `yaml:"failover"`
	Stats     netip.AddrPort `yaml:"stats"` // loopback address of statistics, metrics and the health answer; default 127.0.0.1:8404
	Nodes     []Balancer     `yaml:"nodes"`
}

// RateLimit allows one client address so many requests in a period; more are answered 429.
type RateLimit struct {
	Requests int      `yaml:"requests"`
	Per      Duration `yaml:"per"` // default 10s
}

// Check is a periodic test: down after Fall failures in a row, up after Rise successes.
type Check struct {
	Interval Duration `yaml:"interval"`
	Fall     int      `yaml:"fall"`
	Rise     int      `yaml:"rise"`
}

// Failover says how fast and how eagerly a VIP moves.
type Failover struct {
	Mode         string   `yaml:"mode,scalar"`   // standard (default) or fast
	Advert       Duration `yaml:"advert"`        // VRRP advertisement interval; default 1s, fast 200ms
	Watch        Duration `yaml:"watch"`         // fast: how often the watcher asks HAProxy; default 200ms
	Preempt      bool     `yaml:"preempt"`       // the preferred holder takes the VIP back; default: where VIPs prefer different holders
	PreemptDelay Duration `yaml:"preempt_delay"` // default with Preempt: 15s; above rise × interval of the server checks
	Check        Check    `yaml:"check"`         // of the local HAProxy; default 1s, fall 2, rise 2
}

// Node is a host of any tier.
type Node struct {
	Name         string     `yaml:",key"`
	Address      netip.Addr `yaml:"address,scalar"`
	Address6     netip.Addr `yaml:"address6"`
	Zone         string     `yaml:"zone"`
	RunsOn       string     `yaml:"runs_on"` // machine below a virtual one
	CPUs         int        `yaml:"cpus"`
	Memory       Size       `yaml:"memory"`
	Availability float64    `yaml:"availability"` // percent
	Capacity     int        `yaml:"capacity"`     // requests a second
}

// Balancer is a host of the LB tier.
type Balancer struct {
	Node      `yaml:",inline"`
	Interface string `yaml:"interface"` // default: LB.Interface
}

// Server is a host of the web tier or of an application tier.
type Server struct {
	Node   `yaml:",inline"`
	Weight int  `yaml:"weight"` // 1 (default) … 256
	Backup bool `yaml:"backup"` // gets requests only when all others are down
}

// Web is the tier of web servers: nginx.
type Web struct {
	Port              int      `yaml:"port"`               // default 80
	MaxConn           int      `yaml:"maxconn"`            // requests one balancer sends to one server at a time; default: from Load.Concurrent with one server down; 0: no limit
	WorkerConnections int      `yaml:"worker_connections"` // of one nginx worker; default 4096, more where the load asks for it
	Nodes             []Server `yaml:"nodes"`
}

// App is one tier of application servers.
type App struct {
	Name        string   `yaml:",key"`
	Protocol    string   `yaml:"protocol"`    // http (default), fastcgi or uwsgi
	Port        int      `yaml:"port"`        // default 8080; fastcgi 9000, uwsgi 3031
	Root        string   `yaml:"root"`        // fastcgi: the folder with index.php on the application servers; default /srv/NAME/public
	Balance     string   `yaml:"balance"`     // least_conn (default), round_robin or random
	Keepalive   int      `yaml:"keepalive"`   // idle connections one nginx worker keeps to the tier; default 32, fastcgi and uwsgi 0
	Concurrency int      `yaml:"concurrency"` // requests one server must be able to answer at a time; default: from Load.Concurrent with one server down; 0: not said
	Nodes       []Server `yaml:"nodes"`
}

// DB is one replicated database: a primary and its replicas.
type DB struct {
	Port           int         `yaml:"port"`            // default 3306
	ReadPort       int         `yaml:"read_port"`       // of the read-only servers at the VIP; default Port + 1
	VIP            string      `yaml:"vip"`             // name in VIPs: applications go through the balancers; default: direct to the servers
	Failover       string      `yaml:"failover"`        // manual (default) or external: then something else promotes, and every file starts read-only
	SemiSync       bool        `yaml:"semi_sync"`       // default true with replicas, false where its timeout would be below 2 s
	SemiSyncWait   Duration    `yaml:"semi_sync_wait"`  // before a commit goes on without a replica; default min(10s, Timeouts.Request/3)
	MaxConnections int         `yaml:"max_connections"` // default 500, more where the applications' concurrency asks for it
	BufferPool     Size        `yaml:"buffer_pool"`     // InnoDB's; default 60 % of the smallest Memory; 0: the server's default
	CheckUser      string      `yaml:"check_user"`      // account without a password for the balancers' check; default stackgen_check
	TLS            *DBTLS      `yaml:"tls"`
	Replication    Replication `yaml:"replication"`
	Primary        []Database  `yaml:"primary"` // exactly one
	Replicas       []Database  `yaml:"replicas"`
}

// DBTLS names the files of the servers' TLS on each database host.
type DBTLS struct {
	CA          string `yaml:"ca"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Replication is how replicas log in to their source.
type Replication struct {
	User     string `yaml:"user"` // default repl
	Password Secret `yaml:"password"`
	TLS      bool   `yaml:"tls"` // default: where the server makes its own certificate (MySQL, MariaDB ≥ 11.4) or DB.TLS is given
}

// Secret is a file on the host that holds a secret in its first line. A literal secret is an error.
type Secret struct {
	File string `yaml:"file"` // default /root/.secrets/repl
}

// Database is a host of the DB tier.
type Database struct {
	Node     `yaml:",inline"`
	ServerID uint32 `yaml:"server_id"` // default: the whole IPv4 address as a number; IPv6: its hash
}

// Peak is what the stack carries at its peak.
type Peak struct {
	Requests   int `yaml:"requests"`   // a second; 0: not said
	Concurrent int `yaml:"concurrent"` // requests in work at one moment; 0: not said
}

// Timeouts is the chain of time. Request and Connect are a statement about the application and the network; the rest
// follows from them: see Chain.
type Timeouts struct {
	Request   Duration `yaml:"request"`   // R: the slowest good answer of the application; default 30s
	Connect   Duration `yaml:"connect"`   // C: default 2s
	Idle      Duration `yaml:"idle"`      // I: how long an idle client connection is kept; default 60s
	Queue     Duration `yaml:"queue"`     // Q: wait for a server's slot; default R where servers have a maxconn, else 0
	Retry     Duration `yaml:"retry"`     // N: nginx's budget for both tries; default 2·(C+R)
	Server    Duration `yaml:"server"`    // S: HAProxy waits for nginx; default 1.1·N
	Client    Duration `yaml:"client"`    // HAProxy waits for the client; default B = 2·(Q+C+S), not below
	Database  Duration `yaml:"database"`  // each connect and query of the application; default R/3
	Websocket Duration `yaml:"websocket"` // idle WebSocket; default 1h
	Drain     Duration `yaml:"drain"`     // old processes after a reload; default max(5m, 2·B)
}

// Raw is the user's own lines, taken as they are and marked in the output.
type Raw struct {
	HAProxy    RawHAProxy    `yaml:"haproxy"`
	Keepalived RawKeepalived `yaml:"keepalived"`
	Nginx      RawNginx      `yaml:"nginx"`
	MySQL      RawMySQL      `yaml:"mysql"` // for MariaDB too
}

// RawHAProxy are lines at the end of a section of haproxy.cfg.
type RawHAProxy struct {
	Global   []string `yaml:"global"`
	Defaults []string `yaml:"defaults"`
	Frontend []string `yaml:"frontend"` // of every frontend of sites
	Backend  []string `yaml:"backend"`  // of every backend of sites
}

// RawKeepalived are lines at the end of a block of keepalived.conf.
type RawKeepalived struct {
	GlobalDefs   []string `yaml:"global_defs"`
	VRRPInstance []string `yaml:"vrrp_instance"` // of every instance
}

// RawNginx are directives at the end of a block of nginx.conf.
type RawNginx struct {
	Main   []string `yaml:"main"`
	Events []string `yaml:"events"`
	HTTP   []string `yaml:"http"`
	Server []string `yaml:"server"` // of every site's server
}

// RawMySQL are lines at the end of my.cnf's group.
type RawMySQL struct {
	Server []string `yaml:"server"`
}

// Accept is a finding the team lives with, and why.
type Accept struct {
	Rule   string `yaml:"rule"`
	Host   string `yaml:"host"` // default: wherever it is found
	Reason string `yaml:"reason"`
	Until  Date   `yaml:"until"` // last day; default: for good
}
