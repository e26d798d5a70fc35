package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackgen/pkg/conf"
	"stackgen/pkg/diag"
	"stackgen/pkg/fact"
)

var linkTimeoutRules = []*Rule{linkTimeout, linkRetryBudget, linkKeepalive, linkAppKeepalive, linkCapacity}

// patience is how long the balancers wait for an answer at a listener of nginx: the longest time of all sections that lead
// there, since which of them a location's requests come through is not looked at. ok is false where it is not known.
func (f front) patience() (d fact.Value[time.Duration], ok bool) {
	for _, e := range f.edges {
		x := e.Server.Pool.Proxy
		t, found := x.Timeouts["server"]
		if !found || !t.Known() || t.V == 0 || !x.Mode.Known() || x.Mode.V != "http" {
			return d, false
		}
		if t.V > d.V {
			d = t
		}
		for _, n := range x.Rules {
			if n.Arg(1).Text != "set-timeout" || n.Arg(2).Text != "server" {
				continue
			}
			longer, err := time.ParseDuration(n.Arg(3).Text)
			if err != nil {
				return d, false
			}
			d.V = max(d.V, longer)
		}
	}
	return d, true
}

// try is what nginx does for a request of a location in the worst case.
type try struct {
	location      *fact.Location
	connect, read fact.Value[time.Duration]
	number        int
	all           time.Duration
}

// tries are those of all locations behind a listener. A WebSocket is left out: HAProxy times it as a tunnel.
func (f front) tries() []try {
	var all []try
	for _, s := range f.Servers {
		for _, l := range append([]*fact.Location{s.Root}, s.Locations...) {
			if l.Pass == nil || l.Pass.Pool == nil || l.Pass.Pool.Partial || l.Headers["upgrade"] != nil {
				continue
			}
			t := try{location: l, connect: l.Timeouts[l.Pass.Kind+"_connect_timeout"], read: l.Timeouts[l.Pass.Kind+"_read_timeout"]}
			limit := l.Timeouts[l.Pass.Kind+"_next_upstream_timeout"]
			if !t.connect.Known() || !t.read.Known() || !limit.Known() {
				continue
			}
			for _, s := range l.Pass.Pool.Servers {
				if s.Eligible() {
					t.number++
				}
			}
			if d := l.Other[l.Pass.Kind+"_next_upstream_tries"]; d != nil {
				n, err := strconv.Atoi(d.Arg(1).Text)
				if err != nil {
					continue
				}
				if n > 0 {
					t.number = min(t.number, n)
				}
			}
			if d := l.Other[l.Pass.Kind+"_next_upstream"]; d != nil && slices.ContainsFunc(d.Args(), func(w conf.Word) bool { return w.Text == "off" }) {
				t.number = 1
			}
			one := t.connect.V + t.read.V
			t.all = time.Duration(t.number) * one
			if limit.V > 0 {
				t.all = min(t.all, limit.V+one)
			}
			all = append(all, t)
		}
	}
	return all
}

var linkTimeout = &Rule{
	ID:       "link-timeout",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			wait, ok := f.patience()
			if !ok {
				continue
			}
			var worst *try
			for _, t := range f.tries() {
				if t.read.V > wait.V && (worst == nil || t.read.V > worst.read.V) {
					worst = &t
				}
			}
			if worst == nil {
				continue
			}
			p.Report(wait.Word, "HAProxy waits %s for an answer and nginx %s: HAProxy answers 504 first, and the application works on for nobody", durationText(wait.V), durationText(worst.read.V)).
				On(f.edges[0].From).Related(worst.read.Word, "nginx waits %s", durationText(worst.read.V)).
				Help("let each layer wait longer than the one behind it: timeout server above %s, or %s_read_timeout below %s", durationText(worst.read.V), worst.location.Pass.Kind, durationText(wait.V)).Same("timeout")
		}
	},
}

var linkRetryBudget = &Rule{
	ID:       "link-retry-budget",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			wait, ok := f.patience()
			if !ok {
				continue
			}
			var worst *try
			for _, t := range f.tries() {
				if t.read.V <= wait.V && t.number > 1 && t.all > wait.V && (worst == nil || t.all > worst.all) {
					worst = &t
				}
			}
			if worst == nil {
				continue
			}
			t := *worst
			p.Report(wait.Word, "HAProxy waits %s for an answer, and all tries of nginx may take %s: it answers 504 while nginx still asks the next server", durationText(wait.V), durationText(t.all)).
				On(f.edges[0].From).Related(t.location.Pass.Word, "%d tries, each of up to %s", t.number, durationText(t.connect.V+t.read.V)).
				Proof("%d tries × (%s to connect + %s to answer) = %s", t.number, durationText(t.connect.V), durationText(t.read.V), durationText(time.Duration(t.number)*(t.connect.V+t.read.V))).
				Help("write %s_connect_timeout 2s and %[1]s_next_upstream_tries 2, and %[1]s_next_upstream_timeout below %[2]s", t.location.Pass.Kind, durationText(wait.V)).Same("timeout")
		}
	},
}

// short is a duration without its zeros: "1m", not "1m0s".
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var linkKeepalive = &Rule{
	ID:       "link-keepalive",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		for _, f := range fronts(p.Stack) {
			if !f.inHTTP() {
				continue
			}
			s := f.DefaultServer()
			keep := s.Root.Timeouts["keepalive_timeout"]
			e := f.edges[0]
			purge := 5 * time.Second
			if w, ok := e.Server.Option("pool-purge-delay"); ok {
				d, err := time.ParseDuration(w.Text)
				if err != nil {
					continue
				}
				purge = d
			}
			if w, ok := e.Server.Option("pool-max-conn"); ok && w.Text == "0" || !keep.Written() || keep.V == 0 || keep.V > purge {
				continue
			}
			if reuse := last(e.Server.Pool.Proxy.Node.Body, "http-reuse"); reuse != nil && reuse.Arg(1).Text == "never" {
				continue
			}
			p.Report(keep.Word, "nginx closes an idle connection after %s, HAProxy keeps it for %s and more: now and then a request meets a connection that is being closed, and fails", durationText(keep.V), durationText(purge)).
				On(f.Host).Related(e.Server.Address, "HAProxy reuses its connections").Help("write keepalive_timeout 75s: the balancers close first").Same("keepalive")
		}
	},
}

var linkAppKeepalive = &Rule{
	ID:       "link-app-keepalive",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		var of *fact.Pool
		var timeout *conf.Node // of that pool, whose servers come one after another
		for e := range links(p.Stack) {
			pool := e.Server.Pool
			if pool.Layer != fact.LayerNginx || !pool.Keepalive.Written() || pool.Keepalive.V == 0 || e.To == nil || e.Listener == nil || e.Listener.Layer != fact.LayerApp || pool.Partial {
				continue
			}
			keeps, at := 60*time.Second, pool.Keepalive.Word
			if of != pool {
				of, timeout = pool, last(pool.Node.Body, "keepalive_timeout")
			}
			if timeout != nil {
				d, ok := fact.NginxTime(timeout.Arg(1).Text)
				if !ok {
					continue
				}
				keeps, at = d, timeout.Arg(1)
			}
			for _, a := range e.To.Apps {
				v, ok := a.Env["KEEPALIVE_S"]
				seconds, err := strconv.Atoi(v.V)
				if !ok || !v.Known() || err != nil || !slices.Contains(a.Listen, e.Listener) || seconds == 0 || time.Duration(seconds)*time.Second > keeps {
					continue
				}
				p.Report(at, "nginx keeps idle connections to %q for %s, the application closes them after %ds: now and then a request meets a connection that is being closed, and fails with 502", pool.Name.Text, durationText(keeps), seconds).
					On(e.From).Related(v.Word, "%s keeps them %d seconds", e.To.Name, seconds).Help("let nginx close first").Same(pool.Name.Text)
			}
		}
	},
}

var linkCapacity = &Rule{
	ID:       "link-capacity",
	Severity: diag.Warning,
	Run: func(p *Pass) {
		type sum struct {
			n     int
			first *fact.Server
		}
		sums := map[*fact.Host]map[*fact.Host]*sum{} // web, balancer
		unlimited := map[*fact.Host]bool{}
		for _, f := range fronts(p.Stack) {
			for _, e := range f.edges {
				s := e.Server
				if !s.MaxConn.Written() {
					unlimited[f.Host] = true
					continue
				}
				if sums[f.Host] == nil {
					sums[f.Host] = map[*fact.Host]*sum{}
				}
				one := sums[f.Host][e.From]
				if one == nil {
					one = &sum{first: s}
					sums[f.Host][e.From] = one
				}
				one.n += s.MaxConn.V
			}
		}
		for _, h := range p.Hosts {
			if sums[h] == nil || unlimited[h] {
				continue
			}
			n := h.Nginx
			// worker_processes auto is one for each processor, of which the files say nothing.
			if !n.Workers.Known() || n.Workers.V == 0 || !n.Conns.Known() || n.Conns.V == 0 {
				continue
			}
			has, passes := n.Workers.V*n.Conns.V, false
			for _, s := range n.Servers {
				for _, l := range s.Locations {
					passes = passes || l.Pass != nil
				}
			}
			proof := fmt.Sprintf("%d workers × %d connections = %d", n.Workers.V, n.Conns.V, has)
			if passes {
				has /= 2
				proof += fmt.Sprintf(", half of them to applications: %d requests", has)
			}
			for _, from := range p.Hosts {
				one := sums[h][from]
				if one == nil || one.n <= has {
					continue
				}
				p.Report(n.Conns.Word, "HAProxy sends up to %d requests at once to %s, and its nginx has connections for %d: it drops the others", one.n, h.Name, has).On(h).
					Related(one.first.MaxConn.Word, "%s sends up to %d in all its sections", from.Name, one.n).Proof("%s", proof).
					Help("raise worker_connections, or lower maxconn of the servers").Same("capacity " + h.Name)
			}
		}
	},
}
