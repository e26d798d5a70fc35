package model

// The longest request leaves room for what follows from it: two drains of 2·(Q+C+S) stay below HAProxy's 24.8 days.
const (
	minRequest = 10 * ms
	maxRequest = day
)

func checkTimeouts(t *Topology, p *problems) {
	w := &t.Timeouts
	p.span("timeouts.request", w.Request, minRequest, maxRequest)
	p.span("timeouts.connect", w.Connect, ms, hour)
	p.span("timeouts.idle", w.Idle, second, day)
	least := Duration(0)
	if t.Web.MaxConn > 0 {
		least = ms // requests do queue, and no time at all would be an error for each of them
	}
	p.span("timeouts.queue", w.Queue, least, maxRequest)
	for _, s := range []struct {
		path string
		span Duration
	}{
		{"timeouts.retry", w.Retry}, {"timeouts.server", w.Server}, {"timeouts.client", w.Client},
		{"timeouts.database", w.Database},
	} {
		p.span(s.path, s.span, ms, 4*day)
	}
	p.span("timeouts.websocket", w.Websocket, second, longest)
	p.span("timeouts.drain", w.Drain, second, longest)
}
