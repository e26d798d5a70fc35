package model

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func host(name, address string) Node {
	return Node{Name: name, Address: netip.MustParseAddr(address)}
}

// foobar is the topology of examples/foobar as the loader leaves it to fill: only what the user wrote.
func foobar() *Topology {
	return &Topology{
		Version: 1,
		Name:    "foobar",
		VIPs:    []VIP{{Name: "www", Address: netip.MustParsePrefix("10.0.10.10/24")}},
		Sites:   []Site{{Name: "foobar", Domains: []string{"www.foobar.com", "foobar.com"}}},
		LB:      LB{Nodes: []Balancer{{Node: host("lb1", "10.0.10.11")}, {Node: host("lb2", "10.0.10.12")}}},
		Web:     Web{Nodes: []Server{{Node: host("web1", "10.0.10.21")}, {Node: host("web2", "10.0.10.22")}}},
		Apps: []App{{Name: "app", Nodes: []Server{
			{Node: host("app1", "10.0.10.31")}, {Node: host("app2", "10.0.10.32")}, {Node: host("app3", "10.0.10.33")},
		}}},
		DB: &DB{
			Primary:  []Database{{Node: host("db1", "10.0.10.41")}},
			Replicas: []Database{{Node: host("db2", "10.0.10.42")}},
		},
	}
}

func seconds(s float64) Duration { return Duration(s * float64(time.Second)) }

func TestTimeChain(t *testing.T) {
	tests := []struct {
		request, connect              float64
		load                          *Peak
		queue, retry, server, client  float64
		database, semiSyncWait, drain float64
		semiSync                      bool
	}{
		{request: 30, connect: 2, retry: 64, server: 70.4, client: 144.8, database: 10, semiSyncWait: 10, semiSync: true, drain: 300},
		{request: 1, connect: 0.2, retry: 2.4, server: 2.64, client: 5.68, database: 0.333, semiSyncWait: 0.333, drain: 300},
		{request: 30, connect: 2, load: &Peak{Concurrent: 400}, queue: 30, retry: 64, server: 70.4, client: 204.8,
			database: 10, semiSyncWait: 10, semiSync: true, drain: 409.6},
	}
	for _, tt := range tests {
		top := foobar()
		top.Load = tt.load
		top.origins = origins{}
		wrote(top, "timeouts.request", &top.Timeouts.Request, seconds(tt.request))
		wrote(top, "timeouts.connect", &top.Timeouts.Connect, seconds(tt.connect))
		fill(top, &problems{t: top})
		want := Timeouts{
			Request: seconds(tt.request), Connect: seconds(tt.connect), Idle: seconds(60),
			Queue: seconds(tt.queue), Retry: seconds(tt.retry), Server: seconds(tt.server), Client: seconds(tt.client),
			Database: seconds(tt.database), Websocket: seconds(3600), Drain: seconds(tt.drain),
		}
		if diff := cmp.Diff(want, top.Timeouts); diff != "" {
			t.Errorf("request %vs (-want +got):\n%s", tt.request, diff)
		}
		if got := top.DB.SemiSyncWait; got != seconds(tt.semiSyncWait) || top.DB.SemiSync != tt.semiSync {
			t.Errorf("request %vs: semi-sync %v after %v, want %v after %vs", tt.request, top.DB.SemiSync, got, tt.semiSync, tt.semiSyncWait)
		}
	}
}

// An overridden span is taken, and the spans around it follow it.
func TestTimeOverride(t *testing.T) {
	top := foobar()
	top.origins = origins{}
	wrote(top, "timeouts.retry", &top.Timeouts.Retry, seconds(10))
	fill(top, &problems{t: top})
	if w := top.Timeouts; w.Retry != seconds(10) || w.Server != seconds(11) || w.Client != seconds(26) {
		t.Errorf("retry 10s gives retry %v, server %v, client %v; want 10s, 11s, 26s", w.Retry, w.Server, w.Client)
	}
}

func wrote[T any](t *Topology, path string, v *T, value T) {
	*v = value
	o := Origin{}
	o.Pos.File, o.Pos.Line, o.Pos.Col = "stack.yaml", 1, 1
	t.origins[path] = o
}

func TestShare(t *testing.T) {
	server := func(weight int, backup bool) Server { return Server{Weight: weight, Backup: backup} }
	tests := []struct {
		name    string
		servers []Server
		want    int
	}{
		{"none", nil, 400},
		{"alone", []Server{server(1, false)}, 400},
		{"two: one is left", []Server{server(1, false), server(1, false)}, 400},
		{"three: two are left", []Server{server(1, false), server(1, false), server(1, false)}, 200},
		{"four, rounded up", []Server{server(1, false), server(1, false), server(1, false), server(1, false)}, 134},
		{"a backup does not help", []Server{server(1, false), server(1, false), server(1, true)}, 400},
		{"the heavy one of three", []Server{server(2, false), server(1, false), server(1, false)}, 267},
		{"weight not filled", []Server{server(0, false), server(0, false), server(0, false)}, 200},
	}
	for _, tt := range tests {
		if got := share(tt.servers, 400); got != tt.want {
			t.Errorf("%s: share is %d of 400, want %d", tt.name, got, tt.want)
		}
	}
}

func TestLoadChain(t *testing.T) {
	type sizes struct{ lb, web, worker, app, db int }
	tests := []struct {
		concurrent int
		want       sizes
	}{
		{0, sizes{20000, 0, 4096, 0, 500}},
		{400, sizes{20000, 400, 4096, 200, 1250}},
		{15000, sizes{30000, 15000, 60416, 7500, 45050}},
	}
	for _, tt := range tests {
		top := foobar()
		top.Load = &Peak{Concurrent: tt.concurrent}
		fill(top, &problems{t: top})
		got := sizes{top.LB.MaxConn, top.Web.MaxConn, top.Web.WorkerConnections, top.Apps[0].Concurrency, top.DB.MaxConnections}
		if got != tt.want {
			t.Errorf("concurrent %d: got %+v, want %+v", tt.concurrent, got, tt.want)
		}
	}
}

func TestServerID(t *testing.T) {
	for address, want := range map[string]uint32{
		"10.0.10.41":   167774761,
		"192.168.0.1":  3232235521,
		"0.0.0.0":      1,
		"2001:db8::41": 2925226420,
	} {
		if got := serverID(netip.MustParseAddr(address)); got != want {
			t.Errorf("server id of %s is %d, want %d", address, got, want)
		}
	}
}

// What share says is the worst of all cases: each server down in turn, each other's part by weight.
func TestShareWorst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		weights := rapid.SliceOfN(rapid.IntRange(1, maxWeight), 2, 8).Draw(t, "weights")
		var servers []Server
		total := 0
		for _, w := range weights {
			servers = append(servers, Server{Weight: w})
			total += w
		}
		worst := 0
		for down := range weights {
			for i := range weights {
				if i != down {
					worst = max(worst, ceilDiv(n*weights[i], total-weights[down]))
				}
			}
		}
		if got := share(servers, n); got != worst {
			t.Errorf("share is %d, want %d", got, worst)
		}
	})
}

// Filling in twice changes nothing: no default depends on another's absence.
func TestFillTwice(t *testing.T) {
	for _, path := range goodFiles(t) {
		once := mustLoad(t, path, read(t, path))
		twice := mustLoad(t, path, read(t, path))
		fill(twice, &problems{t: twice})
		same := cmp.Options{
			cmp.AllowUnexported(Topology{}),
			cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
			cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
			cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		}
		if diff := cmp.Diff(once, twice, same); diff != "" {
			t.Errorf("%s (-once +twice):\n%s", path, diff)
		}
	}
}

// Whatever is missing or absurd, filling in and checking end without a panic, and an empty topology is not valid.
func TestCheckAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		top := foobar()
		number := rapid.IntRange(-1<<62, 1<<62)
		drop := rapid.IntRange(0, 15).Draw(t, "drop")
		if drop&1 != 0 {
			top.LB.Nodes, top.VIPs = nil, nil
		}
		if drop&2 != 0 {
			top.Apps, top.Web.Nodes = nil, nil
		}
		if drop&4 != 0 {
			top.DB = &DB{}
		}
		if drop&8 != 0 {
			top.Sites = []Site{{}}
		}
		for i := range top.Web.Nodes {
			top.Web.Nodes[i].Weight = number.Draw(t, "weight")
			top.Web.Nodes[i].Address = netip.Addr{}
		}
		top.Load = &Peak{Requests: number.Draw(t, "requests"), Concurrent: number.Draw(t, "concurrent")}
		top.origins = origins{}
		wrote(top, "web.nodes.web1.weight", new(int), 0)
		wrote(top, "timeouts.request", &top.Timeouts.Request, Duration(number.Draw(t, "request")))
		wrote(top, "timeouts.connect", &top.Timeouts.Connect, Duration(number.Draw(t, "connect")))
		p := &problems{t: top}
		fill(top, p)
		check(top, p)
		if drop != 0 && len(p.list) == 0 {
			t.Error("nothing is wrong with half a topology")
		}
	})
}
