package model

// enums are the words a string may be, the default first, and the versions a target may be, the oldest first.
// Keys are type.field of model.go.
var enums = map[string][]string{
	"Targets.HAProxy":    {"2.6", "2.7", "2.8", "2.9", "3.0", "3.1", "3.2"},
	"Targets.Keepalived": {"2.2", "2.3"},
	"Targets.Nginx":      {"1.22", "1.23", "1.24", "1.25", "1.26", "1.27", "1.28", "1.29", "1.30"},
	"Targets.MySQL":      {"8.0", "8.4", "9.7"},
	"Targets.MariaDB":    {"10.11", "11.8"},
	"TLS.Profile":        {"intermediate", "modern"},
	"LB.ClientIP":        {"forwarded-for", "proxy"},
	"LB.Sticky":          {"none", "cookie", "source"},
	"LB.Balance":         {"leastconn", "roundrobin", "random"},
	"Failover.Mode":      {"standard", "fast"},
	"App.Protocol":       {"http", "fastcgi", "uwsgi"},
	"App.Balance":        {"least_conn", "round_robin", "random"},
	"DB.Failover":        {"manual", "external"},
}
