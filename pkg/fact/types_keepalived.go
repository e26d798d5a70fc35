package fact

import (
	"net/netip"
	"time"

	"stackgen/pkg/conf"
)

// Keepalived is one keepalived.conf. Numbers out of range are here what keepalived 2.2 makes of them; what is written is
// in their Word.
type Keepalived struct {
	Host      *Host
	Tree      *conf.Tree
	ConfigID  Value[string] // what "@id" is compared with
	Global    *conf.Node    // the first global_defs; nil: none
	RouterID  Value[string]
	Strict    Value[bool] // vrrp_strict
	Security  Value[bool] // enable_script_security
	User      Value[string]
	Version   Value[int] // vrrp_version
	Scripts   []*VRRPScript
	Instances []*VRRPInstance
	Groups    []*SyncGroup
	Virtual   []*conf.Node          // virtual_server blocks
	Globals   map[string]*conf.Node // statements of every global_defs by keyword, the last of each; one with a Cond may not apply
	Partial   bool                  // something outside of the instances may be missing: an include, a variable, a condition
}

// VRRPScript is a vrrp_script, vrrp_track_process or track_file.
type VRRPScript struct {
	Kind     string // script, process, file
	Name     conf.Word
	Node     *conf.Node
	Command  []conf.Word // what is run: the path first; empty where unknown. Of a process or file: its words, its path
	Text     *conf.File  // of the script, where it is in the host's tree
	Interval Value[time.Duration]
	Timeout  Value[time.Duration] // by default the interval
	Fall     Value[int]
	Rise     Value[int]
	Weight   Value[int]
	Reverse  bool // of weight
	InitFail Value[bool]
	User     Value[string]
	Used     bool   // something names it
	Asks     *Probe // what the command asks; nil where that is not known
}

// Probe is what a check script asks, as far as its words tell.
type Probe struct {
	Kind    string // http, tcp, process, ping, socket, file, other: nothing outside of the command
	Word    conf.Word
	Process string     // of killall -0, pidof, pgrep, systemctl is-active; empty: some process
	Scheme  string     // http, https
	Addr    netip.Addr // invalid: a name that is not known, or none
	Name    string     // host as written
	Port    int
	Path    string               // of the URL, socket or file
	Timeout Value[time.Duration] // curl -m, timeout N
	Lax     bool                 // curl -k
}

// VRRPInstance is a vrrp_instance.
type VRRPInstance struct {
	Keepalived  *Keepalived
	Name        conf.Word
	Node        *conf.Node
	State       Value[string]
	Interface   Value[string] // empty: none
	RouterID    Value[int]    // 0: none, keepalived drops the instance
	Priority    Value[int]
	Advert      Value[time.Duration]
	DownAdverts Value[int] // lost adverts until the holder counts as dead
	Version     Value[int]
	NoPreempt   Value[bool]          // as written; see StaysBackup
	Delay       Value[time.Duration] // preempt_delay, as written; see PreemptDelay
	Strict      Value[bool]
	Accept      Value[bool]       // takes packets to its virtual addresses
	Source      Value[netip.Addr] // unicast_src_ip, mcast_src_ip
	Peers       []VRRPPeer
	Unicast     bool // some unicast keyword is there; without peers it is multicast all the same
	CheckSrc    Value[bool]
	AuthType    Value[string] // PASS, AH; empty: none; see Auth
	AuthPass    Value[string] // as keepalived reads it, not cut to eight
	VIPs        []*VRRPAddress
	Tracks      []*Track // its own, then those of its group
	Group       *SyncGroup
	Notify      []*conf.Node
	Partial     bool // something in the block is missing: an include, a variable, a condition
}

// VRRPPeer is an entry of unicast_peer.
type VRRPPeer struct {
	Addr netip.Addr // invalid: unknown, or not an address
	Word conf.Word
	Node *conf.Node
}

// VRRPAddress is a virtual address of an instance.
type VRRPAddress struct {
	Instance  *VRRPInstance
	Prefix    netip.Prefix // a prefix that was not written is a full one
	Written   bool         // the prefix length is written
	Dev       Value[string]
	Excluded  bool // virtual_ipaddress_excluded: not in the advert
	Word      conf.Word
	Node      *conf.Node
	Malformed bool // keepalived leaves it out; the prefix is valid where only the address family is wrong
}

// Track is what an instance or its group tracks.
type Track struct {
	Kind    string // script, process, file, interface, bfd
	Word    conf.Word
	Node    *conf.Node
	Weight  Value[int] // here, or the script's own
	Reverse bool
	Script  *VRRPScript // nil: an interface, or nothing has the name
	Late    bool        // the script is defined below: keepalived does not find it
	Group   bool        // tracked by the sync group
}

// SyncGroup is a vrrp_sync_group.
type SyncGroup struct {
	Name     conf.Word
	Node     *conf.Node
	Members  []conf.Word
	Tracks   []*Track
	Weighted Value[bool] // sync_group_tracking_weight: weights of the members' own tracks count
	Notify   []*conf.Node
}
