package fact

import (
	"net/netip"

	"stackgen/pkg/conf"
)

// Database is one MySQL or MariaDB server, as its option files say.
type Database struct {
	Host    *Host
	Tree    *conf.Tree
	Flavour Value[string] // mysql, mariadb; unknown where nothing tells
	Version Version       // of the target; zero unknown
	Role    Value[string] // primary, replica: manifest, read_only, or who replicates from whom
	Options map[string]*Option
	All     []*Option // every option line of a group that the server reads, in reading order
	Listen  *Listener // nil: skip_networking
	Source  *DatabaseSource
	Partial bool // an include is missing
}

// Option is one option of the server: the line that wins.
type Option struct {
	Name  string // normalised: dashes are underscores, loose_, skip_, enable_ and disable_ resolved; the variable's name
	Value Value[string]
	Word  conf.Word // the name as written
	Node  *conf.Node
	Loose bool
	Lost  []*Option // earlier lines of the same option
}

// DatabaseSource is where a replica replicates from, read from SQL or scripts in the host's tree.
type DatabaseSource struct {
	Addr netip.Addr
	Port int
	TLS  Value[bool]
	User Value[string]
	Word conf.Word

	Retries  Value[int64] // how often it tries to connect; 0: for ever
	Interval Value[int64] // seconds between two tries
}

// App is an application on a host, as its environment file or a DSN in it says.
type App struct {
	Host   *Host
	Name   string
	Tree   *conf.Tree
	Env    map[string]Value[string]
	Listen []*Listener
	Write  *Pool // where it writes; nil: not said
	Read   *Pool // where it reads, in order; nil: not said
}
