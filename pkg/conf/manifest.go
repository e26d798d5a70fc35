package conf

// ManifestName is the manifest's place at the root of a stack's folder.
const ManifestName = "manifest.json"

// Manifest is manifest.json: what a topology knows and no daemon's file says. Every field but Version is optional, so
// that one written by hand may hold hosts and addresses alone. Times are in milliseconds, sizes in bytes.
type Manifest struct {
	Version int                       `json:"version"` // of this format: 1
	Name    string                    `json:"name,omitempty"`
	Targets map[string]string         `json:"targets,omitempty"` // daemon → version: "haproxy": "3.0"
	Sites   map[string]ManifestSite   `json:"sites,omitempty"`
	DNS     map[string]ManifestRecord `json:"dns,omitempty"` // by name: "www.example.com"
	VIPs    map[string]ManifestVIP    `json:"vips,omitempty"`
	Tiers   map[string]ManifestTier   `json:"tiers,omitempty"` // lb, web, db and each application tier's name
	Load    *ManifestLoad             `json:"load,omitempty"`
	Accept  []ManifestAccept          `json:"accept,omitempty"`
	Hosts   map[string]ManifestHost   `json:"hosts"`
	Files   []ManifestFile            `json:"files,omitempty"` // sorted by path; the manifest itself is not among them
}

// ManifestSite is one site: the names it answers to and where its requests go.
type ManifestSite struct {
	Domains []string                 `json:"domains"`
	VIP     string                   `json:"vip"`
	TLS     bool                     `json:"tls,omitempty"`
	Routes  map[string]ManifestRoute `json:"routes,omitempty"` // by path prefix; the longest wins
}

// ManifestRoute is what answers one path prefix of a site.
type ManifestRoute struct {
	App       string `json:"app,omitempty"` // tier; empty: static files of the web servers
	RequestMS int64  `json:"request_ms,omitempty"`
	WebSocket bool   `json:"websocket,omitempty"`
}

// ManifestRecord is a DNS name: what the world resolves it to, and the virtual IP that answers there.
type ManifestRecord struct {
	Addresses []string `json:"addresses"` // public
	VIP       string   `json:"vip"`
}

// ManifestVIP is a virtual IP.
type ManifestVIP struct {
	Addresses []string `json:"addresses"` // with prefix length: "10.0.10.10/24"
	Public    []string `json:"public,omitempty"`
	Prefer    string   `json:"prefer,omitempty"`
}

// ManifestTier is a group of hosts that serve the same.
type ManifestTier struct {
	Role  string   `json:"role"` // lb, web, app or db
	Hosts []string `json:"hosts"`
}

// ManifestLoad is the load at peak that the stack must carry.
type ManifestLoad struct {
	Requests   int `json:"requests,omitempty"` // a second
	Concurrent int `json:"concurrent,omitempty"`
}

// ManifestAccept is a finding the team has accepted.
type ManifestAccept struct {
	Rule   string `json:"rule"`
	Host   string `json:"host,omitempty"`
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"` // 2027-03-31
}

// ManifestHost is one machine.
type ManifestHost struct {
	Role         string         `json:"role,omitempty"`     // lb, web, app or db
	Tier         string         `json:"tier,omitempty"`     // key in Tiers
	Database     string         `json:"database,omitempty"` // primary or replica
	Addresses    []string       `json:"addresses"`
	Interface    string         `json:"interface,omitempty"`
	Zone         string         `json:"zone,omitempty"`
	RunsOn       string         `json:"runs_on,omitempty"`
	Capacity     int            `json:"capacity,omitempty"` // requests a second
	CPUs         int            `json:"cpus,omitempty"`
	Memory       int64          `json:"memory,omitempty"`
	Availability float64        `json:"availability,omitempty"` // percent
	Packages     []string       `json:"packages,omitempty"`
	Flows        []ManifestFlow `json:"flows,omitempty"` // incoming
}

// ManifestFlow is traffic that a host must let in.
type ManifestFlow struct {
	From     []string `json:"from"`     // tiers, or "any"
	To       []string `json:"to"`       // addresses of this host, or virtual IPs it may hold
	Protocol string   `json:"protocol"` // tcp, or vrrp (IP protocol 112)
	Port     int      `json:"port,omitempty"`
	Purpose  string   `json:"purpose"`
}

// ManifestFile is one rendered file.
type ManifestFile struct {
	Host   string `json:"host,omitempty"` // empty: a file of the stack
	Path   string `json:"path"`
	Mode   string `json:"mode"`  // "0644"
	Owner  string `json:"owner"` // "root:root"
	SHA256 string `json:"sha256"`
	Check  string `json:"check,omitempty"`  // command on the host that refuses a bad file
	Reload string `json:"reload,omitempty"` // command on the host that makes the daemon take it
}
