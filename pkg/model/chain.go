package model

import "time"

// Chain is the time one request may take at each layer, outwards. Every span leaves room for the one inside it, so that
// the innermost layer that knows what went wrong answers first.
type Chain struct {
	Request Duration // R: the application answers
	Connect Duration // C: a TCP connection is there
	Retry   Duration // N: nginx's two tries, 2·(C+R)
	Server  Duration // S: HAProxy's wait for nginx, 1.1·N
	Queue   Duration // Q: HAProxy's wait for a slot
	Client  Duration // B: the budget a client can count on, 2·(Q+C+S): HAProxy's two tries
}

// chain derives the spans from R and C; queued says whether servers have a maxconn.
func chain(request, connect Duration, queued bool) Chain {
	c := Chain{Request: request, Connect: connect}
	c.Retry = retrySpan(connect, request)
	c.Server = serverSpan(c.Retry)
	if queued {
		c.Queue = request
	}
	c.Client = clientSpan(c.Queue, c.Connect, c.Server)
	return c
}

func retrySpan(connect, request Duration) Duration { return 2 * (connect + request) }

func serverSpan(retry Duration) Duration {
	return Duration((time.Duration(retry) * 11 / 10).Round(time.Millisecond))
}

func clientSpan(queue, connect, server Duration) Duration { return 2 * (queue + connect + server) }

// Chain returns the spans of the requests of one route. A route with its own request timeout has its own chain; all
// others follow Timeouts, where each span may have been overridden.
func (t *Topology) Chain(r Route) Chain {
	if r.RequestTimeout != t.Timeouts.Request {
		return chain(r.RequestTimeout, t.Timeouts.Connect, t.Web.MaxConn > 0)
	}
	w := t.Timeouts
	return Chain{Request: w.Request, Connect: w.Connect, Retry: w.Retry, Server: w.Server, Queue: w.Queue, Client: w.Client}
}

// ClientBudget is the longest Client span of the given sites: one frontend serves them all.
func (t *Topology) ClientBudget(sites []Site) Duration {
	longest := t.Timeouts.Client
	for _, s := range sites {
		for _, r := range s.Routes {
			longest = max(longest, t.Chain(r).Client)
		}
	}
	return longest
}
