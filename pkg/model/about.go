package model

import (
	"slices"
	"strings"
)

// MaxBytes is the size above which a topology is not read.
const MaxBytes = maxBytes

// Supported returns the versions that files can be written for, by daemon: "nginx": "1.22 1.23 …".
func Supported() map[string]string {
	out := map[string]string{}
	for name, id := range targetEnums {
		out[name] = strings.Join(enums[id], " ")
	}
	return out
}

// targetEnums are the keys in enums of the versions of each daemon.
var targetEnums = map[string]string{
	"haproxy": "Targets.HAProxy", "keepalived": "Targets.Keepalived", "nginx": "Targets.Nginx",
	"mysql": "Targets.MySQL", "mariadb": "Targets.MariaDB",
}

// assumed is the reason of a default that is a fact about the machines, and so may be wrong.
const assumed = "assumed"

// Assumed returns what was assumed of the machines, to be looked at: "lb.interface is eth0".
func (t *Topology) Assumed() []string {
	var out []string
	for path, o := range t.origins {
		if o.Why == assumed {
			out = append(out, path+" is "+t.LB.Interface) // the only one there is
		}
	}
	slices.Sort(out)
	return out
}
