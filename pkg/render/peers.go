package render

import "stackgen/pkg/model"

// peersPort is where the balancers of a stack tell each other their stick tables.
const peersPort = 10000

// needsPeers reports whether there are stick tables to share: the counters of the rate limit.
func needsPeers(t *model.Topology) bool { return t.LB.RateLimit != nil && len(t.LB.Nodes) > 1 }
