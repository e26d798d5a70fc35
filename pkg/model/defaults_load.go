package model

// Limits of the load: HAProxy's largest weight, and more requests at a time than one balancer can have connections.
const (
	maxWeight     = 256
	maxConcurrent = 1000000
)

// share is what the busiest of some servers gets of n requests while the heaviest of the others is down: n when it is
// alone, n/(servers − 1) rounded up when all weigh the same. Backups get nothing while one of the others is up.
func share(servers []Server, n int) int {
	total, first, second := 0, 0, 0 // the sum of all weights, and the two largest
	for _, s := range servers {
		if s.Backup {
			continue
		}
		w := min(max(s.Weight, 1), maxWeight)
		total += w
		if w > first {
			first, second = w, first
		} else if w > second {
			second = w
		}
	}
	if second == 0 { // none or one
		return n
	}
	// The heaviest fails: the second one carries second/(total − first). The second one fails: first/(total − second),
	// which is never less.
	return ceilDiv(n*first, total-second)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(n, step int) int { return ceilDiv(n, step) * step }

// fillLoad sizes each layer so that it carries Load.Concurrent with one host of its tier down.
func (t *Topology) fillLoad() {
	l := 0
	if t.Load != nil {
		l = min(max(t.Load.Concurrent, 0), maxConcurrent)
	}
	const silent = "load.concurrent is not given"

	// One balancer carries everything, and clients that are idle between two requests hold a connection too.
	if n := roundUp(2*l, 1000); n > 20000 {
		def(t, "lb.maxconn", &t.LB.MaxConn, n, "2·load.concurrent, one balancer alone, idle clients included")
	} else {
		def(t, "lb.maxconn", &t.LB.MaxConn, 20000, "default")
	}
	if l == 0 {
		def(t, "web.maxconn", &t.Web.MaxConn, 0, silent)
	} else {
		def(t, "web.maxconn", &t.Web.MaxConn, share(t.Web.Nodes, l), "load.concurrent over the web servers by weight, one of them down")
	}
	for i := range t.Apps {
		a := &t.Apps[i]
		path := "apps." + a.Name + ".concurrency"
		if l == 0 {
			def(t, path, &a.Concurrency, 0, silent)
		} else {
			def(t, path, &a.Concurrency, share(a.Nodes, l), "load.concurrent over the servers of "+a.Name+" by weight, one of them down")
		}
	}
	t.fillWorkerConnections()
}

// fillWorkerConnections: a proxied request holds two connections of nginx, one worker may get them all, and every
// balancer may send web.maxconn (two hold a VIP each where VIPs prefer different holders, or during a hand-over).
func (t *Topology) fillWorkerConnections() {
	n := 2 * t.Web.MaxConn * len(t.LB.Nodes)
	for _, a := range t.Apps {
		n += a.Keepalive
	}
	if n = roundUp(n+128, 1024); n > 4096 {
		def(t, "web.worker_connections", &t.Web.WorkerConnections, n,
			"2·web.maxconn·balancers + idle upstream connections + 128 for checks and listeners")
	} else {
		def(t, "web.worker_connections", &t.Web.WorkerConnections, 4096, "default")
	}
}

// maxConnectionsLimit is the servers' own upper bound of max_connections.
const maxConnectionsLimit = 100000

// fillMaxConnections: every request in work may hold one connection to write and, while no replica is up, one to read on
// the same server. The reserve is for the replicas' threads, the balancers' checks and people.
func (t *Topology) fillMaxConnections(d *DB) {
	sum := 0
	for _, a := range t.Apps {
		sum += a.Concurrency * len(a.Nodes)
	}
	each, why := 1, "the sum of the applications' concurrency + "
	if len(d.Replicas) > 0 {
		each, why = 2, "2·the sum of the applications' concurrency (write and, with the replicas down, read) + "
	}
	reserve := len(d.Replicas) + 4*len(t.LB.Nodes) + 20
	if n := min(roundUp(each*sum+reserve, 50), maxConnectionsLimit); n > 500 {
		def(t, "db.max_connections", &d.MaxConnections, n, why+"replicas, checks and 20 for people")
	} else {
		def(t, "db.max_connections", &d.MaxConnections, 500, "default")
	}
}
