package lint

import (
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkMySQLRules = []*Rule{linkMySQLCheckAuth, linkMySQLCheckTLS, linkMySQLTimeout}

// logins are the servers of HAProxy whose check logs in to a database.
func logins(s *fact.Stack) func(yield func(*fact.Edge, *fact.Check) bool) {
	return func(yield func(*fact.Edge, *fact.Check) bool) {
		for e := range links(s) {
			c := e.Server.Pool.Check
			if e.Server.Pool.Layer != fact.LayerHAProxy || c == nil || c.Kind != "mysql" || !c.User.Written() || !e.Server.Checked.V || !e.Server.Checked.Known() || e.To == nil || e.To.Database == nil {
				continue
			}
			if !yield(e, c) {
				return
			}
		}
	}
}

// HAProxy's own check knows mysql_native_password alone: off by default in 8.4, gone in 9.0. (Seen: every server is down.)
var linkMySQLCheckAuth = &Rule{
	ID:       "link-mysql-check-auth",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e, c := range logins(p.Stack) {
			d := e.To.Database
			if d.Flavour.V != "mysql" || !d.Flavour.Known() || d.Version == (fact.Version{}) || d.Version.Before(8, 4) {
				continue
			}
			if o := d.Options["mysql_native_password"]; d.Version.Before(9, 0) && o != nil && (!o.Value.Known() || !strings.EqualFold(o.Value.V, "off") && o.Value.V != "0") {
				continue
			}
			p.Report(c.User.Word, "option mysql-check logs in with mysql_native_password, which MySQL %d.%d refuses: HAProxy takes every server of %q out", d.Version.Major, d.Version.Minor, e.Server.Pool.Name.Text).
				On(e.From).In(c.Node).Related(e.Server.Address, "the server").Help("write a tcp-check that logs in with caching_sha2_password").Same(e.Server.Pool.Name.Text)
		}
	},
}

var linkMySQLCheckTLS = &Rule{
	ID:       "link-mysql-check-tls",
	Severity: diag.Error,
	Run: func(p *Pass) {
		for e, c := range logins(p.Stack) {
			o := e.To.Database.Options["require_secure_transport"]
			if o == nil || !o.Value.Known() || !strings.EqualFold(o.Value.V, "on") && o.Value.V != "1" {
				continue
			}
			p.Report(c.User.Word, "the check logs in without TLS, which the database of %s refuses: HAProxy never sends a request to %s", e.To.Name, e.Server.Name.Text).
				On(e.From).In(c.Node).Related(o.Word, "TLS is required here").Related(e.Server.Address, "the server").
				Help("take require_secure_transport off and require TLS of each account but the check's").Same(e.Server.Pool.Name.Text)
		}
	},
}

const pooled = 5 * time.Minute // a connection of a pool rests longer than this in a quiet hour

var linkMySQLTimeout = &Rule{
	ID:       "link-mysql-timeout",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		entrances := entrancesOf(p.Stack)
		for e := range links(p.Stack) {
			if e.Listener == nil || e.Listener.Layer != fact.LayerDatabase || e.Server.Pool.Layer != fact.LayerHAProxy {
				continue
			}
			pool := e.Server.Pool
			sections := append([]*fact.Proxy{pool.Proxy}, entrances[pool]...)
			for i, x := range sections {
				for _, name := range []string{"server", "client"} {
					// A frontend has no servers, and a backend no clients.
					if x.Kind == "frontend" && name == "server" || x.Kind == "backend" && name == "client" || x.Kind == "listen" && i > 0 && x == pool.Proxy {
						continue
					}
					t, ok := x.Timeouts[name]
					if !ok || !t.Known() || t.V == 0 || t.V >= pooled || !x.Mode.Known() || x.Mode.V != "tcp" {
						continue
					}
					p.Report(t.Word, "HAProxy cuts a connection to the database after %s of silence: the next query on a pooled connection fails", durationText(t.V)).On(e.From).
						Related(e.Server.Address, "a database").Help("write timeout client 1h and timeout server 1h in %s %s", x.Kind, x.Name.Text).Same("timeout " + name)
				}
			}
		}
	},
}

func isOff(w conf.Word) bool { return w.Text == "off" }
