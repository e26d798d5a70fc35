// Package conf holds the waist of stackgen: configuration files as they lie on hosts. It says where every word of a
// file stands, not what it means; it knows no keyword beyond what opens a section.
package conf

// Kind is the language of a file.
type Kind int

const (
	Other      Kind = iota // a file that is only copied: a script, a unit, a table of MIME types
	HAProxy                // haproxy.cfg
	Keepalived             // keepalived.conf
	Nginx                  // nginx.conf
	MySQL                  // my.cnf
	Env                    // an environment file of a service
	JSON                   // manifest.json
)

var kindNames = [...]string{"other", "haproxy", "keepalived", "nginx", "mysql", "env", "json"}

func (k Kind) String() string { return kindNames[k] }

// File is one file of one host.
type File struct {
	Host string // name of the host; empty: the file belongs to the stack and lies at the root of the output
	Path string // on the host, absolute and slash-separated ("/etc/nginx/nginx.conf"); without a host: the name at the root ("manifest.json")
	Kind Kind
	Mode uint32 // permission bits; 0 where unknown
	Data []byte // never changed once set: several files may share it
}

// Name is the file's path in a folder with one folder per host: "lb1/etc/haproxy/haproxy.cfg".
func (f File) Name() string {
	if f.Host == "" {
		return f.Path
	}
	return f.Host + f.Path
}
