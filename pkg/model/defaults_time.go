package model

import "time"

func (t *Topology) fillTimeouts() {
	w := &t.Timeouts
	def(t, "timeouts.request", &w.Request, Duration(30*time.Second), "default")
	def(t, "timeouts.connect", &w.Connect, Duration(2*time.Second), "default")
	def(t, "timeouts.idle", &w.Idle, Duration(60*time.Second), "default")
	if t.Web.MaxConn > 0 {
		def(t, "timeouts.queue", &w.Queue, w.Request, "timeouts.request: web.maxconn makes requests wait for a slot")
	} else {
		def(t, "timeouts.queue", &w.Queue, 0, "no web.maxconn, no queue")
	}
	// A span that was overridden moves those around it: each follows from the ones inside it as they are.
	def(t, "timeouts.retry", &w.Retry, retrySpan(w.Connect, w.Request), "2·(connect + request)")
	def(t, "timeouts.server", &w.Server, serverSpan(w.Retry), "1.1·retry")
	def(t, "timeouts.client", &w.Client, clientSpan(w.Queue, w.Connect, w.Server), "2·(queue + connect + server)")
	def(t, "timeouts.database", &w.Database, third(w.Request), "request/3: the replica, then the primary fit into a request")
	def(t, "timeouts.websocket", &w.Websocket, Duration(time.Hour), "default")
}

// fillDrain comes after the routes, whose own request timeouts may make a longer budget.
func (t *Topology) fillDrain() {
	drain, why := Duration(5*time.Minute), "default"
	if b := 2 * t.ClientBudget(t.Sites); b > drain {
		drain, why = b, "2·client, the longest of all routes"
	}
	def(t, "timeouts.drain", &t.Timeouts.Drain, drain, why)
}

// third is a database's share of a request, in whole milliseconds.
func third(request Duration) Duration {
	return max(Duration((time.Duration(request) / 3).Truncate(time.Millisecond)), Duration(time.Millisecond))
}

// minSemiSyncWait is the shortest wait that is more than a slow fsync of a replica: below it commits would fall back to
// asynchronous, and promotion would lose what semi-sync seemed to promise.
const minSemiSyncWait = Duration(2 * time.Second)

func (t *Topology) fillSemiSync(d *DB) {
	wait, why := Duration(10*time.Second), "default"
	if w := third(t.Timeouts.Request); w < wait {
		wait, why = w, "timeouts.request/3"
	}
	def(t, "db.semi_sync_wait", &d.SemiSyncWait, wait, why)
	switch {
	case len(d.Replicas) == 0:
		def(t, "db.semi_sync", &d.SemiSync, false, "no replica")
	case d.SemiSyncWait < minSemiSyncWait:
		def(t, "db.semi_sync", &d.SemiSync, false, "db.semi_sync_wait is below "+minSemiSyncWait.String()+", so a slow replica would turn it off at once")
	default:
		def(t, "db.semi_sync", &d.SemiSync, true, "default with replicas")
	}
}
